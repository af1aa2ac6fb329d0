"""Importing a positions file, then one with changes in every account, and evaluating them, in processor time (R-71).

The ratio of an import is to reading the same file with Python's `csv` alone; that of an evaluation is to the same book
without whole shares.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rebal_tui import bootstrap, files_book
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.sample import sample_portfolio, sample_positions
from rebal_tui.services.advisory.bulk import subscribe_all
from rebal_tui.services.advisory.portfolios import create_portfolio
from rebal_tui.services.book.files_settings import read_options
from rebal_tui.services.book.rules_view import RulesView
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.files_book.import_plan import plan_import
from rebal_tui.services.files_book.importing import apply_import
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from tests.benchmarks.report import duration, header, parser, ratio, row

ACCOUNTS = 10_000


def measure(folder: Path, accounts: int) -> None:
    now = bootstrap.real_now()
    text = sample_positions(accounts, now)
    plain = _seconds(lambda: list(csv.reader(io.StringIO(text))))
    header(f"{accounts:,} accounts, {text.count(chr(10)):,} rows", "time", "to plain csv")
    row("reading the rows with csv alone", duration(plain), "1.0")
    database = bootstrap.open_database(folder / "book.db")
    files_book.create_files(database, name="benchmark", now=now, seed="benchmark")
    book = files_book.open_files(database)

    def imported(content: str) -> None:
        statement = read_statement(content.encode(), read_options(database))
        apply_import(book, plan_import(book, statement))

    first = _seconds(lambda: imported(text))
    row("first import: read, compared, stored", duration(first), ratio(first / plain))
    again = _seconds(lambda: imported(text))
    row("the same content again", duration(again), ratio(again / plain))
    cents = text.replace(".37,Cash", ".38,Cash")
    changed = _seconds(lambda: imported(cents))
    row("the next file, the cash of every account changed", duration(changed), ratio(changed / plain))
    header(f"evaluating {accounts:,} accounts of a files book", "time", "to no rules")
    portfolio = create_portfolio(book, parse_portfolio(json.loads(sample_portfolio())))
    subscribe_all(book, list(book.accounts), portfolio.id, moving=False)
    whole_shares, no_rules = book.rules_view, RulesView(database)

    def decided(rules: RulesView) -> float:
        book.rules_view = rules
        book.version += 1
        book.frame()
        return min(_seconds(lambda: decide_book(book)) for _ in range(5))

    plain, ruled = decided(no_rules), decided(whole_shares)
    row("deciding every account without rules", duration(plain), "1.0")
    row("deciding every account in whole shares", duration(ruled), ratio(ruled / plain))
    stored = _seconds(lambda: evaluation_pass(book, explain=False))
    row("a pass that proposes a run for nearly every account, stored", duration(stored), ratio(stored / plain))
    database.close()


def _seconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def main() -> None:
    found = parser("import_positions", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.accounts)


if __name__ == "__main__":
    main()
