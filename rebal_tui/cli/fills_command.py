"""`rebal-tui fills`: report what the custodian filled of a trade list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from rebal_tui.cli.files_books import decimal_option, opened
from rebal_tui.cli.parameters import FILE, command, db_option, existing_book_path, naming_file, read_file, write
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import money_text, parse_money, parse_price, parse_qty, qty_text

_Parsed = TypeVar("_Parsed")


@command("fills")
@click.argument("file", type=FILE, metavar="TRANSACTIONS.csv", required=False)
@db_option
@click.option("--account", default="", help="The account of a file that has no account column: number or label.")
@click.option("--list", "number", type=int, metavar="N", help="Entered by hand: the list.")
@click.option("--line", type=int, metavar="L", help="Entered by hand: the line.")
@click.option("--qty", metavar="SHARES", help="Entered by hand: shares filled.")
@click.option("--price", metavar="PRICE", help="Entered by hand: the price.")
@click.option("--fees", default="0", metavar="AMOUNT", help="Entered by hand: fees.")
@decimal_option
@click.pass_context
def entry(
    ctx: click.Context, file: Path | None, db: Path | None, account: str, number: int | None, line: int | None,
    qty: str | None, price: str | None, fees: str, decimal: str | None,
) -> int:  # fmt: skip
    """Book fills of a trade list from a transactions file, or one line entered by hand.

    The next positions file finds fills by itself ('rebal-tui import'). A trade that no list explains pauses its
    account until somebody has reviewed it; deposits and dividends are only shown, as the next positions file has them.

    \b
    Examples:
      rebal-tui fills Individual_XXX417_Transactions.csv
      rebal-tui fills --list 3 --line 2 --qty 30 --price 118.605
    """
    from rebal_tui.broker.files.transactions_file import read_transactions
    from rebal_tui.services.files_book.fills import apply_fills, fill_by_hand
    from rebal_tui.services.files_book.other_files import account_in_name, fills_text
    from rebal_tui.services.runs.processing import process_runs

    path = existing_book_path(ctx, db)
    if file is None:
        if number is None or line is None or qty is None or price is None:
            raise click.UsageError("expected a file, or --list, --line, --qty and --price")
        shares = _parsed("qty", parse_qty, qty)
        paid, cost = _parsed("price", parse_price, price), _parsed("fees", parse_money, fees)
        if shares <= 0 or cost < 0:
            raise Invalid([Fault("--qty", "expected shares above 0, and fees of 0 or more")])
        with opened(path) as book:
            fill_by_hand(book, number, line, shares, paid, cost)
            process_runs(book)
        write(f"{qty} of line {line} booked.\n")
        return 0
    with naming_file(file):
        rows = read_transactions(read_file(file), decimal)
    with opened(path) as book:
        report = apply_fills(book, rows, account or account_in_name(file.name))
        process_runs(book)
    write(f"{fills_text(report)}.\n")
    shown = [
        (str(row.line), row.kind.value, row.symbol, "" if row.qty is None else qty_text(row.qty),
         "" if row.amount is None else money_text(row.amount))
        for row in (*report.unmatched, *report.flows)
    ]  # fmt: skip
    if shown:
        write(plain_table(("LINE", "KIND", "SYMBOL", "SHARES", "AMOUNT"), shown) + "\n")
    return 0


def _parsed(name: str, parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    """A value entered by hand. Raises `Invalid` naming the option."""
    try:
        value = parse(text)
    except ValueError as error:
        raise Invalid([Fault(f"--{name}", str(error))]) from None
    return value
