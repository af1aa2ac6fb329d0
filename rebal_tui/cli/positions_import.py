"""`rebal-tui import FILE.csv`: import a custodian's positions file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui.cli.files_books import is_replaceable, opened
from rebal_tui.cli.parameters import copied, naming_file, read_file, write, write_json
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.quantities import money_text, qty_text
from rebal_tui.domain.text import count_text

if TYPE_CHECKING:
    from rebal_tui.broker.files.readers.options import ReadOptions
    from rebal_tui.broker.files.statement import Statement
    from rebal_tui.services.files_book.import_plan import ImportPlan

_MAX_ROWS = 40


def import_positions(
    path: Path, file: Path, content: bytes, *, format_name: str | None, map_file: Path | None, as_of: datetime | None,
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Import a positions file into the book at `path`, or with `dry_run` show what it would change.

    Returns the exit code. `content` is that of `file`; `format_name` is the custodian's format, None to recognize it.
    """
    mapping = None if map_file is None else _mapping(map_file)
    if mapping is not None and format_name is None:
        format_name = "generic"
    if dry_run:
        return _dry_run(path, file, content, mapping, format_name, as_of, as_json=as_json)
    from rebal_tui.broker.files.recognizer import read_statement
    from rebal_tui.services.book.files_settings import read_options
    from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
    from rebal_tui.services.files_book.import_plan import plan_import
    from rebal_tui.services.files_book.importing import apply_import
    from rebal_tui.services.runs.processing import process_runs

    with opened(path, create=True) as book:
        with naming_file(file):
            statement = read_statement(content, read_options(book.database, mapping), format_name)
            plan = plan_import(book, statement, as_of=as_of)
        apply_import(book, plan, mapping)
        if not plan.known:
            evaluation_pass(book, explain=False)
        process_runs(book)
    # By now the book's file has its final name, so a failing standard output does not remove it.
    if as_json:
        write_json(statement.as_json())
    else:
        _show(statement, plan)
        write(f"{plan.text}\n")
    return 0


def take_back(path: Path) -> int:
    """Undo the last import of positions into the book at `path`; returns the exit code."""
    from rebal_tui.services.files_book.importing import undo_import

    with opened(path) as book:
        undone = undo_import(book)
    write(f"{undone}\n")
    return 0


def _dry_run(
    path: Path, file: Path, content: bytes, mapping: Mapping[str, str] | None, format_name: str | None,
    as_of: datetime | None, *, as_json: bool,
) -> int:  # fmt: skip
    from rebal_tui.broker.files.readers.options import ReadOptions
    from rebal_tui.broker.files.recognizer import read_statement
    from rebal_tui.services.book.files_settings import read_options

    plan: ImportPlan | None = None
    if not path.is_file() or is_replaceable(path):
        options: ReadOptions = ReadOptions(mapping=mapping)
        with naming_file(file):
            statement = read_statement(content, options, format_name)
    else:
        from rebal_tui import files_book
        from rebal_tui.services.files_book.import_plan import plan_import

        with copied(path) as database:
            if not files_book.is_files(database):
                raise Conflict(f"{path} is not a files book; positions files need a book of their own")
            with naming_file(file):
                statement = read_statement(content, read_options(database, mapping), format_name)
                if statement.as_of is not None or as_of is not None:
                    plan = plan_import(files_book.open_files(database), statement, as_of=as_of)
    if as_json:
        write_json(statement.as_json())
        return 0
    _show(statement, plan)
    write(f"{plan.text if plan else ''}\nNothing was stored.\n".lstrip("\n"))
    return 0


def _mapping(path: Path) -> Mapping[str, str]:
    from rebal_tui.broker.files.readers.generic import check_mapping

    with naming_file(path):
        try:
            raw = json.loads(read_file(path))
        except ValueError:
            raise Invalid("expected JSON") from None
        if not isinstance(raw, dict):
            raise Invalid('expected an object such as {"account": "Account no.", "symbol": "Ticker"}')
        return check_mapping(raw)


def _show(statement: Statement, plan: ImportPlan | None) -> None:
    """The accounts, the cash lines, the rows left out, and what differs from the book."""
    date = statement.as_of.isoformat() if statement.as_of else "without a date"
    positions = sum(len(account.holdings) for account in statement.accounts)
    write(
        f"{statement.format}, {date}, {statement.encoding}: {count_text(len(statement.accounts), 'account')}, "
        f"{count_text(positions, 'position')}\n"
    )
    rows = [
        (account.number, account.name or "", money_text(account.cash), str(len(account.holdings)))
        for account in statement.accounts[:_MAX_ROWS]
    ]
    write(plain_table(("ACCOUNT", "NAME", "CASH", "POSITIONS"), rows) + "\n")
    if len(statement.accounts) > _MAX_ROWS:
        write(f"and {len(statement.accounts) - _MAX_ROWS:,} more accounts\n")
    left = [
        (str(row.line), row.reason, "" if row.amount is None else money_text(row.amount))
        for row in statement.left_out
        if row.matters
    ]
    if left:
        write("\nLeft out with a value; the account waits until somebody has reviewed it:\n")
        write(plain_table(("LINE", "REASON", "AMOUNT"), left) + "\n")
    cash = sorted({line.text for account in statement.accounts for line in account.cash_lines})
    if cash:
        write(f"\nCounted as cash: {', '.join(cash[:20])}\n")
    for note in statement.notes:
        write(f"{note}\n")
    if plan is not None:
        _show_changes(plan)


def _show_changes(plan: ImportPlan) -> None:
    rows = []
    for stated, change in plan.changes.values():
        for one in change.symbols:
            why = f"{qty_text(one.before)} → {qty_text(one.after)}"
            rows.append((stated.number, one.symbol, why, "needs review" if one.unexplained else "fill"))
        if change.flow:
            rows.append((stated.number, "cash", f"flow of {money_text(change.flow)}", ""))
    rows += [(account.account_number, "", "not in the file", "") for account in plan.missing]
    if rows:
        write("\n" + plain_table(("ACCOUNT", "SYMBOL", "CHANGE", ""), rows[:200]) + "\n")
