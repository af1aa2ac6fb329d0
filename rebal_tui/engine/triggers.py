"""The triggers of an evaluation, in order (R-14).

A trigger fires only if the orders of its plan correct what the trigger found.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cached_property

from rebal_tui.domain.decisions import Plan, Verdict
from rebal_tui.domain.quantities import ATTO, Value
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.engine import serving, trace_text
from rebal_tui.engine.calendar import cooldown_ends, fires_on, in_cooldown
from rebal_tui.engine.drift import asset_drifts, largest_usage
from rebal_tui.engine.goals import Goals
from rebal_tui.engine.planning import plan_full_rebalance, plan_goals, plan_invest_cash
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation, cash_target_of, equity_suffices, excess_cash
from rebal_tui.engine.trace import Trace

_AGAIN = "proposed once more, because nobody approved the run of the session before (R-27)"


def full_rebalance(situation: Situation, trace: Trace) -> Plan | None:
    """The plan of the full_rebalance that the first firing trigger makes; None when none fires (R-14.1 to R-14.6)."""
    return _FullRebalance(situation, trace).decide()


def excess_text(situation: Situation) -> str:
    """Excess cash as text: cash less cash target and reservations, computed from the rounded amounts (R-14.7)."""
    less = (cash_target_of(situation), situation.reserved)
    return trace_text.difference(excess_cash(situation), situation.account.cash, less, MIN_INVEST_VALUE)


def invest_cash(situation: Situation, trace: Trace) -> Plan | None:
    """The plan of an invest_cash run; None when excess cash is below $10 or nothing can be bought with it (R-14.7)."""
    excess = excess_cash(situation)
    cash_target = cash_target_of(situation)
    reserved = f", reserved {trace_text.money(situation.reserved)}" if situation.reserved else ""
    enough, assets = excess >= MIN_INVEST_VALUE, situation.portfolio.weights.assets
    relation = "reaches" if enough else "is below"
    kept = ", that of the last completed run" if cash_target == situation.cash_floor > 0 else ""
    unbuyable = ", but the portfolio has no assets to buy" if enough and not assets else ""
    shown = excess_text(situation)
    amount = f"excess cash {shown} {relation} the minimum $10.00"
    if excess < 0:
        amount = f"no excess cash: {shown.removeprefix('-')} below the cash target"
    detail = (
        f"{amount}{unbuyable} (cash {trace_text.money(situation.account.cash)}{reserved}, "
        f"cash target {trace_text.money(cash_target)}{kept})"
    )
    if not enough or not assets:
        trace.note("invest_cash", Verdict.NO, detail, "R-14.7")
        return None
    plan = plan_invest_cash(situation.holdings(), situation.portfolio.weights, cash_target)
    # Every asset of the portfolio is eligible: without rules, $10 or more always buys at least one of them.
    if not serving.has_orders(plan):
        verdict = Verdict.NO if serving.minimums_only(plan) or not plan.skipped_orders else Verdict.CANNOT
        trace.note("invest_cash", verdict, f"{detail}; nothing can be bought: {serving.obstacles(plan)}", "R-14.7")
        return None
    trace.note("invest_cash", Verdict.FIRES, detail, "R-14.7")
    return plan


class _FullRebalance:
    """The triggers 1 to 6 of one evaluation, which make a full_rebalance (R-14.1 to R-14.6).

    `_over` is set when equity is below the minimum of a full_rebalance, so that no further trigger is checked.
    """

    def __init__(self, situation: Situation, trace: Trace) -> None:
        self._situation, self._trace = situation, trace
        self._over = False

    @cached_property
    def _plan(self) -> Plan:
        return plan_full_rebalance(self._situation.holdings(), self._situation.portfolio.weights)

    @cached_property
    def _band_plan(self) -> Plan:
        """The plan of a run that a drift band makes, which may stop before the target (R-62, R-63)."""
        situation = self._situation
        if not situation.rules.stops_early:
            return self._plan
        return plan_full_rebalance(situation.holdings(), situation.portfolio.weights, situation.portfolio.bands)

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
        """The triggers from the cooldown on; with `unfinished`, bands are not checked."""
        if self._over:
            return None
        cooling = last is not None and self._in_cooldown(last)
        if self._calendar(cooling):
            return self._plan
        if not self._over and not unfinished and self._drift(cooling):
            return self._band_plan
        if not self._over and self._updated(cooling):
            return self._plan
        return None

    def _fires(self, check: str, rule: str, detail: str, *, served: bool, plan: Plan | None = None) -> bool:
        """Note a trigger whose condition holds in the trace; returns whether the trigger fires.

        `served` is whether the orders of `plan` correct what the trigger found; `plan` is None for the plan that goes
        to the target. A trade that only a minimum prevents is shown, and is no exception (R-64).
        """
        made = plan or self._plan
        if not served and serving.minimums_only(made):
            self._trace.note(check, Verdict.NO, f"{detail}; kept back: {serving.obstacles(made)}", rule)
            return False
        if not served:
            text = f"{detail}; cannot be corrected: {serving.obstacles(made)}"
            self._trace.note(check, Verdict.CANNOT, text, rule)
            return False
        self._trace.note(check, Verdict.FIRES, detail, rule)
        self._note_equity(enough=True)
        return True

    def _short_of_equity(self, check: str, rule: str, detail: str) -> bool:
        """Whether equity is below the minimum of a full_rebalance; if so, note the trigger and the equity."""
        situation = self._situation
        self._over = not equity_suffices(situation.valuation.equity, len(situation.portfolio.weights.assets))
        if self._over:
            self._trace.note(check, Verdict.FIRES, detail, rule)
            self._note_equity(enough=False)
        return self._over

    def _note_equity(self, *, enough: bool) -> None:
        minimum = trace_text.dollars(Value(len(self._situation.portfolio.weights.assets) * ATTO))
        relation = "is at least" if enough else "is below"
        equity = self._situation.valuation.equity
        shown = trace_text.dollars(equity) if enough else trace_text.dollars_down(equity)
        self._trace.note(
            "minimum_equity",
            Verdict.PASS if enough else Verdict.HOLDS_BACK,
            f"equity {shown} {relation} the minimum {minimum} ($1 for each asset)",
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
        on_target = serving.first_on_target(self._plan)
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
            f"{state} ({count_text(days, 'day')} after the rebalance of {_day(last)}"
            f"{_source(situation, 'cooldown_days')})",
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
        stagger = situation.rules.stagger
        asked, following = (stagger.day, stagger.next_day) if stagger else (session.day, session.next_day)
        nominal = fires_on(condition, asked, following, situation.quarterly_months)
        text += trace_text.stagger_text(stagger) + _source(situation, "rebalance_conditions")
        if nominal is not None:
            day = f"{text}: due today" + ("" if nominal == asked else f" (for {nominal}, not a session)")
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
            text = f"{detail}, but every asset is within {_tolerance_text(self._situation)} of its target"
            self._trace.note(check, Verdict.NO, text, rule)
            return False
        return self._fires(check, rule, detail, served=serving.has_orders(self._plan))

    def _drift(self, cooling: bool) -> bool:
        situation, trace, rule = self._situation, self._trace, "R-14.5"
        bands = situation.portfolio.bands
        if not bands:
            trace.note("drift_band", Verdict.NO, "no drift band", rule)
            return False
        goals, reachable = situation.goals, None
        if goals is not None:
            reachable = goals.target.values
        drifts = asset_drifts(situation.valuation, situation.portfolio.weights, reachable)
        usage = largest_usage(drifts, bands)
        if usage is None:
            detail = "no asset that a band applies to" if drifts else "no equity to measure drift against"
            trace.note("drift_band", Verdict.NO, detail, rule)
            return False
        detail = trace_text.drift_text(usage)
        if not usage.breached:
            trace.note("drift_band", Verdict.NO, detail, rule)
            return False
        goals = plan_goals(situation.holdings(), situation.portfolio.weights, situation.valuation.equity, bands)
        breached = serving.correctable(drifts, bands, situation.holdings(), goals)
        if not breached:
            text = f"{detail}; no order of {_tolerance_text(situation)} or more would correct it"
            trace.note("drift_band", Verdict.NO, text, rule)
            return False
        if cooling:
            trace.note("drift_band", Verdict.HOLDS_BACK, f"{detail}; held back by the cooldown", rule)
            return False
        if self._short_of_equity("drift_band", rule, detail):
            return False
        served = serving.corrects_any(self._band_plan, breached, goals)
        return self._fires("drift_band", rule, detail + _stops_text(goals), served=served, plan=self._band_plan)

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


def _tolerance_text(situation: Situation) -> str:
    """The tolerance as text: `$1.00`, or the minimum trade if larger; for an account in whole shares, or one share."""
    least = serving.least_way(replace(situation.rules, whole_shares=False), situation.valuation.equity, None)
    share = " or one share" if situation.rules.whole_shares else ""
    return trace_text.dollars(Value(int(least))) + share


def _source(situation: Situation, name: str) -> str:
    """The text `, set for this account` if the subscription overrides the field `name` of its portfolio (R-67).

    Else empty.
    """
    overrides = situation.rules.overrides
    own = overrides is not None and (
        overrides.cooldown_days is not None if name == "cooldown_days" else overrides.conditions is not None
    )
    return ", set for this account" if own else ""


def _stops_text(goals: Goals | None) -> str:
    """A text, to follow that of the drift, if the run's trades are cut because no other asset can match them (R-63).

    Else empty.
    """
    if goals is None or not goals.stops.cut:
        return ""
    return "; cut, because no other asset can take all of it"


def _day(at: datetime) -> str:
    return f"{new_york_day(at):%Y-%m-%d}"
