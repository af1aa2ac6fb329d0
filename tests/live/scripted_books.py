"""A live book over the real adapter, at a broker whose accounts, orders and events a test writes itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from rebal_tui.broker.budget import RequestBudget
from rebal_tui.broker.gateway.gateway import Gateway
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.quantities import parse_price
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import with_guards
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings, event_inbox, jobs, portfolios
from tests.live.immediate_gateway import ImmediateGateway, behind
from tests.live.scripted import adapter, asset_row, calendar_rows, new_live_file
from tests.services.factories import balanced, new_york

ASSETS = {
    "SPY": "b28f4066-5c6d-479b-a2af-85dc1a8f16fb",
    "TLT": "a106d0ef-e6f2-4736-8750-5dee1cadf75b",
    "GLD": "3b64361a-1960-421a-9464-a484544193df",
}
PRICES = {"SPY": "400", "TLT": "100", "GLD": "180"}


@dataclass
class ScriptedAccount:
    """What the broker reports of an account."""

    cash: str
    positions: dict[str, str]


@dataclass
class ScriptedBroker:
    """The broker behind the transport. `orders` are the bodies that it received; none of them fills by itself."""

    accounts: dict[str, ScriptedAccount]
    assets: dict[str, str] = field(default_factory=lambda: dict(ASSETS))
    orders: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    called: Callable[[httpx.Request], None] = lambda _request: None
    """Called with each request before it is answered."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.called(request)
        path = unquote(request.url.path)
        if path == "/v1/clock":
            return httpx.Response(200, json={"timestamp": self.now.isoformat()})
        if path == "/v1/calendar":
            first, last = (datetime.fromisoformat(request.url.params[name]).date() for name in ("start", "end"))
            return httpx.Response(200, json=calendar_rows(first, last))
        if path == "/v1/assets":
            return httpx.Response(
                200, json=[asset_row(symbol, id=identity) for symbol, identity in self.assets.items()]
            )
        if path == "/v1/accounts/positions":
            held = {name: self._positions(account) for name, account in self.accounts.items()}
            return httpx.Response(200, json={"as_of": self.now.isoformat(), "positions": held})
        if path == "/v1/accounts":
            return httpx.Response(200, json=[_account(name) for name in self.accounts])
        parts = path.strip("/").split("/")
        if parts[:2] == ["v1", "accounts"] and len(parts) == 3:
            return httpx.Response(200, json=_account(parts[2]))
        if parts[:3] == ["v1", "trading", "accounts"]:
            return self._trading(request, parts[3], "/".join(parts[4:]))
        return httpx.Response(404, json={"code": 40410000, "message": "not found"})

    def _trading(self, request: httpx.Request, account_id: str, what: str) -> httpx.Response:
        account = self.accounts[account_id]
        if what == "account":
            money = {"cash": account.cash, "buying_power": account.cash, "cash_withdrawable": account.cash}
            return httpx.Response(200, json={"id": account_id, "status": "ACTIVE", "multiplier": "1", **money})
        if what == "positions":
            return httpx.Response(200, json=self._positions(account))
        if what == "orders" and request.method == "POST":
            body = json.loads(request.content)
            at = self.now.isoformat()
            order = {"id": f"o-{len(self.orders)}", "status": "accepted", "created_at": at, "submitted_at": at,
                     "filled_qty": "0", "account_id": account_id, **body}  # fmt: skip
            self.orders.append(order)
            return httpx.Response(200, json=order)
        if what == "orders":
            mine = [order for order in self.orders if order["account_id"] == account_id]
            return httpx.Response(200, json=[order for order in mine if order["status"] == "accepted"])
        if what.startswith("orders/") and request.method == "DELETE":
            return httpx.Response(204)
        if what == "orders:by_client_order_id":
            wanted = request.url.params["client_order_id"]
            found = [order for order in self.orders if order["client_order_id"] == wanted]
            return httpx.Response(
                200 if found else 404, json=found[0] if found else {"code": 40410000, "message": "order not found"}
            )
        return httpx.Response(404, json={"code": 40410000, "message": "not found"})

    def _positions(self, account: ScriptedAccount) -> list[dict[str, str]]:
        return [
            {"symbol": s, "asset_id": self.assets[s], "qty": q, "asset_class": "us_equity", "side": "long",
             "avg_entry_price": "50"}
            for s, q in account.positions.items()
        ]  # fmt: skip


class ScriptedBook:
    """A live book whose accounts follow the 5/60/35 portfolio."""

    orders_per_minute: int | None = None

    def __init__(
        self, accounts: Mapping[str, ScriptedAccount], at: str = "2026-11-23 10:00", *, follow: Sequence[str] = ()
    ) -> None:
        self.clock = FixedClock(new_york(at))
        self.broker = ScriptedBroker(dict(accounts), now=self.clock.now())
        self.database = new_live_file(self.clock.now())
        self.feed = FixedPrices({s: parse_price(p) for s, p in PRICES.items()}, self.clock.now())
        self._numbers = 0
        self.book = self._open()
        set_review(self.book, False)
        self.tick()
        with self.database.write() as tx:
            portfolios.save(tx, balanced(cooldown=0))
            portfolios.add_subscriptions(
                tx, [Subscription(book_settings.next_id(tx), a, "balanced", self.book.now(), None) for a in follow]
            )
        self.book.reload()

    def restart(self) -> None:
        """Open the file again, as after the program was ended."""
        self.feed = FixedPrices({s: quote.price for s, quote in self.feed.quotes().items()}, self.clock.now())
        self.book = self._open()

    def tick(self, seconds: int = 1, *, count: int = 1) -> None:
        """Let time pass, with a heartbeat after each step."""
        for _ in range(count):
            self.clock.advance(timedelta(seconds=seconds))
            self.broker.now = self.clock.now()
            scheduler.tick(self.book)

    def advance_to(self, to: str) -> None:
        self.clock.set(new_york(to))
        self.tick()

    def price(self, symbol: str, price: str) -> None:
        """Let the feed report a price with the next heartbeat."""
        self.feed.set(symbol, parse_price(price))

    def receive(self, stream: str, body: Mapping[str, Any]) -> None:
        """Receive an event of a stream."""
        self._numbers += 1
        event_inbox.add(self.database, [(stream, f"e-{self._numbers}", self.clock.now(), json.dumps(body))])

    def activity(self, account_id: str, kind: str, subtype: str = "", **fields: Any) -> dict[str, Any]:
        """Receive an executed activity; returns its body."""
        at = self.clock.now().isoformat()
        body = {
            "account_id": account_id, "at": at, "activity_type": kind, "activity_subtype": subtype, "executed_at": at,
            "status": "executed", "ref_id": f"ref-{self._numbers}", "settle_date": at[:10], "currency": "USD",
            "details": {}, **fields,
        }  # fmt: skip
        self.receive("activities", body)
        return body

    def alerts(self, kind: str) -> list[str]:
        return [alert.text for alert in jobs.open_alerts(self.database) if alert.kind == kind]

    def _open(self) -> Book:
        network = adapter(
            self.database, self.clock.now, self.broker, self._quote, before=lambda: self.gateway.acquire()
        )
        settings = with_guards(
            Settings(Mode.LIVE, resend_after=timedelta(seconds=10), orders_per_minute=self.orders_per_minute),
            self.database,
        )
        self.gateway = self._made_gateway()
        front = behind(self.gateway, network, self.database, self.clock.now)
        book = Book(self.database, front, self.clock, settings, feed=self.feed, live=front)
        scheduler.start(book)
        return book

    def _made_gateway(self) -> Gateway:
        return ImmediateGateway(RequestBudget(lambda: self.orders_per_minute), self.clock.now, lambda _seconds: None)

    def _quote(self, symbol: str) -> Any:
        return self.feed.quotes().get(symbol)


def _account(account_id: str) -> dict[str, Any]:
    return {
        "id": account_id, "account_number": f"N-{account_id}", "status": "ACTIVE", "currency": "USD",
        "account_name": f"Client {account_id}", "created_at": "2026-01-05T15:00:00Z",
    }  # fmt: skip
