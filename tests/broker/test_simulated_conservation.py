"""Cash and shares are conserved exactly under any commands, and the events alone reproduce every balance."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.broker.simulated.fills import FillModel, average_price
from rebal_tui.broker.simulated.ports import Writer
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.orders import OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty
from tests.broker.harness import ALICE, BOB, MONDAY, Harness, on, request
from tests.examples import examples

pytestmark = pytest.mark.slow

MODELS = [
    FillModel.immediate(),
    FillModel(latency_seconds=(0, 0), partial_chance=100, max_pieces=3),
    FillModel(latency_seconds=(1, 900), partial_chance=60, max_pieces=6, reject_chance=10, cancel_latency=20),
]
WHO = st.sampled_from([ALICE, BOB])
SYMBOL = st.sampled_from(["SPY", "TLT", "BRK"])
AMOUNT = st.one_of(
    st.integers(1, 2_000 * NANO),
    st.integers(1, 200_000).map(lambda cents: cents * CENT),
    st.sampled_from([1, NANO - 1, NANO, 500 * NANO, 1_000 * NANO, 10 * NANO]),
)
FIXTURE = st.sampled_from(["", "", "/fixtures/status=rejected/fixtures/", "/fixtures/status=pending/fixtures/"])

Command = tuple[Any, ...]
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.tuples(st.just("order"), WHO, SYMBOL, st.sampled_from(Side), st.booleans(), AMOUNT),
    st.tuples(st.just("order"), WHO, SYMBOL, st.sampled_from(Side), st.booleans(), AMOUNT),
    st.tuples(st.just("sell part"), WHO, SYMBOL, st.sampled_from([1, 33, 50, 100])),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 600, 7_200, 86_400])),
    st.tuples(st.just("price"), SYMBOL, st.integers(1, 2_000 * NANO)),
    st.tuples(st.just("no price"), SYMBOL),
    st.tuples(st.just("cancel"), WHO),
    st.tuples(st.just("deposit"), WHO, AMOUNT),
    st.tuples(st.just("return"), WHO, AMOUNT),
    st.tuples(st.just("lift"), WHO),
    st.tuples(st.just("bring in"), WHO, SYMBOL, AMOUNT),
    st.tuples(st.just("journal"), WHO, st.booleans(), AMOUNT, FIXTURE),
    st.tuples(st.just("halt"), SYMBOL, st.booleans()),
    st.tuples(st.just("tradable"), SYMBOL, st.booleans()),
    st.tuples(st.just("fractionable"), SYMBOL, st.booleans()),
    st.tuples(st.just("reject next"), WHO, SYMBOL),
)


class Mirror:
    """State rebuilt from the opening of the accounts and the events only.

    Transferred shares are the exception: their `ACCOUNT` event only asks to reload, so the test adds them itself.
    """

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.seen = harness.broker.last_event()
        self.entry = 0
        self.cash: Counter[str] = Counter()
        self.unsettled: Counter[str] = Counter()
        self.shares: Counter[tuple[str, str]] = Counter()
        self.parts: dict[str, list[tuple[int, int]]] = {}
        self.status: dict[str, OrderStatus] = {}
        for account in harness.broker.accounts():
            self.cash[account.id] = account.cash
            for position in account.positions:
                self.shares[account.id, position.symbol] = position.qty

    def follow(self) -> None:
        """Apply new events."""
        for event in self.harness.broker.events(self.seen):
            assert event.seq > self.seen
            self.seen = event.seq
            who = event.account_id or ""
            if event.fill:
                sign = 1 if event.fill.side is Side.BUY else -1
                self.cash[who] -= sign * event.fill.amount
                self.shares[who, event.fill.symbol] += sign * event.fill.qty
                if event.fill.side is Side.SELL:
                    self.unsettled[who] += event.fill.amount
                self.parts.setdefault(event.fill.order_id, []).append((event.fill.qty, event.fill.price))
            if event.order:
                assert not self.status.get(event.order.id, OrderStatus.NEW).final
                self.status[event.order.id] = event.order.status
                parts = self.parts.get(event.order.id, [])
                assert event.order.filled_qty == sum(qty for qty, _ in parts)
                assert event.order.filled_avg_price == (average_price(parts) if parts else None)
            if event.cash:
                assert event.cash.seq > self.entry
                self.entry = event.cash.seq
                self.cash[who] += event.cash.amount
            if event.settled:
                self.unsettled[who] -= event.settled

    def agree(self) -> None:
        """Assert that the mirror equals the broker's state exactly."""
        accounts = self.harness.broker.accounts()
        assert {a.id: a.cash for a in accounts} == {a.id: self.cash[a.id] for a in accounts}
        assert {a.id: a.unsettled for a in accounts} == {a.id: self.unsettled[a.id] for a in accounts}
        held = {(a.id, position.symbol): position.qty for a in accounts for position in a.positions}
        assert held == {key: qty for key, qty in self.shares.items() if qty}
        for account in accounts:
            assert account.cash >= 0
            transferable = self.harness.broker.cash_transferable(account.id)
            assert 0 <= transferable <= max(0, account.settled_cash)


def carry_out(harness: Harness, mirror: Mirror, number: int, command: Command) -> None:
    """Execute one command; the broker may refuse it."""
    name, *rest = command
    broker = harness.broker
    if name == "order":
        who, symbol, side, by_qty, amount = rest
        sizes = (None, Qty(amount // 10 + 1)) if by_qty else (Money(amount), None)
        broker.submit_order(OrderRequest(who, f"order {number}", symbol, side, *sizes))
    elif name == "sell part":
        who, symbol, percent = rest
        qty = Qty(harness.held(symbol, who) * percent // 100)
        broker.submit_order(OrderRequest(who, f"order {number}", symbol, Side.SELL, None, qty))
    elif name == "wait":
        harness.advance_seconds(rest[0])
    elif name == "price":
        harness.prices[rest[0]] = Price(rest[1])
    elif name == "no price":
        harness.prices.pop(rest[0], None)
    elif name == "cancel":
        for order in broker.open_orders(rest[0]):
            broker.cancel_order(rest[0], order.id)
    elif name == "deposit":
        broker.deposit(rest[0], Money(rest[1]), harness.current_time)
    elif name == "return":
        broker.return_deposit(rest[0], Money(rest[1]), harness.current_time)
    elif name == "lift":
        broker.set_restrictions(rest[0], frozenset[Restriction](), harness.current_time)
    elif name == "bring in":
        who, symbol, qty = rest
        broker.transfer_in(who, symbol, Qty(qty), Price(NANO), harness.current_time)
        mirror.shares[who, symbol] += qty
    elif name == "journal":
        who, outgoing, amount, fixture = rest
        source, target = (who, FIRM_ACCOUNT) if outgoing else (FIRM_ACCOUNT, who)
        broker.create_journal(source, target, Money(amount), fixture, f"journal {number}")
    elif name == "halt":
        broker.halt(rest[0], rest[1], harness.current_time)
    elif name == "tradable":
        broker.set_asset(rest[0], harness.current_time, tradable=rest[1])
    elif name == "fractionable":
        broker.set_asset(rest[0], harness.current_time, fractionable=rest[1])
    else:
        broker.reject_next(rest[0], rest[1], "on purpose")


@settings(examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MODELS), st.lists(COMMANDS, min_size=10, max_size=40))
def test_nothing_is_lost_and_nothing_appears(model: FillModel, commands: list[Command]) -> None:
    harness = Harness(model)
    mirror = Mirror(harness)
    for number, command in enumerate(commands):
        with suppress(BrokerRefused):
            carry_out(harness, mirror, number, command)
        mirror.follow()
        mirror.agree()
        assert harness.broker.invariants() == []
    harness.advance_to(on(MONDAY, 10) + timedelta(days=400))
    harness.advance_to(harness.current_time + timedelta(days=2))
    mirror.follow()
    mirror.agree()
    assert all(not harness.broker.open_orders(who) for who in (ALICE, BOB))
    assert not any(mirror.unsettled.values())
    harness.database.close()


class Killed(BaseException):
    """Simulates the death of the process."""


class CrashingTables:
    """Tables whose writer fails at its n-th statement."""

    def __init__(self, harness: Harness, at: int) -> None:
        self._database = harness.database
        self._left = at

    @contextmanager
    def write(self) -> Iterator[Writer]:
        with self._database.write() as tx:
            yield _CrashingWriter(tx, self._count)

    def rows(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> list[tuple[Any, ...]]:
        return self._database.rows(sql, parameters)

    def row(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> tuple[Any, ...] | None:
        return self._database.row(sql, parameters)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


class _CrashingWriter:
    def __init__(self, tx: Writer, count: Callable[[], None]) -> None:
        self._tx = tx
        self._count = count

    def execute(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> sqlite3.Cursor:
        self._count()
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        self._count()
        return self._tx.executemany(sql, rows)


def _submit(broker: SimulatedBroker, current_time: datetime) -> None:
    broker.submit_order(request("b", "SPY", Side.SELL, qty="3"))


def _journal(broker: SimulatedBroker, current_time: datetime) -> None:
    broker.create_journal(ALICE, FIRM_ACCOUNT, Money(NANO), "", "key")


def _advance(broker: SimulatedBroker, current_time: datetime) -> None:
    broker.advance(current_time)


def _return(broker: SimulatedBroker, current_time: datetime) -> None:
    broker.return_deposit(ALICE, Money(NANO), current_time)


@pytest.mark.parametrize("act", [_submit, _journal, _advance, _return])
def test_an_interrupted_call_has_no_effect(act: Callable[[SimulatedBroker, datetime], None]) -> None:
    def prepared() -> Harness:
        harness = Harness(
            FillModel(latency_seconds=(1, 1), partial_chance=0) if act is _advance else FillModel.immediate()
        )
        if act is _advance:
            harness.sell("s", "SPY", qty="1")
            harness.advance_seconds(1)
            harness.buy("c", "TLT", notional="10")
            harness.broker.create_journal(ALICE, FIRM_ACCOUNT, Money(NANO), "", "key")
            harness.current_time += timedelta(days=1)
        return harness

    undisturbed = prepared()
    act(undisturbed.broker, undisturbed.current_time)
    cuts = 0
    while True:
        harness = prepared()
        before = (harness.broker.accounts(), harness.new_events(0))
        dying = harness.broker_on(CrashingTables(harness, cuts))
        try:
            act(dying, harness.current_time)
        except Killed:
            assert (harness.broker.accounts(), harness.new_events(0)) == before
            act(harness.broker, harness.current_time)
        else:
            break
        finally:
            assert harness.new_events(0) == undisturbed.new_events(0)
            assert harness.broker.accounts() == undisturbed.broker.accounts()
        cuts += 1
    assert cuts >= 5
