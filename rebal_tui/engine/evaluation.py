"""Evaluation of one subscription: ordered checks, a decision and its trace (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.decisions import Check, Decision, Outcome, Plan, Reachable, Verdict
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.goals import reachable_of
from rebal_tui.engine.prerequisites import RESTRICTIONS, prerequisites, window
from rebal_tui.engine.situation import Situation, ineligible
from rebal_tui.engine.trace import Stop, Trace
from rebal_tui.engine.triggers import full_rebalance, invest_cash


def evaluate(situation: Situation) -> Decision:
    """Decide whether a subscription needs a run now, and which (R-10 to R-18)."""
    trace = Trace()
    try:
        if not window(situation, trace):
            return _decision(situation, trace, Outcome.NONE)
        prerequisites(situation, trace)
    except Stop:
        culprits = ineligible(situation) if trace.last.check == "assets" else ()
        return _decision(situation, trace, Outcome.BLOCKED, culprits=culprits)
    return _decision(situation, trace, *decide_triggers(situation, trace))


def decide_triggers(situation: Situation, trace: Trace) -> tuple[Outcome, Plan | None]:
    """The outcome of the triggers, and the plan of the run if there is one (R-14). All prerequisites must be met."""
    plan = full_rebalance(situation, trace)
    if plan is not None:
        return Outcome.FULL_REBALANCE, plan
    plan = invest_cash(situation, trace)
    return (Outcome.NONE if plan is None else Outcome.INVEST_CASH), plan


def deciding_check(trace: Sequence[Check], outcome: Outcome) -> Check | None:
    """The check that a decision's reason names, or None.

    It is the last check if that check failed. Otherwise it is the last trigger that fired; with outcome `NONE`, it is
    the last check that delayed a trigger or whose drift no order can correct.
    """
    ended = trace[-1].verdict is Verdict.FAIL
    deciding = {Verdict.FAIL} if ended else {Verdict.FIRES}
    if outcome is Outcome.NONE and not ended:
        deciding = {Verdict.HOLDS_BACK, Verdict.CANNOT}
    return next((check for check in reversed(trace) if check.verdict in deciding), None)


def _decision(
    situation: Situation,
    trace: Trace,
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
        reachable=_reachable(situation, trace),
    )


def _reachable(situation: Situation, trace: Trace) -> Reachable | None:
    """The reachable target, None unless the check of restrictions was passed (R-61)."""
    passed = any(check.check == RESTRICTIONS and check.verdict is Verdict.PASS for check in trace.checks)
    goals = situation.goals if passed else None
    if goals is None:
        return None
    known = {position.symbol for position in situation.account.positions}.union(situation.portfolio.weights.symbols)
    return reachable_of(goals, (one for one in situation.rules.restrictions if one.symbol in known))
