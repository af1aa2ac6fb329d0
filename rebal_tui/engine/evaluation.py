"""Evaluation of one subscription: ordered checks, a decision and its trace (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NoReturn

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import Check, Decision, Outcome, Plan, Verdict
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.domain.quantities import ATTO, HUNDRED_PERCENT, NANO, Money, Percent, Price, Qty, Value
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.engine import trace_text
from rebal_tui.engine.calendar import QUARTER_ENDS, cooldown_ends, fires_on, in_cooldown
from rebal_tui.engine.drift import Valuation, asset_drifts, largest_usage, value_account
from rebal_tui.engine.planning import Holdings, plan_full_rebalance, plan_invest_cash
from rebal_tui.engine.restrictions import blocking_reasons

MIN_INVEST_VALUE = Value(10 * ATTO)
"""Minimum excess cash for invest_cash, $10; exactly $10 suffices (R-14.5)."""
PRICE_MAX_AGE = timedelta(seconds=60)
RECONCILIATION = "reconciliation"
"""Name of the check that a paused account fails."""


@dataclass(frozen=True)
class Situation:
    """All inputs of an evaluation.

    `session` is today's, None when today is no session or unknown to the calendar; `closed_reason` is why. `open_run`
    is the id of a non-terminal run of the account, `quota_run` the id of its system run of this session (R-11),
    `external_orders` the number of open orders placed outside rebal-tui. `unreconciled` is why the account is paused
    because the broker's figures differ from the book, empty when it is not paused. `cash_floor` is the cash target of
    the last finished run under the same cash weight, 0 without one. With `price_max_age` None, a price of any age is
    fresh. Without `planned`, the decision has no plan.
    """

    now: datetime
    session: Session | None
    closed_reason: str
    account: Account
    portfolio: Portfolio
    subscription: Subscription
    assets: Mapping[str, Asset]
    reserved: Money = Money(0)
    cash_floor: Money = Money(0)
    open_run: str | None = None
    external_orders: int = 0
    unreconciled: str = ""
    quota_run: str | None = None
    price_max_age: timedelta | None = PRICE_MAX_AGE
    quarterly_months: frozenset[int] = QUARTER_ENDS
    ignore_window: bool = False
    planned: bool = True

    @cached_property
    def positions(self) -> dict[str, Qty]:
        return {position.symbol: position.qty for position in self.account.positions}

    @property
    def needed_symbols(self) -> tuple[str, ...]:
        """Every asset whose price the evaluation needs: the portfolio's assets, then the other holdings."""
        weights = self.portfolio.weights
        return (*weights.symbols, *(p.symbol for p in self.account.positions if p.symbol not in weights))

    @cached_property
    def prices(self) -> dict[str, Price]:
        found = ((symbol, self.assets.get(symbol)) for symbol in self.needed_symbols)
        return {symbol: asset.price for symbol, asset in found if asset is not None and asset.price is not None}

    @cached_property
    def _valuation(self) -> Valuation:
        return value_account(self.account.cash, self.positions, self.prices)

    def valuation(self) -> Valuation:
        """The account's valuation, computed once."""
        return self._valuation

    def holdings(self) -> Holdings:
        return Holdings(self.account.cash, self.reserved, self.positions, self.assets)


class _Stop(Exception):
    """A prerequisite failed."""


class _Trace:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def note(self, check: str, verdict: Verdict, detail: str, rule: str) -> None:
        self.checks.append(Check(check, verdict, detail, rule))

    def require(self, check: str, holds: bool, pass_detail: str, fail_detail: str, rule: str) -> None:
        if not holds:
            self.stop(check, fail_detail, rule)
        self.note(check, Verdict.PASS, pass_detail, rule)

    def stop(self, check: str, detail: str, rule: str) -> NoReturn:
        self.note(check, Verdict.FAIL, detail, rule)
        raise _Stop

    @property
    def last(self) -> Check:
        return self.checks[-1]


def evaluate(situation: Situation) -> Decision:
    """Decide whether a subscription needs a run now, and which (R-10 to R-18)."""
    trace = _Trace()
    try:
        if not _window(situation, trace):
            return _decision(situation, trace, Outcome.NONE)
        _prerequisites(situation, trace)
    except _Stop:
        culprits = ineligible(situation) if trace.last.check == "assets" else ()
        return _decision(situation, trace, Outcome.BLOCKED, culprits=culprits)
    if _full_rebalance_fires(situation, trace):
        plan = plan_full_rebalance(situation.holdings(), situation.portfolio.weights) if situation.planned else None
        return _decision(situation, trace, Outcome.FULL_REBALANCE, plan)
    if _invest_cash_fires(situation, trace):
        cash_target = cash_target_of(situation)
        plan = (
            plan_invest_cash(situation.holdings(), situation.portfolio.weights, cash_target)
            if situation.planned
            else None
        )
        return _decision(situation, trace, Outcome.INVEST_CASH, plan)
    return _decision(situation, trace, Outcome.NONE)


def ineligible(situation: Situation) -> tuple[str, ...]:
    """Symbols of portfolio assets that are unknown or not eligible (R-12.6)."""
    return tuple(
        symbol
        for symbol in situation.portfolio.weights.symbols
        if (asset := situation.assets.get(symbol)) is None or not asset.eligible
    )


def price_faults(situation: Situation) -> list[str]:
    """Needed prices that are missing or older than allowed, as display text (R-12.5)."""
    faults = []
    for symbol in situation.needed_symbols:
        asset = situation.assets.get(symbol)
        if asset is None or asset.price is None:
            faults.append(f"{symbol} has no price")
        elif situation.price_max_age is not None:
            age = situation.now - asset.price_at if asset.price_at else None
            if age is None or age > situation.price_max_age:
                seconds = "of unknown age" if age is None else f"{int(age.total_seconds())} s old"
                limit = int(situation.price_max_age.total_seconds())
                faults.append(f"the price of {symbol} is {seconds} (limit {limit} s)")
    return faults


def cash_target_of(situation: Situation) -> Money:
    """The larger of cash weight × current equity, rounded up to a billionth, and the cash floor (R-14.5)."""
    return compute_cash_target(situation.valuation().equity, situation.portfolio.weights.cash, situation.cash_floor)


def compute_cash_target(equity: Value, cash_weight: Percent, cash_floor: Money) -> Money:
    """The larger of cash weight × equity, rounded up to a billionth, and the cash floor (R-14.5)."""
    return Money(max(-(-max(0, equity) * cash_weight // (HUNDRED_PERCENT * NANO)), cash_floor))


def excess_cash(situation: Situation) -> Value:
    """Cash less reservations and the cash target, exact up to rounding down; below 0 when cash is short (R-14.5)."""
    equity = situation.valuation().equity
    free = Money(situation.account.cash - situation.reserved)
    return compute_excess_cash(free, situation.cash_floor, situation.portfolio.weights.cash, equity)


def compute_excess_cash(free: Money, cash_floor: Money, cash_weight: Percent, equity: Value) -> Value:
    """Unreserved cash less the larger of cash weight × equity and the cash floor (R-14.5)."""
    cash_target = max(max(0, equity) * cash_weight, cash_floor * NANO * HUNDRED_PERCENT)
    return Value((free * NANO * HUNDRED_PERCENT - cash_target) // HUNDRED_PERCENT)


def equity_suffices(equity: Value, assets: int) -> bool:
    """Whether equity is at least $1 for each asset weight, as a full rebalance requires (R-14)."""
    return equity >= assets * ATTO


def deciding_check(trace: Sequence[Check], outcome: Outcome) -> Check | None:
    """The check that a decision's reason names: the last that failed, fired or (outcome `NONE`) held back, or None."""
    ended = trace[-1].verdict is Verdict.FAIL
    deciding_verdict = (
        Verdict.HOLDS_BACK if outcome is Outcome.NONE and not ended else Verdict.FAIL if ended else Verdict.FIRES
    )
    return next((check for check in reversed(trace) if check.verdict is deciding_verdict), None)


def calendar_day(situation: Situation) -> bool:
    """Whether the portfolio's calendar condition fires today (R-16)."""
    condition, session = situation.portfolio.calendar, situation.session
    if condition is None or session is None or session.next_day is None:
        return False
    return fires_on(condition, session.day, session.next_day, situation.quarterly_months) is not None


def _decision(
    situation: Situation,
    trace: _Trace,
    outcome: Outcome,
    plan: Plan | None = None,
    culprits: tuple[str, ...] = (),
) -> Decision:
    deciding = deciding_check(trace.checks, outcome)
    return Decision(
        account_id=situation.account.id,
        portfolio_id=situation.portfolio.id,
        subscription_id=situation.subscription.id,
        at=situation.now,
        session=new_york_day(situation.now).isoformat(),
        outcome=outcome,
        reason=deciding.detail if deciding else "no rebalance condition is met",
        trace=tuple(trace.checks),
        plan=plan,
        culprits=culprits,
    )


def _window(situation: Situation, trace: _Trace) -> bool:
    session, local = situation.session, situation.now.astimezone(NEW_YORK)
    if situation.ignore_window:
        trace.note("window", Verdict.INFO, "evaluated regardless of the window", "R-10")
        return True
    if session is None or session.next_day is None:
        why = situation.closed_reason or "the day is not in the calendar"
        trace.note("window", Verdict.FAIL, f"{local:%Y-%m-%d} is not a session ({why})", "R-10")
        return False
    start, end = session.open.astimezone(NEW_YORK), session.window_end.astimezone(NEW_YORK)
    inside = session.in_window(situation.now)
    relation = "is inside" if inside else "is outside"
    trace.note(
        "window",
        Verdict.PASS if inside else Verdict.FAIL,
        f"{local:%Y-%m-%d %H:%M} New York {relation} the window {start:%H:%M}–{end:%H:%M}",
        "R-10",
    )
    return inside


def _prerequisites(situation: Situation, trace: _Trace) -> None:
    portfolio = situation.portfolio
    trace.require(
        "portfolio_status",
        portfolio.status is PortfolioStatus.ACTIVE,
        "the portfolio is active",
        f"the portfolio {portfolio.status.predicate}",
        "R-12.1",
    )
    have_prices = all(position.symbol in situation.prices for position in situation.account.positions)
    stopped = blocking_reasons(situation.account, situation.valuation() if have_prices else None)
    trace.require(
        "account",
        not stopped,
        "the account is ACTIVE and unrestricted",
        "; ".join(text for _, text in stopped),
        "R-12.2",
    )
    if situation.unreconciled:
        trace.stop(RECONCILIATION, situation.unreconciled, "R-12")
    waiting_text = f"run {situation.open_run[:8]} is not finished" if situation.open_run else ""
    if situation.external_orders:
        waiting_text = waiting_text or f"{count_text(situation.external_orders, 'open order')} placed outside rebal-tui"
    trace.require(
        "open_orders", not waiting_text, "no unfinished run and no open orders placed outside rebal-tui", waiting_text,
        "R-12.3",
    )  # fmt: skip
    quota_run = f"run {situation.quota_run[:8]}; one automatic run a session" if situation.quota_run else ""
    trace.require("quota", not quota_run, "no automatic run yet today", f"already traded today ({quota_run})", "R-11")
    faults = price_faults(situation)
    trace.require("prices", not faults, "all prices are present and fresh", "; ".join(faults), "R-12.5")
    # An unknown asset has no price and fails the check above, so every symbol here is in `assets`.
    why = [f"{symbol} is {situation.assets[symbol].ineligibility}" for symbol in ineligible(situation)]
    trace.require(
        "assets",
        not why,
        "all assets of the portfolio are eligible",
        "; ".join(why) + "; the portfolio needs adjustment",
        "R-12.6",
    )


def _full_rebalance_fires(situation: Situation, trace: _Trace) -> bool:
    last = situation.subscription.last_rebalanced_at
    trace.note(
        "first_rebalance",
        Verdict.FIRES if last is None else Verdict.NO,
        "first rebalance of this subscription" if last is None else f"last rebalanced {_day(last)}",
        "R-14.1",
    )
    if last is None:
        return _equity_suffices(situation, trace)
    today = new_york_day(situation.now)
    cooling = in_cooldown(last, situation.portfolio.cooldown_days, today)
    _note_cooldown(trace, last, situation.portfolio.cooldown_days, cooling)
    if _calendar_fires(situation, trace, cooling) or _drift_fires(situation, trace, cooling):
        return _equity_suffices(situation, trace)
    return False


def _note_cooldown(trace: _Trace, last: datetime, days: int, cooling: bool) -> None:
    ends = cooldown_ends(last, days)
    state = f"in cooldown until {ends}" if cooling else f"cooldown ended {ends}"
    trace.note(
        "in_cooldown",
        Verdict.HOLDS_BACK if cooling else Verdict.NO,
        f"{state} ({count_text(days, 'day')} after the rebalance of {_day(last)})",
        "R-14.2",
    )


def _calendar_fires(situation: Situation, trace: _Trace, cooling: bool) -> bool:
    condition, session = situation.portfolio.calendar, situation.session
    if condition is None:
        trace.note("calendar", Verdict.NO, "no calendar condition", "R-14.3")
        return False
    text = trace_text.calendar_text(condition)
    if session is None or session.next_day is None:
        trace.note("calendar", Verdict.NO, f"{text}: no session today", "R-14.3")
        return False
    nominal = fires_on(condition, session.day, session.next_day, situation.quarterly_months)
    if nominal is None:
        trace.note("calendar", Verdict.NO, f"{text}: not due today", "R-14.3")
        return False
    day = f"{text}: due today" + ("" if nominal == session.day else f" (for {nominal}, not a session)")
    if cooling:
        trace.note("calendar", Verdict.HOLDS_BACK, f"{day}, but dropped because of the cooldown", "R-16")
        return False
    trace.note("calendar", Verdict.FIRES, day, "R-14.3")
    return True


def _drift_fires(situation: Situation, trace: _Trace, cooling: bool) -> bool:
    bands = situation.portfolio.bands
    if not bands:
        trace.note("drift_band", Verdict.NO, "no drift band", "R-14.4")
        return False
    drifts = asset_drifts(situation.valuation(), situation.portfolio.weights)
    usage = largest_usage(drifts, bands)
    if usage is None:
        detail = "no asset that a band applies to" if drifts else "no equity to measure drift against"
        trace.note("drift_band", Verdict.NO, detail, "R-14.4")
        return False
    detail = trace_text.drift_text(usage)
    if usage.breached and cooling:
        trace.note("drift_band", Verdict.HOLDS_BACK, f"{detail}; held back by the cooldown", "R-14.4")
        return False
    trace.note("drift_band", Verdict.FIRES if usage.breached else Verdict.NO, detail, "R-14.4")
    return usage.breached


def _equity_suffices(situation: Situation, trace: _Trace) -> bool:
    equity, count = situation.valuation().equity, len(situation.portfolio.weights.assets)
    enough = equity_suffices(equity, count)
    relation = "is at least" if enough else "is below"
    minimum = trace_text.dollars(Value(count * ATTO))
    trace.note(
        "minimum_equity",
        Verdict.PASS if enough else Verdict.HOLDS_BACK,
        f"equity {trace_text.dollars(equity)} {relation} the minimum {minimum} ($1 for each asset)",
        "R-14",
    )
    return enough


def _invest_cash_fires(situation: Situation, trace: _Trace) -> bool:
    excess = excess_cash(situation)
    cash_target = trace_text.money(cash_target_of(situation))
    reserved = f", reserved {trace_text.money(situation.reserved)}" if situation.reserved else ""
    enough, assets = excess >= MIN_INVEST_VALUE, situation.portfolio.weights.assets
    fires = enough and bool(assets)
    relation = "reaches" if enough else "is below"
    unbuyable = ", but the portfolio has no assets to buy" if enough and not assets else ""
    trace.note(
        "invest_cash",
        Verdict.FIRES if fires else Verdict.NO,
        f"excess cash {trace_text.dollars(excess)} {relation} the minimum $10.00{unbuyable} "
        f"(cash {trace_text.money(situation.account.cash)}, cash target {cash_target}{reserved})",
        "R-14.5",
    )
    return fires


def _day(at: datetime) -> str:
    return f"{new_york_day(at):%Y-%m-%d}"
