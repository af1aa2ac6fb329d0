"""The gateway: one budget, urgent requests first, each key once, and nothing sent under the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from typing import cast

import httpx
import pytest

from rebal_tui import bootstrap, live_book
from rebal_tui.broker.alpaca.broker import AlpacaBroker
from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.broker.budget import RequestBudget, RequestClass
from rebal_tui.broker.failures import BrokerPending, BrokerUnavailable
from rebal_tui.broker.gateway.broker import GatewayBroker
from rebal_tui.broker.gateway.gateway import Gateway, NotSent
from rebal_tui.credentials import KEY_VARIABLE, SECRET_VARIABLE, KeyLocation, Keys
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.policy import apply_policy, policy_of
from rebal_tui.services.book.rate_limiter import PACE_KEY
from rebal_tui.store import book_settings
from rebal_tui.store.database import MEMORY
from tests.live.transports import FIRM, NOW


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.at = NOW

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def gateway_of(rate: int | None) -> tuple[Gateway, Clock, list[str], Callable[[str, RequestClass], None]]:
    clock, sent = Clock(), list[str]()
    gateway = Gateway(RequestBudget(lambda: rate), lambda: clock.at, clock.wait)

    def queue(name: str, kind: RequestClass) -> None:
        def send() -> None:
            gateway.acquire()
            sent.append(name)

        gateway.queue(name, kind, send)

    return gateway, clock, sent, queue


def test_urgent_requests_go_first_and_a_key_is_queued_once() -> None:
    gateway, _, sent, queue = gateway_of(None)
    for kind in reversed(RequestClass):
        queue(kind.name, kind)
        queue(kind.name, kind)
    gateway.pump()
    assert sent == [kind.name for kind in RequestClass]


def test_the_kill_switch_stops_orders_and_journals_and_lets_cancels_and_reads_pass() -> None:
    gateway, _, sent, queue = gateway_of(None)
    for kind in RequestClass:
        queue(kind.name, kind)
    gateway.halted.set()
    gateway.pump()
    assert sent == ["CANCEL", "READ"]
    unsent = {reply.key for reply in gateway.collect() if isinstance(reply.error, NotSent)}
    assert unsent == {"SELL", "BUY", "JOURNAL"}


def test_a_request_that_ends_after_the_close_is_no_fault_of_the_program(caplog: pytest.LogCaptureFixture) -> None:
    gateway, *_ = gateway_of(None)

    def closed_meanwhile() -> None:
        gateway.close()
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    gateway.queue("account", RequestClass.READ, closed_meanwhile)
    gateway.pump()
    (reply,) = gateway.collect()
    assert isinstance(reply.error, BrokerUnavailable)
    assert caplog.records == []


def test_reads_leave_two_thirds_of_the_budget_while_orders_wait() -> None:
    gateway, clock, sent, queue = gateway_of(30)
    gateway.budget.orders_wait = True
    for number in range(40):
        queue(f"read {number}", RequestClass.READ)
    gateway.pump()
    assert len(sent) == 10
    queue("cancel", RequestClass.CANCEL)
    gateway.pump()
    assert sent[-1] == "cancel"
    clock.wait(61)
    gateway.pump()
    assert len(sent) == 21


def test_nothing_is_sent_before_the_time_that_the_broker_asked_to_wait_for() -> None:
    """A later response without it changes nothing."""
    clock, answers = Clock(), [(429, {"Retry-After": "3"}), (200, {"X-RateLimit-Limit": "200"})]
    client = AlpacaClient(
        Endpoints("https://broker.test", "https://data.test", "https://stream.test", live=False),
        Keys("KEYKEYKEY", "SECRET"), lambda: clock.at, sleep=clock.wait,
        transport=httpx.MockTransport(lambda _request: respond(*answers.pop(0))),
    )  # fmt: skip
    gateway = Gateway(RequestBudget(lambda: 100, lambda: client.rate_limit), lambda: clock.at, clock.wait)
    for number in range(2):
        with suppress(BrokerUnavailable):
            client.send("POST", f"/v1/journals/{number}")
    sent: list[str] = []
    for kind in RequestClass:
        gateway.queue(kind.name, kind, partial(sent.append, kind.name))
    gateway.pump()
    assert sent == []
    clock.wait(3)
    gateway.pump()
    assert sent == [kind.name for kind in RequestClass]


def respond(status: int, headers: dict[str, str]) -> httpx.Response:
    at = format_datetime(NOW, usegmt=True)
    known = {"X-RateLimit-Remaining": "199", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 60), "Date": at}
    return httpx.Response(status, json={}, headers=headers | known if status == 200 else headers)


def test_an_opened_book_counts_the_requests_before_it_and_follows_the_setting_of_orders_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "KEYKEYKEY")
    monkeypatch.setenv(SECRET_VARIABLE, "SECRET")
    before = RequestBudget()
    before.spend(NOW, 150)
    database = bootstrap.open_database(MEMORY)
    live_book.create_live(
        database, environment="PAPER", url="", firm_account=FIRM, keys_name="test",
        keys_location=KeyLocation.ENVIRONMENT, name="live", now=NOW,
    )  # fmt: skip
    with database.write() as tx:
        book_settings.put(tx, PACE_KEY, before.text())
    silent = httpx.MockTransport(lambda _request: httpx.Response(503))
    book = live_book.open_live(database, clock=FixedClock(NOW), transport=silent, sleep=lambda _seconds: None)
    try:
        budget = book.rate_limiter.budget
        assert budget.used(NOW) == 150
        apply_policy(book, replace(policy_of(book), orders_per_minute=160))
        assert (budget.rate, budget.remaining(NOW)) == (160, 10)
        assert book.live is not None
        assert budget is book.live.budget
    finally:
        book.close()


def test_a_reply_to_an_earlier_read_does_not_answer_a_later_question() -> None:
    gateway, _, _, queue = gateway_of(None)
    queue("account", RequestClass.READ)
    gateway.pump()
    since = gateway.mark()
    (early,) = gateway.collect()
    queue("account", RequestClass.READ)
    gateway.pump()
    (late,) = gateway.collect()
    assert early.began < since < late.began


def test_an_account_asked_for_before_the_lookup_of_its_order_is_read_again_after_it() -> None:
    """In whatever order answers arrive, cash is never older than the execution that a lookup has shown."""
    network = Network()
    clock = Clock()
    gateway = Gateway(RequestBudget(), lambda: clock.at, clock.wait)
    front = GatewayBroker(cast(AlpacaBroker, network), gateway, lambda: clock.at, lambda _id: True)
    with suppress(BrokerPending):
        front.account("a")
    with suppress(BrokerPending):
        front.order_by_client_id("a", "rt-1")
    gateway.pump()
    assert network.read == ["account a", "order rt-1"]
    front.order_by_client_id("a", "rt-1")
    with pytest.raises(BrokerPending):
        front.account("a")
    gateway.pump()
    assert network.read[2:] == ["account a"]
    front.account("a")


class Network:
    """Notes what is read of it."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def account(self, account_id: str) -> None:
        self.read.append(f"account {account_id}")

    def order_by_client_id(self, account_id: str, client_order_id: str) -> None:
        self.read.append(f"order {client_order_id}")
