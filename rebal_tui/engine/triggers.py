"""The triggers of an evaluation in order, each of which fires only when its plan serves it (R-14)."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from rebal_tui.domain.decisions import Plan, Verdict
from rebal_tui.domain.quantities import ATTO, Value
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.engine import serving, trace_text
from rebal_tui.engine.calendar import cooldown_ends, fires_on, in_cooldown
from rebal_tui.engine.drift import asset_drifts, largest_usage
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation, cash_target_of, equity_suffices, excess_cash
from rebal_tui.engine.trace import Trace

_AGAIN = "proposed once more, because nobody approved the run of the session before (R-27)"


def full_rebalance(situation: Situation, trace: Trace) -> Plan | None:
    """The plan of the full_rebalance that a trigger asks for; None when no trigger fires (R-14.1 to R-14.6)."""
    return _FullRebalance(situation, trace).decide()


def invest_cash(situation: Situation, trace: Trace) -> Plan | None:
    """The plan of the invest_cash that excess cash asks for; None when it does not fire (R-14.7)."""
    excess = excess_cash(situation)
    cash_target = cash_target_of(situation)
    reserved = f", reserved {trace_text.money(situation.reserved)}" if situation.reserved else ""
    enough, assets = excess >= MIN_INVEST_VALUE, situation.portfolio.weights.assets
    relation = "reaches" if enough else "is below"
    unbuyable = ", but the portfolio has no assets to buy" if enough and not assets else ""
    detail = (
        f"excess cash {trace_text.dollars(excess)} {relation} the minimum $10.00{unbuyable} "
        f"(cash {trace_text.money(situation.account.cash)}, cash target {trace_text.money(cash_target)}{reserved})"
    )
    if not enough or not assets:
        trace.note("invest_cash", Verdict.NO, detail, "R-14.7")
        return None
    # Every asset of the portfolio is eligible, so $10 or more always buys at least one of them.
    trace.note("invest_cash", Verdict.FIRES, detail, "R-14.7")
    return plan_invest_cash(situation.holdings(), situation.portfolio.weights, cash_target)


class _FullRebalance:
    """Triggers 1 to 6 of one evaluation. `_over` is set when equity is below the minimum of a full_rebalance."""

    def __init__(self, situation: Situation, trace: Trace) -> None:
        self._situation, self._trace = situation, trace
        self._over = False

    @cached_property
    def _plan(self) -> Plan:
        return plan_full_rebalance(self._situation.holdings(), self._situation.portfolio.weights)

    def decide(self) -> Plan | None:
        unfinished = self._situation.unfinished
        last = self._situation.subscription.last_rebalanced_at
        if unfinished is not None:
            left = serving.still_to_sell(self._plan, unfinished.symbols)
            if left:
                fires = self._unfinished(left)
                return self._plan if fires else self._after_first(last, unfinished=True)
            self._trace.note("unfinished", Verdict.NO, "nothing is left of the undone sells", "R-14.1")
            last = unfinished.traded_at or last
        if last is None:
            return self._plan if self._first() else None
        detail = f"last rebalanced {_day(last)}"
        self._trace.note("first_rebalance", Verdict.NO, detail, "R-14.2")
        return self._after_first(last, unfinished=False)

    def _after_first(self, last: datetime | None, *, unfinished: bool) -> Plan | None:
        """The triggers from the cooldown on; with `unfinished`, bands are not asked."""
        if self._over:
            return None
        cooling = last is not None and self._in_cooldown(last)
        if self._calendar(cooling):
            return self._plan
        if not self._over and not unfinished and self._drift(cooling):
            return self._plan
        if not self._over and self._updated(cooling):
            return self._plan
        return None

    def _fires(self, check: str, rule: str, detail: str, *, served: bool) -> bool:
        """Note a trigger whose condition holds; returns whether it fires."""
        if not served:
            text = f"{detail}; cannot be corrected: {serving.obstacles(self._plan)}"
            self._trace.note(check, Verdict.CANNOT, text, rule)
            return False
        self._trace.note(check, Verdict.FIRES, detail, rule)
        self._note_equity(enough=True)
        return True

    def _short_of_equity(self, check: str, rule: str, detail: str) -> bool:
        """Whether equity is below the minimum of a full_rebalance; if so, the trigger and the equity are noted."""
        situation = self._situation
        self._over = not equity_suffices(situation.valuation.equity, len(situation.portfolio.weights.assets))
        if self._over:
            self._trace.note(check, Verdict.FIRES, detail, rule)
            self._note_equity(enough=False)
        return self._over

    def _note_equity(self, *, enough: bool) -> None:
        minimum = trace_text.dollars(Value(len(self._situation.portfolio.weights.assets) * ATTO))
        relation = "is at least" if enough else "is below"
        self._trace.note(
            "minimum_equity",
            Verdict.PASS if enough else Verdict.HOLDS_BACK,
            f"equity {trace_text.dollars(self._situation.valuation.equity)} {relation} the minimum {minimum} "
            "($1 for each asset)",
            "R-14",
        )

    def _unfinished(self, left: tuple[str, ...]) -> bool:
        detail = f"{count_text(len(left), 'sell')} of the last full rebalance left undone ({', '.join(left)})"
        if self._short_of_equity("unfinished", "R-14.1", detail):
            return False
        return self._fires("unfinished", "R-14.1", detail, served=serving.sells_any(self._plan, left))

    def _first(self) -> bool:
        detail = "first rebalance of this subscription"
        if self._short_of_equity("first_rebalance", "R-14.2", detail):
            return False
        if serving.has_orders(self._plan):
            return self._fires("first_rebalance", "R-14.2", detail, served=True)
        on_target = serving.on_target(self._plan, serving.FIRST_TOLERANCE)
        if on_target:
            detail += "; every asset is on its target"
        return self._fires("first_rebalance", "R-14.2", detail, served=on_target)

    def _in_cooldown(self, last: datetime) -> bool:
        situation = self._situation
        days = situation.portfolio.cooldown_days
        cooling = in_cooldown(last, days, new_york_day(situation.now))
        ends = cooldown_ends(last, days)
        state = f"in cooldown until {ends}" if cooling else f"cooldown ended {ends}"
        self._trace.note(
            "in_cooldown",
            Verdict.HOLDS_BACK if cooling else Verdict.NO,
            f"{state} ({count_text(days, 'day')} after the rebalance of {_day(last)})",
            "R-14.3",
        )
        return cooling

    def _calendar(self, cooling: bool) -> bool:
        situation, trace, rule = self._situation, self._trace, "R-14.4"
        condition, session = situation.portfolio.calendar, situation.session
        if condition is None:
            trace.note("calendar", Verdict.NO, "no calendar condition", rule)
            return False
        text = trace_text.calendar_text(condition)
        if session is None or session.next_day is None:
            trace.note("calendar", Verdict.NO, f"{text}: no session today", rule)
            return False
        nominal = fires_on(condition, session.day, session.next_day, situation.quarterly_months)
        if nominal is not None:
            day = f"{text}: due today" + ("" if nominal == session.day else f" (for {nominal}, not a session)")
        elif situation.proposed_again:
            day = f"{text}: {_AGAIN}"
        else:
            trace.note("calendar", Verdict.NO, f"{text}: not due today", rule)
            return False
        if cooling:
            trace.note("calendar", Verdict.HOLDS_BACK, f"{day}, but dropped because of the cooldown", "R-16")
            return False
        return self._unless_on_target("calendar", rule, day)

    def _unless_on_target(self, check: str, rule: str, detail: str) -> bool:
        if self._short_of_equity(check, rule, detail):
            return False
        if serving.on_target(self._plan, serving.TOLERANCE):
            self._trace.note(check, Verdict.NO, f"{detail}, but every asset is within $1.00 of its target", rule)
            return False
        return self._fires(check, rule, detail, served=serving.has_orders(self._plan))

    def _drift(self, cooling: bool) -> bool:
        situation, trace, rule = self._situation, self._trace, "R-14.5"
        bands = situation.portfolio.bands
        if not bands:
            trace.note("drift_band", Verdict.NO, "no drift band", rule)
            return False
        drifts = asset_drifts(situation.valuation, situation.portfolio.weights)
        usage = largest_usage(drifts, bands)
        if usage is None:
            detail = "no asset that a band applies to" if drifts else "no equity to measure drift against"
            trace.note("drift_band", Verdict.NO, detail, rule)
            return False
        detail = trace_text.drift_text(usage)
        if not usage.breached:
            trace.note("drift_band", Verdict.NO, detail, rule)
            return False
        breached = serving.correctable(drifts, bands, situation.holdings())
        if not breached:
            trace.note("drift_band", Verdict.NO, f"{detail}; no order of $1.00 or more would correct it", rule)
            return False
        if cooling:
            trace.note("drift_band", Verdict.HOLDS_BACK, f"{detail}; held back by the cooldown", rule)
            return False
        if self._short_of_equity("drift_band", rule, detail):
            return False
        return self._fires("drift_band", rule, detail, served=serving.corrects_any(self._plan, breached))

    def _updated(self, cooling: bool) -> bool:
        situation, rule = self._situation, "R-14.6"
        if not situation.portfolio.on_update:
            return False
        if not situation.update_due:
            self._trace.note("portfolio_update", Verdict.NO, "no change of the portfolio is due", rule)
            return False
        detail = f"weights or conditions changed {_day(situation.portfolio.changed_at)}"
        if situation.proposed_again:
            detail += f": {_AGAIN}"
        if cooling:
            self._trace.note("portfolio_update", Verdict.HOLDS_BACK, f"{detail}; held back by the cooldown", rule)
            return False
        return self._unless_on_target("portfolio_update", rule, detail)


def _day(at: datetime) -> str:
    return f"{new_york_day(at):%Y-%m-%d}"
