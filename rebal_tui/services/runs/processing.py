"""The run state machine: QUEUED → sells → buys from booked cash → end (R-20, R-25, R-26).

Runs are processed in chunks, one transaction each. The sells of all runs are sent before any buys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rebal_tui.broker.failures import BrokerPending
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.errors import Conflict, require
from rebal_tui.domain.orders import Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus
from rebal_tui.domain.sessions import Session
from rebal_tui.domain.text import count_text
from rebal_tui.engine.buys import wanted_dollars
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.situation import usable_price_times
from rebal_tui.engine.trace_text import buys_cut_text, money, money_down
from rebal_tui.engine.tradability import trading_fault
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.held_back import held_back
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.book.quarantine import is_general, isolated
from rebal_tui.services.book.quarantine_view import Work, work_name
from rebal_tui.services.broker_sync.account_snapshot import read_account
from rebal_tui.services.broker_sync.events import MAX_EVENTS_PER_TRANSACTION, sync
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.runs.approval_expiry import expire_unapproved
from rebal_tui.services.runs.buy_sizes import size_buys
from rebal_tui.services.runs.finishing import End, after_close, finish, outcome, wind_down
from rebal_tui.services.runs.sending import enqueue, resolve_unknown, send_due
from rebal_tui.services.runs.starting import Start, split_array_starts, start_of, store_starts
from rebal_tui.store import decision_contexts, outbox, run_orders, runs
from rebal_tui.store.codec import to_time
from rebal_tui.store.id_keys import keys
from rebal_tui.store.outbox import Progress, Unsent
from rebal_tui.store.rows import RowTable
from rebal_tui.store.run_orders import OrderRow

MAX_RUNS_PER_TRANSACTION = 500
"""Runs in progress that are advanced in one transaction."""
MAX_STARTS_PER_TRANSACTION = 2_000
"""Runs that start in one transaction."""
MAX_ORDERS_PER_CHUNK = 50
"""Orders sent in one chunk."""


def process_runs(book: Book) -> int:
    """Advance every open run as far as possible now; returns how many runs changed."""
    moved: set[str] = set()
    while process_chunk(book, moved):
        pass
    return len(moved)


def process_chunk(book: Book, moved: set[str] | None = None) -> bool:
    """Process one chunk of `process_runs`; returns whether there is more to do now.

    A chunk is short, so that other requests are answered in between: it starts or advances runs in one transaction,
    sends some orders, or applies some events. The remaining work is kept in `book.work_queue`. Each chunk checks the
    window, the kill switch, holds and cancels again, so they may change between chunks. The caller may stop after any
    chunk and resume later, for example at the next heartbeat. `moved` collects the ids of runs that changed.
    """
    session, stopped = book.session(), halted(book)
    start_condition = _start_condition(book, session, stopped)
    sending = not stopped and session is not None and session.is_open(book.now())
    if not book.work_queue.resume(start_condition):
        _begin(book, start_condition, sending)
    if book.work_queue.chunks:
        chunk = book.work_queue.chunks.popleft()
        # A run that ended may have put a portfolio in NEEDS_ADJUSTMENT, which cancels queued runs of this chunk.
        still = [now for run in chunk if (now := book.open_runs.get(run.account_id)) and now.id == run.id]
        changed = _move_isolated(book, still, stopped)
        if moved is not None:
            moved.update(run.id for run in changed)
        more = True
    else:
        more = _send_and_poll(book, sending)
    book.work_queue.pause(more)
    return more


def requeue_on_change(book: Book) -> None:
    """Queue all open runs for processing if what allows or stops all runs together has changed.

    That is the day, its open, end of the window or close, and the kill switch.

    Call it before new runs are created.
    """
    book.work_queue.requeue_on_change(_start_condition(book, book.session(), halted(book)), book.open_runs)


def _begin(book: Book, start_condition: tuple[object, ...], sending: bool) -> None:
    """Restart processing: apply pending events, look up unknown orders, then divide the queued runs into chunks."""
    sync(book)
    book.work_queue.begin(start_condition)
    if sending:
        resolved = resolve_unknown(book)
        if resolved:
            # A lookup may report fills ahead of the events, so cash is updated before buys are sized from it.
            sync(book)
        _requeue(book, resolved)
    book.work_queue.chunks.extend(_chunks(book.work_queue.take(book.open_runs)))


def _send_and_poll(book: Book, sending: bool) -> bool:
    """Send queued orders, then apply the resulting events; returns whether there is more to do."""
    if sending:
        ended, more = send_due(book, MAX_ORDERS_PER_CHUNK)
        _requeue(book, ended)
        if more:
            return True
    received = sync(book, MAX_EVENTS_PER_TRANSACTION)
    if received < MAX_EVENTS_PER_TRANSACTION:
        book.work_queue.chunks.extend(_chunks(book.work_queue.take(book.open_runs)))
    return received > 0 or bool(book.work_queue.chunks)


def _start_condition(book: Book, session: Session | None, stopped: bool) -> tuple[object, ...]:
    """The state that allows or stops all runs together: day, phase of the session, kill switch.

    It is only compared with an earlier one.
    """
    now = book.now()
    if session is None:
        return (book.today(), stopped)
    return (session.day, now >= session.open, now > session.window_end, now >= session.close, stopped)


def _requeue(book: Book, run_ids: Iterable[str]) -> None:
    """Queue the open runs with these ids for processing."""
    wanted = set(run_ids)
    if wanted:
        book.work_queue.add(account for account, run in book.open_runs.items() if run.id in wanted)


def _chunks(some: Sequence[Run]) -> Iterator[Sequence[Run]]:
    """Queued runs, then runs in progress, in chunks of one transaction each."""
    queued = [run for run in some if run.status is RunStatus.QUEUED]
    in_progress = [run for run in some if run.status is not RunStatus.QUEUED]
    for alike, most in ((queued, MAX_STARTS_PER_TRANSACTION), (in_progress, MAX_RUNS_PER_TRANSACTION)):
        for start in range(0, len(alike), most):
            yield alike[start : start + most]


def _move_isolated(book: Book, some: Sequence[Run], stopped: bool) -> list[Run]:
    """Advance some runs together; when that fails, one by one, so that only those that fail stop (R-52)."""
    apart = [run for run in some if _work_name(run) in book.quarantine]
    together = [run for run in some if _work_name(run) not in book.quarantine]
    try:
        moved = _move(book, together, stopped)
    except Exception as error:
        if is_general(error):
            raise
        book.reload()
        moved, apart = [], list(some)
    for run in apart:
        now = book.open_runs.get(run.account_id)
        if (
            now is not None
            and now.id == run.id
            and not book.quarantine.work_waits(run.account_id, Work.RUN, book.now())
        ):
            with isolated(book, run.account_id, Work.RUN):
                moved += _move(book, [now], stopped)
    return moved


def _work_name(run: Run) -> tuple[QuarantineKind, str]:
    return QuarantineKind.PROCESSING, work_name(run.account_id, Work.RUN)


def _is_stopped(book: Book, run: Run) -> bool:
    """Whether the account of a run is paused or in quarantine.

    A quarantine for an earlier failure of this run does not count once the run may be tried again.
    """
    return run.account_id in book.holds or book.quarantine.stops_work(run.account_id, Work.RUN, book.now())


def _only_ends(book: Book, run: Run) -> bool:
    """Whether all buys of a run on a trade list are written, so that only fills remain to end it.

    Such a run ends even while its account is paused.
    """
    return book.settings.one_list and run.phase is RunPhase.BUYING


def _move(book: Book, some: Sequence[Run], stopped: bool) -> list[Run]:
    """Advance some runs by one step, in as few transactions as possible; returns those that changed."""
    moved = _start(book, [run for run in some if run.status is RunStatus.QUEUED], stopped)
    in_progress = [run for run in some if run.status is RunStatus.IN_PROGRESS]
    closed = [run for run in in_progress if not run.cancel_requested and _is_past_close(book, run)]
    for run in in_progress:
        if run.cancel_requested:
            why = run.reason or "canceled manually"
            moved += wind_down(book, run, RunStatus.CANCELED_MID_RUN, SkipReason.RUN_CANCELED, why)
    closed_ids = {run.id for run in closed}
    if closed:
        moved += after_close(book, closed)
    if not stopped:
        going = [run for run in in_progress if run.id not in closed_ids and not run.cancel_requested]
        going = [run for run in going if _only_ends(book, run) or not _is_stopped(book, run)]
        moved += _advance(book, going)
    return moved


def _is_past_close(book: Book, run: Run) -> bool:
    """Whether the session in which the run started has closed; its orders are day orders of that session."""
    require(run.started_at is not None, f"run {run.id} is in progress without a start")
    session = book.calendar.at(run.started_at) if run.started_at else None
    return session is None or book.now() >= session.close


def _start(book: Book, queued: Sequence[Run], stopped: bool) -> list[Run]:
    """Start the queued runs that may start: make their plans now and write their sells."""
    now, session = book.now(), book.session()
    moved = expire_unapproved(book, [run for run in queued if run.awaits_approval])
    if session is None or session.next_day is None or not session.in_window(now) or stopped:
        return moved
    starting: list[Start] = []
    ends: list[End] = []
    has_space = book.database.has_free_space()
    array_starts, others = split_array_starts(book, queued) if has_space else ([], queued)
    for run in others:
        if run.approval is Approval.AWAITING:
            continue
        if _is_held(book, run):
            continue
        if not has_space:
            book.work_queue.add_later(run.account_id)
            continue
        if _stale_prices(book, run):
            book.work_queue.add_later(run.account_id)
            continue
        if not _read_now(book, run.account_id):
            book.work_queue.add_later(run.account_id)
            continue
        # The read may have paused the account, or shown an asset on hold.
        if _is_held(book, run) or book.extras[run.account_id].external_orders:
            continue
        reasons = blocking_reasons(book.accounts[run.account_id], value_of(book, run.account_id))
        if reasons:
            text = "ACCOUNT_RESTRICTED: " + "; ".join(text for _, text in reasons)
            ends.append(End(run, RunStatus.ERROR, text))
            continue
        try:
            plan = history.current_plan(book, run)
        except Conflict as refusal:
            ends.append(End(run, RunStatus.ERROR, str(refusal)))
        else:
            starting.append(start_of(run, plan, one_list=book.settings.one_list))
    if starting or array_starts:
        moved += store_starts(book, starting, array_starts)
    return moved + finish(book, ends)


def _is_held(book: Book, run: Run) -> bool:
    """Whether the account of a run is paused, or a hold on an asset stops the run (automatic runs only, R-55)."""
    system = run.initiated_from is InitiatedFrom.SYSTEM
    return _is_stopped(book, run) or (system and bool(held_back(book, run.account_id, run.weights.symbols)))


def _read_now(book: Book, account_id: str) -> bool:
    """Read an account from a real broker before a run of it starts; False while the answer is pending.

    True at once with the simulated broker.
    """
    if book.live is None:
        return True
    try:
        read_account(book, account_id)
    except BrokerPending:
        return False
    return True


def _stale_prices(book: Book, run: Run) -> bool:
    """Whether a price that the plan needs is too old, or newer than now (R-12.5).

    The run then waits for another price.
    """
    age = book.settings.price_max_age
    if age is None:
        return False
    oldest, newest = usable_price_times(book.now(), age)
    held = (position.symbol for position in book.accounts[run.account_id].positions)
    return any(
        (asset := book.assets.get(symbol)) is not None
        and asset.price_at is not None
        and not oldest <= asset.price_at <= newest
        for symbol in {*run.weights.symbols, *held}
    )


def _advance(book: Book, going: Sequence[Run]) -> list[Run]:
    """Write the buys of runs whose sells are done, and end runs whose buys are done; returns the runs that changed."""
    if not going:
        return []
    progress = outbox.progress(book.database, [run.id for run in going])
    done = [run for run in going if not progress[run.id].open]
    ready = going if book.settings.one_list else done
    moved = _buy(book, [run for run in ready if run.phase is RunPhase.SELLING], progress)
    return moved + finish(book, [outcome(book, run, progress[run.id]) for run in done if run.phase is RunPhase.BUYING])


def _buy(book: Book, sold: Sequence[Run], progress: Mapping[str, Progress]) -> list[Run]:
    """Write the buys of runs, sized from booked cash (R-20); returns the runs, now in the buying phase."""
    if not sold:
        return []
    database, now = book.database, book.now()
    changes = [(run, replace(run, phase=RunPhase.BUYING, updated_at=now)) for run in sold]
    with book.write() as tx:
        asset_keys = decision_contexts.symbol_keys(database)
        run_keys = keys(database, "runs", (run.id for run in sold))
        rows: list[OrderRow] = []
        written: list[Unsent] = []
        for run in sold:
            plan = history.made_plan(book.database, run)
            sized = size_buys(book, run, plan)
            buys = [line for line in plan.lines if line.symbol in sized.amounts]
            tradable = [line for line in buys if not _buy_fault(book.assets.get(line.symbol))]
            rows += [
                OrderRow(
                    run_keys[run.id], number, asset_keys[line.symbol], Side.BUY.value, *sized.size_of(line.symbol),
                    to_time(now), to_time(now),
                )
                for number, line in enumerate(tradable, progress[run.id].last + 1)
            ]  # fmt: skip
            if tradable:
                first, manual = progress[run.id].last + 1, run.initiated_from is InitiatedFrom.API
                last = progress[run.id].last + len(tradable)
                written.append(Unsent(run_keys[run.id], manual, Side.BUY, first, first, last))
            run_orders.add_skipped(tx, run.id, _skipped_buys(book, plan, sized.amounts, sized.dropped))
            total = Money(sum(sized.amounts.values()))
            bought = f"{count_text(len(tradable), 'buy')} for {money(total)} from {sized.source}"
            text = bought if tradable else "nothing is to be bought"
            if cut := buys_cut_text(plan, sized.scale, total, wanted_dollars(plan, buys)):
                text += f"; {cut}"
            runs.note(
                tx,
                run.id,
                now,
                "buying",
                f"all sells finished; {text}" if plan.sells and not book.settings.one_list else text,
            )
        run_orders.add(tx, RowTable.of(OrderRow, rows))
        runs.update(tx, changes)
        tx.apply_run_states([after for _, after in changes])
        tx.after_commit(partial(enqueue, book, written))
    return [after for _, after in changes]


def _skipped_buys(book: Book, plan: Plan, amounts: dict[str, Money], dropped: dict[str, Money]) -> list[SkippedOrder]:
    """The buys of a plan that its run skips, with reasons; `amounts` and `dropped` are those of `BuySizes`."""
    skipped = [s for s in plan.skipped_orders if s.side is Side.BUY and s.symbol not in amounts]
    for line in plan.buys:
        if line.symbol in dropped:
            text = f"order notional value ({money_down(dropped[line.symbol])}) is less than the minimum ($1)"
            skipped.append(
                SkippedOrder(line.symbol, Side.BUY, dropped[line.symbol], SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL, text)
            )
        elif line.symbol not in amounts:
            text = "no cash above the cash target after the sells"
            skipped.append(SkippedOrder(line.symbol, Side.BUY, line.notional, SkipReason.INSUFFICIENT_CASH, text))
        elif fault := _buy_fault(book.assets.get(line.symbol)):
            text = f"{line.symbol} is {fault}"
            skipped.append(SkippedOrder(line.symbol, Side.BUY, line.notional, SkipReason.ASSET_NOT_TRADABLE, text))
    return skipped


def _buy_fault(asset: Asset | None) -> str:
    return trading_fault(asset, Side.BUY) or ("" if asset and asset.price is not None else "an asset without a price")
