"""Batches of events with the accounts and assets that they changed, which are read after the events were received."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.gateway.gateway import Reply
from rebal_tui.broker.protocol import BrokerEvent, EventBatch, EventKind
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.orders import Order

MAX_ACCOUNTS = 25
"""How many accounts are read for one batch at most; a batch ends before the first event of a further account."""


class Reads(Protocol):
    """The reads that a batch needs, each named by a key; `GatewayBroker` implements them."""

    def fresh(self, key: Hashable, since: int) -> Reply | None: ...
    def forget(self, key: Hashable, retry: bool = False) -> None: ...


@dataclass(slots=True)
class _Batch:
    after: int
    since: int
    events: list[BrokerEvent]
    needed: list[tuple[str, ...]]
    found: dict[tuple[str, ...], Reply] = field(default_factory=dict)
    failures: dict[tuple[str, ...], Exception] = field(default_factory=dict)


class EventBatches:
    """Reads the accounts and assets that a batch of events changed; works on one batch at a time.

    The batch stays the same until `next` is called with another `after`. An account with many events in the batch is
    read once. An event about an order of the book that is still open needs no read.
    """

    def __init__(self, reads: Reads, mark: Callable[[], int], is_ours: Callable[[str], bool]) -> None:
        self._reads = reads
        self._mark = mark
        self._is_ours = is_ours
        self._batch: _Batch | None = None

    def next(self, after: int, limit: int, events: Callable[[int, int], Sequence[BrokerEvent]]) -> EventBatch | None:
        """The batch of events with `seq` above `after`; None when there is no event.

        None, too, while data that the batch needs, such as orders, is requested from the broker. `events` returns the
        events above a `seq`, at most as many as its second argument. Raises `BrokerUnavailable` when something cannot
        be read; a later call reads it again.
        """
        if self._batch is None or self._batch.after != after:
            self._batch = self._begin(after, events(after, limit))
        batch = self._batch
        if batch is None or not self._complete(batch):
            return None
        return EventBatch(
            batch.events,
            [
                cast(Account, reply.value)
                for key, reply in batch.found.items()
                if key[0] == "account" and not reply.error
            ],
            {
                key[1]: cast("Sequence[Order]", reply.value)
                for key, reply in batch.found.items()
                if key[0] == "open_orders" and not reply.error
            },
            cast("Sequence[Asset]", batch.found["assets",].value) if ("assets",) in batch.found else (),
            {key[1]: _fault(reply.error) for key, reply in batch.found.items() if len(key) > 1 and reply.error},
        )

    def _begin(self, after: int, received: Sequence[BrokerEvent]) -> _Batch | None:
        """A batch of the first events of `received`. The batch's reads must begin after the events were received."""
        taken: list[BrokerEvent] = []
        needed: dict[tuple[str, ...], None] = {}
        accounts = 0
        for event in received:
            more = [key for key in self._needed_by(event) if key not in needed]
            accounts += any(key[0] == "account" for key in more)
            if accounts > MAX_ACCOUNTS:
                break
            needed.update(dict.fromkeys(more))
            taken.append(event)
        return _Batch(after, self._mark(), taken, list(needed)) if taken else None

    def _needed_by(self, event: BrokerEvent) -> list[tuple[str, ...]]:
        if event.kind is EventKind.ASSET:
            return [("assets",)]
        if event.account_id is None or event.kind is EventKind.UNMADE:
            return []
        if event.order is None:
            return [("account", event.account_id)]
        ours = self._is_ours(event.order.client_order_id)
        if event.kind is EventKind.ORDER and ours and not event.order.status.final:
            return []
        found: list[tuple[str, ...]] = [("account", event.account_id)]
        return found if ours else [*found, ("open_orders", event.account_id)]

    def _complete(self, batch: _Batch) -> bool:
        """Collect the replies to the batch's reads; returns whether it has all of them.

        Raises the error of a failed read, on every call until the read has succeeded.
        """
        for key in batch.needed:
            if key in batch.found:
                continue
            reply = self._reads.fresh(key, batch.since)
            if reply is None:
                continue
            batch.failures.pop(key, None)
            if reply.error is None or isinstance(reply.error, (AccountUnreadable, BrokerRefused)):
                self._reads.forget(key)
                batch.found[key] = reply
            else:
                self._reads.forget(key, retry=True)
                batch.failures[key] = reply.error
        for error in batch.failures.values():
            raise error
        return len(batch.found) == len(batch.needed)


def _fault(error: Exception) -> str:
    """Why an account cannot be read."""
    return f"the broker refuses it: {error.message}" if isinstance(error, BrokerRefused) else str(error)
