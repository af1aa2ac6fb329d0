"""The broker as the book's thread sees it: requests go through the gateway, and no call waits for the network.

The book's thread is the only one that writes the book. A read is queued and raises `BrokerPending` until there is a
response; the caller calls again later. An order or journal is queued after the book has marked it as sent. Its response
is stored in the event inbox, where the broker's events are stored too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import NoReturn, TypeVar, cast

from rebal_tui.broker.budget import RequestBudget, RequestClass
from rebal_tui.broker.connection import ConnectionState, RateLimit
from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.gateway import rows
from rebal_tui.broker.gateway.event_batches import EventBatches
from rebal_tui.broker.gateway.gateway import Gateway, NotSent, Reply
from rebal_tui.broker.gateway.network import Network
from rebal_tui.broker.protocol import BrokerEvent, EventBatch, JournalRequest
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.orders import Order, OrderRequest, Side
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.sessions import Session

T = TypeVar("T")
RETRY_AFTER = timedelta(seconds=5)
"""Minimum time before a read without a response is sent again."""
ANSWER_LIFETIME = timedelta(seconds=10)
"""How long a response that no call has used is kept."""
CANCEL_AGAIN_AFTER = timedelta(seconds=15)
"""Minimum time before an accepted cancel is requested again."""
_RECEIVE = ("receive",)
_LOOKUP = "order"
_PENDING = "the broker has been asked and has not answered yet"


@dataclass(frozen=True, slots=True)
class _Sent:
    """An order or journal that waits for its response: `what` and `key` as in the module `rows`, and its account."""

    what: str
    key: str
    account_id: str


class GatewayBroker:
    """A `LiveBroker` that only the thread of the book calls; a `Gateway` makes the requests in other threads.

    `is_ours` returns whether a client_order_id belongs to an order of the book.
    """

    def __init__(
        self, network: Network, gateway: Gateway, now: Callable[[], datetime], is_ours: Callable[[str], bool]
    ) -> None:
        self._network = network
        self._gateway = gateway
        self._now = now
        self._asked: dict[Hashable, int] = {}
        self._replies: dict[Hashable, Reply] = {}
        self._wanted_at: dict[Hashable, datetime] = {}
        self._retry_at: dict[Hashable, datetime] = {}
        self._used: list[Hashable] | None = None
        self._sent: dict[Hashable, _Sent] = {}
        self._canceled: dict[str, datetime] = {}
        self._batches = EventBatches(self, gateway.mark, is_ours)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The last rate limit that the broker reported, None before the first report."""
        return self._network.rate_limit

    @property
    def budget(self) -> RequestBudget:
        return self._gateway.budget

    def connection(self) -> ConnectionState:
        """The event streams, the broker's clock minus this computer's, and how many requests the budget leaves."""
        budget = self._gateway.budget
        return replace(self._network.connection(), requests=budget.rate, requests_left=budget.remaining(self._now()))

    def hold(self, on: bool) -> None:
        """Stop (`on`) or resume sending orders and journals, at once; cancels and reads continue."""
        if on:
            self._gateway.halted.set()
        else:
            self._gateway.halted.clear()

    def close(self) -> None:
        """Stop sending, and stop the event streams."""
        self._gateway.close()
        self._network.close()

    # Reads

    def clock(self) -> datetime:
        """The broker's time now: the time in its last response, plus the time elapsed since. Raises `BrokerPending`
        before the first response.
        """
        reply = self._reply(("clock",), self._network.clock)
        return cast(datetime, reply.value) + (self._now() - reply.at)

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        return self._ask(("sessions", first, last), lambda: self._network.sessions(first, last))

    def assets(self) -> Sequence[Asset]:
        return self._ask(("assets",), self._network.assets)

    def asset(self, name: str) -> Asset | None:
        return self._ask(("asset", name), lambda: self._network.asset(name))

    def accounts(self) -> Sequence[Account]:
        return self._ask(("accounts",), self._network.accounts)

    def account(self, account_id: str) -> Account:
        return self._ask(("account", account_id), lambda: self._network.account(account_id))

    def open_orders(self, account_id: str) -> Sequence[Order]:
        return self._ask(("open_orders", account_id), lambda: self._network.open_orders(account_id))

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        key = (_LOOKUP, account_id, client_order_id)
        return self._ask(key, lambda: self._network.order_by_client_id(account_id, client_order_id))

    def journal(self, journal_id: str) -> Journal:
        return self._ask(("journal", journal_id), lambda: self._network.journal(journal_id))

    def journal_of(self, request: JournalRequest) -> Journal | None:
        return self._ask(("journal_of", request.key), lambda: self._network.journal_of(request))

    def cash_transferable(self, account_id: str) -> Money:
        return self._ask(("cash", account_id), lambda: self._network.cash_transferable(account_id))

    def catch_up(self, until: datetime) -> None:
        """Read the trade events between the last stored trade event and `until`, a time of the broker's clock.

        Raises `BrokerPending` until all have been read; `events` then returns them.
        """
        begin = self._network.catch_up_from()
        self._ask(("catch_up",), lambda: self._network.catch_up(until, begin))

    def listen(self) -> None:
        self._network.listen()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A `with` block of several reads that belong together. A read without a response ends it with `BrokerPending`.

        The responses so far are kept, so that a repetition of the block sends only the reads that have no response yet.
        If the block ends in another way, the responses are discarded.
        """
        if self._used is not None:
            yield
            return
        self._used = []
        try:
            yield
        except BrokerPending:
            self._used = None
            raise
        except BaseException:
            self._drop_used()
            raise
        self._drop_used()

    def fresh(self, key: Hashable, since: int) -> Reply | None:
        """The reply to a read whose sending began after `since`, a number returned by `Gateway.mark`; None until there
        is one.

        Queues the read unless it is queued already. `key` names the read: (`account`, id), (`open_orders`, id) or
        (`assets`,).
        """
        self._collect()
        reply = self._replies.get(key)
        if reply is not None and reply.began > since:
            return reply
        self._queue_read(key, self._read_of(key), since)
        return self._answered(key, since + 1)

    def forget(self, key: Hashable, retry: bool = False) -> None:
        """Discard the reply to a read. With `retry`, the next read with this key is sent only after `RETRY_AFTER` has
        passed.
        """
        self._replies.pop(key, None)
        self._asked.pop(key, None)
        if retry:
            self._retry_at[key] = self._now() + RETRY_AFTER

    def _queue_read(self, key: Hashable, read: Callable[[], object], since: int) -> None:
        self._gateway.queue(key, RequestClass.READ, read, due=self._retry_at.pop(key, None), since=since)

    def _read_of(self, key: Hashable) -> Callable[[], object]:
        name, *arguments = cast("tuple[str, ...]", key)
        return partial(getattr(self._network, name), *arguments)

    def _ask(self, key: Hashable, read: Callable[[], T]) -> T:
        return cast(T, self._reply(key, read).value)

    def _reply(self, key: Hashable, read: Callable[[], object]) -> Reply:
        """The reply to a read whose sending began after the book's thread first requested it.

        Raises the error of the reply, and `BrokerPending` before there is a reply.
        """
        self._collect()
        since = self._asked.get(key)
        if since is None:
            since = self._asked[key] = self._gateway.mark()
        reply = self._replies.get(key)
        if reply is None or reply.began < since:
            self._queue_read(key, read, since)
            reply = self._answered(key, since)
        if reply is None:
            raise BrokerPending(_PENDING)
        failed = isinstance(reply.error, BrokerUnavailable)
        if self._used is None or failed:
            del self._replies[key], self._asked[key]
        else:
            self._used.append(key)
            self._wanted_at[key] = self._now()
        if failed and not isinstance(reply.error, AccountUnreadable):
            # Most callers ask again at once, which would use up the budget on a broker that does not answer.
            # Accounts that alone cannot be read are in quarantine, which has retry intervals of its own.
            self._retry_at[key] = self._now() + RETRY_AFTER
        if isinstance(reply.error, NotSent):
            raise BrokerUnavailable(str(reply.error))
        if reply.error is not None:
            raise reply.error
        return reply

    def _answered(self, key: Hashable, since: int) -> Reply | None:
        """The reply to a read whose sending began at `since` (a number of `Gateway.mark`) or later, None until there is
        one.
        """
        self._collect()
        reply = self._replies.get(key)
        return reply if reply is not None and reply.began >= since else None

    def _drop_used(self) -> None:
        for key in self._used or ():
            self._replies.pop(key, None)
            self._asked.pop(key, None)
        self._used = None

    # Orders and journals

    def batch(self) -> AbstractContextManager[object]:
        """A `with` block without effect: each response is stored when it arrives."""
        return nullcontext()

    def submit_order(self, request: OrderRequest) -> NoReturn:
        """Queue an order that the book has marked as sent. Always raises `BrokerPending`.

        The response becomes an event.
        """
        kind = RequestClass.SELL if request.side is Side.SELL else RequestClass.BUY
        sent = _Sent(rows.ORDER, request.client_order_id, request.account_id)
        self._queue(("submit", request.client_order_id), kind, sent, lambda: self._network.submit_order(request))

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> NoReturn:
        """Queue a journal that the book has stored. Always raises `BrokerPending`: the response becomes an event."""
        sent = _Sent(rows.JOURNAL, idempotency_key, from_account)
        self._queue(
            ("create", idempotency_key),
            RequestClass.JOURNAL,
            sent,
            lambda: self._network.create_journal(from_account, to_account, amount, description, idempotency_key),
        )

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Queue a cancel. Does nothing if the broker responded to a cancel of this order less than `CANCEL_AGAIN_AFTER`
        ago.

        Raises `BrokerRefused` when the order is final or unknown, and `BrokerPending` before the response.
        """
        asked = self._canceled.get(order_id)
        if asked is not None and self._now() - asked < CANCEL_AGAIN_AFTER:
            return
        key = ("cancel", order_id)
        self._collect()
        reply = self._replies.pop(key, None)
        if reply is None:
            self._gateway.queue(key, RequestClass.CANCEL, lambda: self._network.cancel_order(account_id, order_id))
            self._collect()
            reply = self._replies.pop(key, None)
        if reply is None:
            raise BrokerPending(_PENDING)
        self._canceled[order_id] = self._now()
        if isinstance(reply.error, BrokerRefused):
            raise reply.error

    def under_way(self, key: str) -> bool:
        """Whether an order (by client_order_id) or journal (by idempotency key) is queued or has no response yet."""
        return ("submit", key) in self._sent or ("create", key) in self._sent

    def _queue(self, key: Hashable, kind: RequestClass, sent: _Sent, send: Callable[[], object]) -> NoReturn:
        if key not in self._sent:
            self._sent[key] = sent
            self._gateway.queue(key, kind, send)
        raise BrokerPending(_PENDING)

    # Events

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Stored events with `seq` above `after`, oldest first, at most `limit`. The accounts that they changed may not
        have been read again yet.
        """
        self._receive()
        return self._network.events(after, limit)

    def ready_events(self, after: int, limit: int) -> EventBatch | None:
        """The next events with `seq` above `after`, at most `limit`, with the accounts and assets that they changed.

        None until all accounts and assets have been read, and if there is no event. Raises `BrokerUnavailable` when one
        of them cannot be read.
        """
        self._receive()
        return self._batches.next(after, limit, self._network.events)

    def behind(self, after: int) -> bool:
        """Whether received events are not applied yet; `after` is the `seq` of the last applied event."""
        waits = self._network.has_received() or self._gateway.has(_RECEIVE)
        return waits or bool(self._network.events(after, 1))

    def request_refresh(self, account_id: str | None, reason: str) -> None:
        self._network.request_refresh(account_id, reason)

    def _receive(self) -> None:
        """Let the gateway handle the messages received from the streams. The reads that this needs precede other reads,
        because the messages may change cash.
        """
        self._collect()
        last = self._replies.pop(_RECEIVE, None)
        if self._network.has_received():
            due = self._now() + RETRY_AFTER if last is not None and last.error is not None else None
            self._gateway.queue(_RECEIVE, RequestClass.CANCEL, self._network.receive, due=due)

    def _collect(self) -> None:
        """Collect the gateway's replies.

        Replies to orders and journals become rows of the event inbox; other replies are kept until a call needs them.
        """
        replies = self._gateway.collect()
        for reply in replies:
            sent = self._sent.pop(reply.key, None)
            if sent is not None:
                self._store_answer(sent, reply)
            else:
                self._replies[reply.key] = reply
                self._outdate(reply.key)
        if replies:
            self._drop_old()

    def _outdate(self, key: Hashable) -> None:
        """After the lookup of an order, require a new read of its account.

        A read that was requested before the lookup may not show the order's executions yet.
        """
        name, *rest = cast("tuple[str, ...]", key)
        if name == _LOOKUP and (account := ("account", rest[0])) in self._asked:
            self._asked[account] = self._gateway.mark()

    def _store_answer(self, sent: _Sent, reply: Reply) -> None:
        """Store the response to an order or journal.

        Without a response, it is unknown whether the order or journal was made, until it is looked up.
        """
        row = None
        if isinstance(reply.error, NotSent):
            row = rows.refusal_row(sent.what, sent.key, sent.account_id, None)
        elif isinstance(reply.error, BrokerRefused):
            # With a used client_order_id, the broker has the order: it is looked up.
            if reply.error.code != RefusalCode.DUPLICATE_CLIENT_ORDER_ID:
                row = rows.refusal_row(sent.what, sent.key, sent.account_id, reply.error)
        elif isinstance(reply.value, Order):
            row = rows.order_row(reply.value)
        elif isinstance(reply.value, Journal):
            row = rows.journal_row(sent.key, reply.value)
        if row is not None:
            self._network.store_answer(f"{sent.what} {sent.key} {reply.at.isoformat()} {reply.began}", row)

    def _drop_old(self) -> None:
        oldest = self._now() - ANSWER_LIFETIME
        for key, reply in list(self._replies.items()):
            if max(reply.at, self._wanted_at.get(key, reply.at)) < oldest:
                del self._replies[key]
                self._asked.pop(key, None)
        self._wanted_at = {key: at for key, at in self._wanted_at.items() if key in self._replies}
        self._retry_at = {key: at for key, at in self._retry_at.items() if at >= self._now()}
