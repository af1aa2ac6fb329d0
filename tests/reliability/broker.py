"""A broker behind a faulty connection: requests and replies lost, late or doubled; events late, repeated, reordered.

It outlives the program it serves, as a real one does, and shows the oracle every request that arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus
from rebal_tui.domain.quantities import Money
from tests.reliability.pairs import FaultCoverage

if TYPE_CHECKING:
    from tests.reliability.oracle import Oracle

T = TypeVar("T")
REQUEST_DELAY = timedelta(seconds=45)
"""The longest time a request is in transit; the program times out after a minute."""


class Killed(BaseException):
    """The process ends here, in the middle of a call."""


class FaultyBroker:
    """Forwards every call to the simulated broker unless a fault of the swarm applies."""

    def __init__(self, random: Random, enabled: frozenset[str], oracle: Oracle, now: Callable[[], datetime]) -> None:
        self._random, self._enabled, self._oracle, self._now = random, enabled, oracle, now
        self.coverage = FaultCoverage()
        self.dense = False
        self.inner: SimulatedBroker
        self.calm = False
        self.injected = 0
        self.kill_after: int | None = None
        self._late: list[tuple[datetime, Callable[[], object]]] = []
        self._withheld: list[tuple[datetime, BrokerEvent]] = []
        self._handed: list[BrokerEvent] = []
        self._submitted_at: dict[str, datetime] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def deliver_due(self) -> None:
        """Deliver requests whose delay has elapsed to the broker."""
        due, self._late = (
            [c for at, c in self._late if at <= self._now()],
            [x for x in self._late if x[0] > self._now()],
        )
        for call in due:
            try:
                call()
            except BrokerRefused:
                continue

    def withholds(self, account_id: str) -> bool:
        """Whether an event of the account, or of an asset, has not reached the program yet.

        Events delivered during a reconciliation count until it ends: it may have been interrupted.
        """
        cut_off = [] if self._oracle.reconciled else self._handed
        return any(event.account_id in (account_id, None) for event in (*cut_off, *(e for _, e in self._withheld)))

    def _hit(self, fault: str, permille: int, about: Iterable[str] = ()) -> bool:
        """Whether a fault applies to a call or an event about some orders."""
        permille = min(400, permille * 5) if self.dense else permille
        if self.calm or fault not in self._enabled or self._random.randrange(1000) >= permille:
            return False
        self.injected += 1
        self.coverage.orders(fault, self._oracle.database, about)
        return True

    def _call(self, call: Callable[[], T], about: Iterable[str] = ()) -> T:
        """A request that changes state."""
        self._kill_if_due()
        if self._hit("lost_requests", 60, about):
            raise BrokerUnavailable("the request was lost")
        if self._hit("late_requests", 40, about):
            self._late.append((self._now() + REQUEST_DELAY, call))
            raise BrokerUnavailable("no answer in time")
        answer = call()
        if self._hit("double_requests", 60, about):
            answer = call()
        self._kill_if_due()
        if self._hit("lost_replies", 60, about):
            raise BrokerUnavailable("the reply was lost")
        return answer

    def _read(self, call: Callable[[], T], about: Iterable[str] = ()) -> T:
        self._kill_if_due()
        if self._hit("failed_reads", 8 if self._oracle.reconciled or not about else 40, about):
            raise BrokerUnavailable("the broker is away")
        return call()

    def _kill_if_due(self) -> None:
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after < 0:
                self.kill_after = None
                self.injected += 1
                raise Killed

    def batch(self) -> AbstractContextManager[object]:
        """No batch: a remote broker keeps its answers even when the program fails."""
        return nullcontext()

    def submit_order(self, request: OrderRequest) -> Order:
        self._oracle.submitted(request)
        self._submitted_at.setdefault(request.client_order_id, self._now())

        def call() -> Order:
            order = self.inner.submit_order(request)
            self._oracle.accepted(request, order)
            return order

        return self._call(call, [request.client_order_id])

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        since = self._submitted_at.get(client_order_id)
        fresh = since is not None and self._now() - since < REQUEST_DELAY
        # An order that the events have reported is always found.
        if (
            fresh
            and self.coverage.is_unresolved(self._oracle.database, client_order_id)
            and self._hit("lookup_lag", 500, [client_order_id])
        ):
            return None
        return self._read(lambda: self.inner.order_by_client_id(account_id, client_order_id), [client_order_id])

    def cancel_order(self, account_id: str, order_id: str) -> None:
        order = self.inner.order(account_id, order_id)
        self._call(lambda: self.inner.cancel_order(account_id, order_id), [order.client_order_id] if order else [])

    def create_journal(self, source: str, target: str, amount: Money, description: str, key: str) -> Journal:
        def call() -> Journal:
            journal = self.inner.create_journal(source, target, amount, description, key)
            self._oracle.journaled(journal, key)
            return journal

        return self._call(call)

    def journal(self, journal_id: str) -> Journal:
        return self._read(lambda: self.inner.journal(journal_id))

    def cash_transferable(self, account_id: str) -> Money:
        return self._read(lambda: self.inner.cash_transferable(account_id))

    def open_orders(self, account_id: str) -> Sequence[Order]:
        return self._read(lambda: self.inner.open_orders(account_id))

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        found = list(self._read(lambda: self.inner.events(after, limit)))
        ended = (event.order for event in found if event.order is not None)
        rejected = [order.client_order_id for order in ended if order.status is OrderStatus.REJECTED]
        self.coverage.orders("rejects", self._oracle.database, rejected)
        # When the broker was unavailable at the opening, the stream resumes where it ended, in order and complete.
        if self.calm or not self._oracle.reconciled:
            late, self._withheld = [event for _, event in self._withheld], []
            self._handed += late
            return late + found
        now = self._now()
        self._handed.clear()
        if found and self._hit("slow_stream", 150, _orders(found[len(found) // 2 :])):
            found = found[: len(found) // 2]
        if len(found) > 1 and self._hit("late_events", 150):
            held = found.pop(self._random.randrange(len(found)))
            self.coverage.orders("late_events", self._oracle.database, _orders([held]))
            self._withheld += [(now + REQUEST_DELAY * n, held) for n in (1, 2, 5)]
        due = [event for at, event in self._withheld if at <= now]
        if due:
            self._withheld = [(at, event) for at, event in self._withheld if at > now]
            found = found + due
        if found and self._hit("repeated_events", 150):
            again = list(self.inner.events(max(0, after - 12), 12))
            self.coverage.orders("repeated_events", self._oracle.database, _orders(again))
            found = found + again
        if len(found) > 1 and self._hit("shuffled_events", 300, _orders(found)):
            self._random.shuffle(found)
        return found


def _orders(events: Iterable[BrokerEvent]) -> set[str]:
    """The orders that events report."""
    return {event.order.client_order_id for event in events if event.order is not None}
