"""The end of runs, and its effects on accounts, subscriptions and portfolios (R-25, R-26)."""

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
from rebal_tui.services.runs.raised_cash import owner_of, raised_cash, shortfall_text
from rebal_tui.services.runs.sending import cancel_open_orders, resolve_orders
from rebal_tui.services.runs.undone import settle_rebalance, undone_sells
from rebal_tui.store import jobs, outbox, reservations, run_orders, runs
from rebal_tui.store.outbox import Progress


@dataclass(frozen=True, slots=True)
class End:
    """The final status of a run, with the reason.

    `placed` is whether a run with COMPLETED_SUCCESS placed at least one order; it is not used for other statuses.
    """

    run: Run
    status: RunStatus
    reason: str | None
    placed: bool = False


def outcome(book: Book, run: Run, progress: Progress) -> End:
    """The end of a run whose orders are all final (R-25).

    If a partial_liquidation raised less than it had to, the reason of an adjusted end states the cash raised and the
    amount (R-23).
    """
    raised = raised_cash(book, run)
    short = shortfall_text(book, run, raised)
    if progress.placed and not progress.any_filled and not raised:
        unfilled = next(o for _, o, _ in run_orders.of_run(book.database, run.id) if o.status is not OrderStatus.FILLED)
        why = unfilled.reject_reason or unfilled.status
        return End(run, RunStatus.ERROR, f"no order could be filled: {why}")
    if progress.unfilled or progress.skipped:
        reason = f"{count_text(progress.unfilled, 'order')} not filled, {progress.skipped} skipped"
        return End(run, RunStatus.COMPLETED_ADJUSTED, f"{short}; {reason}" if short else reason)
    if short:
        return End(run, RunStatus.COMPLETED_ADJUSTED, f"all orders filled, but they brought less than planned; {short}")
    return End(run, RunStatus.COMPLETED_SUCCESS, None, placed=progress.placed > 0)


def after_close(book: Book, closed: Sequence[Run]) -> list[Run]:
    """End runs in progress after the close (R-25): complete runs by `outcome`, the others as TIMEOUT.

    No more orders are sent, and open day orders expire. Returns the runs that ended; a run with an order that is not
    final yet ends in a later call.
    """
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
    """Whether an order was final at the broker, or was refused before the close.

    False for an order that never reached the broker.
    """
    if order.id or order.failed_at is None:
        return bool(order.id) and order.status.final
    return session is not None and order.failed_at < session.close


def wind_down(book: Book, run: Run, status: RunStatus, skip: SkipReason, why: str) -> list[Run]:
    """Skip a run's unsent orders and cancel its open orders; once all orders are final, end the run with `status`.

    Returns a list of the ended run; empty while an order is not final, and a later call continues. `skip` and `why` are
    the code and the text of the skipped orders.
    """
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
    short = shortfall_text(book, run, raised_cash(book, run)) if status is RunStatus.TIMEOUT else ""
    return finish(book, [End(run, status, f"{why}; {short}" if short else why)])


def finish(book: Book, ends: Sequence[End]) -> list[Run]:
    """Store the ends of runs, with their effects on accounts, subscriptions and portfolios; returns the ended runs."""
    if not ends:
        return []
    now = book.now()
    done = [_ended(book, end) for end in ends]
    reserved: list[list[object]] = []
    counted: list[str] = []
    with book.write() as tx:
        runs.update(tx, zip((end.run for end in ends), done, strict=True))
        # What a person canceled is not created again in the same session.
        release_quota(tx, [run for run in done if not run.cancel_requested])
        for end, run in zip(ends, done, strict=True):
            orders, skipped = _left(book, run)
            placed = end.placed if run.status is RunStatus.COMPLETED_SUCCESS else bool(orders)
            if settle_rebalance(tx, run, placed, orders, skipped):
                counted.append(run.account_id)
            if (run.status.completed or run.status is RunStatus.TIMEOUT) and (raised := raised_cash(book, run)):
                owner = owner_of(book, run)
                reservations.add(tx, run.account_id, owner, raised, now)
                reserved.append([run.account_id, owner.kind, owner.reference, raised])
            if alert := _alert(book, run, orders, skipped):
                jobs.raise_alert(tx, now, "run", run.id, alert)
        for portfolio_id in dict.fromkeys(run.portfolio_id for run in done if run.portfolio_id):
            wanted = book.portfolios[portfolio_id].weights.symbols
            culprits = [s for s in wanted if not _eligible(book.assets.get(s))]
            if culprits:
                mark_needs_adjustment(tx, portfolio_id, culprits)
        detail: dict[str, object] = {"runs": [[run.id, run.status, run.reason] for run in done]}
        tx.record("runs.ended", subject_of(done), {**detail, "reserved": reserved} if reserved else detail)
        tx.after_commit(partial(_apply_ends, book, done, counted, now))
        tx.reload_accounts([run.account_id for run in done])
        tx.apply_run_states(done)
    return done


def _left(book: Book, run: Run) -> tuple[list[Order], list[SkippedOrder]]:
    """The orders and the skipped orders of a run, which show what it left undone; both empty for COMPLETED_SUCCESS."""
    if run.status is RunStatus.COMPLETED_SUCCESS:
        return [], []
    orders = [order for _, order, _ in run_orders.of_run(book.database, run.id)]
    return orders, run_orders.skipped_orders(book.database, run.id)


def _alert(book: Book, run: Run, orders: Sequence[Order], skipped: Sequence[SkippedOrder]) -> str:
    """The text of the alert of an ended run: what it did not do, and what happens next (R-25).

    Empty if there is nothing that a person should know.
    """
    hold = book.holds.get(run.account_id)
    paused = run.account_id in book.quarantine.by_account or (hold is not None and not hold.waits)
    if run.status is RunStatus.TIMEOUT and paused:
        # The alert of the pause names the account and the cause.
        return ""
    unfilled = [order for order in orders if order.status is not OrderStatus.FILLED]
    failed = [f"{o.side} {o.symbol} ({o.reject_reason or o.status})" for o in unfilled]
    left = [
        f"{s.side or 'order'} {s.symbol} ({s.reason_details})"
        for s in skipped
        if s.reason is not SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL
    ]
    stopped = run.status in (RunStatus.ERROR, RunStatus.TIMEOUT)
    if not stopped and (run.status is not RunStatus.COMPLETED_ADJUSTED or not failed + left):
        return ""
    what = "; ".join(dict.fromkeys([*failed, *left]))
    head = (
        f"{run.type.replace('_', ' ')} of {book.accounts[run.account_id].name}: {run.status.lower().replace('_', ' ')}"
    )
    text = f"{head}, {run.reason}" if stopped else f"{head}; not done: {what}"
    subscription = book.subscriptions.get(run.account_id)
    if run.type is not RunType.FULL_REBALANCE or subscription is None or subscription.id != run.subscription_id:
        return text
    again = undone_sells(run.status, orders, skipped)
    return f"{text}; the sells are tried again at the next session" if again else text


def _apply_ends(book: Book, done: Sequence[Run], counted: Sequence[str], at: datetime) -> None:
    """Update in-memory state for ended runs: cash targets (R-14.7) and last-rebalanced times."""
    for run in done:
        if run.status.completed:
            book.cash_targets[run.account_id, run.weights.cash] = run.cash_target or Money(0)
    for account_id in counted:
        book.subscriptions[account_id] = replace(book.subscriptions[account_id], last_rebalanced_at=at)


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
