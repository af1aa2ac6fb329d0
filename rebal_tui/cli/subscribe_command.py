"""`rebal-tui subscribe`: create a portfolio in a files book and subscribe accounts to it."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.files_books import opened
from rebal_tui.cli.parameters import (
    FILE,
    command,
    db_option,
    existing_book_path,
    naming_file,
    read_file,
    write,
    write_message,
)
from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.text import count_text


@command("subscribe")
@click.argument("portfolio_file", type=FILE, metavar="PORTFOLIO.json")
@click.argument("numbers", nargs=-1, metavar="ACCOUNT…")
@db_option
@click.option("--all", "every", is_flag=True, help="Every account that follows no portfolio.")
@click.pass_context
def entry(ctx: click.Context, portfolio_file: Path, numbers: tuple[str, ...], db: Path | None, every: bool) -> int:
    """Create a portfolio in a files book and subscribe accounts to it.

    PORTFOLIO.json has the API's shape: name, weights, cooldown_days, rebalance_conditions; an exported
    portfolio is one. A portfolio that the book has under this name is used unchanged.

    \b
    Examples:
      rebal-tui subscribe model.json --all --db clients.db
      rebal-tui subscribe model.json U9400173 U9400188
    """
    from rebal_tui.services.advisory.portfolios import create_portfolio
    from rebal_tui.services.advisory.subscriptions import subscribe_manually
    from rebal_tui.services.parsing.exact_json import read_json
    from rebal_tui.services.parsing.portfolio_input import parse_portfolio_file

    if not every and not numbers:
        raise click.UsageError("expected ACCOUNT or --all")
    with naming_file(portfolio_file):
        raw = read_json(read_file(portfolio_file))
    with opened(existing_book_path(ctx, db)) as book:
        with naming_file(portfolio_file):
            body = parse_portfolio_file(raw, book.assets)
        unknown = sorted(set(numbers) - set(book.account_table.numbers))
        if unknown:
            raise Conflict(f"no account has the number of argument {numbers.index(unknown[0]) + 1}")
        done = 0
        with book.write():
            known = next((one for one in book.portfolios.values() if one.name == body.name), None)
            portfolio = known or create_portfolio(book, body)
        for account_id, account in list(book.accounts.items()):
            if account_id in book.subscriptions or not (every or account.account_number in numbers):
                continue
            try:
                subscribe_manually(book, account_id, portfolio.id)
            except Refusal as refusal:
                write_message(str(refusal))
            else:
                done += 1
    write(f"{count_text(done, 'account')} now follow {portfolio.name}.\n")
    return 0
