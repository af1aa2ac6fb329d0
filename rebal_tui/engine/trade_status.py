"""The status of one account and its first possible trade, from the inputs of its evaluation.

The triggers are evaluated as if the window, the daily quota, open orders and the age of prices did not matter, because
these only delay a trade. `engine/arrays/statuses.py` computes the same for a whole book.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from rebal_tui.domain.decisions import Decision, Outcome, Verdict
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind, TradeStatus, WaitsFor
from rebal_tui.engine.calendar import cooldown_ends
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation, price_faults
from rebal_tui.engine.status_text import HELD_BY_COOLDOWN, status_note, status_sentence

_DAY = timedelta(days=1)
_DELAYING = frozenset({"window", "open_orders", "quota", "prices"})


@dataclass(frozen=True, slots=True)
class StatusContext:
    """What decides when the next evaluation can create a run.

    `next_evaluation` is the time of the next evaluation, None when none is scheduled, as after the calendar's end or
    in a files book. `stopped` is the kill switch or the paused scheduler, which prevents all trades until a person
    acts; None if neither does.
    """

    schedule: Schedule
    next_evaluation: datetime | None
    stopped: WaitsFor | None = None

    def acts_on(self, day: date) -> bool:
        """Whether the next evaluation is on this New York date."""
        return self.next_evaluation is not None and new_york_day(self.next_evaluation) == day


@dataclass(frozen=True, slots=True)
class Classified:
    """The status of an account without its texts, as an evaluation stores it."""

    kind: StatusKind
    waits_for: WaitsFor | None = None
    first_trade_at: datetime | None = None


def trade_status(
    situation: Situation,
    context: StatusContext,
    *,
    awaiting: bool = False,
    reviewed: bool = False,
    decision: Decision | None = None,
) -> TradeStatus:
    """The status of a subscribed account, with its texts.

    `awaiting` is whether the account's run awaits approval, `reviewed` whether its next automatic run will. `decision`
    is the result of `evaluate` for this situation, if there is one; with it, the triggers need not be evaluated again.
    """
    calendar = context.acts_on(new_york_day(situation.now)) and not situation.quota_run
    probe = decision if decision is not None and calendar and _asked_all(decision) else _probe(situation, calendar)
    found = _classify(situation, probe, context, awaiting)
    halted = context.stopped is WaitsFor.KILL_SWITCH
    return _described(situation, probe, found, context.schedule, reviewed=reviewed, halted=halted)


def described(
    situation: Situation, found: Classified, schedule: Schedule | None = None, *, reviewed: bool = False
) -> TradeStatus:
    """A stored status with its texts, made from the inputs of the evaluation that stored it.

    `reviewed` is whether the run that the evaluation created waited for approval.
    """
    probe = _probe(situation, calendar=not situation.quota_run)
    return _described(situation, probe, found, schedule, reviewed=reviewed, halted=False)


def _asked_all(decision: Decision) -> bool:
    """Whether a decision evaluated the triggers, or ended for a reason that does more than delay a trade."""
    return not (decision.trace[-1].verdict is Verdict.FAIL and decision.trace[-1].check in _DELAYING)


def _probe(situation: Situation, calendar: bool) -> Decision:
    """The decision as it would be if nothing delayed a trade.

    Without `calendar`, today's calendar day does not count, because its evaluation is over or has made a run.
    """
    asked = replace(situation, ignore_window=True, open_run=None, external_orders=0, quota_run=None, price_max_age=None)
    return evaluate(asked if calendar else replace(asked, session=None, proposed_again=False))


def _classify(situation: Situation, probe: Decision, context: StatusContext, awaiting: bool) -> Classified:
    cannot = any(check.verdict is Verdict.CANNOT for check in probe.trace) and probe.outcome is Outcome.NONE
    if awaiting or probe.outcome is Outcome.BLOCKED or cannot:
        return Classified(StatusKind.NEEDS_YOU)
    if situation.open_run:
        return Classified(StatusKind.WILL_TRADE, None, None if context.stopped else _run_acts_at(situation, context))
    trades = probe.outcome is not Outcome.NONE
    found = _triggered(situation, context) if trades else _held_back(situation, probe, context)
    return replace(found, first_trade_at=None) if context.stopped else found


def _run_acts_at(situation: Situation, context: StatusContext) -> datetime | None:
    if situation.session is not None and situation.session.in_window(situation.now):
        return situation.now
    return context.next_evaluation


def _triggered(situation: Situation, context: StatusContext) -> Classified:
    """The status of an account for which a trigger makes a run."""
    today, upcoming = new_york_day(situation.now), context.next_evaluation
    if context.stopped:
        return Classified(StatusKind.WAITS, context.stopped)
    if situation.external_orders:
        return Classified(StatusKind.WAITS, WaitsFor.EXTERNAL_ORDERS)
    if situation.quota_run:
        return Classified(StatusKind.WAITS, WaitsFor.QUOTA, context.schedule.first_from(today + _DAY))
    if context.next_evaluation is None and situation.session is not None and situation.session.any_hour:
        return Classified(StatusKind.WAITS, WaitsFor.EVALUATION)
    if not context.acts_on(today):
        return Classified(StatusKind.WAITS, WaitsFor.SESSION, upcoming)
    if situation.session is not None and situation.session.is_open(situation.now) and price_faults(situation):
        return Classified(StatusKind.WAITS, WaitsFor.PRICES, upcoming)
    return Classified(StatusKind.WILL_TRADE, None, upcoming)


def _held_back(situation: Situation, probe: Decision, context: StatusContext) -> Classified:
    """The status of an account for which no trigger makes a run."""
    held = {check.check for check in probe.trace if check.verdict is Verdict.HOLDS_BACK}
    if "minimum_equity" in held:
        return Classified(StatusKind.WAITS, WaitsFor.MINIMUM_EQUITY)
    day = _cooldown_end(situation, probe) or new_york_day(situation.now) + _DAY
    if held & HELD_BY_COOLDOWN:
        return Classified(StatusKind.WAITS, WaitsFor.COOLDOWN, context.schedule.first_from(day))
    condition, stagger = situation.portfolio.calendar, situation.rules.stagger
    offset = 0 if stagger is None else stagger.offset
    dated = None if condition is None else context.schedule.first_firing(condition, day, offset)
    return Classified(StatusKind.IN_RANGE, None, dated)


def _cooldown_end(situation: Situation, probe: Decision) -> date | None:
    """The first day after the account's cooldown, None when it is in no cooldown."""
    verdicts = {check.check: check.verdict for check in probe.trace}
    if verdicts.get("in_cooldown") is not Verdict.HOLDS_BACK:
        return None
    last, unfinished = situation.subscription.last_rebalanced_at, situation.unfinished
    if unfinished is not None and verdicts.get("unfinished") is Verdict.NO:
        last = unfinished.traded_at or last
    return None if last is None else cooldown_ends(last, situation.portfolio.cooldown_days)


def _described(
    situation: Situation,
    probe: Decision,
    found: Classified,
    schedule: Schedule | None,
    *,
    reviewed: bool,
    halted: bool,
) -> TradeStatus:
    kind, waits_for, at = found.kind, found.waits_for, found.first_trade_at
    return TradeStatus(
        kind,
        waits_for,
        at,
        status_sentence(situation, probe, kind, waits_for, at, reviewed=reviewed, halted=halted),
        status_note(situation, probe, kind, waits_for, _cooldown_end(situation, probe), schedule),
        reviewed,
        cash_run=probe.outcome is Outcome.INVEST_CASH,
    )
