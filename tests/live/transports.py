"""The adapter on a scripted transport."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from rebal_tui.broker.alpaca.broker import AlpacaBroker
from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.broker.alpaca.ports import ReceivedEvent
from rebal_tui.credentials import Keys
from tests.services.factories import new_york

NOW = new_york("2026-11-23 10:00")
FIRM = "3dcb795c-3ccc-402a-abb9-07e26a1b1326"
CLIENT = "2ad28f83-796c-4c4d-895e-d360aeb95297"
Answer = Callable[[httpx.Request], httpx.Response]


class MemoryInbox:
    """An inbox in memory."""

    def __init__(self) -> None:
        self.stored: list[ReceivedEvent] = []

    def add(self, received: Sequence[tuple[str, str, datetime, str]]) -> int:
        before = len(self.stored)
        for stream, event_id, at, body in received:
            if not any((one.stream, one.event_id) == (stream, event_id) for one in self.stored):
                self.stored.append(ReceivedEvent(len(self.stored) + 1, stream, event_id, at, body))
        return len(self.stored) - before

    def after(self, seq: int, limit: int) -> list[ReceivedEvent]:
        return [one for one in self.stored if one.seq > seq][:limit]

    def last_at(self, stream: str) -> datetime | None:
        return max((one.at for one in self.stored if one.stream == stream), default=None)

    def began_at(self) -> datetime:
        return NOW


class FakeConnection:
    """A remote broker that responds with `answer`, and the requests that it received."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self.inbox = MemoryInbox()

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return answer(request)

        client = AlpacaClient(
            Endpoints("https://broker.test", "https://data.test", "https://stream.test", live=False),
            Keys("KEYKEYKEY", "CANARY-SECRET"),
            lambda: NOW,
            sleep=self.waits.append,
            transport=httpx.MockTransport(handle),
        )
        self.broker = AlpacaBroker(client, self.inbox, lambda: NOW, _next_day, lambda _symbol: None, firm_account=FIRM)

    def bodies(self, method: str) -> list[Any]:
        """The requests of a method."""
        return [json.loads(request.content) for request in self.requests if request.method == method]


def _next_day(day: date) -> date:
    return day + timedelta(days=1)


def always(status: int, body: Any = None, headers: dict[str, str] | None = None, text: str | None = None) -> Answer:
    """The same response to every request."""

    def answer(_request: httpx.Request) -> httpx.Response:
        if text is not None:
            return httpx.Response(status, text=text, headers=headers)
        return httpx.Response(status, json=body, headers=headers)

    return answer


def raising(error: type[httpx.TransportError]) -> Answer:
    """A transport error instead of a response."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise error("canary", request=request)

    return answer


def order(**changes: Any) -> dict[str, Any]:
    """An order in the API's shape."""
    return {
        "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
        "client_order_id": "run-1",
        "created_at": "2026-11-23T15:00:00.123456789Z",
        "updated_at": "2026-11-23T15:00:01Z",
        "submitted_at": "2026-11-23T15:00:00Z",
        "filled_at": None,
        "symbol": "SPY",
        "asset_class": "us_equity",
        "notional": "30443.17",
        "qty": None,
        "filled_qty": "0",
        "filled_avg_price": None,
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "status": "new",
    } | changes
