"""`rebal-tui enter`: enter accounts, assets, holdings, cash and prices of a files book without a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from rebal_tui.cli.files_books import opened
from rebal_tui.cli.parameters import EXIT_CODES, Timestamp, command, db_option, existing_book_path, write
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, parse_money, parse_price, parse_qty

_Parsed = TypeVar("_Parsed")


@click.group("enter", epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
def entry() -> None:
    """Enter accounts, assets, holdings, cash and prices of a files book without a file.

    \b
    Examples:
      rebal-tui new --db hand.db
      rebal-tui enter account A-1 --name "Ann Example" --cash 12000
      rebal-tui enter holding A-1 VTI 35.5
      rebal-tui enter price VTI 285.42
      rebal-tui enter account A-1 --remove
    """


@command("account")
@click.argument("number")
@db_option
@click.option("--name", help="The client's name.")
@click.option("--cash", metavar="AMOUNT", help="Cash in dollars; a change is recorded as a flow.")
@click.option("--full-number", metavar="NUMBER", help="What a trade list writes for a masked number.")
@click.option("--remove", is_flag=True, help="Remove the account, if no record refers to it.")
@click.pass_context
def account(
    ctx: click.Context, number: str, db: Path | None, name: str | None, cash: str | None, full_number: str | None,
    remove: bool,
) -> int:  # fmt: skip
    """Add an account, or change or remove it."""
    from rebal_tui.services.files_book import by_hand
    from rebal_tui.services.files_book.naming import is_known

    amount = None if cash is None else _parsed("--cash", parse_money, cash)
    with opened(existing_book_path(ctx, db)) as book:
        if remove:
            by_hand.remove_account(book, number)
            write("Account removed.\n")
        elif is_known(book, number):
            changed = by_hand.edit_account(book, number, name=name, cash=amount, full_number=full_number)
            write(f"Changed: {changed}.\n")
        else:
            by_hand.add_account(book, number, name or "", Money(0) if amount is None else amount)
            if full_number is not None:
                by_hand.edit_account(book, number, full_number=full_number)
            write("Account added.\n")
    return 0


@command("asset")
@click.argument("symbol")
@db_option
@click.option("--name", default="", help="The name of the asset.")
@click.option("--remove", is_flag=True, help="Remove the asset, if nothing refers to it.")
@click.pass_context
def asset(ctx: click.Context, symbol: str, db: Path | None, name: str, remove: bool) -> int:
    """Add an asset, change its name, or remove it."""
    from rebal_tui.services.files_book import by_hand

    with opened(existing_book_path(ctx, db)) as book:
        if remove:
            by_hand.remove_asset(book, symbol)
            write("Asset removed.\n")
        else:
            write("Asset added.\n" if by_hand.put_asset(book, symbol, name) else "Asset known; name stored.\n")
    return 0


@command("holding")
@click.argument("number")
@click.argument("symbol")
@click.argument("shares")
@db_option
@click.pass_context
def holding(ctx: click.Context, number: str, symbol: str, shares: str, db: Path | None) -> int:
    """Set the shares of a symbol in an account; 0 removes the holding."""
    from rebal_tui.services.files_book import by_hand

    qty = _parsed("SHARES", parse_qty, shares)
    with opened(existing_book_path(ctx, db)) as book:
        write(f"{by_hand.set_holding(book, number, symbol, qty)}\n")
    return 0


@command("price")
@click.argument("symbol")
@click.argument("price")
@db_option
@click.option("--as-of", type=Timestamp(), help="Time of the price. Default: now.")
@click.pass_context
def price(ctx: click.Context, symbol: str, price: str, db: Path | None, as_of: datetime | None) -> int:
    """Store a price."""
    from rebal_tui.services.files_book.by_hand import set_price

    paid = _parsed("PRICE", parse_price, price)
    with opened(existing_book_path(ctx, db)) as book:
        write("Price stored.\n" if set_price(book, symbol, paid, as_of) else "The book has a newer price.\n")
    return 0


for _one in (account, asset, holding, price):
    entry.add_command(_one)


def _parsed(name: str, parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    """A value of an option or argument. Raises `Invalid` naming it."""
    try:
        return parse(text)
    except ValueError as error:
        raise Invalid([Fault(name, str(error))]) from None
