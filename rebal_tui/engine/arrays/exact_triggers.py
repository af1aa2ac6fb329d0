"""The triggers of one account of a frame by the exact form, for accounts that floats cannot decide (R-14)."""

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
    """The outcome and trace of the triggers of the account at `row`.

    The account must be subscribed and meet all prerequisites.
    """
    trace = Trace()
    outcome, _ = decide_triggers(_situation(frame, row, day_context), trace)
    return outcome, tuple(trace.checks)


def decide_with_rules(frame: BookFrame, row: int, day_context: DayContext) -> tuple[Outcome, tuple[Check, ...]]:
    """The outcome and trace of the account at `row`, which has trading rules: the checks from that of restrictions on.

    The account must meet the prerequisites before the check of restrictions (R-60). This function does not check for an
    open run, nor the quota: the caller reads both from the arrays.
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
    """Whether a price that the account at `row` needs is missing or too old (R-12.5).

    Unmanaged holdings need no price (R-60).
    """
    needed = _situation(frame, row, day_context).needed_symbols
    return not all(day_context.fresh[frame.assets.index[symbol]] for symbol in needed)


def conflicting(frame: BookFrame, row: int, day_context: DayContext) -> bool:
    """Whether a hold restriction, or restrictions that exclude each other, stop the account at `row` (R-60)."""
    try:
        restrictions(_situation(frame, row, day_context), Trace())
    except Stop:
        return True
    return False


def cannot_detail(frame: BookFrame, row: int, day_context: DayContext) -> str:
    """The detail of the last check of the account's triggers with the verdict `CANNOT`: why no order helps.

    Empty if no check has this verdict. The account at `row` must be subscribed.
    """
    trace = decide_with_rules(frame, row, day_context)[1]
    return next((check.detail for check in reversed(trace) if check.verdict is Verdict.CANNOT), "")


def assets_of_frame(frame: BookFrame, symbols: Iterable[str]) -> dict[str, Asset]:
    """The given assets by symbol. A frame has no ids and names of assets, so the symbol is used for both."""
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
