"""The same small fixture twice: with the embedded broker, and with a remote broker over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

import pytest

from rebal_tui import bootstrap, live_book
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.gateway.broker import GatewayBroker
from rebal_tui.credentials import KEY_VARIABLE, SECRET_VARIABLE, KeyLocation
from rebal_tui.domain.quantities import money_text, parse_money, parse_price, qty_text
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.subscriptions import subscribe_manually
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import cash, portfolios, run_orders
from tests.live.servers import Server
from tests.services.factories import (
    account,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    set_price,
)

START = "2026-11-23 10:00"
PRICES = {"SPY": "400.00", "TLT": "100.00", "GLD": "180.00"}
MAX_AHEAD = timedelta(seconds=20)
"""Largest lead of the book's clock over the server's: below the difference at which decisions stop."""
MOST = 30.0
"""Timeout in seconds of real time."""


class BookHarness(Protocol):
    """A book, with controls for its market and account."""

    book: Book
    account_id: str

    def advance_to(self, to: str) -> None: ...
    def price(self, symbol: str, price: str) -> None: ...
    def deposit(self, amount: str) -> None: ...
    def halt(self, symbol: str, on: bool) -> None: ...
    def settle(self, done: Callable[[Book], object]) -> None: ...


class EmbeddedHarness:
    """The book with the embedded broker."""

    def __init__(self, cash: str) -> None:
        self.book = make_book(START, prices=PRICES)
        self.account_id = "a"
        fill_book(self.book, [account("a", cash)], [balanced(cooldown=0)], {})

    def advance_to(self, to: str) -> None:
        advance_to(self.book, to)

    def price(self, symbol: str, price: str) -> None:
        set_price(self.book, symbol, price)

    def deposit(self, amount: str) -> None:
        deposit(self.book, self.account_id, parse_money(amount))

    def halt(self, symbol: str, on: bool) -> None:
        assert self.book.sandbox is not None
        self.book.sandbox.halt(symbol, on, self.book.now())

    def settle(self, done: Callable[[Book], object]) -> None:
        scheduler.tick(self.book)
        assert done(self.book)


class ServerClock:
    """The server's time, updated on request."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ahead = timedelta(0)
        self._at: datetime = self.sync()

    def advance_ahead(self) -> bool:
        """Let a short time pass without the server; False if the limit is already exceeded."""
        self._ahead = min(self._ahead + timedelta(seconds=0.5), MAX_AHEAD)
        return self._ahead < MAX_AHEAD

    def sync(self) -> datetime:
        self._ahead = timedelta(0)
        self._at = datetime.fromisoformat(self._server.get("/v1/clock")["timestamp"])
        return self._at

    def now(self) -> datetime:
        return self._at + self._ahead


class RemoteHarness:
    """The book of an account at a server, reached through `url`, which may be a faulty proxy."""

    def __init__(self, server: Server, path: Path, cash: str, url: str | None = None) -> None:
        self.server = server
        server.post("/sandbox/prices", PRICES)
        self.account_id = server.post("/sandbox/accounts", {"name": "Client a", "cash": cash})["id"]
        self.clock = ServerClock(server)
        self.path = path
        database = bootstrap.open_database(path)
        live_book.create_live(
            database, environment="PAPER", url=url or server.url, firm_account=server.firm_account, keys_name="test",
            keys_location=KeyLocation.ENVIRONMENT, name="live", now=self.clock.now(),
        )  # fmt: skip
        self.book = live_book.open_live(database, clock=self.clock, prices_every=timedelta(0))
        self._catch_up()
        set_review(self.book, False)
        with database.write() as tx:
            portfolios.save(tx, balanced(cooldown=0))
        self.book.reload()

    def advance_to(self, to: str) -> None:
        here, there = self.clock.sync().astimezone(NEW_YORK), new_york(to).astimezone(NEW_YORK)
        sessions = len(self.book.calendar.days(here.date(), there.date())) - 1
        if sessions:
            self.server.post("/sandbox/step", {"sessions": sessions})
            here = self.clock.sync().astimezone(NEW_YORK)
        minutes = int((there - here).total_seconds()) // 60
        if minutes > 0:
            self.server.post("/sandbox/step", {"minutes": minutes})
        self.clock.sync()
        self._catch_up()
        scheduler.tick(self.book)

    def price(self, symbol: str, price: str) -> None:
        self.server.post("/sandbox/prices", {symbol: price})
        wanted = parse_price(price)
        self._until(lambda book: book.assets[symbol].price == wanted, self._advance)

    def deposit(self, amount: str) -> None:
        before = self.book.account(self.account_id).cash
        self.server.post("/sandbox/deposits", {"account_id": self.account_id, "amount": amount})
        wanted = before + parse_money(amount)
        # Until its event has arrived, too, nothing explains the cash and the account is not evaluated.
        self._until(lambda book: book.account(self.account_id).cash == wanted and not book.holds, self._advance)

    def halt(self, symbol: str, on: bool) -> None:
        self.server.post(f"/sandbox/assets/{symbol}", {"halted": on})

    def settle(self, done: Callable[[Book], object]) -> None:
        """Run heartbeats until `done` holds."""
        self._until(done, self._heartbeat)

    def settle_to(self, wanted: State) -> None:
        """Run heartbeats until the state equals `wanted`, including pending events; fails after 10 seconds."""
        until = monotonic() + 10
        while state(self.book, self.account_id) != wanted and monotonic() < until:
            self._heartbeat()
            sleep(0.06)
        assert state(self.book, self.account_id) == wanted

    def close(self) -> None:
        self.book.close()

    def _heartbeat(self) -> None:
        scheduler.tick(self.book)
        if not self.clock.advance_ahead():
            self.server.post("/sandbox/step", {"minutes": 1})
            self.clock.sync()

    def _advance(self) -> None:
        # A read without an answer is sent again after a few seconds of the book's clock.
        self.clock.advance_ahead()
        self._poll()

    def _poll(self) -> None:
        try:
            scheduler.advance_market(self.book, self.book.now())
        except BrokerUnavailable:
            self.book.polling_state.try_at = None

    def _catch_up(self) -> None:
        """Wait until the book is complete, receives events, and has current prices."""
        broker = self.book.broker
        assert isinstance(broker, GatewayBroker)

        def level(book: Book) -> bool:
            wanted = live_book.tracked_symbols(book)
            fresh = all((at := book.assets[s].price_at) is not None and at >= book.now() for s in wanted)
            return book.polling_state.loaded and all(s.connected_since for s in broker.connection().streams) and fresh

        self._until(level, self._poll)

    def _until(self, done: Callable[[Book], object], act: Callable[[], None]) -> None:
        until = monotonic() + MOST
        while True:
            act()
            if done(self.book):
                return
            assert monotonic() < until, f"nothing happened: {state(self.book, self.account_id)}"
            sleep(0.06)


@contextmanager
def remote(
    server: Server, path: Path, patch: pytest.MonkeyPatch, cash: str = "50000", url: str | None = None
) -> Iterator[RemoteHarness]:
    """A live book of a new account."""
    patch.setenv(KEY_VARIABLE, server.key)
    patch.setenv(SECRET_VARIABLE, server.secret)
    harness = RemoteHarness(server, path, cash, url)
    try:
        yield harness
    finally:
        harness.close()


def finished(count: int) -> Callable[[Book], bool]:
    """Whether exactly `count` runs exist and all of them have ended."""

    def done(book: Book) -> bool:
        found = all_runs(book)
        return len(found) == count and all(run.status.final for run in found)

    return done


@dataclass(frozen=True, slots=True)
class State:
    """The final state that must be equal on both sides."""

    cash: str
    positions: tuple[tuple[str, str], ...]
    runs: tuple[tuple[Any, ...], ...]
    withdrawals: tuple[tuple[Any, ...], ...]
    journals: tuple[tuple[Any, ...], ...]
    subscribed: bool


def state(book: Book, account_id: str) -> State:
    """A book's account without ids and times."""
    held = book.account(account_id)
    made: list[tuple[Any, ...]] = []
    for run in all_runs(book):
        orders = tuple(
            (o.symbol, o.side.value, o.notional, o.qty, o.status.value, o.filled_qty, o.filled_avg_price)
            for _, o, _ in run_orders.of_run(book.database, run.id)
        )
        skipped = tuple((s.symbol, s.reason.value) for s in run_orders.skipped_orders(book.database, run.id))
        made.append((run.type.value, run.status.value, orders, skipped))
    return State(
        money_text(held.cash),
        tuple((p.symbol, qty_text(p.qty)) for p in sorted(held.positions, key=lambda p: p.symbol)),
        tuple(made),
        tuple((w.amount, w.stage.value, w.stopped) for w in cash.withdrawals(book.database)),
        tuple((j.amount, j.status.value) for j in cash.journals(book.database)),
        account_id in book.subscriptions,
    )


def retry_until(act: Callable[[], object], done: Callable[[], object]) -> None:
    """An advisor's request, repeated if the broker did not respond."""
    for _ in range(20):
        with suppress(BrokerUnavailable):
            act()
        if done():
            return
        sleep(0.1)
    pytest.fail("the request was never answered")


def subscribe(harness: BookHarness) -> None:
    retry_until(
        lambda: subscribe_manually(harness.book, harness.account_id, "balanced"),
        lambda: harness.account_id in harness.book.subscriptions,
    )


def unique_order_ids(server: Server, account_id: str) -> Sequence[str]:
    """The client_order_ids of the account at the server. Each economic order exists once, whatever its id."""
    orders = server.orders(account_id)
    ids = [order["client_order_id"] for order in orders]
    assert len(ids) == len(set(ids))
    return ids
