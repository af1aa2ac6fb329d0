"""`rebal-tui lab`: compare rebalancing policies over a price history."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import (
    FILE,
    FOLDER,
    Day,
    command,
    db_option,
    existing_book_path,
    json_option,
    naming_file,
    read_file,
    reading,
    write,
    write_json,
)
from rebal_tui.domain.errors import Conflict, Invalid

if TYPE_CHECKING:
    from rebal_tui.domain.corporate_actions import DatedAction
    from rebal_tui.lab.backtest import Backtest
    from rebal_tui.lab.policies import Policy
    from rebal_tui.lab.progress import Progress
    from rebal_tui.services.backtest.histories import Source
    from rebal_tui.services.backtest.verification import Verified
    from rebal_tui.services.parsing.portfolio_body import PortfolioBody

MAX_GRID_BYTES = 1_000_000
MAX_VERIFIED = 1_000
MAX_RESAMPLED = 500
"""Policies that are followed through resampled histories unless their number is given."""


@command("lab")
@click.argument("target", required=False, metavar="[PORTFOLIO|BOOK.json]")
@db_option
@click.option("--portfolio", metavar="NAME", help="The portfolio of BOOK.json, by name or id, when it has several.")
@click.option("--closes", type=FILE, metavar="FILE", help="Daily closes or monthly returns, as CSV.")
@click.option("--sample", is_flag=True, help="Use the sample history of invented assets.")
@click.option("--from", "since", type=Day(), metavar="DATE", help="First day. Default: the first in FILE.")
@click.option("--to", "until", type=Day(), metavar="DATE", help="Last day. Default: the last in FILE.")
@click.option("--actions", "actions_file", type=FILE, metavar="ACTIONS.csv", help="Splits and dividends of FILE.")
@click.option("--allow-jumps", is_flag=True, help="Continue in spite of price jumps that nothing explains.")
@click.option("--grid", type=FILE, metavar="GRID.toml", help="The policies to compare. Default: about 80.")
@click.option(
    "--cost",
    type=click.FloatRange(0, 1000),
    default=0.0,
    metavar="BP",
    help="Cost of a dollar traded, in basis points.",
)
@click.option("--fill-next", is_flag=True, help="Fill a rebalance at the close after the one that decides it.")
@click.option(
    "--bootstrap",
    type=click.IntRange(100, 100_000),
    metavar="N",
    help="Histories to resample: what differs beyond luck. Default: 250, none for more than 500 policies.",
)
@click.option(
    "--block", type=click.IntRange(6, 60), metavar="MONTHS", help="Mean length of a resampled block. Default: 24."
)
@click.option("--seed", type=click.IntRange(0), default=1, metavar="N", help="Seed of the resamples. Default: 1.")
@click.option("--verify", type=click.IntRange(1, MAX_VERIFIED), metavar="N", help="Replay the first N policies listed.")
@click.option("--all", "show_all", is_flag=True, help="Also list policies that are worse than another in everything.")
@click.option("--literature", is_flag=True, help="Compare published numbers with those of the lab.")
@click.option("--data-sets", type=FOLDER, metavar="DIR", help="With --literature: data of online portfolio selection.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print one row per policy as CSV.")
@click.pass_context
def entry(
    ctx: click.Context, target: str | None, db: Path | None, portfolio: str | None, closes: Path | None, sample: bool,
    since: date | None, until: date | None, actions_file: Path | None, allow_jumps: bool, grid: Path | None,
    cost: float, fill_next: bool, bootstrap: int | None, block: int | None, seed: int, verify: int | None,
    show_all: bool, literature: bool, data_sets: Path | None, as_json: bool, as_csv: bool,
) -> int:  # fmt: skip
    """Compare rebalancing policies over a price history.

    For each policy: rebalances, turnover, deviation from the targets, return. Policies are calendars, drift bands,
    cooldowns and how often the bands are checked; the portfolio's own policy is among them. Every policy starts on its
    targets at the first close. The first lines show what differs beyond luck, which policy costs less, and how much
    depends on the start day.

    PORTFOLIO is a portfolio of your book, by name or id; BOOK.json a file with one. Without either, 60\u00a0% SPY,
    35\u00a0% TLT and 5\u00a0% cash with the bands of 'rebal-tui replay', or with --sample 60/35/5 of invented assets.

    FILE has daily closes as for 'rebal-tui replay', or monthly returns: a header 'month,STOCK_return,BOND_return', then
    rows such as 1926-07,0.0318,0.0047. Without --closes, the prices of the book's own evaluations are used.

    GRID.toml has lists; every combination of their values is a policy:
    absolute = [3, 5, "none"], relative = [20, "none"], calendar = ["monthly 15", "none"], cooldown = [0, 31],
    look = [1, 10], destination = ["target", "edge"], scope = ["whole", "breached"].

    ACTIONS.csv has splits, stock and cash dividends as for 'rebal-tui replay'; dividends are reinvested at the last
    close before their day.

    --literature compares published numbers with those of the lab, each with its tolerance, and names what is not
    reached. DIR is 'universal/data' of the package universal-portfolios 0.4.17.

    \b
    Examples:
      rebal-tui lab --sample
      rebal-tui lab --closes closes.csv
      rebal-tui lab "Balanced 60/40" --closes closes.csv --cost 5
      rebal-tui lab --closes closes.csv --bootstrap 1000 --block 36
      rebal-tui lab clients.json --portfolio Growth --closes closes.csv \\
        --grid grid.toml --json
    """
    if sum((as_json, as_csv)) > 1:
        raise click.UsageError("--json and --csv cannot be combined")
    if literature:
        if target is not None or closes is not None or sample or as_csv:
            raise click.UsageError("--literature has its own portfolios and histories, and prints text or JSON")
        return _literature(data_sets, as_json=as_json)
    if actions_file is not None and closes is None:
        raise click.UsageError("--actions needs --closes")
    if sample and (closes is not None or target is not None):
        raise click.UsageError("--sample has its own portfolio and history")
    from rebal_tui.cli.lab_report import lab_text
    from rebal_tui.lab.luck import FEW_RESAMPLES
    from rebal_tui.services.backtest import comparison
    from rebal_tui.services.backtest.report import lab_csv, lab_json
    from rebal_tui.services.backtest.subjects import policy_of

    body = _subject(ctx, target, db, portfolio, sample=sample)
    source = _source(ctx, db, body, closes, since, until, actions_file, sample=sample, allow_jumps=allow_jumps)
    subject = comparison.Subject(body.name, body.weights, policy_of(body), source, sample=sample)
    with _progress("policies") as progress:
        found = comparison.compare(
            subject, progress, policies=() if grid is None else _read_grid(grid), cost_bps=cost,
            fill_delay=int(fill_next),
        )  # fmt: skip
    verified = _verify(found.backtest, source, verify)
    if as_csv:
        write(lab_csv(found.backtest))
    else:
        if bootstrap is not None or len(found.rows) <= MAX_RESAMPLED:
            with _progress("resampled histories") as progress:
                found = comparison.with_luck(found, bootstrap or FEW_RESAMPLES, progress, months=block, seed=seed)
        if as_json:
            write_json(lab_json(found, verified))
        else:
            write(lab_text(found, verified, show_all=show_all))
    return 1 if any(not result.identical for result in verified) else 0


def _literature(data_sets: Path | None, *, as_json: bool) -> int:
    from rebal_tui.cli.lab_literature import literature_json, literature_text
    from rebal_tui.services.backtest.literature import comparisons

    rows = comparisons(data_sets)
    if as_json:
        write_json(literature_json(rows))
    else:
        write(literature_text(rows, complete=data_sets is not None))
    return 0


def _subject(
    ctx: click.Context, target: str | None, db: Path | None, portfolio: str | None, *, sample: bool
) -> PortfolioBody:
    from rebal_tui.services.backtest import subjects
    from rebal_tui.services.backtest.histories import SAMPLE_PORTFOLIO
    from rebal_tui.services.simulation.replay import DEFAULT_PORTFOLIO

    if sample:
        return SAMPLE_PORTFOLIO
    if target is None:
        return DEFAULT_PORTFOLIO
    path = Path(target)
    if path.suffix.lower() == ".json":
        from rebal_tui.services.parsing.book_file import parse_book

        if not path.is_file():
            raise Conflict(f"{path}: no such file")
        with naming_file(path):
            return subjects.from_file(parse_book(read_file(path)), portfolio)
    if portfolio is not None:
        raise click.UsageError("--portfolio names a portfolio of a BOOK.json; give the name of a book's own directly")
    book = existing_book_path(ctx, db)
    with naming_file(book), reading(book) as database:
        return subjects.from_book(database, target)


def _source(
    ctx: click.Context, db: Path | None, body: PortfolioBody, closes: Path | None, since: date | None,
    until: date | None, actions_file: Path | None, *, sample: bool, allow_jumps: bool,
) -> Source:  # fmt: skip
    from rebal_tui.market.closes_file import read_closes
    from rebal_tui.market.monthly_returns import has_monthly_returns, read_monthly_returns
    from rebal_tui.services.backtest import histories

    symbols = body.weights.symbols
    if sample:
        return histories.sample_source(symbols)
    if closes is None:
        book = existing_book_path(ctx, db)
        with naming_file(book), reading(book) as database:
            return histories.book_source(histories.book_closes(database, symbols))
    with naming_file(closes):
        if has_monthly_returns(_first_line(closes)):
            if since is not None or until is not None:
                raise Invalid("--from and --to are for daily closes")
            return histories.returns_source(closes.name, read_monthly_returns(closes), symbols)
        read = read_closes(closes)
    actions = () if actions_file is None else _read_actions(actions_file)
    with naming_file(actions_file or closes):
        return histories.closes_source(
            closes.name, read, symbols, since, until, allow_jumps=allow_jumps, actions=actions
        )


def _read_actions(path: Path) -> tuple[DatedAction, ...]:
    from rebal_tui.services.parsing.actions_file import read_actions

    with naming_file(path):
        return read_actions(path)


def _first_line(path: Path) -> str:
    """The beginning of a file as text; empty when it cannot be read, which reading it reports."""
    try:
        with path.open("rb") as file:
            return file.read(200).decode("utf-8", "replace")
    except OSError:
        return ""


def _read_grid(path: Path) -> tuple[Policy, ...]:
    import tomllib

    from rebal_tui.lab.grid import parse_grid

    with naming_file(path):
        with path.open("rb") as file:
            content = file.read(MAX_GRID_BYTES + 1)
        if len(content) > MAX_GRID_BYTES:
            raise Invalid("the file is larger than 1 MB")
        try:
            table = tomllib.loads(content.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise Invalid(f"not readable as TOML: {error}") from error
        return parse_grid(table)


def _verify(backtest: Backtest, source: Source, count: int | None) -> tuple[Verified, ...]:
    if count is None:
        return ()
    from rebal_tui import bootstrap
    from rebal_tui.services.backtest.report import listed
    from rebal_tui.services.backtest.verification import verifiable, verify

    if source.adjusted:
        raise Conflict("--verify and --actions cannot be combined: a replay pays dividends in cash")
    if not source.sessions:
        raise Conflict("--verify needs daily closes: a replay evaluates once a session")
    outcomes = [outcome for outcome in listed(backtest, show_all=False) if not verifiable(backtest, outcome)][:count]
    if not outcomes:
        reason = verifiable(backtest, backtest.own)
        raise Conflict(f"--verify: no policy can be verified: {reason}")
    with _progress("sessions of the replay") as progress:
        return verify(backtest, outcomes, bootstrap.replay_book, progress)


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on stderr when stderr is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
