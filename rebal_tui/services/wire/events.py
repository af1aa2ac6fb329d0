"""Event streams that a client can resume after the last event that it received.

An event's id is a ULID: the timestamp, then the event's sequence number in the book.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import money_text, price_text, qty_text
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.wire.pages import shown_initiator, shown_type
from rebal_tui.services.wire.shapes import (
    asset_ids,
    order_json,
    portfolio_json,
    time_or_null,
    time_text,
    weights_json,
)
from rebal_tui.store import audit, book_settings, past_rows, runs
from rebal_tui.store.archives import databases
from rebal_tui.store.audit import AuditEntry

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import events

MAX_EVENTS_PER_READ = 500
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SEQ_BITS = 80
_STREAMED = frozenset({"ERROR", "TIMEOUT", "COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"})
"""Final run statuses as the stream shows them. CANCELED_MID_RUN is not part of it."""
_RUN_ACTIONS = ("runs.queued", "runs.started", "runs.canceled", "runs.ended")
_EVENTS_PER_ENTRY = 2**20
"""Sequence numbers per audit entry, which can report many runs: number = entry number * this + index."""
_PORTFOLIO_STATUSES = {
    "portfolio.needs_adjustment": "needs_adjustment",
    "portfolio.inactivated": "inactive",
    "portfolio.reactivated": "active",
    "portfolio.updated": "active",
}
_ACTIONS = (*_RUN_ACTIONS, *_PORTFOLIO_STATUSES)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream; `data` is None for an event that is not sent to clients."""

    seq: int
    at: datetime
    kind: str
    data: events.Event | None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream starts: at a time (inclusive) or after an event id; without either, now."""

    since: datetime | None = None
    since_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the events of a stream come from, as three functions.

    `after` returns the events after a sequence number, in order; `before` returns the last sequence number before a
    timestamp, and `last` the last one of all.
    """

    after: Callable[[Book, int], Sequence[StreamEvent]]
    before: Callable[[Book, datetime], int]
    last: Callable[[Book], int]


def event_id(at: datetime, seq: int) -> str:
    """The event id (a ULID) of a timestamp and a sequence number."""
    number = ((at - _EPOCH) // _MILLISECOND << _SEQ_BITS) | seq
    letters = []
    for _ in range(26):
        number, rest = divmod(number, 32)
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))


def seq_of(identity: str, position: str = "since_id") -> int:
    """The sequence number in an event id. Raises `Invalid` for a malformed id, naming the field `position`."""
    if len(identity) != 26 or any(letter not in _VALUES for letter in identity.upper()):
        raise Invalid([Fault(position, "invalid value: expected an event id")])
    number = 0
    for letter in identity.upper():
        number = number * 32 + _VALUES[letter]
    return min(number & ((1 << _SEQ_BITS) - 1), 2**62)


def begin(book: Book, source: Source, start: Start) -> int:
    """The sequence number after which a stream begins. Raises `Invalid` for a malformed event id."""
    if start.since_id is not None:
        return seq_of(start.since_id)
    return source.last(book) if start.since is None else source.before(book, start.since)


def _rebalancer_after(book: Book, seq: int) -> list[StreamEvent]:
    entries = audit.entries_after(book.database, seq // _EVENTS_PER_ENTRY, MAX_EVENTS_PER_READ, _ACTIONS)
    return [
        StreamEvent(number, entry.at, kind, data)
        for entry in entries
        for number, kind, data in _rebalancer_events(book, entry)
        if number > seq
    ]


def _rebalancer_events(book: Book, entry: AuditEntry) -> Iterator[tuple[int, str, events.Event | None]]:
    """The events of an audit entry, one per portfolio or run, each as (sequence number, kind, data).

    The last one has no data; its number marks the end of the entry.
    """
    detail = json.loads(entry.detail)
    first = (entry.seq - 1) * _EVENTS_PER_ENTRY + 1
    if entry.action in _PORTFOLIO_STATUSES:
        status = detail.get("to", _PORTFOLIO_STATUSES[entry.action])
        if detail.get("from") != status:
            kind = "portfolio.status_changed"
            now = portfolio_json(book.portfolio(entry.subject))
            yield first, kind, {**_head(entry, first, kind), "portfolio": {**now, "status": PortfolioStatus(status)}}
    else:
        for number, (run, status, reason) in enumerate(_runs_of(book, entry.action, detail), first):
            kind = "run.created" if status == "QUEUED" else "run.status_changed"
            yield number, kind, _run_event(book, _head(entry, number, kind), run, status, reason)
    yield entry.seq * _EVENTS_PER_ENTRY, "", None


def _head(entry: AuditEntry, number: int, kind: str) -> events.RebalancerHead:
    return {"event_id": event_id(entry.at, number), "event_type": kind, "at": time_text(entry.at)}


def _runs_of(book: Book, action: str, detail: Any) -> list[tuple[Run, str, str | None]]:
    """The runs of an audit entry, each with the status and the reason that the entry records."""
    if action in ("runs.queued", "runs.started"):
        status = "QUEUED" if action == "runs.queued" else "IN_PROGRESS"
        found = (run for one in databases(book.database) for run in runs.in_ranges(one, detail["runs"]))
        return [(run, status, None) for run in found]
    if action == "runs.canceled":
        return [(past_rows.run(book.database, run_id), "CANCELED", detail["reason"]) for run_id in detail["runs"]]
    return [
        (past_rows.run(book.database, run_id), status, reason)
        for run_id, status, reason in detail["runs"]
        if status in _STREAMED
    ]


def _run_event(
    book: Book, head: events.RebalancerHead, run: Run, status: str, reason: str | None
) -> events.RunStatusChanged:
    return {
        **head,
        "run": {
            "id": run.id,
            "type": shown_type(run.type),
            "kind": run.type,
            "amount": None if run.amount is None else money_text(run.amount),
            "initiated_from": shown_initiator(book, run),
            "status": status,
            "reason": reason,
            "account_id": run.account_id,
            "portfolio_id": run.portfolio_id or run.id,
            "weights": weights_json(run.weights),
            "completed_at": time_or_null(run.completed_at),
            "canceled_at": time_or_null(run.canceled_at),
            "created_at": time_text(run.created_at),
            "updated_at": time_text(run.updated_at),
        },
    }


REBALANCER = Source(
    _rebalancer_after,
    lambda book, at: audit.last_before(book.database, at) * _EVENTS_PER_ENTRY,
    lambda book: audit.head(book.database)[0] * _EVENTS_PER_ENTRY,
)
"""Events of runs and portfolios."""


def broker_after(
    shape: Callable[[Book, BrokerEvent], tuple[str, events.Event] | None],
) -> Callable[[Book, int], list[StreamEvent]]:
    """A function that reads the broker's events after a sequence number.

    `shape` returns the name and the data of an event, or None for an event that is not sent to clients.
    """

    def after(book: Book, seq: int) -> list[StreamEvent]:
        made = []
        for event in book.broker.events(seq, MAX_EVENTS_PER_READ):
            kind, data = shape(book, event) or ("", None)
            made.append(StreamEvent(event.seq, event.at, kind, data))
        return made

    return after


def _broker_head(event: BrokerEvent) -> events.BrokerHead:
    identity = event_id(event.at, event.seq)
    return {"event_id": identity, "event_ulid": identity, "at": time_text(event.at)}


def broker_before(book: Book, at: datetime) -> int:
    """The sequence number of the broker's last event before a timestamp."""
    reached = 0
    while batch := book.broker.events(reached):
        earlier = [event.seq for event in batch if event.at < at]
        reached = max(earlier, default=reached)
        if len(earlier) < len(batch):
            break
    return reached


def broker_last(book: Book) -> int:
    """The sequence number of the last broker event that the book has applied."""
    return int(book_settings.get(book.database, CURSOR, "0"))


_TRADES = {
    OrderStatus.NEW: "new",
    OrderStatus.FILLED: "fill",
    OrderStatus.PARTIALLY_FILLED: "partial_fill",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.PENDING_CANCEL: "pending_cancel",
}


def _trade(book: Book, event: BrokerEvent) -> tuple[str, events.TradeUpdate] | None:
    order = event.order
    if order is None or order.status not in _TRADES:
        return None
    kind = _TRADES[order.status]
    if event.fill is not None and kind not in ("fill", "partial_fill"):
        kind = "partial_fill"
    update: events.OrderUpdate = {
        **_broker_head(event),
        "account_id": order.account_id,
        "event": kind,
        "timestamp": time_text(event.at),
        "order": order_json(order, asset_ids(book.assets)),
    }
    if event.fill is None:
        return kind, update
    return kind, {
        **update,
        "execution_id": event.fill.execution_id,
        "price": price_text(event.fill.price),
        "qty": qty_text(event.fill.qty),
        "settle_date": event.fill.settles_on,
    }


def _journal(_book: Book, event: BrokerEvent) -> tuple[str, events.JournalStatusChanged] | None:
    journal = event.journal
    if journal is None:
        return None
    return "journal.status", {
        **_broker_head(event),
        "journal_id": journal.id,
        "entry_type": "JNLC",
        "status_to": journal.status,
        "status_from": "",
    }


def _account(book: Book, event: BrokerEvent) -> tuple[str, events.AccountStatusChanged] | None:
    if event.kind is not EventKind.ACCOUNT or event.account_id is None or event.account_id not in book.accounts:
        return None
    account = book.account(event.account_id)
    return "account.status", {
        **_broker_head(event),
        "account_id": account.id,
        "account_number": account.account_number,
        "status_from": "",
        "status_to": account.status,
    }


ACTIVITY_TYPES = {
    CashKind.DEPOSIT: "CSD",
    CashKind.ACH_RETURN: "CSR",
    CashKind.DIVIDEND: "DIV",
    CashKind.CORPORATE_ACTION: "REORG",
    CashKind.JOURNAL_IN: "JNLC",
    CashKind.JOURNAL_OUT: "JNLC",
}


def _activity(_book: Book, event: BrokerEvent) -> tuple[str, events.Activity] | None:
    entry = event.cash
    if entry is None or entry.kind not in ACTIVITY_TYPES:
        return None
    return "activity", {
        **_broker_head(event),
        "id": f"cash-{entry.seq}",
        "account_id": entry.account_id,
        "entry_type": ACTIVITY_TYPES[entry.kind],
        "status": "executed",
        "net_amount": money_text(entry.amount),
        "settle_date": entry.settles_on,
        "system_date": entry.at.astimezone(NEW_YORK).date().isoformat(),
        "description": "",
        "reference": entry.reference,
    }


TRADES = Source(broker_after(_trade), broker_before, broker_last)
"""Events of orders and their fills."""
JOURNALS = Source(broker_after(_journal), broker_before, broker_last)
ACCOUNTS = Source(broker_after(_account), broker_before, broker_last)
"""Account changes other than cash and positions."""
ACTIVITIES = Source(broker_after(_activity), broker_before, broker_last)
"""Cash activities other than trades."""
