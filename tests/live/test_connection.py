"""Health of the connection: the clock in every response, streams that are lost or refused, growing pauses."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.broker.alpaca.stream_list import TRADE_STREAM
from rebal_tui.broker.alpaca.streams import MAX_RECONNECT_SECONDS, MIN_RECONNECT_SECONDS, Listener
from rebal_tui.broker.connection import STEADY_CONNECTION, StreamState
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.credentials import Keys
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.polling import poll_broker
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import jobs, runs
from tests.live.test_differences_without_events import advance_clock, alerts, remote_book
from tests.live.test_events import FILL, sse_lines
from tests.live.transports import NOW, FakeConnection, always


def dated(there: datetime) -> dict[str, str]:
    return {"Date": format_datetime(there.astimezone(UTC), usegmt=True)}


@pytest.mark.parametrize(
    ("offset", "skew"),
    [(0, 0), (40, 40), (-3, -2), (-2100, -2099)],
)
def test_every_response_compares_the_clocks_within_the_second_of_its_date(offset: int, skew: int) -> None:
    connection = FakeConnection(always(200, {}, dated(NOW + timedelta(seconds=offset))))
    assert connection.broker.connection().skew is None
    with pytest.raises(BrokerUnavailable):
        connection.broker.account("2ad28f83-796c-4c4d-895e-d360aeb95297")
    assert connection.broker.connection().skew == timedelta(seconds=skew)


def test_a_refused_request_and_a_response_without_a_date_count_as_well() -> None:
    answers = iter(
        [httpx.Response(503, headers=dated(NOW + timedelta(seconds=50))), httpx.Response(503, headers={"Date": "x"})]
    )
    connection = FakeConnection(lambda _request: next(answers))
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            connection.broker.cancel_order("a", "b")
    assert connection.broker.connection().skew == timedelta(seconds=50)


def test_a_clock_that_drifts_stops_decisions_at_once_and_they_continue_when_it_is_right_again() -> None:
    book, broker = remote_book("2026-03-02 09:29")
    scheduler.tick(book)
    assert book.polling_state.loaded
    broker.skew = timedelta(minutes=35)
    advance_clock(book, minutes=1)
    scheduler.tick(book)
    assert "2100 s behind the broker's" in alerts(book)["clock"]
    advance_clock(book, minutes=15)
    scheduler.tick(book)
    assert not runs.newest(book.database, 10)
    broker.skew = timedelta(0)
    advance_clock(book, minutes=1)
    scheduler.tick(book)
    assert "clock" not in alerts(book)
    assert runs.newest(book.database, 10)


def test_the_clock_is_asked_for_every_ten_seconds_while_it_stops_decisions() -> None:
    book, broker = remote_book("2026-03-02 10:00")
    scheduler.tick(book)
    broker.clock_asked.clear()
    broker.skew = timedelta(seconds=45)
    for _ in range(12):
        advance_clock(book, seconds=5)
        with pytest.raises(BrokerUnavailable):
            poll_broker(book, book.now())
    assert len(broker.clock_asked) == 6


def test_an_alert_about_the_clock_from_an_earlier_start_is_cleared() -> None:
    book, broker = remote_book("2026-03-02 10:00")
    broker.skew = timedelta(seconds=5)
    scheduler.tick(book)
    assert "5 s behind" in alerts(book)["clock"]
    book.polling_state.clock_alerted = None
    broker.skew = timedelta(seconds=1)
    scheduler.tick(book)
    assert "clock" not in alerts(book)


def stream_alerts(book: Book) -> dict[str, str]:
    return {alert.subject: alert.text for alert in jobs.open_alerts(book.database) if alert.kind == "stream"}


def test_a_lost_stream_is_reported_after_a_minute_and_a_refused_one_at_once() -> None:
    book, broker = remote_book("2026-03-02 08:00")
    down = book.now()
    broker.streams = (
        StreamState("trades", connected_since=down - timedelta(hours=1)),
        StreamState("journals", down_since=down, last_error="ConnectError", attempts=3),
        StreamState("activities", down_since=down, last_error="HTTP 404", attempts=1, refused=True),
    )
    advance_clock(book, seconds=59)
    scheduler.tick(book)
    refused = "the broker refuses the event stream of activities since 08:00: HTTP 404"
    meanwhile = "The program asks for changes meanwhile, so they come later"
    assert stream_alerts(book) == {"activities": f"{refused}. {meanwhile}"}
    advance_clock(book, seconds=1)
    scheduler.tick(book)
    assert "no event stream of journals since 08:00: ConnectError" in stream_alerts(book)["journals"]
    broker.streams = (
        StreamState("journals", connected_since=book.now()),
        StreamState("activities", connected_since=book.now()),
    )
    scheduler.tick(book)
    assert not stream_alerts(book)


class Trying:
    """A listener whose pauses advance a fake clock, over streams that answer in turn; it stops after the last."""

    def __init__(self, *answers: Callable[[httpx.Request], httpx.Response]) -> None:
        self.clock = FixedClock(NOW)
        self.pauses: list[float] = []
        self.since: list[str] = []
        self.states: list[StreamState] = []
        self._answers = list(answers)
        client = AlpacaClient(
            Endpoints("https://broker.test", "https://data.test", "https://stream.test", live=False),
            Keys("KEYKEYKEY", "CANARY-SECRET"), self.clock.now, transport=httpx.MockTransport(self._answer),
        )  # fmt: skip
        self.listener = Listener(client, TRADE_STREAM, NOW, self.clock.now, queue.SimpleQueue(), wait=self._wait)
        self.listener.run()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.since.append(request.url.params["since"])
        return self._answers.pop(0)(request)

    def _wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.states.append(self.listener.state)
        self.clock.advance(timedelta(seconds=seconds))
        if not self._answers:
            self.listener.stop()


def failing(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route")


def test_the_pause_between_reconnects_doubles_up_to_a_minute() -> None:
    trying = Trying(*[failing] * 9)
    assert trying.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (trying.pauses[0], trying.pauses[-1]) == (MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS)
    last = trying.states[-1]
    assert (last.attempts, last.down_since, last.connected_since, last.refused) == (9, NOW, None, False)
    assert last.last_error == "no route"


def test_a_stream_that_is_accepted_and_dropped_at_once_is_down_and_the_pauses_grow() -> None:
    trying = Trying(*[always(200, text=": welcome\n\n")] * 5)
    assert trying.pauses == [1, 2, 4, 8, 16]
    assert (trying.states[-1].attempts, trying.states[-1].down_since) == (5, NOW)
    assert trying.states[-1].down_for(trying.clock.now()) > timedelta(seconds=30)


def test_a_newer_event_or_a_steady_connection_starts_the_pauses_anew() -> None:
    steady: list[Trying] = []

    class Slow(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b": welcome\n\n"
            steady[0].clock.advance(STEADY_CONNECTION)
            yield b": heartbeat\n\n"

    class Timed(Trying):
        def __init__(self) -> None:
            steady.append(self)
            delivered = always(200, text="".join(sse_lines(FILL | {"at": "2026-11-23T15:30:00Z"})))
            lasting = lambda _request: httpx.Response(200, stream=Slow())  # noqa: E731  one line
            super().__init__(failing, failing, delivered, failing, failing, lasting, failing)

    assert Timed().pauses == [1, 2, 1, 2, 4, 1, 2]


def test_after_a_reconnect_the_stream_is_asked_from_before_its_last_event() -> None:
    delivered = always(200, text="".join(sse_lines(FILL | {"at": "2026-11-23T15:30:00Z"})))
    trying = Trying(failing, delivered, failing)
    assert trying.since == ["2026-11-23T14:55:00Z", "2026-11-23T14:55:00Z", "2026-11-23T15:25:00Z"]


@pytest.mark.parametrize(("status", "refused"), [(404, True), (401, True), (403, True), (429, False), (503, False)])
def test_a_refusal_is_told_from_a_failure(status: int, refused: bool) -> None:
    trying = Trying(always(status, {"message": "no"}))
    assert (trying.states[-1].refused, trying.states[-1].last_error) == (refused, f"HTTP {status}")
