"""Past decisions, plans and timelines, recomputed by the engine from their stored inputs.

Evaluation and planning are pure functions, so the same inputs give the same trace and the same plan, regardless of
later changes to prices, portfolios or assets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.decisions import Check, Decision, Plan, Verdict
from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.domain.portfolios import Subscription, Unfinished
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, Run, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trading_rules import RunOverride, TradeRestriction
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.prerequisites import RECONCILIATION
from rebal_tui.engine.situation import Situation, proposed_again, update_due
from rebal_tui.engine.trace_text import money
from rebal_tui.engine.trade_status import Classified, described
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.rules_view import rules_of
from rebal_tui.services.evaluation.planning import holdings, invest_cash_target, plan_from, plan_run
from rebal_tui.store import (
    asset_holds,
    asset_renames,
    assets,
    decision_contexts,
    decisions,
    past_rows,
    rules_text,
    run_overrides,
    runs,
)
from rebal_tui.store import plan_inputs as stored_plans
from rebal_tui.store.codec import from_positions, from_time_or_none, to_positions, to_restrictions
from rebal_tui.store.database import Database
from rebal_tui.store.decision_contexts import DecisionContext
from rebal_tui.store.decisions import StoredDecision
from rebal_tui.store.plan_inputs import PlanInputs


def store_context(tx: BookTransaction) -> int:
    """Store the current decision context and return its number.

    A decision context has what all decisions of one time share: session, settings, prices, assets and portfolios.
    """
    book = tx.book
    now = book.now()
    day = new_york_day(now)
    return decision_contexts.put(
        tx, now, book.calendar.session(day), book.calendar.closed_reason(day) or "",
        book.settings.price_max_age, book.settings.quarterly_months, book.assets, book.portfolios,
    )  # fmt: skip


def latest_decisions(database: Database, account_id: str, limit: int = 1) -> list[Decision]:
    """An account's latest decisions, newest first; all of them with a `limit` below 0."""
    return [decision_of(one, stored) for one, stored in past_rows.latest_decisions(database, account_id, limit)]


def decision_of_run(database: Database, run_id: str) -> Decision | None:
    """The decision that created a run; None for a manual run."""
    found = past_rows.decision_of_run(database, run_id)
    return decision_of(*found) if found else None


def decision_of(database: Database, stored: StoredDecision) -> Decision:
    """A stored decision with its trace and plan, recomputed.

    If the recomputed outcome or reported checks differ from the stored ones, the trace is a single check named `record`
    that states the cause: INFO for a decision by the rules of an earlier version, FAIL otherwise (the file was
    altered).
    """
    made = _reevaluate(stored, partial(decision_contexts.get, database), partial(_paused_text, database))
    if made.decision is not None:
        return made.decision
    verdict = Verdict.FAIL if made.fault else Verdict.INFO
    text = made.fault or f"decided by the rules of an earlier version ({stored.kind.deciding or 'no trigger'})"
    return Decision(
        stored.account_id, stored.portfolio_id, stored.subscription_id, stored.at, stored.session, stored.kind.outcome,
        text, (Check("record", verdict, text, ""),),
    )  # fmt: skip


def decision_fault(stored: StoredDecision, context: Callable[[int], DecisionContext]) -> str:
    """How a recomputed decision differs from the stored one, as text.

    Empty if they are equal, or if the decision is by the rules of an earlier version. `context` is a function that
    reads the decision context with the given number.
    """
    return _reevaluate(stored, context).fault


@dataclass(frozen=True, slots=True)
class _Reevaluation:
    """A recomputed decision, None when it differs or is unreadable, and the fault.

    The fault is empty for a decision by the rules of an earlier version.
    """

    decision: Decision | None
    fault: str = ""


def _reevaluate(
    stored: StoredDecision,
    context: Callable[[int], DecisionContext],
    paused: Callable[[StoredDecision, DecisionContext], str] = lambda _stored, _context: _PAUSED,
) -> _Reevaluation:
    """Recompute a stored decision. `paused` gives the reason to show for an account that was paused."""
    signature = stored.kind.signature
    try:
        given = context(stored.context)
        why = paused(stored, given) if stored.kind.deciding == RECONCILIATION else ""
        situation = situation_of(stored, given, paused=why)
        recomputed = evaluate(situation)
        found = decisions.kind_of(recomputed).signature
    except (ValueError, KeyError, TypeError) as error:
        return _Reevaluation(None, f"stored as {signature}, cannot be recomputed: {error}")
    if found == signature:
        return _Reevaluation(_with_status(recomputed, stored, situation))
    if given.edition < decision_contexts.EDITION:
        return _Reevaluation(None)
    return _Reevaluation(None, f"stored as {signature}, recomputed as {found}")


def _with_status(recomputed: Decision, stored: StoredDecision, situation: Situation) -> Decision:
    if stored.status is None:
        return recomputed
    kept = Classified(stored.status.kind, stored.status.waits_for, stored.status.first_trade_at)
    return replace(recomputed, status=described(situation, kept, reviewed=stored.reviewed))


_PAUSED = "paused: the broker's figures did not match the book"
"""The audit trail has the reason for a pause; a decision stores only that the account was paused."""


def _paused_text(database: Database, stored: StoredDecision, context: DecisionContext) -> str:
    """Why the account of a decision was paused: the holds on its assets (R-55), else a difference from the broker."""
    holds = asset_holds.at(database, stored.at)
    held = {context.symbols[key] for key, _ in from_positions(stored.inputs.positions)}
    concerned = held.union(context.portfolios[stored.portfolio_id].weights.symbols)
    return "; ".join(hold.reason for symbol, hold in holds.items() if symbol in concerned) or _PAUSED


def situation_of(stored: StoredDecision, context: DecisionContext, *, paused: str = _PAUSED) -> Situation:
    """The inputs of a stored decision. The account has only the fields that affect decisions.

    `paused` is the reason to show if the account was paused.
    """
    inputs = stored.inputs
    rules = rules_text.from_text(inputs.rules, context.symbols)
    portfolio = context.portfolios[stored.portfolio_id]
    if rules.overrides is not None:
        portfolio = rules.overrides.applied(portfolio)
    subscription = Subscription(
        stored.subscription_id, stored.account_id, stored.portfolio_id, inputs.subscribed_at,
        inputs.last_rebalanced_at, inputs.update_spent_at, inputs.propose_on,
    )  # fmt: skip
    held = sorted((context.symbols[key], qty) for key, qty in from_positions(inputs.positions))
    return Situation(
        now=context.at,
        session=context.session,
        closed_reason=context.closed_reason,
        account=Account(
            stored.account_id, "", "", AccountStatus(inputs.status), inputs.cash, Money(0),
            to_restrictions(inputs.restrictions), tuple(Position(symbol, qty) for symbol, qty in held), context.at,
        ),
        portfolio=portfolio,
        subscription=subscription,
        assets=context.assets,
        reserved=inputs.reserved,
        cash_floor=inputs.cash_floor,
        open_run=inputs.open_run,
        open_run_awaits=inputs.open_run_awaits,
        external_orders=inputs.external_orders,
        unreconciled=paused if stored.kind.deciding == RECONCILIATION else "",
        quota_run=inputs.quota_run,
        price_max_age=context.price_max_age,
        quarterly_months=context.quarterly_months,
        unfinished=None if inputs.undone is None else _unfinished(inputs.undone, context),
        update_due=update_due(portfolio, subscription, context.at),
        proposed_again=proposed_again(subscription, context.at),
        rules=rules,
    )  # fmt: skip


def _unfinished(text: str, context: DecisionContext) -> Unfinished:
    raw = json.loads(text)
    symbols = tuple(context.symbols[key] for key in raw["assets"])
    return Unfinished(symbols, from_time_or_none(raw["traded_at"]))


def plan_inputs(book: Book, run: Run, context: int, asset_keys: Mapping[str, int]) -> PlanInputs:
    """The current inputs of a run's plan.

    `context` is the number of the decision context that was stored for this plan, `asset_keys` has the integer keys of
    the assets by label.
    """
    start = holdings(book, run.account_id, by_band=made_by_band(book, run), override=override_of(book, run))
    return PlanInputs(
        context=context,
        cash=book.accounts[run.account_id].cash,
        reserved=book.reserved(run.account_id),
        cash_target=invest_cash_target(book, run.account_id, start, run.weights)
        if run.type is RunType.INVEST_CASH
        else None,
        positions=to_positions((asset_keys[symbol], qty) for symbol, qty in start.positions.items()),
        rules=rules_text.to_text(start.rules, asset_keys),
    )


def made_by_band(book: Book, run: Run) -> bool:
    """Whether a drift band caused a full rebalance that the account's rules end before the target (R-62, R-63)."""
    if run.type is not RunType.FULL_REBALANCE or not rules_of(book, run.account_id).stops_early:
        return False
    return decisions.deciding_of_runs(book.database, [run.id]).get(run.id) == "drift_band"


def override_of(book: Book, run: Run) -> RunOverride | None:
    """The restrictions that a run ignores, with the advisor's note (R-61); None without any."""
    if not book.rules_view.restrictions:
        return None
    return run_overrides.of_runs(book.database, [run.id]).get(run.id)


def current_plan(book: Book, run: Run) -> Plan:
    """The plan of a run if it were made now. Raises the errors of `plan_run`."""
    by_band, override = made_by_band(book, run), override_of(book, run)
    return plan_run(book, run.account_id, run.type, run.weights, run.amount, by_band=by_band, override=override)


def store_plan(tx: BookTransaction, run: Run) -> None:
    """Store the current inputs of a run's plan, from which `plan_of` recomputes the plan."""
    book = tx.book
    inputs = plan_inputs(book, run, store_context(tx), decision_contexts.symbol_keys(book.database))
    stored_plans.store(tx, [(run.id, inputs)])


def plan_of(database: Database, run: Run) -> Plan | None:
    """The plan of a run, recomputed from its stored inputs; None for a run that was not planned yet.

    Raises `ValueError` when the inputs cannot be read.
    """
    inputs = stored_plans.inputs(database, run.id)
    return None if inputs is None else recompute_plan(run, inputs, plan_context(database, inputs.context))


def restrictions_of_plan(database: Database, run: Run) -> tuple[TradeRestriction, ...]:
    """The restrictions that a run's plan respected, from its stored inputs; empty for a run that was not planned yet.

    They lack who made them and when, which the audit trail has. Raises `ValueError` when the inputs cannot be read.
    """
    inputs = stored_plans.inputs(database, run.id)
    if inputs is None or inputs.rules is None:
        return ()
    return rules_text.from_text(inputs.rules, plan_context(database, inputs.context).symbols).restrictions


def plan_context(database: Database, key: int) -> DecisionContext:
    """The stored prices and settings with which a run was planned; assets have their current labels (R-50)."""
    context = decision_contexts.get(database, key)
    if not asset_renames.any_renames(database):
        return context
    return context.relabeled(assets.labels_by_key(database))


def made_plan(database: Database, run: Run) -> Plan:
    """The plan of a run in progress. Raises `BrokenInvariant` when it has none."""
    plan = plan_of(database, run)
    if plan is None:
        raise BrokenInvariant(f"run {run.id} is in progress without a plan")
    return plan


def recompute_plan(run: Run, inputs: PlanInputs, context: DecisionContext) -> Plan:
    """A run's plan from its stored inputs; `context` is the result of `plan_context`."""
    held = {context.symbols[key]: qty for key, qty in from_positions(inputs.positions)}
    rules = rules_text.from_text(inputs.rules, context.symbols)
    start = Holdings(Money(inputs.cash - inputs.reserved), dict(sorted(held.items())), context.assets, rules)
    return plan_from(start, run.type, run.weights, inputs.cash_target or Money(0), run.amount)


AWAITS = "; awaits approval"
"""Ends the reason of a run that needed approval when it was created."""
_BEFORE_THE_START = ("plan renewed", "restriction overridden", "approved")


def timeline(database: Database, run: Run, plan: Plan | None) -> list[tuple[datetime, str, str]]:
    """All statuses of a run and the notes between them, oldest first, as (time, event, detail)."""
    notes = runs.notes(database, run.id)
    events = [(run.created_at, "QUEUED", why_queued(database, run))]
    events += [note for note in notes if note[1] in _BEFORE_THE_START]
    if run.started_at is not None and plan is not None:
        events.append((run.started_at, "IN_PROGRESS", plan_text(plan)))
    events += [note for note in notes if note[1] not in _BEFORE_THE_START]
    if run.status.final:
        ended = run.canceled_at or run.completed_at or run.updated_at
        events.append((ended, run.status.value, run.reason or "all orders filled"))
    return events


def why_queued(database: Database, run: Run) -> str:
    """Why a run was queued, and whether it awaits approval."""
    why = why_created(database, run)
    return why if run.approval is Approval.NOT_NEEDED else f"{why}{AWAITS}"


def why_created(database: Database, run: Run) -> str:
    """Why a run was created: the reason given for a manual run, else the reason of its decision."""
    why = runs.why(database, run.id)
    if why is None:
        decision = decision_of_run(database, run.id)
        why = decision.reason if decision else ""
    return why


def plan_text(plan: Plan) -> str:
    """A summary of a plan: the numbers of sells and buys, if any, and the cash target."""
    sides = ((plan.sells, "sell"), (plan.buys, "buy"))
    orders = ", then ".join(count_text(len(lines), noun) for lines, noun in sides if lines)
    return f"{orders or 'no orders'}; cash target {money(plan.cash_target)}"
