"""The triggers of one account of a frame by the exact form, for accounts that the arrays cannot decide (R-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import Check, Outcome, Verdict
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.quantities import Money, Price
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.frame import NEVER, BookFrame
from rebal_tui.engine.evaluation import decide_triggers
from rebal_tui.engine.prerequisites import restrictions
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trace import Stop, Trace


def exact_triggers(frame: BookFrame, row: int, day_context: DayContext) -> tuple[Outcome, tuple[Check, ...]]:
    """The outcome and trace of the triggers of one account, which must be subscribed and meet all prerequisites."""
    trace = Trace()
    outcome, _ = decide_triggers(_situation(frame, row, day_context), trace)
    return outcome, tuple(trace.checks)


def decide_with_rules(frame: BookFrame, row: int, day_context: DayContext) -> tuple[Outcome, tuple[Check, ...]]:
    """The outcome and trace of an account with trading rules, from the check of restrictions to the triggers (R-60).

    The account must meet the prerequisites before that check. Its open run and its quota are not checked here: the
    caller knows them from the arrays.
    """
    trace = Trace()
    situation = _situation(frame, row, day_context)
    try:
        restrictions(situation, trace)
        index, weights = frame.assets.index, situation.portfolio.weights
        stale = [symbol for symbol in situation.needed_symbols if not day_context.fresh[index[symbol]]]
        trace.require("prices", not stale, "", f"no fresh price of {', '.join(stale)}", "R-12.5")
        unfit = [symbol for symbol in weights.symbols if not frame.assets.eligible[index[symbol]]]
        trace.require("assets", not unfit, "", f"{', '.join(unfit)} cannot be bought", "R-12.6")
    except Stop:
        return Outcome.BLOCKED, tuple(trace.checks)
    outcome, _ = decide_triggers(situation, trace)
    return outcome, tuple(trace.checks)


def lacks_fresh_price(frame: BookFrame, row: int, day_context: DayContext) -> bool:
    """Whether a price that the account needs is missing or stale; unmanaged holdings need none (R-12.5, R-60)."""
    needed = _situation(frame, row, day_context).needed_symbols
    return not all(day_context.fresh[frame.assets.index[symbol]] for symbol in needed)


def conflicting(frame: BookFrame, row: int, day_context: DayContext) -> bool:
    """Whether a hold restriction, or restrictions that contradict each other, stop an account with rules (R-60)."""
    try:
        restrictions(_situation(frame, row, day_context), Trace())
    except Stop:
        return True
    return False


def cannot_detail(frame: BookFrame, row: int, day_context: DayContext) -> str:
    """Why no order can correct the drift of the last trigger with the verdict `CANNOT`, as text; empty without one."""
    trace = decide_with_rules(frame, row, day_context)[1]
    return next((check.detail for check in reversed(trace) if check.verdict is Verdict.CANNOT), "")


def assets_of_frame(frame: BookFrame, symbols: Iterable[str]) -> dict[str, Asset]:
    """The assets by symbol, with the fields that a frame has; the symbol also serves as id and name."""
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
    portfolio = frame.followed(row)
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
        rules=frame.rules_of(row),
    )


def _noon(day: int) -> datetime:
    """Noon in New York on a day given as ordinal.

    It stands for `last_rebalanced_at`, of which the triggers use the date only.
    """
    return datetime.combine(date.fromordinal(day), time(12), NEW_YORK)
