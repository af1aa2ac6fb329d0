"""Creating a book with a real broker, and opening such a book with its broker keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rebal_tui import bootstrap, credentials, paths
from rebal_tui.bootstrap import ENVIRONMENT
from rebal_tui.domain.asset_labels import plain_symbol
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.clock import RealClock
from rebal_tui.market.live import REFRESH_INTERVAL, LivePrices
from rebal_tui.market.protocol import Clock
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import with_guards
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.book.policy import REVIEW_KEY, stored_policy, with_policy
from rebal_tui.services.book.rate_limiter import PACE_KEY
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import accounts, book_settings, event_inbox, jobs, run_orders
from rebal_tui.store import sessions as session_store
from rebal_tui.store.database import Database

if TYPE_CHECKING:
    import httpx

    from rebal_tui.broker.alpaca.client import Endpoints
    from rebal_tui.broker.alpaca.ports import ReceivedEvent

URL, FIRM, KEYS, KEYS_LOCATION = "broker_url", "firm_account", "keys_name", "keys_in"
CONNECTED_AT = "connected_at"
"""The settings in which a book stores how to reach its broker. The keys themselves are never among them."""
ALPACA = "alpaca"
RESEND_AFTER = timedelta(seconds=10)
"""How long the broker must not know an order before it is sent once more under the same client order id."""


def endpoints(environment: str, url: str = "") -> Endpoints:
    """The URLs of the broker's API for `PAPER` or `LIVE`. A `url` replaces those of `PAPER`.

    Raises `Invalid` for a `url` to which keys must not be sent, such as any other for `LIVE`, and `Conflict` when the
    packages for a real broker (`rebal-tui[live]`) are not installed.
    """
    try:
        from rebal_tui.broker.alpaca import client
    except ImportError:
        raise Conflict("a live broker needs additional packages: pip install 'rebal-tui[live]'") from None

    known = client.LIVE if environment == "LIVE" else client.PAPER
    if not url or url == known.broker:
        return known
    if environment == "LIVE":
        raise Invalid([Fault("url", f"a live book connects to {client.LIVE.broker} only")])
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.username:
        raise Invalid([Fault("url", "expected an address such as https://broker.example or http://127.0.0.1:8000")])
    if url == client.LIVE.broker or parts.hostname == urlsplit(client.LIVE.broker).hostname:
        raise Invalid([Fault("url", "this address trades real money: connect with --live")])
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Invalid([Fault("url", "expected https: keys are not sent unencrypted to another machine")])
    base = url.rstrip("/")
    return client.Endpoints(base, base, base, live=False)


def create_live(
    database: Database, *, environment: str, url: str, firm_account: str, keys_name: str,
    keys_location: credentials.KeyLocation, name: str, now: datetime,
) -> None:  # fmt: skip
    """Initialize a new file as the book of a real broker; its automatic runs wait for review (R-27).

    `environment` is `PAPER` or `LIVE`; a `url` replaces the broker's own in a book of `PAPER`. `firm_account` is the
    id of the firm account at the broker. The broker's keys are stored under `keys_name` at `keys_location`. `name` is
    that of the book. Raises `Conflict` when the file contains a book.
    """
    if bootstrap.is_live(database) or not bootstrap.is_empty(database) or book_settings.get(database, "mode"):
        raise Conflict(f"{database.path} already contains a book; connect creates a new one")
    today = new_york_day(now)
    with database.write() as tx:
        session_store.save(tx, build_sessions(today - bootstrap.CALENDAR_BEFORE, today + bootstrap.CALENDAR_AHEAD))
        values = {
            "mode": Mode.LIVE.value, "name": name, "id_seed": bootstrap.new_seed(), book_settings.BROKER: ALPACA,
            ENVIRONMENT: environment, URL: url, FIRM: firm_account, KEYS: keys_name, KEYS_LOCATION: keys_location.value,
            REVIEW_KEY: "1", CONNECTED_AT: now.isoformat(),
        }  # fmt: skip
        for key, value in values.items():
            book_settings.put(tx, key, value)
        jobs.ensure(tx, (scheduler.PAUSE, *scheduled_jobs.JOB_NAMES))


def open_live(
    database: Database, *, backup_folder: Path | None = None, clock: Clock | None = None,
    prices_every: timedelta = REFRESH_INTERVAL, monotonic: Callable[[], float] | None = None,
    transport: httpx.BaseTransport | None = None, sleep: Callable[[float], None] = time.sleep,
) -> Book:  # fmt: skip
    """Open the book of a real broker. Its first heartbeat reads the broker's state; no decision is made before that.

    `clock` is its clock, by default that of the computer. `prices_every` is the time between requests for quotes.
    Backups go to `backup_folder`, None for no backups. `transport` replaces the network, and `sleep` (seconds) the wait
    for the broker's rate limit. Raises `Conflict` when the keys are not found.
    """
    environment = book_settings.get(database, ENVIRONMENT)
    broker_endpoints = endpoints(environment, book_settings.get(database, URL))
    keys = credentials.find(
        book_settings.get(database, KEYS),
        credentials.KeyLocation(book_settings.get(database, KEYS_LOCATION)),
        paths.keys_folder(),
    )
    from rebal_tui.broker.alpaca.broker import AlpacaBroker
    from rebal_tui.broker.alpaca.client import AlpacaClient
    from rebal_tui.broker.budget import RequestBudget
    from rebal_tui.broker.gateway.broker import GatewayBroker
    from rebal_tui.broker.gateway.gateway import Gateway

    used = clock or RealClock()
    _start_ids(database, used.now())
    settings = Settings(
        Mode.LIVE,
        name=book_settings.get(database, "name", "book"),
        resend_after=RESEND_AFTER,
        backup_folder=str(backup_folder) if backup_folder else None,
        environment="LIVE" if broker_endpoints.live else "PAPER",
    )
    settings = with_guards(with_policy(settings, stored_policy(database)), database)
    client = AlpacaClient(
        broker_endpoints, keys, used.now, sleep=sleep, transport=transport, before=lambda: gateway.acquire()
    )
    opened: list[Book] = []
    budget = RequestBudget(
        lambda: (opened[0].settings if opened else settings).orders_per_minute, lambda: client.rate_limit
    )
    budget.restore(book_settings.get(database, PACE_KEY))
    gateway = Gateway(budget, used.now, sleep)
    feed = LivePrices(lambda symbols: network.latest_prices(symbols), lambda: tracked_symbols(opened[0]), prices_every)
    calendar = TradingCalendar(session_store.load(database))
    network = AlpacaBroker(
        client,
        BookInbox(database),
        used.now,
        lambda day: _settles_on(opened[0].calendar if opened else calendar, day),
        feed.quote,
        firm_account=book_settings.get(database, FIRM),
    )
    broker = GatewayBroker(network, gateway, used.now, lambda order_id: run_orders.placed(database, order_id))
    book = Book(database, broker, used, settings, feed=feed, live=broker, stopwatch=monotonic)
    broker.hold(halted(book))
    gateway.start()
    opened.append(book)
    scheduler.start(book)
    return book


def keys_name(path: Path) -> str:
    """A unique name under which the broker keys of the new book at `path` are to be stored."""
    stem = "".join(char for char in path.stem.lower() if char.isascii() and char.isalnum())[:40]
    return f"{stem or 'book'}-{bootstrap.new_seed()[:8]}"


def tracked_symbols(book: Book) -> set[str]:
    """The symbols to request quotes for: those of all assets that an account holds or a portfolio targets.

    An asset with the label `SYMBOL#…` is left out, because quotes of its symbol are those of another asset (R-50).
    """
    wanted = {symbol for portfolio in book.portfolios.values() for symbol in portfolio.weights.symbols}
    return {label for label in wanted | accounts.held_symbols(book.database) if plain_symbol(label) == label}


def _start_ids(database: Database, now: datetime) -> None:
    """Give the book new ids from here on, and the time of its connection if an earlier version made it.

    The file may be an older copy: its next ids may name other runs and withdrawals at the broker already.
    """
    with database.write() as tx:
        book_settings.put(tx, "id_seed", bootstrap.new_seed())
        if not book_settings.get(database, CONNECTED_AT):
            book_settings.put(tx, CONNECTED_AT, now.isoformat())


def _settles_on(calendar: TradingCalendar, day: date) -> date:
    """T+1 of a session day; for any other day, that of the next session."""
    session = calendar.session(day) or calendar.next_after(day)
    return session.settles_on if session else day + timedelta(days=1)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class BookInbox:
    """Events received from the broker, stored in the book's file for the broker adapter until they are applied."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, received: Sequence[tuple[str, str, datetime, str]]) -> int:
        return event_inbox.add(self._database, received)

    def after(self, seq: int, limit: int) -> list[ReceivedEvent]:
        from rebal_tui.broker.alpaca.ports import ReceivedEvent

        return [ReceivedEvent(*row) for row in event_inbox.after(self._database, seq, limit)]

    def last_at(self, stream: str) -> datetime | None:
        return event_inbox.last_at(self._database, stream)

    def began_at(self) -> datetime:
        return datetime.fromisoformat(book_settings.get(self._database, CONNECTED_AT))
