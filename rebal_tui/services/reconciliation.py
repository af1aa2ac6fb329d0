"""At the start, before anything is decided: the broker's books against ours (G14, G17).

What can be explained is taken over. An account with a difference that cannot be is paused, with an alert, until an
advisor has looked at it. A second reconciliation changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from rebal_tui.broker.protocol import BrokerEvent, BrokerRefused, EventKind
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.quantities import Money, Qty, money_text, qty_text
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.services.book import Book
from rebal_tui.services.sync import CURSOR, apply_events, outside_orders, sync, take_over_accounts, take_over_journal
from rebal_tui.store import accounts, cash, fills, holds, jobs, meta, runs
from rebal_tui.store.codec import parse_client_order_id
from rebal_tui.store.holds import Hold

ALERT = "reconciliation"
SPLITS = frozenset(
    Fraction(new, old)
    for new in range(1, 21)
    for old in range(1, 21)
    if new != old and (1 in (new, old) or new + old == 5)
)
"""The ratios by which shares are split or joined."""
LOOK_BACK = timedelta(minutes=5)
"""Events are looked through again from so long before a run was started."""
LATE = timedelta(days=7)
"""So old an event may be that explains a difference though it was not read in its turn."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of it: how many things were taken over, and why accounts are paused that were not before."""

    taken_over: int
    paused: Mapping[str, str]


class _Findings:
    """What cannot be explained, by account."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}

    def add(self, account_id: str, reason: str) -> None:
        known = self.reasons.setdefault(account_id, [])
        if reason not in known:
            known.append(reason)


def ensure_reconciled(book: Book) -> None:
    """Reconcile once after the book was opened. Raises `BrokerUnavailable` while that cannot be done."""
    if not book.reconciled:
        reconcile(book)
        book.reconciled = True


def reconcile(book: Book) -> Reconciliation:
    """Compare orders of open runs, journals, and cash and positions of every account with the broker's.

    Raises `BrokerUnavailable` when the broker does not answer: then nothing is known, and nothing may start.
    """
    found = _Findings()
    known = dict(book.accounts.items()) if book.live is None else {}
    told = _unread(book) if book.live is None else []
    taken = sync(book)
    taken += _orders(book, found)
    taken += _journals(book, found)
    if book.live is None:
        taken += _accounts(book, known, told, found)
    for event in told:
        _require_own(book, event, found)
    new = {}
    for account_id, reasons in found.reasons.items():
        reason, hold = "; ".join(reasons), book.holds.get(account_id)
        if account_id in book.accounts and (hold is None or hold.reason != reason):
            new[account_id] = reason
    if new:
        _pause(book, new)
    return Reconciliation(taken, new)


def release(book: Book, account_id: str) -> None:
    """Take over the broker's figures of a paused account as they are, and let it go on.

    An order that the broker does not have ends as rejected, an execution that it does not tell of is taken back; both
    are kept in the audit trail. Raises `Conflict` when the account is not paused.
    """
    hold = check_release(book, account_id)
    try:
        fresh = [book.broker.account(account_id)]
    except BrokerRefused as refusal:
        raise Conflict(f"the broker does not have the account: {refusal.message}") from refusal
    others = outside_orders(book, account_id)
    run = book.open_runs.get(account_id)
    placed = _as_the_broker_has_them(book, run) if run is not None else []
    before = book.account(account_id)
    with book.database.write():
        take_over_accounts(book, fresh)
        accounts.set_outside_orders(book.database, account_id, others)
        for line, order, theirs, gone in placed:
            _correct(book, line, order, theirs, gone)
        holds.remove(book.database, account_id)
        jobs.clear_alert(book.database, ALERT, account_id, book.now())
        detail = {"reason": hold.reason, "before": _figures(before), "after": _figures(fresh[0])}
        book.record("reconciliation.released", account_id, detail, "advisor")
    del book.holds[account_id]
    book.agenda.everything()
    book.reload_accounts([account_id])
    book.version += 1


def check_release(book: Book, account_id: str) -> Hold:
    """Why an account is paused. Raises `Conflict` when it is not."""
    hold = book.holds.get(account_id)
    if hold is None:
        raise Conflict(f"account {book.account(account_id).account_number} is not paused: nothing differs")
    return hold


def differences(book: Book, account_id: str) -> tuple[tuple[str, str, str], ...]:
    """What of a paused account is different now, as (what, in the book, at the broker)."""
    check_release(book, account_id)
    try:
        theirs = book.broker.account(account_id)
    except BrokerRefused as refusal:
        return (("account", "known", refusal.message),)
    ours = book.account(account_id)
    rows = [("cash", money_text(ours.cash), money_text(theirs.cash))]
    rows += [
        (symbol, qty_text(ours.holding(symbol)), qty_text(theirs.holding(symbol)))
        for symbol in sorted({position.symbol for position in (*ours.positions, *theirs.positions)})
    ]
    return tuple(row for row in rows if row[0] == "cash" or row[1] != row[2])


def _unread(book: Book) -> list[BrokerEvent]:
    """What the broker has told and nobody has read yet."""
    cursor = int(meta.get(book.database, CURSOR, "0"))
    told: list[BrokerEvent] = []
    while events := book.broker.events(cursor):
        told += (event for event in events if event.seq > cursor)
        if (reached := max(event.seq for event in events)) <= cursor:
            break
        cursor = reached
    return told


def _orders(book: Book, found: _Findings) -> int:
    """Every order of an open run that may be with the broker, by our own id."""
    taken = 0
    for run in list(book.open_runs.values()):
        if run.status is not RunStatus.IN_PROGRESS:
            continue
        changed = False
        for line, order, sent in runs.orders(book.database, run.id):
            if sent:
                changed = _order(book, run, line, order, found) or changed
        taken += changed
    return taken


def _order(book: Book, run: Run, line: int, order: Order, found: _Findings) -> bool:
    """Compare one order; True when the broker's state of it was taken over."""
    name = f"the {order.side} of {order.symbol}"
    try:
        theirs = book.broker.order_by_client_id(run.account_id, order.client_order_id)
    except BrokerRefused as refusal:
        found.add(run.account_id, f"{name}: {refusal.message}")
        return False
    if theirs is None:
        # Without an answer its fate is open and the outbox settles it; one that was accepted cannot be gone.
        if order.id:
            found.add(run.account_id, f"{name} was accepted, and the broker does not know it any more")
        return False
    reason = _contradiction(order, theirs)
    if reason:
        found.add(run.account_id, f"{name} {reason}")
        return False
    missed = _missed_fills(book, run, line, theirs)
    changed = bool(missed) or (order.id, order.status, order.filled_qty) != (
        theirs.id,
        theirs.status,
        theirs.filled_qty,
    )
    if changed:
        with book.database.write():
            apply_events(book, missed)
            runs.store_order(book.database, theirs)
            book.record("reconciliation.order", order.client_order_id, {"status": theirs.status}, "broker")
    executed = _executed(book, run, line)
    if executed != theirs.filled_qty:
        found.add(
            run.account_id,
            f"{name} filled {qty_text(theirs.filled_qty)} at the broker, its executions tell of {qty_text(executed)}",
        )
    return changed


def _state(order: Order) -> tuple[object, ...]:
    return order.id, order.status, order.filled_qty


def _contradiction(ours: Order, theirs: Order) -> str:
    """Why the broker's order cannot be what became of ours, empty when it can."""
    if (theirs.symbol, theirs.side, theirs.notional, theirs.qty) != (ours.symbol, ours.side, ours.notional, ours.qty):
        return "is another order at the broker, under the same id"
    if ours.id and theirs.id != ours.id:
        return "has another id at the broker"
    if theirs.filled_qty < ours.filled_qty:
        return f"filled {qty_text(ours.filled_qty)}; the broker took it back to {qty_text(theirs.filled_qty)}"
    if theirs.qty is not None and theirs.filled_qty > theirs.qty:
        return f"filled {qty_text(theirs.filled_qty)}, more than the {qty_text(theirs.qty)} ordered"
    late = theirs.status is OrderStatus.FILLED and ours.status is OrderStatus.CANCELED
    if ours.status.final and theirs.status is not ours.status and not late:
        return f"was {ours.status} and is {theirs.status} at the broker"
    return ""


def _missed_fills(book: Book, run: Run, line: int, theirs: Order) -> list[BrokerEvent]:
    """Executions of an order that the broker told of and we do not have: the stream is looked through again."""
    if _executed(book, run, line) >= theirs.filled_qty:
        return []
    known = {fill.execution_id for fill in fills.of_run(book.database, run.id)}
    return [
        event
        for event in _events_since(book, (run.started_at or run.created_at) - LOOK_BACK)
        if event.fill is not None
        and event.fill.client_order_id == theirs.client_order_id
        and event.fill.execution_id not in known
    ]


def _events_since(book: Book, since: datetime) -> Iterator[BrokerEvent]:
    """The broker's events from a moment on, found by halving."""
    low, high = 0, int(meta.get(book.database, CURSOR, "0"))
    while low < high:
        middle = (low + high) // 2
        first = book.broker.events(middle, 1)
        if first and first[0].at < since:
            low = middle + 1
        else:
            high = middle
    cursor = low
    while events := book.broker.events(cursor):
        yield from events
        if (reached := max(event.seq for event in events)) <= cursor:
            return
        cursor = reached


def _executed(book: Book, run: Run, line: int) -> Qty:
    return fills.executed(book.database, run.id, line)


def _journals(book: Book, found: _Findings) -> int:
    taken = 0
    for account_id, journal in cash.open_journals(book.database):
        try:
            theirs = book.broker.journal(journal.id)
        except BrokerRefused as refusal:
            found.add(account_id, f"a journal of {money_text(journal.amount)}: {refusal.message}")
            continue
        if theirs.amount != journal.amount:
            found.add(account_id, f"a journal of {money_text(journal.amount)} moves {money_text(theirs.amount)}")
        elif theirs.status is not journal.status:
            with book.database.write():
                take_over_journal(book, theirs, account_id)
            taken += 1
    if taken:
        book.reload_journals()
        book.reload_accounts()
    return taken


def _accounts(
    book: Book, known: Mapping[str, Account], told: Sequence[BrokerEvent], found: _Findings
) -> int:  # fmt: skip
    """Cash and positions of every account: as they were, moved by what the broker told since."""
    expected = _moved(known, told)
    announced = {event.account_id for event in told if event.kind is EventKind.ACCOUNT}
    fresh: list[Account] = []
    differing: dict[str, Account] = {}
    theirs = {account.id: account for account in book.broker.accounts()}
    for account_id, account in theirs.items():
        ours = expected.get(account_id)
        if ours == account:
            continue
        if ours is None:
            if account_id not in book.accounts:
                fresh.append(account)
            continue
        if account_id not in announced and any(_mismatches(ours, account)):
            differing[account_id] = account
        stored = book.accounts[account_id]
        if account_id not in differing and (stored.status, stored.restrictions, stored.unsettled, stored.name) != (
            account.status, account.restrictions, account.unsettled, account.name,
        ):  # fmt: skip
            fresh.append(account)
    for account_id in known:
        if account_id not in theirs:
            found.add(account_id, "the broker does not have the account")
    late = _told_late(book, differing.keys()) if differing else {}
    for account_id, account in differing.items():
        missed = late.get(account_id, [])
        moves = sorted([*missed, *(e for e in told if e.account_id == account_id)], key=lambda event: event.seq)
        if not _explains(known[account_id], moves, account):
            for reason in _mismatches(expected[account_id], account):
                found.add(account_id, reason)
        else:
            with book.database.write():
                apply_events(book, missed)
            fresh.append(account)
    if fresh:
        with book.database.write():
            take_over_accounts(book, fresh)
            book.record("reconciliation.accounts", "book", {"accounts": [account.id for account in fresh]}, "broker")
        book.reload_accounts([account.id for account in fresh])
    return len(fresh)


def _explains(ours: Account, moves: Sequence[BrokerEvent], theirs: Account) -> bool:
    """Whether what was told leads from our figures to the broker's. The first of it may be in ours already: an account
    is read whole, and at that moment more may have happened than was told by then."""
    return any(
        not any(_mismatches(_moved({ours.id: ours}, moves[first:])[ours.id], theirs)) for first in range(len(moves) + 1)
    )


def _told_late(book: Book, account_ids: Collection[str]) -> dict[str, list[BrokerEvent]]:
    """What the broker has told of accounts in the last days and our file does not have: it came out of order."""
    late: dict[str, list[BrokerEvent]] = {}
    for event in _events_since(book, book.now() - LATE):
        if event.account_id not in account_ids or event.account_id is None:
            continue
        if event.fill is not None:
            missing = not fills.known(book.database, event.fill.execution_id)
        else:
            missing = event.cash is not None and not accounts.has_entry(book.database, event.cash.seq)
        if missing:
            late.setdefault(event.account_id, []).append(event)
    return late


def _moved(known: Mapping[str, Account], told: Iterable[BrokerEvent]) -> dict[str, Account]:
    """The accounts after cash movements and executions; what else changed in them is not looked at."""
    cash_of: dict[str, int] = {}
    qty_of: dict[str, dict[str, int]] = {}
    seen: set[object] = set()
    for event in told:
        key = event.fill.execution_id if event.fill else ("cash", event.cash.seq) if event.cash else None
        account = known.get(event.account_id or "")
        if key is None or key in seen or account is None:
            continue
        seen.add(key)
        balance = cash_of.setdefault(account.id, account.cash)
        if event.fill is not None:
            bought = event.fill.side is Side.BUY
            cash_of[account.id] = balance + (-event.fill.amount if bought else event.fill.amount)
            held = qty_of.setdefault(account.id, {position.symbol: position.qty for position in account.positions})
            held[event.fill.symbol] = held.get(event.fill.symbol, 0) + (event.fill.qty if bought else -event.fill.qty)
        elif event.cash is not None:
            cash_of[account.id] = balance + event.cash.amount
    moved = dict(known)
    for account_id, balance in cash_of.items():
        moved[account_id] = replace(moved[account_id], cash=Money(balance))
    for account_id, held in qty_of.items():
        account = moved[account_id]
        prices = {position.symbol: position for position in account.positions}
        moved[account_id] = replace(
            account,
            positions=tuple(
                replace(prices[symbol], qty=Qty(qty)) if symbol in prices else Position(symbol, Qty(qty))
                for symbol, qty in sorted(held.items())
                if qty
            ),
        )
    return moved


def _mismatches(ours: Account, theirs: Account) -> Iterator[str]:
    if ours.cash != theirs.cash:
        yield f"cash is {money_text(ours.cash)} in the book, {money_text(theirs.cash)} at the broker"
    held = {position.symbol: position.qty for position in ours.positions}
    there = {position.symbol: position.qty for position in theirs.positions}
    if held == there:
        return
    for symbol in sorted(held.keys() | there.keys()):
        mine, yours = held.get(symbol, Qty(0)), there.get(symbol, Qty(0))
        if mine != yours:
            split = _split(mine, yours)
            text = f"{symbol}: {qty_text(mine)} in the book, {qty_text(yours)} at the broker"
            yield f"{text}, as after a {split} split" if split else text


def _split(before: Qty, after: Qty) -> str:
    if before <= 0 or after <= 0:
        return ""
    ratio = Fraction(after, before)
    return f"{ratio.numerator}-for-{ratio.denominator}" if ratio in SPLITS else ""


def _require_own(book: Book, event: BrokerEvent, found: _Findings) -> None:
    """An execution under an id that looks like ours belongs to an order of ours."""
    if event.fill is None or parse_client_order_id(event.fill.client_order_id) is None:
        return
    if not runs.placed(book.database, event.fill.client_order_id):
        found.add(
            event.fill.account_id, f"an execution of {event.fill.symbol} under our name, without an order of ours"
        )


def _pause(book: Book, reasons: Mapping[str, str]) -> None:
    now = book.now()
    with book.database.write():
        for account_id, reason in reasons.items():
            account = book.account(account_id)
            hold = Hold(reason, book.holds[account_id].at if account_id in book.holds else now)
            holds.put(book.database, account_id, hold)
            text = f"{account.name} ({account.account_number}) is paused: {reason}"
            jobs.raise_alert(book.database, now, ALERT, account_id, text)
            book.record("reconciliation.paused", account_id, {"reason": reason})
    book.holds = holds.load(book.database)
    book.version += 1


def _as_the_broker_has_them(book: Book, run: Run) -> list[tuple[int, Order, Order | None, list[str]]]:
    """Each order of a run that was sent, with what the broker has of it and the executions that it does not tell of."""
    since = (run.started_at or run.created_at) - LOOK_BACK
    told = {event.fill.execution_id for event in _events_since(book, since) if event.fill is not None}
    ours = fills.of_run(book.database, run.id)
    found = []
    for line, order, sent in runs.orders(book.database, run.id):
        if sent and order.id:
            theirs = book.broker.order_by_client_id(run.account_id, order.client_order_id)
            mine = [fill.execution_id for fill in ours if fill.client_order_id == order.client_order_id]
            gone = [execution for execution in mine if execution not in told]
            found.append((line, order, theirs, gone))
    return found


def _correct(book: Book, line: int, order: Order, theirs: Order | None, gone: Sequence[str]) -> None:
    """Make one order what the broker has. Must be called inside `database.write()`."""
    database = book.database
    run_id, _ = parse_client_order_id(order.client_order_id) or ("", 0)
    for execution_id in gone:
        fills.take_back(database, execution_id)
        book.record(
            "reconciliation.execution_taken_back", order.client_order_id, {"execution": execution_id}, "advisor"
        )
    if theirs is None:
        if not order.status.final:
            why = "the broker does not know it; released by hand"
            runs.refuse_order(database, run_id, line, book.now(), why)
            book.record("reconciliation.order_ended", order.client_order_id, {"reason": why}, "advisor")
    elif (theirs.status, theirs.filled_qty) != (order.status, order.filled_qty):
        runs.correct_order(database, theirs)
        book.record("reconciliation.order_corrected", order.client_order_id, {"status": theirs.status}, "advisor")


def _figures(account: Account) -> dict[str, str]:
    return {"cash": money_text(account.cash)} | {p.symbol: qty_text(p.qty) for p in account.positions}
