"""A live book behind the proxy: its clients, its portfolios, and time that advances by heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

import httpx
import pytest

from rebal_tui import bootstrap, live_book
from rebal_tui.broker.alpaca import streams
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.gateway.gateway import Gateway
from rebal_tui.credentials import KEY_VARIABLE, SECRET_VARIABLE, KeyLocation
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.portfolios import BandType, DriftBand
from rebal_tui.domain.quantities import NANO, Percent, parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.market.live import Fetched
from rebal_tui.services.advisory.subscriptions import subscribe_manually
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import jobs, portfolios
from rebal_tui.store.jobs import Alert
from tests.proxy.clock import WorldClock
from tests.proxy.faults import Faults
from tests.proxy.oracle import Model, Oracle
from tests.proxy.rewrites import Rewrite
from tests.proxy.sandbox import Sandbox
from tests.proxy.transport import Proxy
from tests.services.factories import balanced, new_york

START = "2026-11-23 09:20"
BAND = 5
MODELS = {
    "growth": Model({"SPY": 60, "VTI": 35}, 5, (("absolute", BAND),)),
    "income": Model({"TLT": 50, "BND": 40}, 10, (("absolute", BAND),)),
}
PRICES = {"SPY": "400.00", "VTI": "250.00", "TLT": "100.00", "BND": "72.00"}
CLIENTS = {"Ann Ames": "growth", "Bob Bell": "growth", "Cyd Cole": "income", "Dee Dunn": "income"}
"""Who follows which portfolio. Two clients of `income` have nothing in common with those of `growth`."""
CASH = "50000"
"""What each client has in the beginning."""
ALL = 10**9
"""More dollars than a client has."""
_SECONDS = 1.0
_BEFORE = timedelta(seconds=2)
_MOST_BEATS = 400
_REAL_WAIT = 20.0
_RECONNECT = 0.05, 0.2
"""The shortest and the longest pause of a stream before it connects again, in seconds."""


@dataclass(frozen=True, slots=True)
class Left:
    """The files of a proxy world when it was closed; one made from them continues from there, the program restarted."""

    at: datetime
    sandbox: bytes
    book: bytes
    ids: Mapping[str, str]
    oracle: Oracle


class World:
    """A live book, the sandbox, the proxy between them, and the oracle. Use as a context manager."""

    def __init__(self, folder: Path, *, faults: Faults | None = None, left: Left | None = None) -> None:
        self._patch = pytest.MonkeyPatch()
        # Streams pause by the real clock, while heartbeats continue.
        self._patch.setattr(streams, "MIN_RECONNECT_SECONDS", _RECONNECT[0])
        self._patch.setattr(streams, "MAX_RECONNECT_SECONDS", _RECONNECT[1])
        self.path, self._sandbox_path = folder / "live.db", folder / "sandbox.db"
        if left is not None:
            self.path.write_bytes(left.book)
            self._sandbox_path.write_bytes(left.sandbox)
        self.clock = WorldClock(left.at if left else new_york(START))
        self.sandbox = Sandbox(self._sandbox_path, self.clock)
        self._patch.setenv(KEY_VARIABLE, self.sandbox.key)
        self._patch.setenv(SECRET_VARIABLE, self.sandbox.secret)
        self.proxy = Proxy(self.sandbox, self.clock, faults or Faults(0))
        self.ids = left.ids if left else self._open_accounts()
        self.oracle = left.oracle.copy(self.sandbox.ask) if left else self._new_oracle()
        self.proxy.watchers.append(self.oracle)
        self.splits: dict[str, datetime] = {}
        """When each asset was last split."""
        if left is None:
            self._create()
        self.book = self._open()
        self._until(self.is_ready, "the book is not complete")
        if left is None:
            self._fill()

    def __enter__(self) -> World:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clock.end()
        self.proxy.close()
        self.book.close()
        self.sandbox.close()
        self._patch.undo()

    # Time.

    def beat(self, seconds: float = _SECONDS) -> None:
        """One heartbeat of the book, with all events and prices that exist by then."""
        self.clock.pass_time(seconds)
        self.sandbox.sync()
        self._heartbeat()

    def to(self, at: str) -> None:
        """Move to a New York time, with heartbeats shortly before it, so that prices are current when it comes."""
        self.clock.jump(new_york(at) - _BEFORE)
        while self.clock.true < new_york(at):
            self.beat()
        self.beat()

    def wait(self, seconds: int) -> None:
        """Let some seconds pass with a heartbeat every three of them: between the other times there are very few."""
        for _ in range(seconds // 3):
            self.beat(3)

    def settle(self, done: Callable[[Book], object] | None = None, beats: int = _MOST_BEATS) -> None:
        """Heartbeats until `done` holds; by default until no run is open but those that wait for a paused account."""
        for _ in range(beats):
            if (done or _all_ended)(self.book):
                return
            self.beat()

    def trade(self, *days: str, at: str = "10:00") -> None:
        """Let the sessions of these days pass: before the open, at the open, at an evaluation, after the close."""
        for day in days:
            self.to(f"{day} 09:00")
            self.to(f"{day} 09:30")
            self.settle()
            self.to(f"{day} {at}")
            self.settle()
            self.to(f"{day} 16:05")
            for account_id in self.ids.values():
                run = self.book.open_runs.get(account_id)
                self.oracle.close(account_id, date.fromisoformat(day), None if run is None else run.type.value)

    # Events.

    def prices(self, **prices: str) -> None:
        """Set true prices."""
        self.sandbox.post("/sandbox/prices", prices)

    def price(self, symbol: str) -> Fraction:
        """A true price."""
        return self.sandbox.ask(lambda book: Fraction(book.assets[symbol].price or 0, NANO))

    def deposit(self, name: str, amount: str) -> None:
        self.sandbox.post("/sandbox/deposits", {"account_id": self.ids[name], "amount": amount})

    def action(self, kind: str, symbol: str, **terms: str) -> None:
        """A corporate action at the true broker."""
        self.sandbox.post("/sandbox/corporate-actions", {"kind": kind, "symbol": symbol, **terms})

    def withdraw(self, name: str, amount: str | None) -> None:
        """An advisor asks for a withdrawal, with None of everything."""
        self.oracle.raising[self.ids[name]] = Fraction(amount or ALL)
        self.ask(lambda book: request_withdrawal(book, self.ids[name], parse_money(amount) if amount else None))

    @contextmanager
    def rewriting(self, *rewrites: Rewrite) -> Iterator[None]:
        """Rewrite responses until the block ends."""
        self.proxy.rewrites += rewrites
        try:
            yield
        finally:
            self.proxy.rewrites = [one for one in self.proxy.rewrites if one not in rewrites]

    def ask(self, act: Callable[[Book], object]) -> None:
        """An action of the advisor, asked again while the broker does not respond."""
        for _ in range(20):
            with suppress(BrokerUnavailable):
                act(self.book)
                return
            self.beat()
        pytest.fail("the broker never responded")

    def reopen(self) -> None:
        """Close the program and start it again."""
        self.book.close()
        self.proxy.cut_streams()
        self.book = self._open()
        self._until(self.is_ready, "the book is not complete")

    def reconnect(self) -> None:
        """Wait until all streams are open again, which the program opens by the real clock."""
        self._until(self.is_ready, "the streams are not open", _RECONNECT[1] + _REAL_WAIT)

    # State of the book.

    def alerts(self) -> list[Alert]:
        return list(jobs.open_alerts(self.book.database))

    def alerts_naming(self, *words: str) -> list[Alert]:
        """The open alerts whose text or subject has any of some words."""
        return [alert for alert in self.alerts() if any(word in f"{alert.subject} {alert.text}" for word in words)]

    def differences(self) -> list[str]:
        """Accounts in which the book and the true state of the sandbox differ."""
        found = []
        for name, account_id in self.ids.items():
            truth = self.sandbox.ask(partial(_true_account, account_id))
            ours = self.book.account(account_id)
            true = {p.symbol: p.qty for p in truth.positions}
            if (ours.cash, {p.symbol: p.qty for p in ours.positions}) != (truth.cash, true):
                found.append(f"{name}: {ours.cash / NANO} {ours.positions}, truly {truth.cash / NANO} {true}")
        return found

    def orders(self, name: str) -> Sequence[tuple[str, str, str, Fraction]]:
        """The orders of a client that the sandbox accepted: day, side, symbol and size.

        Orders of one side are sent at the same time by several threads, so they are sorted by symbol.
        """
        placed = [(str(o.day), o.side, o.symbol, o.size) for o in self.oracle.orders_of(self.ids[name])]
        return sorted(placed, key=lambda order: (order[0], order[1] == "buy", order[2]))

    def left(self) -> Left:
        """The files of this world, which is closed."""
        assert not [path for path in (self.path, self._sandbox_path) if Path(f"{path}-wal").exists()]
        return Left(self.clock.true, self._sandbox_path.read_bytes(), self.path.read_bytes(), self.ids, self.oracle)

    def _open_accounts(self) -> Mapping[str, str]:
        """Open the clients' accounts at the sandbox; returns the id of each by its client's name."""
        self.sandbox.post("/sandbox/prices", PRICES)
        return {
            name: str(self.sandbox.post("/sandbox/accounts", {"name": name, "cash": CASH})["id"]) for name in CLIENTS
        }

    def _new_oracle(self) -> Oracle:
        return Oracle(self.sandbox.ask, {self.ids[name]: MODELS[portfolio] for name, portfolio in CLIENTS.items()})

    def _create(self) -> None:
        database = bootstrap.open_database(self.path)
        live_book.create_live(
            database, environment="PAPER", url="http://127.0.0.1:1", firm_account=self.sandbox.firm_account,
            keys_name="test", keys_location=KeyLocation.ENVIRONMENT, name="live", now=self.clock.now(),
        )  # fmt: skip
        database.close()

    def _fill(self) -> None:
        """Save the portfolios and subscribe the clients."""
        set_review(self.book, False)
        apply_guards(self.book, replace(self.book.settings.guards, surge_guard=False))
        with self.book.database.write() as tx:
            for portfolio_id, model in MODELS.items():
                weights = {symbol: str(percent) for symbol, percent in model.weights.items()}
                bands = tuple(DriftBand(BandType.ABSOLUTE, Percent(percent * 100)) for _, percent in model.bands)
                portfolios.save(tx, balanced(portfolio_id, weights, str(model.cash), 0, bands))
        self.book.reload()
        for name, portfolio_id in CLIENTS.items():
            self.ask(partial(subscribe_manually, account_id=self.ids[name], portfolio_id=portfolio_id))

    def _open(self) -> Book:
        database = bootstrap.open_database(self.path)
        database.connection.execute("PRAGMA synchronous = OFF")
        return live_book.open_live(
            database, clock=self.clock, prices_every=timedelta(0), transport=self.connect(), sleep=self.clock.sleep
        )

    def connect(self) -> httpx.BaseTransport:
        """What a program sends its requests through, from its start on."""
        return self.proxy

    def _heartbeat(self) -> None:
        self.proxy.deliver()
        scheduler.tick(self.book)
        self._wait_for_answers()
        self._wait_for_prices()

    def _wait_for_answers(self) -> None:
        """The gateway's threads send requests; the next heartbeat has every answer that needs no time to pass."""
        gateway: Gateway | None = getattr(self.book.live, "_gateway", None)
        assert gateway is not None
        gateway.wake()
        until = monotonic() + _REAL_WAIT
        while gateway.active() > self._asleep("prices", other=True):
            assert monotonic() < until, "the gateway does not end its requests"
            sleep(0.0005)

    def _wait_for_prices(self) -> None:
        """Prices are fetched by a thread; the next heartbeat has them unless the fetch waits before another try."""
        pending: Future[Fetched] | None = getattr(self.book.feed, "_pending_fetch", None)
        if pending is None:
            return
        until = monotonic() + _REAL_WAIT
        while not pending.done() and not self._asleep("prices"):
            assert monotonic() < until, "the fetch of prices does not end"
            sleep(0.0005)

    def _asleep(self, name: str, *, other: bool = False) -> int:
        """How many threads wait for time to pass, of those whose name begins with `name`, or of all others."""
        return sum(thread.startswith(name) != other for thread in list(self.clock.sleeping))

    def is_ready(self) -> bool:
        """Whether the book is complete, and its streams are open."""
        assert self.book.live is not None
        streams = self.book.live.connection().streams
        return self.book.polling_state.loaded and all(stream.connected_since for stream in streams)

    def _until(self, done: Callable[[], bool], problem: str, seconds: float = _REAL_WAIT) -> None:
        until = monotonic() + seconds
        while not done():
            assert monotonic() < until, problem
            self._heartbeat()
            sleep(0.005)


def _all_ended(book: Book) -> bool:
    paused = {*book.holds, *book.quarantine.by_account}
    return all(run.status is RunStatus.QUEUED and account_id in paused for account_id, run in book.open_runs.items())


def _true_account(account_id: str, book: Book) -> Account:
    return book.broker.account(account_id)


def at(text: str) -> datetime:
    """A New York time."""
    return new_york(text)
