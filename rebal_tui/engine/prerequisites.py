"""The window and the prerequisites of an evaluation, in order (R-10 to R-12)."""

from __future__ import annotations

from rebal_tui.domain.decisions import Verdict
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.situation import Situation, ineligible, price_faults
from rebal_tui.engine.trace import Trace
from rebal_tui.engine.trace_text import reachable_text

RECONCILIATION = "reconciliation"
"""Name of the check that a paused account fails."""
RESTRICTIONS = "restrictions"
"""Name of the check of an account's restrictions."""


def window(situation: Situation, trace: Trace) -> bool:
    session, local = situation.session, situation.now.astimezone(NEW_YORK)
    if situation.ignore_window:
        trace.note("window", Verdict.INFO, "evaluated regardless of the rebalancing window", "R-10")
        return True
    if session is None or session.next_day is None:
        why = situation.closed_reason or "the day is not in the calendar"
        trace.note("window", Verdict.FAIL, f"{local:%Y-%m-%d} is not a session ({why})", "R-10")
        return False
    if session.any_hour:
        trace.note("window", Verdict.PASS, "evaluated at any hour, as of the newest session that has prices", "R-73")
        return True
    start, end = session.open.astimezone(NEW_YORK), session.window_end.astimezone(NEW_YORK)
    inside = session.in_window(situation.now)
    relation = "is inside" if inside else "is outside"
    trace.note(
        "window",
        Verdict.PASS if inside else Verdict.FAIL,
        f"{local:%Y-%m-%d %H:%M} New York {relation} the rebalancing window {start:%H:%M}–{end:%H:%M}",
        "R-10",
    )
    return inside


def prerequisites(situation: Situation, trace: Trace) -> None:
    portfolio = situation.portfolio
    trace.require(
        "portfolio_status",
        portfolio.status is PortfolioStatus.ACTIVE,
        "the portfolio is active",
        f"the portfolio {portfolio.status.predicate}",
        "R-12.1",
    )
    stopped = blocking_reasons(situation.account, situation.booked_valuation)
    trace.require(
        "account",
        not stopped,
        "the account is ACTIVE and not blocked",
        "; ".join(text for _, text in stopped),
        "R-12.2",
    )
    if situation.unreconciled:
        trace.stop(RECONCILIATION, situation.unreconciled, "R-12")
    restrictions(situation, trace)
    does = "awaits approval" if situation.open_run_awaits else "is under way"
    waiting_text = f"run {situation.open_run[:8]} {does}; one run at a time" if situation.open_run else ""
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
    assets = ((symbol, situation.assets.get(symbol)) for symbol in ineligible(situation))
    # An unknown asset has no price; only one that is unmanaged passes the check above.
    why = [f"{symbol} is {'unknown' if one is None else one.ineligibility}" for symbol, one in assets]
    trace.require(
        "assets",
        not why,
        "all assets of the portfolio can be bought",
        "; ".join(why) + "; the portfolio needs adjustment",
        "R-12.6",
    )


def restrictions(situation: Situation, trace: Trace) -> None:
    """Add the check of restrictions to the trace (R-60). Raises `Stop`, which ends the evaluation, if the check fails.

    It fails for a hold restriction, and when the restrictions exclude each other. An account without restrictions gets
    no such check.
    """
    rules = situation.rules
    if not rules.restrictions:
        return
    if rules.holds:
        text = "; ".join(one.text for one in rules.holds)
        trace.stop(RESTRICTIONS, text, "R-60")
    if any(symbol not in situation.prices for symbol in situation.needed_symbols):
        # Without all prices nothing can be said of bounds; the check of prices ends the evaluation.
        return
    try:
        goals = situation.goals
    except RestrictionsConflict as conflict:
        trace.stop(RESTRICTIONS, f"the restrictions conflict: {conflict}", "R-60")
    if goals is not None:
        trace.note(RESTRICTIONS, Verdict.PASS, reachable_text(goals), "R-61")
