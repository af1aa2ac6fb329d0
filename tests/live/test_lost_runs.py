"""An older backup of a live book is restored: the broker has orders that the book does not have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from rebal_tui import bootstrap, live_book
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import EventKind
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.broker_sync.reconciliation import release
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings, jobs, runs
from rebal_tui.store.codec import client_order_id
from tests.live.factories import START, finished, remote, subscribe, unique_order_ids
from tests.live.servers import Server, serving
from tests.live.test_differences_without_events import advance_clock, alerts, remote_book
from tests.live.test_events import FILL, Streams, sse_lines
from tests.live.transports import CLIENT, NOW, FakeConnection, always, order
from tests.services.factories import all_runs

LOST = "11111111-2222-4333-8444-555566667777"


def test_the_account_is_paused_with_an_alert_and_the_sessions_quota_is_used() -> None:
    book, broker = remote_book("2026-03-02 09:31")
    request = OrderRequest("a", client_order_id(LOST, 0), "SPY", Side.BUY, notional=parse_money("100"))
    broker.inner.place_external_order("a", request, book.now())
    scheduler.tick(book)

    assert book.paused("a") == ("paused: the broker has orders of run 11111111, which this book does not have",)
    assert f"buy $100.00 SPY ({client_order_id(LOST, 0)})" in alerts(book)["reconciliation"]
    assert book.quota_run("a", "2026-03-02") == LOST
    stand_in = runs.get(book.database, LOST)
    assert (stand_in.status, stand_in.account_id, stand_in.session) == (RunStatus.ERROR, "a", "2026-03-02")
    assert not check_book(book.database, broker.inner).faults

    advance_clock(book, minutes=30)
    scheduler.tick(book)
    release.release(book, "a")
    advance_clock(book, minutes=30)
    scheduler.tick(book)
    assert not book.holds, "a later event of the order paused the account again"
    assert [run.id for run in all_runs(book)] == [LOST], "the session's quota was used twice"
    book.reload()
    assert book.quota_run("a", "2026-03-02") == LOST
    advance_clock(book, days=1)
    scheduler.tick(book)
    assert len(all_runs(book)) == 2


def test_an_order_of_another_program_is_external_and_pauses_nothing() -> None:
    book, broker = remote_book("2026-03-02 09:31")
    request = OrderRequest("a", "mine-1", "SPY", Side.BUY, notional=parse_money("100"))
    broker.inner.place_external_order("a", request, book.now())
    scheduler.tick(book)
    assert not book.holds
    assert "reconciliation" not in alerts(book)


def test_at_the_start_the_trades_since_the_last_event_are_read_to_the_end() -> None:
    streams = Streams(trades=sse_lines(FILL))
    connection = FakeConnection(streams)
    connection.inbox.add([("trades", "earlier", NOW - timedelta(days=3), "{}")])
    connection.broker.catch_up(NOW, connection.broker.catch_up_from())
    connection.broker.receive()
    (request,) = connection.requests
    assert dict(request.url.params) == {"since": "2026-11-20T14:55:00Z", "until": "2026-11-23T15:00:00Z"}
    assert [event.kind for event in connection.broker.events(1)] == [EventKind.FILL]
    connection.broker.close()


def test_where_the_stream_of_trades_is_refused_the_orders_are_read_account_by_account() -> None:
    lost, other = client_order_id(LOST, 0), "mine-1"

    def answer(request: httpx.Request) -> httpx.Response:
        if "events" in request.url.path:
            return httpx.Response(404, json={"message": "not found"})
        if request.url.path == "/v1/accounts":
            return httpx.Response(200, json=[{"id": CLIENT}])
        assert request.url.path == f"/v1/trading/accounts/{CLIENT}/orders"
        assert request.url.params["after"] == "2026-11-20T14:55:00+00:00"
        return httpx.Response(200, json=[order(client_order_id=lost), order(id="o-2", client_order_id=other)])

    connection = FakeConnection(answer)
    connection.inbox.add([("trades", "earlier", NOW - timedelta(days=3), "{}")])
    connection.broker.catch_up(NOW, connection.broker.catch_up_from())
    connection.broker.receive()
    (event,) = connection.broker.events(1)
    assert event.order is not None
    assert (event.kind, event.order.client_order_id) == (EventKind.ORDER, lost)
    connection.broker.close()


@pytest.mark.parametrize("answer", [always(500, {}), always(200, text=": error\n\n")])
def test_trades_that_cannot_be_read_at_the_start_are_unknown(answer: object) -> None:
    connection = FakeConnection(lambda request: answer(request))  # type: ignore[operator]
    connection.inbox.add([("trades", "earlier", NOW - timedelta(days=3), "{}")])
    with pytest.raises(BrokerUnavailable, match="trade events since"):
        connection.broker.catch_up(NOW, connection.broker.catch_up_from())
    connection.broker.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(START) as started:
        yield started


@pytest.mark.slow
def test_a_restored_backup_places_no_second_run_and_its_new_ids_are_not_used_at_the_broker(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, backup = tmp_path / "live.db", tmp_path / "backup.db"
    with remote(server, path, monkeypatch) as harness:
        subscribe(harness)
        harness.book.database.connection.execute("VACUUM INTO ?", (str(backup),))
        harness.advance_to("2026-11-23 10:15")
        harness.settle(finished(1))
        placed = unique_order_ids(server, harness.account_id)
        account_id, clock = harness.account_id, harness.clock
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    shutil.copy(backup, path)
    database = bootstrap.open_database(path)
    seed = book_settings.get(database, "id_seed")

    book = live_book.open_live(database, clock=clock, prices_every=timedelta(0))
    try:
        until = monotonic() + 20
        while not book.reconciled and monotonic() < until:
            scheduler.tick(book)
            sleep(0.05)
        assert "which this book does not have" in book.paused(account_id)[0]
        assert [alert.kind for alert in jobs.open_alerts(database)].count("reconciliation") == 1
        assert book.quota_run(account_id, "2026-11-23") is not None
        assert book_settings.get(database, "id_seed") != seed
        assert unique_order_ids(server, account_id) == placed
    finally:
        book.close()


def test_a_transport_error_at_the_start_is_unknown() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset", request=request)

    connection = FakeConnection(broken)
    connection.inbox.add([("trades", "earlier", NOW - timedelta(days=3), "{}")])
    with pytest.raises(BrokerUnavailable):
        connection.broker.catch_up(NOW, connection.broker.catch_up_from())
