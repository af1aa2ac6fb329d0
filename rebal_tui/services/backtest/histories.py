"""Price histories for a backtest: from closes, from monthly returns, from a book, or the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from rebal_tui.domain.corporate_actions import DatedAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.portfolios import AssetWeight, BandType, DriftBand, Weights
from rebal_tui.domain.quantities import Percent, Price
from rebal_tui.domain.text import count_text
from rebal_tui.lab.history import PRICES_ONLY, TOTAL_RETURNS, Gap, History, history_of
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes
from rebal_tui.market.monthly_returns import MonthlyReturns
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.backtest.adjusted_closes import adjusted
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.simulation.closes_review import find_jumps, require_no_jumps
from rebal_tui.store import past_rows
from rebal_tui.store.database import Database

DATA = Path(__file__).parent / "data"
SAMPLE_FILE = DATA / "sample_closes.csv"
SAMPLE_LABEL = "sample history of invented assets"
SAMPLE_PORTFOLIO = PortfolioBody(
    name="Sample 60/35/5",
    description="A portfolio of invented assets",
    weights=Weights((AssetWeight("X-STOCKS", Percent(6000)), AssetWeight("X-BONDS", Percent(3500))), Percent(500)),
    cooldown_days=7,
    conditions=(DriftBand(BandType.ABSOLUTE, Percent(500)), DriftBand(BandType.RELATIVE, Percent(2000))),
)
_INDEX_START = 10**12
"""An index of returns starts at $1,000."""
_BEYOND = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Source:
    """A price history for a backtest, its origin, and notes for the user.

    `label` names the origin. `sessions` is whether the history has a price for each session, rather than for each month
    end. `adjusted` is whether the prices were adjusted for corporate actions.
    """

    label: str
    history: History
    notes: tuple[str, ...] = ()
    sessions: bool = True
    """Whether its days are trading sessions, as a verification by replay needs."""
    adjusted: bool = False
    """Whether its closes are adjusted for corporate actions; a replay pays dividends in cash instead."""


def closes_source(
    label: str, closes: Closes, symbols: Sequence[str], since: date | None = None, until: date | None = None,
    *, allow_jumps: bool = False, actions: Sequence[DatedAction] = (),
) -> Source:  # fmt: skip
    """The history of `symbols` in closes, adjusted for corporate actions; `label` names where the closes come from.

    `since` and `until` are the first and last day to use, None for all days. Raises `Invalid` for missing symbols,
    fewer than two sessions or an action that cannot be adjusted for, and `Conflict` for price jumps (R-55) unless they
    are allowed.
    """
    if actions:
        closes = adjusted(closes, actions)
    days = [day for day in closes.days if (since is None or day >= since) and (until is None or day <= until)]
    if not days:
        raise Invalid(f"no closes in this range: the file has closes from {closes.days[0]} to {closes.days[-1]}")
    following = _following(days[0], days[-1])
    picked = [index for index, day in enumerate(closes.days) if days[0] <= day <= days[-1]]
    columns = {
        symbol: [closes.rows[index][column] for index in picked]
        for column, symbol in enumerate(closes.symbols)
        if symbol in set(symbols)
    }
    basis = TOTAL_RETURNS if actions else PRICES_ONLY
    history, gaps = history_of(symbols, days, following, columns or dict.fromkeys(closes.symbols, ()), basis)
    if not allow_jumps:
        used = Closes(history.symbols, history.days, history.rows)
        require_no_jumps(find_jumps(used, history.days, {}))
    return Source(label, history, tuple(_notes(history, days, following, gaps)), adjusted=bool(actions))


def returns_source(label: str, returns: MonthlyReturns, symbols: Sequence[str]) -> Source:
    """The history of the given monthly returns, as index levels.

    There is one level at each month end, from the month before the first return. Raises `Invalid` for a symbol without
    a column.
    """
    positions = [returns.symbols.index(symbol) for symbol in symbols if symbol in returns.symbols]
    if len(positions) != len(symbols):
        unknown = ", ".join(symbol for symbol in symbols if symbol not in returns.symbols)
        raise Invalid(f"no column of {unknown}; the file has {', '.join(returns.symbols)}")
    ends = [_month_end(month, 0) for month in returns.months]
    days = [_month_end(returns.months[0], -1), *ends, _month_end(returns.months[-1], 1)]
    levels = [[Price(_INDEX_START)] * len(symbols)]
    for row in returns.rows:
        levels.append([Price(round(level * (1 + row[at]))) for level, at in zip(levels[-1], positions, strict=True)])
    closes = {symbol: [level[column] for level in levels] for column, symbol in enumerate(symbols)}
    following = dict(pairwise(days))
    history, _ = history_of(symbols, days[:-1], following, closes, TOTAL_RETURNS)
    return Source(label, history, (f"{count_text(len(returns.months), 'month')}, one close a month",), sessions=False)


def book_closes(database: Database, symbols: Sequence[str]) -> Closes:
    """The last price of each session, as the book's own evaluations used it.

    Raises `Invalid` with fewer than two sessions.
    """
    prices = past_rows.session_prices(database)
    if len(prices) < 2:
        raise Invalid(
            f"the book has prices of {count_text(len(prices), 'session')} only; give a price history with --closes, or "
            "use --sample"
        )
    rows = tuple(tuple(found.get(symbol) for symbol in symbols) for found in prices.values())
    return Closes(tuple(symbols), tuple(prices), rows)


def book_source(closes: Closes) -> Source:
    """The history of closes from `book_closes`. Raises `Invalid` when there are too few sessions."""
    return closes_source("this book's own evaluations", closes, closes.symbols, allow_jumps=True)


def sample_source(symbols: Sequence[str] = SAMPLE_PORTFOLIO.weights.symbols) -> Source:
    """The sample history of invented assets that ships with the program."""
    return closes_source(SAMPLE_LABEL, read_closes(SAMPLE_FILE), symbols)


def _following(first: date, last: date) -> Mapping[date, date]:
    """The session after each session from `first` to `last`."""
    sessions = build_sessions(first, last + _BEYOND)
    return {s.day: s.next_day for s in sessions if s.next_day is not None and s.day <= last}


def _notes(history: History, days: Sequence[date], following: Mapping[date, date], gaps: Sequence[Gap]) -> list[str]:
    notes = []
    if days[0] < history.days[0]:
        notes.append(f"starts on {history.days[0]}, the first session on which every symbol has a close")
    if history.days[-1] < days[-1]:
        notes.append(f"ends on {history.days[-1]}, the last session on which every symbol has a close")
    others = [day for day in days if day not in following]
    if others:
        notes.append(f"{count_text(len(others), 'day')} ignored: no trading session (first: {others[0]})")
    known = set(days)
    absent = [d for d in following if history.days[0] < d < history.days[-1] and d not in known]
    if absent:
        notes.append(f"{count_text(len(absent), 'session')} without trades: not in the file (first: {absent[0]})")
    if gaps:
        first = gaps[0]
        notes.append(
            f"{count_text(len(gaps), 'session')} without trades: a close is missing "
            f"(first: {first.day}, {', '.join(first.symbols)})"
        )
    return notes


def _month_end(month: date, offset: int) -> date:
    """The last day of the month `offset` months after a day's month."""
    number = month.year * 12 + month.month + offset
    return date(number // 12, number % 12 + 1, 1) - timedelta(days=1)
