"""Replay of a price history with the program's scheduler, rules and simulated broker: one evaluation per session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from rebal_tui.domain.accounts import Account, AccountStatus
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.corporate_actions import DatedAction
from rebal_tui.domain.errors import Conflict, Fault, Invalid, Refusal, require
from rebal_tui.domain.portfolios import AssetWeight, BandType, DriftBand, Weights
from rebal_tui.domain.quantities import Money, Percent, Value, parse_money
from rebal_tui.engine.drift import asset_drifts, largest_drift, largest_usage
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.closes import Closes
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.advisory import portfolios, subscriptions
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.parsing.book_values import BookFile
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action
from rebal_tui.services.simulation.replay_result import CarriedOut, Replay, WorstDrift, turnover_of
from rebal_tui.store import book_settings, decisions, fills, run_orders, runs

OPENING_CASH = parse_money("100000")
DEFAULT_PORTFOLIO = PortfolioBody(
    name="Balanced",
    description="A balanced portfolio of stocks and bonds",
    weights=Weights((AssetWeight("SPY", Percent(6000)), AssetWeight("TLT", Percent(3500))), Percent(500)),
    cooldown_days=7,
    conditions=(DriftBand(BandType.ABSOLUTE, Percent(500)), DriftBand(BandType.RELATIVE, Percent(2000))),
)

NO_ACTIONS: Mapping[date, Sequence[DatedAction]] = MappingProxyType({})
Progress = Callable[[int, int, date], None]
"""Called after each session with the number of sessions done, the total, and the session's day."""


def sessions_of(closes: Closes, since: date | None, until: date | None) -> list[date]:
    """The sessions from the first to the last day with closes, of the days from `since` to `until`, both included.

    None is no bound. Raises `Invalid` when there are no such sessions.
    """
    days = [day for day in closes.days if (since is None or day >= since) and (until is None or day <= until)]
    if not days:
        known = f"the file has closes from {closes.days[0]} to {closes.days[-1]}"
        raise Invalid([Fault("--from/--to", f"no closes in this range: {known}")])
    sessions = [session.day for session in build_sessions(days[0], days[-1])]
    if not sessions:
        raise Invalid([Fault("", f"no trading session from {days[0]} to {days[-1]}")])
    return sessions


def needed_symbols(parsed: BookFile | None) -> list[str]:
    """The symbols for which a book's portfolios and positions need prices.

    With None, those of the book that `create_default_book` makes.
    """
    if parsed is None:
        return list(DEFAULT_PORTFOLIO.weights.symbols)
    targets = [symbol for portfolio in parsed.portfolios for symbol in portfolio.body.weights.symbols]
    held = [position.symbol for account in parsed.accounts for position in account.positions]
    return list(dict.fromkeys([*targets, *held]))


def begin(book: Book, first: date) -> None:
    """Move the book's clock to the open of the first session on or after a day.

    Raises `Invalid` when the calendar has no such session.
    """
    session = book.calendar.session(first) or book.calendar.next_after(first)
    if session is None:
        raise Invalid([Fault("", f"the calendar has no session on or after {first}")])
    _clock(book).set(session.open)
    scheduler.advance_market(book, book.now())


def create_default_book(book: Book) -> None:
    """Create one account with $100,000 in cash, subscribed now to 60 % SPY, 35 % TLT and 5 % cash (R-14.2)."""
    broker = sandbox(book)
    for symbol in DEFAULT_PORTFOLIO.weights.symbols:
        with book.write() as tx:
            identity = book_settings.next_id(tx)
        broker.add_asset(Asset(identity, symbol, symbol, "", AssetStatus.ACTIVE, True, True))
    with book.write() as tx:
        identity = book_settings.next_id(tx)
    broker.open_account(
        Account(
            identity, "1", "Replay", AccountStatus.ACTIVE, OPENING_CASH, Money(0), frozenset(), (), book.now()
        )
    )  # fmt: skip
    sync(book)
    reload_from_broker(book)
    portfolio = portfolios.create_portfolio(book, DEFAULT_PORTFOLIO)
    subscriptions.subscribe(book, identity, portfolio.id)


def create_book_from_file(book: Book, parsed: BookFile) -> None:
    """Import a book as of now, without its prices, and without dates of last rebalance that are later than now.

    Its accounts are opened now, and prices come from the history.
    """
    now = book.now()
    import_book(
        book,
        replace(
            parsed,
            as_of=now,
            assets=tuple(replace(asset, price=None, price_at=None) for asset in parsed.assets),
            accounts=tuple(replace(account, created_at=now) for account in parsed.accounts),
            subscriptions=tuple(
                s._replace(last_rebalanced_at=None) if s.last_rebalanced_at and s.last_rebalanced_at > now else s
                for s in parsed.subscriptions
            ),
        ),
    )
    scheduler.advance_market(book, now)


def replay(
    book: Book,
    first: date,
    last: date,
    progress: Progress = lambda _done, _total, _day: None,
    actions: Mapping[date, Sequence[DatedAction]] = NO_ACTIONS,
) -> Replay:
    """Replay every session from `first` to `last`: settle at the open, evaluate at the end of the window.

    Corporate actions are applied at the open of their session, at the prices of the session before (R-54); one that
    cannot be applied raises `Conflict` with its line and column. The book's clock must be a `FixedClock` no later than
    the first session's open.
    """
    clock = _clock(book)
    days = book.calendar.days(first, last)
    require(days, f"no session from {first} to {last}")
    never_rebalanced = {s.account_id for s in book.subscriptions.values() if s.last_rebalanced_at is None}
    first_equity = final = Value(0)
    total_equity = days_outside = 0
    worst: WorstDrift | None = None
    carried_out: list[CarriedOut] = []
    for done, day in enumerate(days, start=1):
        session = book.calendar.session(day)
        if session is None:
            continue
        clock.set(session.open)
        carried_out += [_carry_out(book, dated) for dated in actions.get(day, ())]
        scheduler.tick(book)
        # Prices are final from the open until the evaluation, and nothing trades before it.
        equity, outside, found = _measure(book, day)
        first_equity = equity if done == 1 else first_equity
        total_equity += equity
        days_outside += outside
        if found and (worst is None or found.points > worst.points):
            worst = found
        clock.set(session.window_end)
        scheduler.tick(book)
        if book.open_runs:
            clock.set(session.close)
            scheduler.tick(book)
        progress(done, len(days), day)
    final = _equity(book)
    all_runs = tuple(run_orders.detail(book.database, run) for run in reversed(runs.newest(book.database, -1)))
    return Replay(
        first=days[0],
        last=days[-1],
        sessions=len(days),
        runs=all_runs,
        first_equity=first_equity,
        final_equity=final,
        average_equity=Fraction(total_equity, len(days)),
        turnover=turnover_of(all_runs, fills.traded_by_run(book.database), never_rebalanced),
        worst=worst,
        days_outside=days_outside,
        decisions=decisions.outcomes(book.database),
        blocked=decisions.blocked_counts(book.database),
        actions=tuple(carried_out),
    )


def _carry_out(book: Book, dated: DatedAction) -> CarriedOut:
    """Apply a corporate action. Raises `Conflict` with the line and column of an action that cannot be applied."""
    try:
        return CarriedOut(dated.day, apply_corporate_action(book, dated.action))
    except Refusal as refusal:
        place = f"line {dated.line}"
        faults = [Fault(f"{place}, {f.location}" if f.location else place, f.message) for f in refusal.faults]
        raise Conflict(faults) from refusal


def _clock(book: Book) -> FixedClock:
    if not isinstance(book.clock, FixedClock):
        raise TypeError("a replay moves the clock itself: expected a book with a FixedClock")
    return book.clock


def _measure(book: Book, day: date) -> tuple[Value, bool, WorstDrift | None]:
    """The book just before its evaluation: total equity, whether an account is outside a band, the largest drift.

    Bands and drift are measured only for accounts that were rebalanced before and have all their prices from that
    session. The largest drift is None without such an account.
    """
    total, outside = 0, False
    worst: WorstDrift | None = None
    for account_id in book.accounts:
        valuation = value_of(book, account_id)
        total += valuation.equity
        subscription = book.subscriptions.get(account_id)
        if subscription is None or subscription.last_rebalanced_at is None:
            continue
        portfolio = book.portfolios[subscription.portfolio_id]
        if not _priced(book, {*portfolio.weights.symbols, *valuation.values}):
            continue
        drifts = asset_drifts(valuation, portfolio.weights)
        usage = largest_usage(drifts, portfolio.bands)
        outside = outside or (usage is not None and usage.breached)
        largest = largest_drift(drifts)
        if largest is not None:
            found = WorstDrift(largest, account_id, day)
            if worst is None or found.points > worst.points:
                worst = found
    return Value(total), outside, worst


def _priced(book: Book, symbols: Iterable[str]) -> bool:
    """Whether the price of every symbol is of the current time; on a day without closes, drift cannot be measured."""
    now = book.now()
    return all((asset := book.assets.get(symbol)) is not None and asset.price_at == now for symbol in symbols)


def _equity(book: Book) -> Value:
    return Value(sum(value_of(book, account_id).equity for account_id in book.accounts))
