"""Evaluating subscriptions: one account for the screens, all of them for the scheduler (R-10 to R-18, R-27)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rebal_tui.domain.decisions import Decision, Outcome
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.drift import Valuation, value_account
from rebal_tui.engine.evaluation import Situation, evaluate
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.queueing import cancel_queued, new_run, queue, record_queued
from rebal_tui.services.whole_book import band_uses
from rebal_tui.store import contexts, decisions, jobs, meta, portfolios, runs
from rebal_tui.store.codec import to_time_or_none
from rebal_tui.store.keys import keys
from rebal_tui.store.runs import PlanInputs

_RUN_TYPES = {Outcome.FULL_REBALANCE: RunType.FULL_REBALANCE, Outcome.INVEST_CASH: RunType.INVEST_CASH}


@dataclass(frozen=True, slots=True)
class Pass:
    """One evaluation of the whole book: its decisions, the runs made, and portfolios that now need adjustment."""

    at: datetime
    decisions: tuple[Decision, ...]
    runs: tuple[Run, ...]
    needs_adjustment: tuple[Portfolio, ...]


def situation(book: Book, account_id: str, *, ignore_window: bool = False) -> Situation:
    """Everything the evaluation of a subscribed account looks at, now. Raises `Conflict` without a subscription."""
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {account.account_number} is not subscribed to a portfolio")
    return _situation(book, subscription, book.now(), ignore_window)


def _situation(book: Book, subscription: Subscription, now: datetime, ignore_window: bool = False) -> Situation:
    account_id = subscription.account_id
    portfolio = book.portfolios[subscription.portfolio_id]
    open_run = book.open_runs.get(account_id)
    day = new_york_day(now)
    return Situation(
        now=now,
        session=book.calendar.session(day),
        closed_reason=book.calendar.closed_reason(day) or "",
        account=book.accounts[account_id],
        portfolio=portfolio,
        subscription=subscription,
        assets=book.assets,
        reserved=book.reserved(account_id),
        cash_floor=book.cash_floor(account_id, portfolio.weights.cash),
        open_run=open_run.id if open_run else None,
        outside_orders=book.extras[account_id].outside_orders,
        quota_run=book.quota_run(account_id, day.isoformat()),
        price_max_age=book.settings.price_max_age,
        quarterly_months=book.settings.quarterly_months,
        ignore_window=ignore_window,
    )


def evaluate_account(book: Book, account_id: str) -> Decision:
    """The decision that an evaluation would make now. Stores and sends nothing."""
    return evaluate(situation(book, account_id))


def evaluate_book(book: Book, account_ids: Iterable[str] | None = None) -> list[Decision]:
    """The decision for every subscription, or for those of some accounts. Stores and sends nothing."""
    return [evaluate(one) for one in _situations(book, account_ids)]


def _situations(book: Book, account_ids: Iterable[str] | None = None) -> list[Situation]:
    now = book.now()
    wanted = book.subscriptions if account_ids is None else {a: book.subscriptions[a] for a in account_ids}
    return [_situation(book, subscription, now) for subscription in wanted.values()]


def evaluation_pass(book: Book, slot: datetime | None = None) -> Pass:
    """Evaluate every subscription, store the decisions, make the runs they ask for as QUEUED.

    All decisions are made on the same state before any takes effect, so the order of accounts does not matter.
    """
    now = book.now()
    situations = _situations(book)
    made = [evaluate(one) for one in situations]
    with book.database.write():
        adjusted = _needs_adjustment(book, made)
        new_runs = _store(book, situations, made)
        decisions.add_history(book.database, now, band_uses(book))
        detail = {outcome.value: sum(d.outcome is outcome for d in made) for outcome in Outcome}
        session = book.calendar.at(now)
        if session is not None:
            text = ", ".join(f"{count} {name}" for name, count in detail.items() if count)
            jobs.record_evaluation(book.database, session.day.isoformat(), slot or now, now, text)
        book.record("evaluation", slot.isoformat() if slot else now.isoformat(), detail)
    if adjusted:
        book.reload_portfolios()
        book.reload_runs()
    for run in new_runs:
        book.system_runs[run.account_id] = (run.session, run.id)
        book.note_run(run)
    return Pass(now, tuple(made), tuple(new_runs), tuple(adjusted))


def _store(book: Book, situations: Sequence[Situation], made: Sequence[Decision]) -> list[Run]:
    """Keep decisions as what they were made from and queue the runs they ask for, in bulk; returns the runs."""
    database = book.database
    asking = [d for d in made if d.plan is not None and d.outcome in _RUN_TYPES]
    run_ids = meta.next_ids(database, len(asking)) if asking else []
    new_runs = [_run_for(book, decision, run_id) for decision, run_id in zip(asking, run_ids, strict=True)]
    context = records.keep_context(book)
    asset_keys = contexts.symbol_keys(database)
    inputs = [records.inputs_of(situation, asset_keys) for situation in situations]
    of_account = {decision.account_id: found for decision, found in zip(made, inputs, strict=True)}
    plans = {
        run.id: _plan_inputs(context, of_account[run.account_id], decision)
        for run, decision in zip(new_runs, asking, strict=True)
        if run.approval is Approval.AWAITING
    }
    run_keys = queue(book, new_runs, counts_quota=True, why=None, plans=plans)
    key_of_run = dict(zip((run.account_id for run in new_runs), run_keys, strict=True))
    kinds = [decisions.kind_of(decision) for decision in made]
    kind_keys = decisions.kind_keys(database, kinds)
    account = keys(database, "accounts", (d.account_id for d in made))
    portfolio = keys(database, "portfolios", {d.portfolio_id for d in made})
    subscription = keys(database, "subscriptions", (d.subscription_id for d in made))
    earlier = keys(database, "runs", {i for found in inputs for i in (found.open_run, found.quota_run) if i})
    decisions.add(
        database,
        (
            (
                d.session, account[d.account_id], portfolio[d.portfolio_id], kind_keys[kind.signature],
                key_of_run.get(d.account_id, decisions.NO_RUN), context, subscription[d.subscription_id], i.status,
                i.restrictions, i.cash, i.reserved, i.cash_floor, to_time_or_none(i.last_rebalanced_at),
                i.outside_orders, earlier.get(i.open_run or ""), earlier.get(i.quota_run or ""), i.positions,
            )
            for d, kind, i in zip(made, kinds, inputs, strict=True)
        ),
    )  # fmt: skip
    record_queued(book, new_runs, run_keys)
    return new_runs


def _plan_inputs(context: int, inputs: decisions.Inputs, decision: Decision) -> PlanInputs:
    kept = decision.plan.cash_target if decision.plan and decision.outcome is Outcome.INVEST_CASH else None
    return PlanInputs(context, inputs.cash, inputs.reserved, kept, inputs.positions)


def mark_needs_adjustment(book: Book, portfolio_id: str, culprits: Sequence[str]) -> Portfolio | None:
    """Set a portfolio aside because of ineligible assets, cancel its QUEUED runs and raise an alert (R-12.6, R-26).

    None when it was not active any more. Must be called inside `database.write()`.
    """
    portfolio = portfolios.load(book.database)[portfolio_id]
    if portfolio.status is not PortfolioStatus.ACTIVE:
        return None
    now = book.now()
    changed = replace(portfolio, status=PortfolioStatus.NEEDS_ADJUSTMENT, updated_at=now)
    portfolios.save(book.database, changed)
    names = ", ".join(culprits)
    book.record("portfolio.needs_adjustment", portfolio_id, {"assets": list(culprits)})
    text = f"{portfolio.name} needs adjustment: {names} cannot be held"
    jobs.raise_alert(book.database, now, "needs_adjustment", portfolio_id, text)
    waiting = [
        run
        for run in runs.open_runs(book.database)
        if run.portfolio_id == portfolio_id and run.status is RunStatus.QUEUED
    ]
    cancel_queued(book, waiting, f"portfolio {portfolio.name} needs adjustment: {names}")
    return changed


def needs_review(book: Book, portfolio: Portfolio) -> bool:
    """Whether a system run waits for an advisor (R-27)."""
    return book.settings.review or portfolio.review or meta.get(book.database, "review") == "1"


def _needs_adjustment(book: Book, made: Iterable[Decision]) -> list[Portfolio]:
    culprits: dict[str, tuple[str, ...]] = {}
    for decision in made:
        if decision.culprits:
            culprits[decision.portfolio_id] = decision.culprits
    changed = [mark_needs_adjustment(book, identity, names) for identity, names in culprits.items()]
    return [portfolio for portfolio in changed if portfolio]


def _run_for(book: Book, decision: Decision, run_id: str) -> Run:
    portfolio = book.portfolios[decision.portfolio_id]
    return new_run(
        book,
        decision.account_id,
        _RUN_TYPES[decision.outcome],
        portfolio.weights,
        InitiatedFrom.SYSTEM,
        portfolio_id=portfolio.id,
        subscription_id=decision.subscription_id,
        approval=Approval.AWAITING if needs_review(book, portfolio) else Approval.NOT_NEEDED,
        run_id=run_id,
    )


def value_of(book: Book, account_id: str) -> Valuation:
    """What an account is worth at the current prices."""
    account = book.accounts[account_id]
    prices = {
        p.symbol: price
        for p in account.positions
        if (asset := book.assets.get(p.symbol)) is not None and (price := asset.price) is not None
    }
    return value_account(account.cash, {p.symbol: p.qty for p in account.positions}, prices)
