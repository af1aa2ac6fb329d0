"""The broker's event streams: each event is applied once, despite repeated, late, garbled or reversed events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from rebal_tui import bootstrap
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.domain.cash import CashKind, JournalStatus
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty
from rebal_tui.store import event_inbox
from tests.live.transports import CLIENT, FIRM, NOW, FakeConnection, order

JOURNAL = "e2769c3a-3a4d-4cbd-b6e6-05fd7a6e2f1d"
PATHS = {
    "trades": "/v2/events/trades",
    "journals": "/v2/events/journals/status",
    "accounts": "/v1/events/accounts/status",
    "activities": "/v2beta1/events/activities",
    "corporate_actions": "/v1beta1/events/corporate-actions",
}


def ulid(number: int) -> str:
    return f"01JD{number:022d}"


def trade(number: int, event: str, **changes: Any) -> dict[str, Any]:
    """A trade event of an SPY order; `changes` apply to the event."""
    return {
        "event_id": ulid(number),
        "at": f"2026-11-23T15:00:{number % 60:02d}Z",
        "account_id": CLIENT,
        "event": event,
        "order": order(),
    } | changes


FILL = trade(
    1, "fill", execution_id="0b1f3d2e-1111-4222-8333-444455556666", qty="75.5", price="400.25",
    timestamp="2026-11-23T15:00:01.5Z", order=order(status="filled", filled_qty="75.5", filled_avg_price="400.25"),
)  # fmt: skip


class Streams:
    """Streams that send the same events to every connection, then end."""

    def __init__(self, **sse_lines: list[str]) -> None:
        self.sse_lines = sse_lines
        self.since: dict[str, list[str]] = {}
        self.journal_status = "executed"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        for name, path in PATHS.items():
            if request.url.path == path:
                self.since.setdefault(name, []).append(request.url.params["since"])
                text = ": begin\n\n" + "".join(self.sse_lines.get(name, ()))
                return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})
        if request.url.path == f"/v1/journals/{JOURNAL}":
            body = {
                "id": JOURNAL, "entry_type": "JNLC", "from_account": FIRM, "to_account": CLIENT,
                "status": self.journal_status, "net_amount": "51", "description": "", "symbol": "",
            }  # fmt: skip
            return httpx.Response(200, json=body)
        return httpx.Response(404, json={"code": 40410000, "message": "endpoint not found"})


def sse_lines(*events: dict[str, Any]) -> list[str]:
    return [f"id: {event.get('event_id')}\ndata: {json.dumps(event)}\n\n" for event in events]


def received_events(connection: FakeConnection) -> Sequence[BrokerEvent]:
    """All events, after those received have been prepared and stored."""
    if connection.broker.has_received():
        connection.broker.receive()
    return connection.broker.events(0)


def listening_broker(streams: Streams, count: int) -> FakeConnection:
    """A broker that has received until it stored the given number of events."""
    connection = FakeConnection(streams)
    connection.broker.listen()
    try:
        until = monotonic() + 10
        while len(received_events(connection)) < count:
            assert monotonic() < until, connection.inbox.stored
            sleep(0.01)
    finally:
        connection.broker.close()
    return connection


def test_a_fill_event_has_its_execution_and_its_order() -> None:
    (event,) = listening_broker(Streams(trades=sse_lines(FILL)), 1).broker.events(0)
    assert event.kind is EventKind.FILL
    fill = event.fill
    assert fill is not None
    assert event.order is not None
    assert (fill.execution_id, fill.qty, fill.price) == (
        FILL["execution_id"], parse_qty("75.5"), parse_price("400.25"),
    )  # fmt: skip
    assert (fill.amount, fill.settles_on) == (parse_money("30218.875"), "2026-11-24")
    assert event.order.filled_qty == parse_qty("75.5")


def test_repeated_events_are_stored_once_and_the_cursor_advances() -> None:
    new = trade(2, "new")
    connection = listening_broker(Streams(trades=sse_lines(FILL, FILL, new, FILL)), 2)
    first, second = connection.broker.events(0)
    assert (first.seq, second.seq) == (1, 2)
    assert [event.seq for event in connection.broker.events(1)] == [2]
    assert not connection.broker.events(2)


def test_a_stream_resumes_before_the_last_received_event() -> None:
    streams = Streams(trades=sse_lines(FILL))
    connection = FakeConnection(streams)
    connection.inbox.add([("trades", ulid(1), NOW + timedelta(hours=1), json.dumps(FILL))])
    connection.broker.listen()
    until = monotonic() + 10
    while len(streams.since) < len(PATHS) and monotonic() < until:
        sleep(0.01)
    connection.broker.close()
    assert streams.since["trades"][0] == "2026-11-23T15:55:00Z"
    assert streams.since["accounts"][0] == "2026-11-23"


def test_a_busted_trade_needs_a_person_and_the_account_is_read_again() -> None:
    (event,) = listening_broker(
        Streams(trades=sse_lines(trade(3, "trade_bust", previous_execution_id="x-1"))), 1
    ).broker.events(0)
    assert (event.kind, event.account_id) == (EventKind.NOTICE, CLIENT)
    assert event.note is not None
    assert "busted execution x-1 of buy SPY" in event.note


@pytest.mark.parametrize(
    "odd",
    [
        trade(4, "fill", qty="-1", price="400", order=order()),
        trade(4, "fill", qty="1", price="0", order=order()),
        trade(4, "new", order=None),
        trade(4, "new", account_id="../../etc"),
        trade(4, "new", order=order(side="sideways")),
    ],
)
def test_a_malformed_event_is_set_apart_and_stops_nothing(odd: dict[str, Any]) -> None:
    events = listening_broker(Streams(trades=sse_lines(odd, FILL)), 2).broker.events(0)
    assert [event.kind for event in events] == [EventKind.UNREADABLE, EventKind.FILL]


def test_lines_that_are_not_json_are_skipped() -> None:
    events = listening_broker(
        Streams(trades=["data: {garbled\n\n", "data: []\n\n", *sse_lines(FILL)]), 1
    ).broker.events(0)
    assert [event.kind for event in events] == [EventKind.FILL]


def test_an_unknown_trade_event_reports_the_current_order() -> None:
    (event,) = listening_broker(Streams(trades=sse_lines(trade(5, "teleported"))), 1).broker.events(0)
    assert (event.kind, event.fill) == (EventKind.ORDER, None)


@pytest.mark.parametrize(
    ("reported", "read", "status"),
    [
        ("sent_to_clearing", "queued", JournalStatus.SENT_TO_CLEARING),
        ("sent_to_clearing", "executed", JournalStatus.EXECUTED),
        ("executed", "executed", JournalStatus.EXECUTED),
        ("activity_created", "executed", JournalStatus.EXECUTED),
        ("activity_created", "activity_created", JournalStatus.EXECUTED),
        ("executed", "correct", JournalStatus.CANCELED),
    ],
)
def test_a_journal_event_is_completed_by_a_read_and_names_the_firm_account(
    reported: str, read: str, status: JournalStatus
) -> None:
    event_body = {"event_id": ulid(1), "at": "2026-11-23T15:00:00Z", "journal_id": JOURNAL, "status_from": "queued",
            "status_to": reported}  # fmt: skip
    streams = Streams(journals=sse_lines(event_body))
    streams.journal_status = read
    (event,) = listening_broker(streams, 1).broker.events(0)
    assert event.journal is not None
    assert event.account_id == CLIENT
    assert (event.journal.from_account, event.journal.amount) == (FIRM_ACCOUNT, parse_money("51"))
    assert event.journal.status is status


def activity(number: int, account: str, kind: str, amount: str | None, **more: Any) -> dict[str, Any]:
    """An activity as its stream sends it."""
    return {
        "account_id": account, "at": "2026-11-23T15:00:00Z", "event_id": ulid(number), "activity_type": kind,
        "ref_id": f"ref-{number}", "status": "executed", "executed_at": "2026-11-23T15:00:00Z",
        "settle_date": "2026-11-24", "net_amount": amount, "currency": "USD", "details": {}, **more,
    }  # fmt: skip


def test_external_cash_is_an_entry_and_cash_of_the_firm_is_not() -> None:
    streams = Streams(
        activities=sse_lines(
            activity(1, CLIENT, "CSD", "1000.5"),
            activity(2, FIRM, "JNLC", "-51"),
            activity(3, CLIENT, "JNLC", "51"),
            activity(4, CLIENT, "FEE", "-0.01", activity_subtype="REG"),
            activity(5, CLIENT, "SPLIT", "0", qty="10"),
            activity(6, CLIENT, "CSD", "1000.5", status="pending"),
            activity(7, CLIENT, "CSD", "1000.5", status="canceled"),
            activity(8, CLIENT, "CSD", "10.5", previous_id="ref-1"),
            activity(9, CLIENT, "TRD", "-400"),
        )
    )
    events = listening_broker(streams, 7).broker.events(0)
    entries = [(event.cash.kind, event.cash.amount) for event in events if event.cash is not None]
    assert entries == [
        (CashKind.DEPOSIT, parse_money("1000.5")),
        (CashKind.JOURNAL_IN, parse_money("51")),
        (CashKind.OTHER, parse_money("-0.01")),
        (CashKind.DEPOSIT, parse_money("10.5")),
    ]
    rest = [event.kind for event in events][3:]
    assert rest == [EventKind.NOTICE, EventKind.ACCOUNT, EventKind.ACCOUNT, EventKind.CASH]
    assert all(event.account_id == CLIENT for event in events)
    assert "SPLIT" in (events[3].note or "")
    canceled, corrected = events[5].activity, events[6].activity
    assert canceled is not None
    assert corrected is not None
    assert (canceled.executed, corrected.executed, corrected.replaces) == (False, True, "ref-1")


def test_an_activity_is_stored_again_only_when_its_status_changes() -> None:
    deposit = activity(1, CLIENT, "CSD", "5", status="pending")
    again, executed = deposit | {"event_id": ulid(2)}, deposit | {"event_id": ulid(3), "status": "executed"}
    events = listening_broker(Streams(activities=sse_lines(deposit, again, executed, executed)), 2).broker.events(0)
    assert [event.kind for event in events] == [EventKind.ACCOUNT, EventKind.CASH]


@pytest.mark.slow
def test_a_stream_that_reports_lost_messages_is_read_again_from_earlier() -> None:
    streams = Streams(
        trades=[*sse_lines(trade(2, "new")), ": you are reading too slowly, dropped 3 messages\n\n", *sse_lines(FILL)]
    )
    connection = FakeConnection(streams)
    connection.broker.listen()
    until = monotonic() + 15
    while len(streams.since.get("trades", ())) < 2 and monotonic() < until:
        sleep(0.02)
    stored = received_events(connection)
    connection.broker.close()
    assert len(streams.since["trades"]) >= 2
    assert [event.kind for event in stored] == [EventKind.ORDER]


def test_the_event_inbox_stores_each_event_once_and_deletes_old_ones(tmp_path: Path) -> None:
    database = bootstrap.open_database(tmp_path / "book.db")
    old = NOW - timedelta(days=9)
    assert (
        event_inbox.add(database, [("trades", "1", old, "{}"), ("trades", "1", old, "{}"), ("nta", "1", NOW, "{}")])
        == 2
    )
    assert event_inbox.add(database, [("trades", "1", NOW, "{}"), ("trades", "2", NOW, "{}")]) == 1
    assert [row[0] for row in event_inbox.after(database, 0, 10)] == sorted(
        {row[0] for row in event_inbox.after(database, 0, 10)}
    )
    assert event_inbox.last_at(database, "trades") == NOW
    assert event_inbox.last_at(database, "journals") is None
    with database.write() as tx:
        event_inbox.prune(tx, NOW - timedelta(days=8), 1)
    assert [(row[1], row[2]) for row in event_inbox.after(database, 0, 10)] == [("nta", "1"), ("trades", "2")]
    database.close()
