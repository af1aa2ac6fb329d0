"""Scripted events of the demonstration book: a pure function of its seed and the simulated time.

The script of a day has slots, times at which events happen; they are not the evaluation times of a session.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import DOLLAR, NANO, Money, Percent, Qty, floor_money, money_text, percent_text
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.advisory import cash, withdrawals
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.market_state import store_walk
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.runs import manual as manual_runs
from rebal_tui.services.schedule.jobs import Job
from rebal_tui.services.simulation.demonstration import corporate_actions
from rebal_tui.services.simulation.demonstration.models import SECTORS, SUSPENDED
from rebal_tui.store import book_settings
from rebal_tui.store.codec import from_time, to_time

FLAG = "demo"
"""The setting that marks a book as a demonstration."""
SEED, ACCOUNTS, STARTED_AT, DONE = "demo_seed", "demo_accounts", "demo_begun", "demo_done"
EVERY = timedelta(minutes=15)
FIRST = timedelta(minutes=5)
"""Events fall between evaluations, so that their effect is visible before an evaluation acts on it."""
SUSPENSION = 11 * 60
"""The suspension time on the first day, in minutes after midnight in New York."""
RESUMPTION_SLOT = 5
CLEARED_SLOT = 8
"""The slots at which, on the next day, the asset trades again and a returned deposit's restriction is lifted."""


class ScriptedEventType(StrEnum):
    DEPOSIT = "deposit"
    JOURNAL_OUT = "journal_out"
    WITHDRAWAL = "withdrawal"
    BLOCK = "block"
    UNBLOCK = "unblock"
    ACH_RETURN = "ach_return"
    ACH_CLEARED = "ach_cleared"
    EXTERNAL_ORDER = "outside_order"
    MANUAL_RUN = "manual_run"
    SHOCK = "shock"
    SUSPEND = "suspend"
    RESUME = "resume"
    CORPORATE_ACTION = "corporate_action"


ENDINGS = frozenset({ScriptedEventType.UNBLOCK, ScriptedEventType.ACH_CLEARED, ScriptedEventType.RESUME})
"""Events that are applied even when time skipped their day; without them a state would never end."""


@dataclass(frozen=True, slots=True)
class ScriptedEvent:
    """An event of the script, in one of the slots of a day.

    `slot` is the index of its time in `slots`, `index` an account's index in opening order, and `draw` a random number,
    0 to 9,999.
    """

    slot: int
    what: ScriptedEventType
    index: int
    draw: int


def mark(tx: BookTransaction, seed: str, accounts: int) -> None:
    """Mark a book as a demonstration whose script begins now."""
    book = tx.book
    now = str(to_time(book.now()))
    for name, value in {FLAG: "1", SEED: seed, ACCOUNTS: str(accounts), STARTED_AT: now, DONE: now}.items():
        book_settings.put(tx, name, value)


def is_demo(book: Book) -> bool:
    return book_settings.get(book.database, FLAG) == "1"


def slots(session: Session) -> list[datetime]:
    """The slots of a session: every 15 minutes from 5 minutes after the open to 10 minutes before the close."""
    found, slot = [], session.open + FIRST
    while slot <= session.close - 2 * FIRST:
        found.append(slot)
        slot += EVERY
    return found


def events_due(book: Book, now: datetime) -> str | None:
    """The latest slot at or before `now` with events that are not applied yet, as a key for `demo_events`.

    None when there are no such events.
    """
    if not is_demo(book):
        return None
    done = _done(book)
    session = book.calendar.last_opened(now)
    if session is None:
        return None
    reached = [slot for slot in slots(session) if done < slot <= now]
    return reached[-1].isoformat() if reached else None


def next_events(book: Book, now: datetime) -> datetime | None:
    """The time of the next slot after `now`; None for a book that is not a demonstration, or if the calendar ends."""
    session = book.calendar.at(now) if is_demo(book) else None
    later = [slot for slot in slots(session) if slot > now] if session else []
    if later or not is_demo(book):
        return later[0] if later else None
    following = book.calendar.next_after(new_york_day(now))
    return slots(following)[0] if following else None


def demo_events(book: Book, key: str) -> str:
    """Apply the script's events that are due up to and including the slot `key`.

    If days passed since the last call, only those events of earlier days are applied that end a state (`ENDINGS`).

    The events and the progress of the script are stored in one transaction, so that killing the program neither loses
    nor repeats an event. Events that the book refuses are skipped and recorded in the audit trail. Returns the counts
    as text.
    """
    through, done = datetime.fromisoformat(key), _done(book)
    applied = skipped = 0
    with book.write() as tx:
        for session, event in _between(book, done, through):
            try:
                detail = _ACTS[event.what](book, session, event)
            except (Refusal, BrokerRefused) as refusal:
                tx.record("demo.skipped", event.what.value, {"why": str(refusal)})
                skipped += 1
            else:
                tx.record("demo." + event.what.value, detail, {"slot": event.slot})
                applied += 1
        sync(book)
        book_settings.put(tx, DONE, str(to_time(through)))
        if isinstance(book.feed, RandomWalk):
            store_walk(tx, book.feed.state())
    events = f"{applied} event{'' if applied == 1 else 's'}"
    return events + (f", {skipped} skipped" if skipped else "")


def day_script(seed: str, day: date, count: int, accounts: int) -> list[ScriptedEvent]:
    """The ordinary events of a day of the demonstration, sorted by slot.

    The day has `count` slots, times at which events happen. A block of an account by the broker is lifted on the same
    day.
    """
    rng = random.Random(f"demonstration {seed} {day.isoformat()}")

    def event(slot: int, what: ScriptedEventType) -> ScriptedEvent:
        return ScriptedEvent(slot, what, rng.randrange(accounts), rng.randrange(10_000))

    last = count - 1
    script = []
    for slot in range(count):
        many = 1 + min(24, accounts // 400)
        script += [event(slot, ScriptedEventType.DEPOSIT) for _ in range(many) if rng.randrange(100) < 45]
    script += [event(rng.randrange(count), ScriptedEventType.JOURNAL_OUT) for _ in range(2)]
    script.append(event(rng.randrange(max(1, count // 2)), ScriptedEventType.WITHDRAWAL))
    # After the window, so that their runs stay QUEUED until the next morning.
    script += [event(last, ScriptedEventType.WITHDRAWAL), event(last, ScriptedEventType.MANUAL_RUN)]
    script += [event(rng.randrange(count), ScriptedEventType.EXTERNAL_ORDER) for _ in range(2)]
    script.append(event(rng.randint(count // 3, last), ScriptedEventType.SHOCK))
    block = event(rng.randrange(max(1, count // 2)), ScriptedEventType.BLOCK)
    lifted = min(last, block.slot + rng.randint(4, 8))
    script += [block, ScriptedEvent(lifted, ScriptedEventType.UNBLOCK, block.index, 0)]
    script.append(event(rng.randint(count // 2, last), ScriptedEventType.ACH_RETURN))
    return sorted(script, key=lambda e: e.slot)


def _between(book: Book, done: datetime, through: datetime) -> list[tuple[Session, ScriptedEvent]]:
    """Events of the slots after `done` and up to and including `through`, in order.

    Of days before that of `through`, only the events in `ENDINGS`.
    """
    today = new_york_day(through)
    due = []
    for day in book.calendar.days(new_york_day(done), today):
        session = book.calendar.session(day)
        if session is None:
            continue
        times = slots(session)
        for event in _script(book, session, len(times)):
            if done < times[event.slot] <= through and (day == today or event.what in ENDINGS):
                due.append((session, event))
    return due


def _script(book: Book, session: Session, count: int) -> list[ScriptedEvent]:
    """A day's ordinary events, endings carried over from the day before, and the suspension or resumption."""
    seed, accounts = book_settings.get(book.database, SEED), int(book_settings.get(book.database, ACCOUNTS))
    started_at = from_time(int(book_settings.get(book.database, STARTED_AT)))
    script = day_script(seed, session.day, count, accounts)
    first = _suspension(book)
    if first is not None and session.day == first[0].day:
        script.append(ScriptedEvent(first[1], ScriptedEventType.SUSPEND, 0, 0))
    before = book.calendar.previous(session.day)
    two_before = book.calendar.previous(before.day) if before is not None else None
    for number, earlier in enumerate((before, two_before)):
        if first is not None and earlier is not None and earlier.day == first[0].day:
            script.append(ScriptedEvent(corporate_actions.SLOT, ScriptedEventType.CORPORATE_ACTION, number, 0))
    if before is not None:
        if first is not None and before.day == first[0].day:
            script.append(ScriptedEvent(RESUMPTION_SLOT, ScriptedEventType.RESUME, 0, 0))
        script += [
            ScriptedEvent(CLEARED_SLOT, ScriptedEventType.ACH_CLEARED, event.index, 0)
            for event in day_script(seed, before.day, len(slots(before)), accounts)
            if event.what is ScriptedEventType.ACH_RETURN and slots(before)[event.slot] > started_at
        ]
    return sorted(script, key=lambda e: e.slot)


def _suspension(book: Book) -> tuple[Session, int] | None:
    """The session and the index of the slot in which an asset is suspended; None if the calendar ends before.

    It is the first slot at or after 11:00 New York time after the start of the book.
    """
    started_at = from_time(int(book_settings.get(book.database, STARTED_AT)))
    session = book.calendar.at(started_at) or book.calendar.next_after(new_york_day(started_at))
    while session is not None:
        for number, slot in enumerate(slots(session)):
            local = slot.astimezone(NEW_YORK)
            if slot > started_at and local.hour * 60 + local.minute >= SUSPENSION:
                return session, number
        session = book.calendar.next_after(session.day)
    return None


def _done(book: Book) -> datetime:
    return from_time(int(book_settings.get(book.database, DONE)))


def _account(book: Book, event: ScriptedEvent) -> str:
    """The account at an event's index; the script uses the first accounts of the book."""
    found = list(book.accounts)
    if event.index >= len(found):
        raise Conflict("no such account")
    return found[event.index]


def _share_of_equity(book: Book, account_id: str, per_mille: int, at_least: int) -> Money:
    """A part of an account's equity, `per_mille` thousandths, rounded down to a multiple of $50."""
    fifty = 50 * DOLLAR
    worth = floor_money(value_of(book, account_id).equity) * per_mille // 1_000
    return Money(max(at_least * DOLLAR, worth // fifty * fifty))


def _deposit(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    amount = _share_of_equity(book, account_id, 3 + event.draw % 38, 100)
    cash.sandbox(book).deposit(account_id, amount, book.now())
    return account_id


def _journal_out(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    tenth = cash.transferable(book, account_id) // 10 * (2 + event.draw % 5)
    amount = Money(tenth // (10 * DOLLAR) * 10 * DOLLAR)
    if amount <= 0:
        raise Conflict(f"only ${money_text(Money(tenth))} can be journaled out of account {account_id}")
    cash.create_journal(book, account_id, amount, incoming=False, description="fee or distribution")
    return account_id


def _withdraw(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    amount = _share_of_equity(book, account_id, 20 + event.draw % 60, 100)
    withdrawals.request_withdrawal(book, account_id, amount)
    return account_id


def _block(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    _restrict(book, account_id, add=Restriction.TRADING_BLOCKED)
    return account_id


def _unblock(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    _restrict(book, account_id, remove=Restriction.TRADING_BLOCKED)
    return account_id


def _return_deposit(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    amount = _share_of_equity(book, account_id, 2 + event.draw % 8, 100)
    cash.sandbox(book).return_deposit(account_id, amount, book.now())
    return account_id


def _clear_return(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    _restrict(book, account_id, remove=Restriction.ACH_RETURN)
    return account_id


def _restrict(
    book: Book, account_id: str, *, add: Restriction | None = None, remove: Restriction | None = None
) -> None:
    present = book.account(account_id).restrictions
    wanted = frozenset((present | {r for r in (add,) if r}) - {r for r in (remove,) if r})
    if wanted == present:
        raise Conflict(f"the restrictions of account {account_id} do not change")
    cash.sandbox(book).set_restrictions(account_id, wanted, book.now())
    sync(book)


def _external_order(book: Book, session: Session, event: ScriptedEvent) -> str:
    """An order that does not come from rebal-tui sells a small part of a holding."""
    account_id = _account(book, event)
    held = book.account(account_id).positions
    if not held:
        raise Conflict(f"account {account_id} has no positions")
    position = held[event.draw % len(held)]
    qty = Qty(max(NANO // 1_000, position.qty * (5 + event.draw % 20) // 1_000))
    name = f"outside-{session.day}-{event.slot}-{event.index}"
    request = OrderRequest(account_id, name, position.symbol, Side.SELL, qty=qty)
    cash.sandbox(book).place_external_order(account_id, request, book.now())
    return account_id


def _run_manually(book: Book, _session: Session, event: ScriptedEvent) -> str:
    account_id = _account(book, event)
    manual_runs.create_run(book, account_id, RunType.FULL_REBALANCE)
    return account_id


def _shock(book: Book, _session: Session, event: ScriptedEvent) -> str:
    """A sector falls or rises by 2 to 6 percent."""
    if not isinstance(book.feed, RandomWalk):
        raise Conflict("prices are not simulated here")
    symbol = SECTORS[event.index % len(SECTORS)]
    size = 200 + event.draw // 2 % 400
    percent = Percent(size if event.draw % 2 else -size)
    book.feed.shock(symbol, percent)
    return f"{symbol} {percent_text(percent)} %"


def _suspend(book: Book, _session: Session, _event: ScriptedEvent) -> str:
    cash.sandbox(book).set_asset(SUSPENDED, book.now(), tradable=False)
    return SUSPENDED


def _resume(book: Book, _session: Session, _event: ScriptedEvent) -> str:
    cash.sandbox(book).set_asset(SUSPENDED, book.now(), tradable=True)
    return SUSPENDED


def _act(book: Book, _session: Session, event: ScriptedEvent) -> str:
    return corporate_actions.act(book, event.index)


_ACTS: dict[ScriptedEventType, Callable[[Book, Session, ScriptedEvent], str]] = {
    ScriptedEventType.DEPOSIT: _deposit,
    ScriptedEventType.JOURNAL_OUT: _journal_out,
    ScriptedEventType.WITHDRAWAL: _withdraw,
    ScriptedEventType.BLOCK: _block,
    ScriptedEventType.UNBLOCK: _unblock,
    ScriptedEventType.ACH_RETURN: _return_deposit,
    ScriptedEventType.ACH_CLEARED: _clear_return,
    ScriptedEventType.EXTERNAL_ORDER: _external_order,
    ScriptedEventType.MANUAL_RUN: _run_manually,
    ScriptedEventType.SHOCK: _shock,
    ScriptedEventType.SUSPEND: _suspend,
    ScriptedEventType.RESUME: _resume,
    ScriptedEventType.CORPORATE_ACTION: _act,
}


JOB = Job("demo", "Demonstration events", events_due, demo_events, next_events)
"""The scheduler job of a demonstration."""
