"""`rebal-tui sample`: write an invented positions file of 60 accounts, and a portfolio for it."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.parameters import FILE, command, reporter, write_file


@command("sample")
@click.argument("output", type=FILE, metavar="POSITIONS.csv")
@click.option("--accounts", type=click.IntRange(1, 10_000), default=60, show_default=True)
@click.option("--portfolio", type=FILE, metavar="PORTFOLIO.json", help="Also write a portfolio for these accounts.")
@click.option("--force", is_flag=True, help="Replace existing files.")
def entry(output: Path, accounts: int, portfolio: Path | None, force: bool) -> int:
    """Write an invented positions file to try a files book with.

    \b
    Two minutes:
      rebal-tui sample positions.csv --portfolio model.json
      rebal-tui import positions.csv --db try.db
      rebal-tui subscribe model.json --all --db try.db
      rebal-tui evaluate --db try.db
      rebal-tui approve --all --db try.db
      rebal-tui trades list.csv --db try.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.broker.files.sample import sample_portfolio, sample_positions

    write_file(output, sample_positions(accounts, bootstrap.real_now()), force=force)
    if portfolio is not None:
        write_file(portfolio, sample_portfolio(), force=force)
    other = f", a portfolio for them to {portfolio}" if portfolio is not None else ""
    reporter(output)(f"{accounts:,} invented accounts written to {output}{other}.\n")
    return 0
