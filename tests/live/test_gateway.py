"""The gateway: one budget, urgent requests first, each key once, and nothing sent under the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import cast

import pytest

from rebal_tui.broker.alpaca.broker import AlpacaBroker
from rebal_tui.broker.budget import RequestBudget, RequestClass
from rebal_tui.broker.failures import BrokerPending
from rebal_tui.broker.gateway.broker import GatewayBroker
from rebal_tui.broker.gateway.gateway import Gateway, NotSent
from tests.live.transports import NOW


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.at = NOW

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def gateway_of(rate: int | None) -> tuple[Gateway, Clock, list[str], Callable[[str, RequestClass], None]]:
    clock, sent = Clock(), list[str]()
    gateway = Gateway(RequestBudget(rate), lambda: clock.at, clock.wait)

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
    gateway = Gateway(RequestBudget(None), lambda: clock.at, clock.wait)
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
