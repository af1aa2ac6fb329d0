"""`rebal-tui import FILE.csv`: import a custodian's positions file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui.cli.files_books import is_replaceable, opened
from rebal_tui.cli.parameters import copied, naming_file, read_file, write, write_json, write_message
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.quantities import money_text, qty_text
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text

if TYPE_CHECKING:
    from rebal_tui.broker.files.statement import Statement
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.files_book.import_plan import ImportPlan

_MAX_ROWS = 40


def import_positions(
    path: Path, file: Path, content: bytes, *, format_name: str | None, map_file: Path | None, as_of: date | None,
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Import a positions file into the book at `path`, or with `dry_run` show what it would change.

    Returns the exit code. `content` is that of `file`; `format_name` is the custodian's format, None to recognize it.
    `as_of` is the date or time of a file that has none.
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
        first = not len(book.account_table)
        apply_import(book, plan, mapping)
        if not plan.known:
            evaluation_pass(book, explain=False)
        process_runs(book)
    # By now the book's file has its final name, so a failing standard output does not remove it.
    if as_json:
        _write_json(statement, plan)
    else:
        _show(plan)
        write(f"{plan.text}\n")
        if first:
            write(_next_steps(path))
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
    as_of: date | None, *, as_json: bool,
) -> int:  # fmt: skip
    from rebal_tui.broker.files.recognizer import read_statement
    from rebal_tui.services.book.files_settings import read_options
    from rebal_tui.services.files_book.import_plan import NO_DATE, plan_import

    with _without_storing(path) as (book, new), naming_file(file):
        statement = read_statement(content, read_options(book.database, mapping), format_name)
        if as_json and statement.as_of is None and as_of is None:
            write_json(statement.as_json())  # its "as_of" is null.
            write_message(f"{file}: {NO_DATE}")
            return 0
        plan = plan_import(book, statement, as_of=as_of)
    if as_json:
        _write_json(statement, plan)
        return 0
    _show(plan)
    write("Nothing was stored.\n" if new else f"{plan.text}\nNothing was stored.\n")
    return 0


@contextmanager
def _without_storing(path: Path) -> Iterator[tuple[Book, bool]]:
    """A copy in memory of the book at `path`, or a new one where the import would create it; and whether it is new.

    Raises `Conflict` for a book that is not a files book.
    """
    from rebal_tui import bootstrap, files_book

    if path.is_file() and not is_replaceable(path):
        with copied(path) as database:
            if not files_book.is_files(database):
                raise Conflict(f"{path} is not a files book; positions files need a book of their own")
            yield files_book.open_files(database), False
        return
    database = bootstrap.open_database(":memory:")
    try:
        with database.write():
            files_book.create_files(database, name=path.stem, now=bootstrap.real_now(), seed=bootstrap.new_seed())
        yield files_book.open_files(database), True
    finally:
        database.close()


def _write_json(statement: Statement, plan: ImportPlan) -> None:
    """Print a statement as JSON, with the time used where the file has none."""
    write_json({**statement.as_json(), "as_of": _date(plan)})


def _date(plan: ImportPlan) -> str:
    """The date in the file, or the New York time used instead."""
    stated = plan.statement.as_of
    return stated.isoformat() if stated is not None else plan.as_of.astimezone(NEW_YORK).isoformat(timespec="seconds")


def _next_steps(path: Path) -> str:
    """Where the new book is, and which commands come next."""
    from rebal_tui import paths

    shown = f'"{path}"' if " " in str(path) else path
    named = "" if path == paths.default_path() else f" --db {shown}"
    return f"Book: {path}. Next: 'rebal-tui subscribe model.json --all{named}', or 'rebal-tui{named}' to open it.\n"


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


def _show(plan: ImportPlan) -> None:
    """The accounts, the cash lines, the rows left out, and what differs from the book."""
    statement, names = plan.statement, plan.shown_names
    positions = sum(len(account.holdings) for account in statement.accounts)
    write(
        f"{statement.format}, {_date(plan)}, {statement.encoding}: "
        f"{count_text(len(statement.accounts), 'account')}, {count_text(positions, 'position')}\n"
    )
    rows = [
        (account.number, names[account.key], money_text(account.cash), str(len(account.holdings)))
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
    _show_changes(plan)


def _show_changes(plan: ImportPlan) -> None:
    rows = [(stated.number, "name", f"{before} → {after}", "") for stated, before, after in plan.renames]
    for stated, change in plan.changes.values():
        for one in change.symbols:
            why = f"{qty_text(one.before)} → {qty_text(one.after)}"
            rows.append((stated.number, one.symbol, why, "needs review" if one.unexplained else "fill"))
        if change.flow:
            rows.append((stated.number, "cash", f"flow of {money_text(change.flow)}", ""))
    rows += [(account.account_number, "", "not in the file", "") for account in plan.missing]
    if rows:
        write("\n" + plain_table(("ACCOUNT", "SYMBOL", "CHANGE", ""), rows[:200]) + "\n")
