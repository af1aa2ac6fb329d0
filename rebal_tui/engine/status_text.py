"""The status of an account as a sentence."""

from __future__ import annotations

from datetime import date, datetime

from rebal_tui.domain.decisions import Decision, Outcome, Verdict
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import HUNDRED_PERCENT
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.engine import trace_text
from rebal_tui.engine.drift import BandUsage, asset_drifts, largest_usage
from rebal_tui.engine.prerequisites import RECONCILIATION, RESTRICTIONS
from rebal_tui.engine.restrictions import remedy
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation, ineligible, price_faults
from rebal_tui.engine.triggers import excess_text

_WAITS = {
    WaitsFor.COOLDOWN: "Waits for the cooldown.",
    WaitsFor.QUOTA: "Waits for the next session; already traded today.",
    WaitsFor.SESSION: "Waits for the next session.",
    WaitsFor.EXTERNAL_ORDERS: "Waits for open orders placed outside rebal-tui.",
    WaitsFor.MINIMUM_EQUITY: "Waits for equity of at least $1 for each asset.",
    WaitsFor.KILL_SWITCH: "Waits for the kill switch to be released.",
    WaitsFor.SCHEDULER: "Waits for an evaluation; automatic ones are paused.",
    WaitsFor.EVALUATION: "Waits for an evaluation, which an import makes, or you at any time.",
}

_ACTS = {
    "portfolio_status": "you replace the assets that cannot be bought, which reactivates the portfolio",
    "assets": "you replace the assets that cannot be bought, which reactivates the portfolio",
    RECONCILIATION: "you release the account",
    "prices": "every asset has a price",
}
"""What ends a failed check, by its name."""
HELD_BY_COOLDOWN = frozenset({"drift_band", "portfolio_update"})
"""Triggers that wait for the end of the cooldown; a calendar day in it is dropped (R-16)."""

_MAX_KEPT = 3
"""How many assets outside the portfolio a sentence names."""


def status_sentence(
    situation: Situation,
    probe: Decision,
    kind: StatusKind,
    waits_for: WaitsFor | None,
    first_trade_at: datetime | None,
    *,
    reviewed: bool,
    halted: bool,
) -> str:
    """The status as one line of text. `probe` is the decision as it would be if nothing delayed a trade.

    `reviewed` is whether an automatic run of the account waits for approval, `halted` whether the kill switch is on.
    """
    if kind is StatusKind.NEEDS_YOU:
        return f"Needs you: {_needs(situation, probe)}."
    if kind is StatusKind.WAITS and waits_for is not None:
        faults = "; ".join(price_faults(situation))
        waits = f"Waits for a fresh price: {faults}." if waits_for is WaitsFor.PRICES else _WAITS[waits_for]
        return f"{waits} {_trigger(situation, probe)}"
    if kind is StatusKind.WILL_TRADE:
        if situation.open_run:
            stopped = "; the kill switch stops its new orders" if halted else ""
            return f"Run {situation.open_run[:8]} is under way{stopped}."
        at = "" if first_trade_at is None else f" at {first_trade_at.astimezone(NEW_YORK):%H:%M}"
        does = "Will propose a run for review" if reviewed else "Will trade"
        return f"{does}{at}. {_trigger(situation, probe)}"
    held = _usage_sentence(situation) or _kept_sentence(situation)
    return f"In range{', traded today' if situation.quota_run else ''}.{held}"


def status_note(
    situation: Situation,
    probe: Decision,
    kind: StatusKind,
    waits_for: WaitsFor | None,
    cooldown_end: date | None,
    schedule: Schedule | None,
) -> str:
    """What determines the date of the first possible trade, in a few words; empty when the date needs no explanation.

    With `NEEDS_YOU`, the note names the act that ends the status and who does it, worded to follow "until": `you
    approve or reject the run`. `probe` is the decision as it would be if nothing delayed a trade.
    """
    if kind is StatusKind.NEEDS_YOU:
        return _needed_act(situation, probe)
    if waits_for is WaitsFor.COOLDOWN and cooldown_end is not None:
        return f"cooldown ends {_day_text(cooldown_end)}{schedule.closed_text(cooldown_end) if schedule else ''}"
    return "one automatic run a session" if waits_for is WaitsFor.QUOTA else ""


def _needed_act(situation: Situation, probe: Decision) -> str:
    if probe.outcome is not Outcome.BLOCKED:
        cannot = any(check.verdict is Verdict.CANNOT for check in probe.trace) and probe.outcome is Outcome.NONE
        return "you remove what stops each line" if cannot else "you approve or reject the run"
    failed = probe.trace[-1].check
    if failed == "account":
        return remedy(situation.account).event
    if failed == RESTRICTIONS:
        return "you end the hold" if situation.rules.holds else "you lift or change one of the restrictions"
    portfolio = situation.portfolio
    adjusted = portfolio.status is PortfolioStatus.INACTIVE or not (portfolio.fault or ineligible(situation))
    return "you reactivate the portfolio" if failed == "portfolio_status" and adjusted else _ACTS.get(failed, "")


def usage_text(usage: BandUsage) -> str:
    """An asset's weight as `TLT is 12.84 % (target 10 %, 142 % of its band)`.

    It has more decimals when rounding to 100 % would hide on which side of the limit the asset is. With a reachable
    target other than the weight: `TLT is 27.50 % (reachable target 27.00 %, 10 % of its band)`.
    """
    drift = usage.drift
    actual = trace_text.ratio_text(drift.value * HUNDRED_PERCENT, drift.equity, drift.target)
    used: str = str((usage.numerator * 200 + usage.denominator) // (usage.denominator * 2))
    if used == "100" and usage.numerator != usage.denominator:
        used = trace_text.ratio_text(int(usage.numerator) * HUNDRED_PERCENT, usage.denominator, HUNDRED_PERCENT)
    goal = f"target {trace_text.percent(drift.target)}"
    reachable = drift.reachable
    if reachable is not None and reachable * HUNDRED_PERCENT != drift.target * drift.equity:
        share = reachable * HUNDRED_PERCENT / drift.equity
        goal = f"reachable target {trace_text.fraction_text(share / 100, 2)} %"
    return f"{drift.symbol} is {actual} % ({goal}, {used} % of its band)"


def _needs(situation: Situation, probe: Decision) -> str:
    if probe.outcome is Outcome.BLOCKED:
        request = remedy(situation.account).request if probe.trace[-1].check == "account" else ""
        return f"{probe.reason}{'; ' if request else ''}{request}"
    cannot = next((check.detail for check in probe.trace if check.verdict is Verdict.CANNOT), None)
    if cannot is not None and probe.outcome is Outcome.NONE:
        return cannot
    return f"run {situation.open_run[:8]} awaits approval" if situation.open_run else "a run awaits approval"


def _trigger(situation: Situation, probe: Decision) -> str:
    """The trigger that makes a run, as a sentence."""
    verdicts = (Verdict.FIRES, Verdict.HOLDS_BACK)
    held = {check.check: check.detail for check in probe.trace if check.verdict in verdicts}
    if probe.outcome is Outcome.INVEST_CASH:
        waits = any(check.verdict is Verdict.HOLDS_BACK and check.check in HELD_BY_COOLDOWN for check in probe.trace)
        return f"{excess_text(situation)} of cash to invest{'; a rebalance waits for the cooldown' if waits else ''}."
    if "drift_band" in held:
        return _usage_sentence(situation).strip()
    if "calendar" in held and probe.outcome is Outcome.FULL_REBALANCE:
        return _sentence(held["calendar"])
    triggers = ("unfinished", "first_rebalance", "portfolio_update", "calendar")
    return next((_sentence(held[name]) for name in triggers if name in held), "")


def _sentence(detail: str) -> str:
    text = detail.removesuffix("; held back by the cooldown")
    return f"{text[:1].upper()}{text[1:]}."


def _usage_sentence(situation: Situation) -> str:
    bands = situation.portfolio.bands
    priced = all(position.symbol in situation.prices for position in situation.account.positions)
    usage = (
        largest_usage(asset_drifts(situation.valuation, situation.portfolio.weights, situation.reachable_values), bands)
        if priced
        else None
    )
    return "" if usage is None else f" {usage_text(usage)}."


def _kept_sentence(situation: Situation) -> str:
    """Which holdings are not in the portfolio although none of its conditions sells them; empty if one may."""
    portfolio = situation.portfolio
    if portfolio.conditions:
        return ""
    drifts = asset_drifts(situation.valuation, portfolio.weights, situation.reachable_values)
    kept = sorted((drift for drift in drifts if not drift.target and drift.gap > 0), key=lambda one: -one.value)
    if not kept:
        return ""
    shown = [f"{one.symbol} {trace_text.ratio_text(one.value * HUNDRED_PERCENT, one.equity, 0)} %" for one in kept]
    more = f" and {len(kept) - _MAX_KEPT} more" if len(kept) > _MAX_KEPT else ""
    return f" Not in the portfolio: {', '.join(shown[:_MAX_KEPT])}{more}; only a manual run sells that."


def _day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
