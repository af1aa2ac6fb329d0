"""The run state machine: QUEUED → sells → buys from booked cash → an outcome (R-20, R-25, R-26)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import Plan, PlanLine
from rebal_tui.domain.errors import BrokenInvariant, Conflict, require
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.domain.runs import Approval, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.planning import resize_buys
from rebal_tui.engine.restrictions import stops
from rebal_tui.engine.words import money
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import mark_needs_adjustment, value_of
from rebal_tui.services.live import read_account
from rebal_tui.services.outbox import cancel_open_orders, send_orders, settle_orders
from rebal_tui.services.planning import plan_run
from rebal_tui.services.queueing import cancel_queued
from rebal_tui.services.sync import sync
from rebal_tui.store import accounts, jobs, meta, portfolios, runs

HALT = "halt"
"""The name under which the kill switch is kept."""


def process_runs(book: Book) -> int:
    """Take every open run as far as it goes now; returns how many moved. Sells of all runs go before buys."""
    sync(book)
    moved = 0
    order = {RunPhase.SELLING: 0, RunPhase.WAITING: 1, RunPhase.BUYING: 2, RunPhase.DONE: 3}
    for run in sorted(book.open_runs.values(), key=lambda run: order[run.phase]):
        moved += process_run(book, run.id)
    return moved


def process_run(book: Book, run_id: str) -> bool:
    """Take one run as far as it goes now; True when its state changed."""
    before = runs.get(book.database, run_id)
    run = before
    while not run.status.final:
        after = _step(book, run)
        if after == run:
            break
        run = after
    if run != before:
        book.note_run(run)
    return run != before


def halted(book: Book) -> bool:
    """Whether the kill switch is on: no new order is sent."""
    return meta.get(book.database, HALT) == "1"


def set_halt(book: Book, on: bool) -> None:
    """Turn the kill switch: while it is on no run starts and no order is sent, by hand or by the scheduler."""
    with book.database.write():
        meta.put(book.database, HALT, "1" if on else "0")
        book.record("book.halted" if on else "book.released", "book", actor="advisor")
    book.version += 1


def _step(book: Book, run: Run) -> Run:
    if run.status is RunStatus.QUEUED:
        return _start(book, run)
    if run.cancel_requested:
        return _wind_down(book, run, RunStatus.CANCELED_MID_RUN, SkipReason.RUN_CANCELED, "canceled by hand")
    session = _session_of(book, run)
    if session is None or book.now() >= session.close:
        return _after_close(book, run)
    if halted(book):
        return run
    if run.phase is RunPhase.SELLING:
        return _sell(book, run)
    return _buy(book, run)


def _session_of(book: Book, run: Run) -> Session | None:
    """The session in which the run was started; its orders are day orders of it."""
    require(run.started_at is not None, f"run {run.id} is in progress without a start")
    return book.calendar.at(run.started_at) if run.started_at else None


def _start(book: Book, run: Run) -> Run:
    now, session = book.now(), book.session()
    if run.approval is Approval.AWAITING:
        return _expire_unapproved(book, run)
    if session is None or session.next_day is None or not session.in_window(now) or halted(book):
        return run
    if book.live is not None:
        read_account(book, run.account_id)
    if book.extras[run.account_id].outside_orders or _stale_prices(book, run):
        return run
    stopped = stops(book.accounts[run.account_id], value_of(book, run.account_id))
    if stopped:
        return _error(book, run, "ACCOUNT_RESTRICTED: " + "; ".join(text for _, text in stopped))
    try:
        plan = plan_run(book, run.account_id, run.type, run.weights, run.amount)
    except Conflict as refusal:
        return _error(book, run, str(refusal))
    started = replace(
        run,
        status=RunStatus.IN_PROGRESS,
        phase=RunPhase.SELLING,
        cash_target=plan.cash_target,
        started_at=now,
        updated_at=now,
    )
    with book.database.write():
        runs.update(book.database, run, started)
        runs.set_plan(book.database, run.id, plan)
        runs.add_orders(book.database, run.id, _orders(book, run, plan.sells, {}))
        runs.add_skipped(book.database, run.id, (s for s in plan.skipped_orders if s.side is Side.SELL))
        runs.note(book.database, run.id, now, "IN_PROGRESS", _plan_text(plan))
        book.record("run.started", run.id, {"sells": len(plan.sells), "cash_target": plan.cash_target})
    return started


def _stale_prices(book: Book, run: Run) -> bool:
    """Whether a price that the plan needs is older than allowed (R-12.5): no run is sized on it, it waits."""
    age = book.settings.price_max_age
    held = (position.symbol for position in book.accounts[run.account_id].positions)
    return age is not None and any(
        (asset := book.assets.get(symbol)) is not None
        and asset.price_at is not None
        and book.now() - asset.price_at > age
        for symbol in {*run.weights.symbols, *held}
    )


def _expire_unapproved(book: Book, run: Run) -> Run:
    """What nobody approved by the end of its window is canceled and counts against no quota (R-27)."""
    session = book.calendar.at(run.created_at)
    if session is not None and book.now() <= session.window_end:
        return run
    with book.database.write():
        return cancel_queued(book, run, "not approved by the end of the window", frees_quota=True)


def _sell(book: Book, run: Run) -> Run:
    if not _all_final(book, run):
        return run
    plan = _plan(book, run)
    now = book.now()
    with book.database.write():
        account = book.accounts[run.account_id]
        sized = resize_buys(plan, account.cash, book.reserved(run.account_id))
        buys = [line for line in plan.lines if line.symbol in sized.amounts]
        tradable = [line for line in buys if _buyable(book.assets.get(line.symbol))]
        runs.add_orders(book.database, run.id, _orders(book, run, tradable, sized.amounts))
        runs.add_skipped(book.database, run.id, _skipped_buys(book, plan, sized.amounts, sized.dropped))
        after = replace(run, phase=RunPhase.BUYING, updated_at=now)
        runs.update(book.database, run, after)
        numerator, denominator = sized.scale
        short = f", scaled by {numerator / denominator:.6f}" if numerator < denominator else ""
        text = f"{len(tradable)} buys of {money(Money(sum(sized.amounts.values())))}{short}"
        runs.note(book.database, run.id, now, "buying", f"sells are done; {text} from booked cash")
    return after


def _buy(book: Book, run: Run) -> Run:
    if not _all_final(book, run):
        return run
    placed = [order for _, order, _, _ in runs.orders(book.database, run.id)]
    skipped = runs.skipped_orders(book.database, run.id)
    unfilled = [o for o in placed if o.status is not OrderStatus.FILLED]
    if placed and not any(o.filled_qty for o in placed):
        return _error(book, run, f"no order could be filled: {unfilled[0].reject_reason or unfilled[0].status}")
    adjusted = bool(unfilled or skipped)
    status = RunStatus.COMPLETED_ADJUSTED if adjusted else RunStatus.COMPLETED_SUCCESS
    reason = f"{len(unfilled)} orders not filled, {len(skipped)} skipped" if adjusted else None
    return _finish(book, run, status, reason)


def _after_close(book: Book, run: Run) -> Run:
    """The close came first: nothing more is sent, day orders expire, then TIMEOUT; done is done (R-25)."""
    orders = runs.orders(book.database, run.id)
    complete = run.phase is RunPhase.BUYING and all(o.status.final and o.id for _, o, _, _ in orders)
    if complete and not any(o.status is OrderStatus.EXPIRED for _, o, _, _ in orders):
        return _buy(book, run)
    return _wind_down(
        book, run, RunStatus.TIMEOUT, SkipReason.MARKET_WINDOW_CLOSED, "the close came before the run was finished"
    )


def _wind_down(book: Book, run: Run, status: RunStatus, skip: SkipReason, why: str) -> Run:
    """Skip what was not sent, cancel what is open, and end once every order is final."""
    orders = runs.orders(book.database, run.id)
    unsent = [(line, order) for line, order, sent, _ in orders if not sent]
    with book.database.write():
        for line, order in unsent:
            runs.drop_order(book.database, run.id, line)
            runs.add_skipped(book.database, run.id, [SkippedOrder(order.symbol, order.side, order.notional, skip, why)])
        if run.phase is RunPhase.SELLING:
            lost = [SkippedOrder(line.symbol, Side.BUY, line.notional, skip, why) for line in _plan(book, run).buys]
            runs.add_skipped(book.database, run.id, lost)
    if not settle_orders(book, run):
        return run
    cancel_open_orders(book, run)
    sync(book)
    if not all(order.status.final for _, order, _, _ in runs.orders(book.database, run.id)):
        return run
    return _finish(book, run, status, why)


def _finish(book: Book, run: Run, status: RunStatus, reason: str | None) -> Run:
    now = book.now()
    canceled = status is RunStatus.CANCELED_MID_RUN
    done = replace(
        run,
        status=status,
        phase=RunPhase.DONE,
        reason=reason,
        updated_at=now,
        completed_at=None if canceled else now,
        canceled_at=now if canceled else None,
    )
    rebalanced = status.completed and run.type is RunType.FULL_REBALANCE
    adjusted = None
    with book.database.write():
        runs.update(book.database, run, done)
        runs.note(book.database, run.id, now, status.value, reason or "every order filled")
        if rebalanced and run.subscription_id:
            portfolios.set_last_rebalanced(book.database, run.subscription_id, now)
        if status.completed and run.type is RunType.PARTIAL_LIQUIDATION and run.amount:
            aside = Money(book.extras[run.account_id].set_aside + run.amount)
            accounts.set_aside(book.database, run.account_id, aside)
        if run.portfolio_id:
            wanted = book.portfolios[run.portfolio_id].weights.symbols
            culprits = [s for s in wanted if not _eligible(book.assets.get(s))]
            if culprits:
                adjusted = mark_needs_adjustment(book, run.portfolio_id, culprits)
        if status in (RunStatus.ERROR, RunStatus.TIMEOUT):
            name = book.accounts[run.account_id].name
            text = f"{run.type} of {name}: {status}, {reason}"
            jobs.raise_alert(book.database, now, "run", run.id, text)
        book.record("run." + status.value.lower(), run.id, {"reason": reason})
    if status.completed:
        book.cash_targets[run.account_id, run.weights.cash] = run.cash_target or Money(0)
    subscription = book.subscriptions.get(run.account_id)
    if rebalanced and subscription is not None and subscription.id == run.subscription_id:
        book.subscriptions[run.account_id] = replace(subscription, last_rebalanced_at=now)
    if adjusted:
        book.reload_portfolios()
        book.reload_runs()
    book.reload_accounts([run.account_id])
    return done


def _error(book: Book, run: Run, reason: str) -> Run:
    return _finish(book, run, RunStatus.ERROR, reason)


def _all_final(book: Book, run: Run) -> bool:
    """Send what is due, take over what happened, and say whether every order of the run is final."""
    certain = send_orders(book, run)
    sync(book)
    return certain and all(order.status.final for _, order, _, _ in runs.orders(book.database, run.id))


def _orders(book: Book, run: Run, lines: Iterable[PlanLine], amounts: dict[str, Money]) -> list[tuple[Order, int, str]]:
    now = book.now()
    taken = len(runs.orders(book.database, run.id))
    return [
        (
            Order(
                id="",
                client_order_id="",
                account_id=run.account_id,
                symbol=line.symbol,
                side=Side.BUY if amounts else Side.SELL,
                status=OrderStatus.PENDING_NEW,
                notional=amounts.get(line.symbol),
                qty=None if amounts else line.qty,
                filled_qty=Qty(0),
                filled_avg_price=None,
                created_at=now,
                updated_at=now,
                submitted_at=now,
            ),
            taken + number,
            f"{line.reason}: {line.detail}",
        )
        for number, line in enumerate(lines, start=1)
    ]


def _skipped_buys(book: Book, plan: Plan, amounts: dict[str, Money], dropped: dict[str, Money]) -> list[SkippedOrder]:
    """What the plan meant to buy and the run does not."""
    skipped = [s for s in plan.skipped_orders if s.side is Side.BUY and s.symbol not in amounts]
    known = {s.symbol for s in skipped}
    for line in plan.buys:
        if line.symbol in known:
            continue
        if line.symbol in dropped:
            text = f"order notional value ({money(dropped[line.symbol])}) is less than the minimum ($1)"
            skipped.append(
                SkippedOrder(line.symbol, Side.BUY, dropped[line.symbol], SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL, text)
            )
        elif line.symbol not in amounts:
            text = "no booked cash above the cash target"
            skipped.append(SkippedOrder(line.symbol, Side.BUY, line.notional, SkipReason.INSUFFICIENT_CASH, text))
        elif not _buyable(book.assets.get(line.symbol)):
            text = f"{line.symbol} became ineligible"
            skipped.append(SkippedOrder(line.symbol, Side.BUY, line.notional, SkipReason.ASSET_NOT_TRADABLE, text))
    return skipped


def _buyable(asset: Asset | None) -> bool:
    return asset is not None and asset.eligible and asset.price is not None


def _eligible(asset: Asset | None) -> bool:
    return asset is not None and asset.eligible


def _plan(book: Book, run: Run) -> Plan:
    plan = runs.plan(book.database, run.id)
    if plan is None:
        raise BrokenInvariant(f"run {run.id} is in progress without a plan")
    return plan


def _plan_text(plan: Plan) -> str:
    return f"{len(plan.sells)} sells, then {len(plan.buys)} buys; cash target {money(plan.cash_target)}"
