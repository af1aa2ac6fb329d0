"""`rebal-tui prices`: prices of a files book from a file or entered by hand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from rebal_tui.cli.files_books import decimal_option, opened
from rebal_tui.cli.parameters import (
    FILE,
    Timestamp,
    command,
    db_option,
    existing_book_path,
    naming_file,
    read_file,
    write,
)
from rebal_tui.domain.text import count_text


@command("prices")
@click.argument("file", type=FILE, metavar="PRICES.csv", required=False)
@db_option
@click.option("--set", "given", multiple=True, metavar="SYM=PRICE", help="A price entered by hand; may be repeated.")
@click.option("--as-of", type=Timestamp(), help="Time of the prices, where the file has none. Default: now.")
@decimal_option
@click.pass_context
def entry(
    ctx: click.Context,
    file: Path | None,
    db: Path | None,
    given: tuple[str, ...],
    as_of: datetime | None,
    decimal: str | None,
) -> int:
    """Store prices in a files book: from a file with 'symbol,price[,as_of]' or 'date,SYM,…', or entered by hand.

    A symbol that the book does not have is added, so that a portfolio may target it. An older price than the one
    stored changes nothing.

    \b
    Examples:
      rebal-tui prices closes.csv
      rebal-tui prices --set VTI=285.42 --set BND=72.91
    """
    from rebal_tui.broker.files.price_file import StatedPrice, price_of, read_prices
    from rebal_tui.services.files_book.prices import import_prices, quotes_of

    if file is None and not given:
        raise click.UsageError("expected a file or --set")
    found: dict[str, StatedPrice] = {}
    if file is not None:
        with naming_file(file):
            found.update(read_prices(read_file(file), decimal))
    found |= {symbol: StatedPrice(price, None) for symbol, price in map(price_of, given)}
    with opened(existing_book_path(ctx, db)) as book:
        new = import_prices(book, quotes_of(book, found, as_of))
    write(f"{count_text(new, 'new price')} of {len(found):,}.\n")
    return 0
