"""Keeping up with a broker at the other end of a wire: what its events do not tell is asked for from time to time.

Every write to it is a request, every event a hint: the books there are what counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable, LiveBroker, RefusalCode
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import Session
from rebal_tui.services.book import Book
from rebal_tui.services.sync import CURSOR, outside_orders, take_over_accounts, take_over_everything
from rebal_tui.store import accounts, inbox, jobs, meta, run_orders
from rebal_tui.store import sessions as session_store

SKEW_TOLD = timedelta(seconds=2)
SKEW_REFUSED = timedelta(seconds=30)
"""By so much our clock may differ from the broker's before nothing is decided any more: prices would look fresh."""
EACH_ACCOUNT = timedelta(seconds=1)
"""The account that was read longest ago is read again so often."""
OPEN_ORDERS = timedelta(seconds=15)
"""Orders under way are looked up so often: an event may be lost."""
DAILY = timedelta(hours=6)
"""Clock, calendar and assets are compared so often."""
TRY_AGAIN = timedelta(seconds=10)
REMEMBERED = timedelta(days=8)
"""For so long the broker's events are kept, to know one again that is told twice."""
BEHIND, AHEAD = timedelta(days=40), timedelta(days=370)


def keep_up(book: Book, now: datetime) -> None:
    """Read whole what is at the broker once, then account by account and order by order.

    Raises `BrokerUnavailable` until the first reading has succeeded: before that nothing may be decided.
    """
    broker, state = book.live, book.keeping_up
    if broker is None:
        return
    if state.try_at is not None and now < state.try_at:
        if state.whole:
            return
        raise BrokerUnavailable(state.trouble)
    try:
        if state.whole:
            _keep_level(book, broker, now)
        else:
            _read_whole(book, broker, now)
    except (BrokerUnavailable, BrokerRefused) as error:
        state.try_at, state.trouble = now + TRY_AGAIN, str(error)
        raise BrokerUnavailable(state.trouble) from error


def _read_whole(book: Book, broker: LiveBroker, now: datetime) -> None:
    _check_clock(book, broker, now)
    _take_calendar(book, broker)
    broker.listen()
    take_over_everything(book)
    book.keeping_up.whole, book.keeping_up.daily_at = True, now + DAILY


def _keep_level(book: Book, broker: LiveBroker, now: datetime) -> None:
    """One account, now and then the orders under way, and a few times a day clock, calendar and assets."""
    state = book.keeping_up
    if state.daily_at is None or now >= state.daily_at:
        _check_clock(book, broker, now)
        _take_calendar(book, broker)
        broker.remind(None, f"assets {now.isoformat()}")
        with book.database.write():
            inbox.prune(book.database, now - REMEMBERED, int(meta.get(book.database, CURSOR, "0")))
        state.daily_at = now + DAILY
    if state.orders_at is None or now >= state.orders_at:
        state.orders_at = now + OPEN_ORDERS
        _look_up_orders(book)
    ids = book.account_table.ids
    if ids and (state.account_at is None or now >= state.account_at):
        state.account_at = now + EACH_ACCOUNT
        state.place = (state.place + 1) % len(ids)
        read_account(book, ids[state.place])


def read_account(book: Book, account_id: str) -> None:
    """Take over an account as it is at the broker now, with how many orders of other origin are open in it."""
    try:
        fresh = book.broker.account(account_id)
        others = outside_orders(book, account_id)
    except BrokerRefused as refusal:
        if refusal.code != RefusalCode.NOT_FOUND:
            raise
        return
    if fresh == book.accounts.get(account_id) and others == book.extras[account_id].outside_orders:
        return
    with book.database.write():
        take_over_accounts(book, [fresh])
        accounts.set_outside_orders(book.database, account_id, others)
    book.reload_accounts([account_id])


def _look_up_orders(book: Book) -> None:
    """Ask for the orders of runs in progress by our own id, and take over what has changed."""
    for run in list(book.open_runs.values()):
        if run.status is not RunStatus.IN_PROGRESS:
            continue
        changed = False
        for _, order, sent in run_orders.of_run(book.database, run.id):
            if not sent or not order.id or order.status.final:
                continue
            known = book.broker.order_by_client_id(run.account_id, order.client_order_id)
            if known is not None and (known.status, known.filled_qty) != (order.status, order.filled_qty):
                with book.database.write():
                    run_orders.store(book.database, known)
                changed = True
        if changed:
            read_account(book, run.account_id)
            book.agenda.add((run.account_id,))
            book.version += 1


def _check_clock(book: Book, broker: LiveBroker, now: datetime) -> None:
    """Compare our time with the broker's. Raises `BrokerUnavailable` when they are too far apart to decide anything."""
    there, after = broker.clock(), book.now()
    skew = now - there if there < now else there - after
    if skew > SKEW_REFUSED:
        raise BrokerUnavailable(f"this computer's clock and the broker's are {skew.total_seconds():.0f} s apart")
    with book.database.write():
        if skew > SKEW_TOLD:
            text = f"this computer's clock and the broker's are {skew.total_seconds():.0f} s apart"
            jobs.raise_alert(book.database, now, "clock", "broker", text)
        else:
            jobs.clear_alert(book.database, "clock", "broker", now)


def _take_calendar(book: Book, broker: LiveBroker) -> None:
    """The broker's trading days take the place of ours as far as it knows them; a difference is an alert."""
    today = book.today()
    first, last = today - BEHIND, today + AHEAD
    theirs = list(broker.sessions(first, last))
    if not theirs:
        raise BrokerUnavailable("the broker's calendar is empty")
    known = (book.calendar.session(day) for day in book.calendar.days(theirs[0].day, theirs[-1].day))
    ours = {session.day: session for session in known if session}
    differing = _differing(ours, theirs)
    if not differing:
        return
    after = book.calendar.next_after(theirs[-1].day)
    before = book.calendar.previous(theirs[0].day)
    theirs[-1] = replace(theirs[-1], next_day=after.day if after else None)
    with book.database.write():
        session_store.remove(book.database, sorted(set(ours) - {session.day for session in theirs}))
        joined = [replace(before, next_day=theirs[0].day)] if before else []
        session_store.save(book.database, [*joined, *theirs])
        text = "the broker's calendar differs from ours and is used: " + ", ".join(map(str, differing[:10]))
        jobs.raise_alert(book.database, book.now(), "calendar", str(differing[0]), text)
    book.reload()


def _differing(ours: dict[date, Session], theirs: list[Session]) -> list[date]:
    """The days on which one trades and the other does not, or not at the same hours."""
    there = {session.day: session for session in theirs}
    return sorted(
        day
        for day in ours.keys() | there.keys()
        if (a := ours.get(day)) is None
        or (b := there.get(day)) is None
        or (a.open, a.close, a.settles_on) != (b.open, b.close, b.settles_on)
    )
