"""Run completion and its effects on accounts, subscriptions and portfolios (R-25, R-26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import Session
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.evaluation import history
from rebal_tui.services.runs.needs_adjustment import mark_needs_adjustment
from rebal_tui.services.runs.queueing import subject_of
from rebal_tui.services.runs.quota import release_quota
from rebal_tui.services.runs.sending import cancel_open_orders, resolve_orders
from rebal_tui.store import accounts, jobs, outbox, portfolios, run_orders, runs
from rebal_tui.store.outbox import Progress


@dataclass(frozen=True, slots=True)
class End:
    """The final status of a run, with its reason."""

    run: Run
    status: RunStatus
    reason: str | None


def outcome(book: Book, run: Run, progress: Progress) -> End:
    """The end of a run whose orders are all final (R-25)."""
    if progress.placed and not progress.any_filled:
        unfilled = next(o for _, o, _ in run_orders.of_run(book.database, run.id) if o.status is not OrderStatus.FILLED)
        why = unfilled.reject_reason or unfilled.status
        return End(run, RunStatus.ERROR, f"no order could be filled: {why}")
    if progress.unfilled or progress.skipped:
        reason = f"{count_text(progress.unfilled, 'order')} not filled, {progress.skipped} skipped"
        return End(run, RunStatus.COMPLETED_ADJUSTED, reason)
    return End(run, RunStatus.COMPLETED_SUCCESS, None)


def after_close(book: Book, closed: Sequence[Run]) -> list[Run]:
    """End runs at the close: no more orders are sent, day orders expire, then TIMEOUT unless complete (R-25)."""
    moved: list[Run] = []
    ends: list[End] = []
    progress = outbox.progress(book.database, [run.id for run in closed])
    for run in closed:
        orders = run_orders.of_run(book.database, run.id)
        session = book.calendar.at(run.started_at) if run.started_at else None
        complete = run.phase is RunPhase.BUYING and all(_is_final(o, session) for _, o, _ in orders)
        if complete and not any(o.status is OrderStatus.EXPIRED for _, o, _ in orders):
            ends.append(outcome(book, run, progress[run.id]))
        else:
            why = "the market closed before the run finished"
            moved += wind_down(book, run, RunStatus.TIMEOUT, SkipReason.MARKET_WINDOW_CLOSED, why)
    return moved + finish(book, ends)


def _is_final(order: Order, session: Session | None) -> bool:
    """Whether an order was final at the broker or refused before the close; False for one that never arrived."""
    if order.id or order.failed_at is None:
        return bool(order.id) and order.status.final
    return session is not None and order.failed_at < session.close


def wind_down(book: Book, run: Run, status: RunStatus, skip: SkipReason, why: str) -> list[Run]:
    """Skip unsent orders, cancel open ones, and finish the run once every order is final."""
    orders = run_orders.of_run(book.database, run.id)
    unsent = [(line, order) for line, order, sent in orders if not sent]
    with book.write() as tx:
        for line, order in unsent:
            run_orders.drop(tx, run.id, line)
            run_orders.add_skipped(tx, run.id, [SkippedOrder(order.symbol, order.side, order.notional, skip, why)])
        if run.phase is RunPhase.SELLING:
            lost = [
                SkippedOrder(line.symbol, Side.BUY, line.notional, skip, why)
                for line in history.made_plan(book.database, run).buys
            ]
            run_orders.add_skipped(tx, run.id, lost)
    certain = resolve_orders(book, run)
    cancel_open_orders(book, run)
    sync(book)
    if not certain or not all(order.status.final for _, order, _ in run_orders.of_run(book.database, run.id)):
        book.work_queue.add_later(run.account_id)
        return []
    return finish(book, [End(run, status, why)])


def finish(book: Book, ends: Sequence[End]) -> list[Run]:
    """Store the ends of runs, with their effects on accounts, subscriptions and portfolios; returns the runs."""
    if not ends:
        return []
    now = book.now()
    done = [_ended(book, end) for end in ends]
    with book.write() as tx:
        runs.update(tx, zip((end.run for end in ends), done, strict=True))
        # What a person canceled is not created again in the same session.
        release_quota(tx, [run for run in done if not run.cancel_requested])
        for run in done:
            if run.status.completed and run.type is RunType.FULL_REBALANCE and run.subscription_id:
                portfolios.set_last_rebalanced(tx, run.subscription_id, now)
            if run.status.completed and run.type is RunType.PARTIAL_LIQUIDATION and run.amount:
                reserve = Money(book.extras[run.account_id].reserve + run.amount)
                accounts.reserve(tx, run.account_id, reserve)
            if run.status in (RunStatus.ERROR, RunStatus.TIMEOUT):
                name = book.accounts[run.account_id].name
                text = f"{run.type.replace('_', ' ')} of {name}: {run.status}, {run.reason}"
                jobs.raise_alert(tx, now, "run", run.id, text)
        for portfolio_id in dict.fromkeys(run.portfolio_id for run in done if run.portfolio_id):
            wanted = book.portfolios[portfolio_id].weights.symbols
            culprits = [s for s in wanted if not _eligible(book.assets.get(s))]
            if culprits:
                mark_needs_adjustment(tx, portfolio_id, culprits)
        tx.record("runs.ended", subject_of(done), {"runs": [[run.id, run.status, run.reason] for run in done]})
        tx.after_commit(partial(_apply_ends, book, done, now))
        tx.reload_accounts([run.account_id for run in done])
        tx.apply_run_states(done)
    return done


def _apply_ends(book: Book, done: Sequence[Run], at: datetime) -> None:
    """Update in-memory state for ended runs: cash targets (R-14.7) and last-rebalanced times."""
    for run in done:
        if not run.status.completed:
            continue
        book.cash_targets[run.account_id, run.weights.cash] = run.cash_target or Money(0)
        subscription = book.subscriptions.get(run.account_id)
        if run.type is RunType.FULL_REBALANCE and subscription is not None and subscription.id == run.subscription_id:
            book.subscriptions[run.account_id] = replace(subscription, last_rebalanced_at=at)


def _ended(book: Book, end: End) -> Run:
    now = book.now()
    canceled = end.status is RunStatus.CANCELED_MID_RUN
    return replace(
        end.run,
        status=end.status,
        phase=RunPhase.DONE,
        reason=end.reason,
        updated_at=now,
        completed_at=None if canceled else now,
        canceled_at=now if canceled else None,
    )


def _eligible(asset: Asset | None) -> bool:
    return asset is not None and asset.eligible
