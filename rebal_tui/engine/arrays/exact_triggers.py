"""The triggers of one account of a frame by the exact form, for accounts that the arrays cannot decide (R-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import Check, Outcome
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.quantities import Money, Price
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.frame import NEVER, BookFrame
from rebal_tui.engine.evaluation import decide_triggers
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trace import Trace


def exact_triggers(frame: BookFrame, row: int, day_context: DayContext) -> tuple[Outcome, tuple[Check, ...]]:
    """The outcome and the trace of the triggers of a subscribed account that meets all prerequisites."""
    trace = Trace()
    outcome, _ = decide_triggers(_situation(frame, row, day_context), trace)
    return outcome, tuple(trace.checks)


def assets_of_frame(frame: BookFrame, symbols: Iterable[str]) -> dict[str, Asset]:
    """Assets with what the frame knows of them, by symbol."""
    columns, index = frame.assets, frame.assets.index
    found = {}
    for symbol in symbols:
        at = index[symbol]
        price = int(columns.price[at])
        found[symbol] = Asset(
            symbol, symbol, symbol, "", AssetStatus.ACTIVE if columns.sellable[at] else AssetStatus.INACTIVE,
            bool(columns.eligible[at]), bool(columns.fractionable[at]), Price(price) if price else None,
        )  # fmt: skip
    return found


def _situation(frame: BookFrame, row: int, day_context: DayContext) -> Situation:
    accounts = frame.accounts
    portfolio = frame.portfolios[accounts.portfolio[row]]
    held = frame.holdings(row)
    now = day_context.now
    cash = Money(int(accounts.cash[row]))
    positions = tuple(Position(symbol, qty) for symbol, qty in sorted(held.items()))
    last = int(accounts.rebalanced_on[row])
    return Situation(
        now=now,
        session=day_context.session,
        closed_reason="",
        account=Account("", "", "", AccountStatus.ACTIVE, cash, Money(0), frozenset(), positions, now),
        portfolio=portfolio,
        subscription=Subscription("", "", portfolio.id, now, None if last == NEVER else _noon(last)),
        assets=assets_of_frame(frame, {*held, *portfolio.weights.symbols}),
        reserved=Money(int(accounts.reserved[row])),
        cash_floor=Money(int(accounts.cash_floor[row])),
        quarterly_months=day_context.quarterly_months,
        unfinished=accounts.unfinished.get(row),
        update_due=int(accounts.update_until[row]) >= day_context.day,
        proposed_again=int(accounts.propose_on[row]) == day_context.day,
    )


def _noon(day: int) -> datetime:
    """Noon in New York: of `last_rebalanced_at`, the triggers use the date only."""
    return datetime.combine(date.fromordinal(day), time(12), NEW_YORK)
