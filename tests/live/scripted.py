"""A live book over the real adapter, whose broker answers from a script in memory: no server, no network."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from rebal_tui import bootstrap, live_book
from rebal_tui.broker.alpaca.broker import AlpacaBroker
from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.credentials import KeyLocation, Keys
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.live import LivePrices
from rebal_tui.market.protocol import Quote
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import event_inbox, jobs, portfolios
from rebal_tui.store.database import MEMORY, Database
from tests.live.immediate_gateway import front_of
from tests.live.transports import FIRM
from tests.services.factories import balanced, new_york

START = "2026-11-23 10:00"
PRICES = {"SPY": "500", "TLT": "100", "GLD": "200"}
Answer = Callable[[], httpx.Response]


def identity(name: str) -> str:
    """A fixed id of an account or asset for a short name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def asset_row(symbol: str, name: str = "", **changes: Any) -> dict[str, Any]:
    """An asset of the API; its id follows from `name`, or else from the symbol."""
    return {
        "id": identity(name or symbol), "class": "us_equity", "exchange": "ARCA", "symbol": symbol, "name": symbol,
        "status": "active", "tradable": True, "marginable": True, "shortable": True, "easy_to_borrow": True,
        "fractionable": True,
    } | changes  # fmt: skip


def position_row(symbol: str, qty: str, name: str = "", **changes: Any) -> dict[str, Any]:
    """A position of the API, in the asset of `asset_row` with the same arguments."""
    return {
        "asset_id": identity(name or symbol), "symbol": symbol, "exchange": "ARCA", "asset_class": "us_equity",
        "avg_entry_price": "10", "qty": qty, "qty_available": qty, "side": "long", "cost_basis": "10",
    } | changes  # fmt: skip


def calendar_rows(first: date, last: date) -> list[dict[str, str]]:
    """The days of the API's calendar."""
    return [
        {
            "date": session.day.isoformat(),
            "open": f"{session.open.astimezone(NEW_YORK):%H:%M}",
            "close": f"{session.close.astimezone(NEW_YORK):%H:%M}",
            "settlement_date": session.settles_on.isoformat(),
        }
        for session in build_sessions(first, last)
    ]


def refused(status: int, message: str = "no") -> Answer:
    """A refusal in the API's own form."""
    return lambda: httpx.Response(status, json={"code": status * 100_000, "message": message})


class ScriptedBroker:
    """The broker's state, changed by tests, and what was asked of it.

    `faults` are answers instead of the state, by a pattern that the path must match in full.
    """

    def __init__(self, at: str = START) -> None:
        self.clock = FixedClock(new_york(at))
        self.assets = [asset_row(symbol) for symbol in PRICES]
        self.prices = dict(PRICES)
        self.accounts: dict[str, dict[str, Any]] = {}
        self.trading: dict[str, dict[str, Any]] = {}
        self.positions: dict[str, Any] = {}
        self.orders: dict[str, list[dict[str, Any]]] = {}
        self.journals: list[dict[str, Any]] = []
        self.refused_symbols: set[str] = set()
        self.faults: dict[str, Answer] = {}
        self.paths: list[str] = []

    def add_account(self, name: str, cash: str, held: dict[str, str] | None = None, **changes: Any) -> str:
        account_id = identity(name)
        self.accounts[account_id] = {
            "id": account_id, "account_number": f"9000{len(self.accounts):05}", "status": "ACTIVE", "currency": "USD",
            "last_equity": cash, "created_at": "2026-01-05T15:00:00Z",
            "identity": {"given_name": name, "family_name": "Client"},
        } | changes  # fmt: skip
        self.set_cash(account_id, cash)
        self.positions[account_id] = [position_row(symbol, qty) for symbol, qty in (held or {}).items()]
        return account_id

    def set_cash(self, account_id: str, cash: str) -> None:
        self.trading[account_id] = {
            "id": account_id, "status": "ACTIVE", "cash": cash, "cash_withdrawable": cash, "cash_transferable": cash,
            "buying_power": cash, "multiplier": "1",
        }  # fmt: skip

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.paths.append(path)
        for pattern, fault in self.faults.items():
            if re.fullmatch(pattern, path):
                return fault()
        params = dict(request.url.params)
        if self.refused_symbols & set(params.get("symbols", "").split(",")):
            return refused(400, "invalid symbol")()
        found = self._answer(path, params)
        if found is None:
            return refused(404, "not found")()
        return httpx.Response(200, json=found)

    def _answer(self, path: str, params: dict[str, str]) -> Any:
        parts = path.removeprefix("/v1/").removeprefix("/v2/").split("/")
        if parts == ["clock"]:
            return {"timestamp": self.clock.now().isoformat()}
        if parts == ["calendar"]:
            return calendar_rows(date.fromisoformat(params["start"]), date.fromisoformat(params["end"]))
        if parts == ["journals"]:
            return self.journals
        if parts == ["assets"]:
            return self.assets
        if parts[0] == "assets":
            return next((row for row in self.assets if parts[1] in (row["id"], row["symbol"])), None)
        if parts == ["accounts"]:
            return list(self.accounts.values())
        if parts == ["accounts", "positions"]:
            return {"as_of": self.clock.now().isoformat(), "positions": self.positions}
        if parts[0] == "accounts":
            return self.accounts.get(parts[1])
        if parts[:2] == ["stocks", "snapshots"]:
            return self._snapshots(params["symbols"].split(","))
        if parts[:2] == ["trading", "accounts"]:
            kept = {"account": self.trading, "positions": self.positions, "orders": self.orders}[parts[3]]
            return kept.get(parts[2], [] if parts[3] == "orders" else None)
        return None

    def _snapshots(self, symbols: list[str]) -> dict[str, Any]:
        at = self.clock.now().isoformat()
        return {one: {"latestTrade": {"p": self.prices[one], "t": at}} for one in symbols if one in self.prices}


class QuietBroker(AlpacaBroker):
    """The adapter without event streams; tests store events themselves."""

    def listen(self) -> None:
        return

    def catch_up(self, until: datetime, begin: datetime) -> None:
        return


def new_live_file(now: datetime) -> Database:
    """A live book in memory that has not been opened."""
    database = bootstrap.open_database(MEMORY)
    live_book.create_live(
        database, environment="PAPER", url="https://broker.test", firm_account=FIRM, keys_name="test",
        keys_location=KeyLocation.ENVIRONMENT, name="live", now=now,
    )  # fmt: skip
    return database


def adapter(
    database: Database,
    now: Callable[[], datetime],
    answer: Callable[[httpx.Request], httpx.Response],
    quote: Callable[[str], Quote | None],
    *,
    firm_account: str = FIRM,
    before: Callable[[], None] = lambda: None,
) -> AlpacaBroker:
    """The adapter over a function that answers its requests; `before` is called before each of them."""
    client = AlpacaClient(
        Endpoints("https://broker.test", "https://data.test", "https://stream.test", live=False),
        Keys("KEYKEYKEY", "CANARY-SECRET"), now, sleep=lambda _seconds: None, transport=httpx.MockTransport(answer),
        before=before,
    )  # fmt: skip
    return QuietBroker(
        client, live_book.BookInbox(database), now, lambda day: day + timedelta(days=1), quote,
        firm_account=firm_account,
    )  # fmt: skip


def live_book_of(scripted: ScriptedBroker, firm_account: str = FIRM) -> Book:
    """A new live book whose heartbeat has read the broker's state; its runs start without review."""
    database = new_live_file(scripted.clock.now())
    opened: list[Book] = []
    feed = LivePrices(
        lambda symbols: broker.latest_prices(symbols), lambda: live_book.tracked_symbols(opened[0]), timedelta(0)
    )
    broker = adapter(database, scripted.clock.now, scripted.answer, feed.quote, firm_account=firm_account)
    settings = Settings(Mode.LIVE, name="live", environment="PAPER", review=False)
    front = front_of(broker, database, scripted.clock.now)
    book = Book(database, front, scripted.clock, settings, feed=feed, live=front)
    opened.append(book)
    scheduler.start(book)
    scheduler.tick(book)
    with database.write() as tx:
        portfolios.save(tx, balanced(cooldown=0))
    book.reload()
    return book


def pass_time(book: Book, **elapsed: float) -> None:
    """Let time pass, then run a heartbeat."""
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(**elapsed))
    scheduler.tick(book)


def read_all(book: Book) -> None:
    """Run heartbeats until every account and the assets were read again."""
    assert book.live is not None
    book.live.request_refresh(None, f"test {book.now()}")
    for _ in range(len(book.account_table.ids) + 1):
        pass_time(book, seconds=1)


def receive(book: Book, stream: str, event_id: str, body: Any) -> None:
    """Store an event as its stream does."""
    text = body if isinstance(body, str) else json.dumps(body)
    event_inbox.add(book.database, [(stream, event_id, book.now(), text)])


def alert_texts(book: Book, kind: str) -> list[str]:
    """The open alerts of a kind, oldest first."""
    return [alert.text for alert in reversed(jobs.open_alerts(book.database)) if alert.kind == kind]
