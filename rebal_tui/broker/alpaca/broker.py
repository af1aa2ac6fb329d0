"""The Alpaca adapter: the calls of a `Broker` as requests to Alpaca's HTTP API."""

from __future__ import annotations

import json
import logging
import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.accounts import AccountReader
from rebal_tui.broker.alpaca.asset_rows import read_assets
from rebal_tui.broker.alpaca.client import AlpacaClient, Denied
from rebal_tui.broker.alpaca.events import broker_event
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.alpaca.made_journals import made_for
from rebal_tui.broker.alpaca.ports import EventInbox, PriceOf, SettlesOn
from rebal_tui.broker.alpaca.quoted_prices import quoted_price
from rebal_tui.broker.alpaca.refusals import is_no_order, refusal
from rebal_tui.broker.alpaca.stream_list import ACCOUNTS, ACTIVITIES, INTERNAL, JOURNALS
from rebal_tui.broker.alpaca.stream_reader import ReceivedMessage
from rebal_tui.broker.alpaca.stream_set import StreamSet
from rebal_tui.broker.connection import ConnectionState, RateLimit
from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, JournalRequest
from rebal_tui.broker.unreadable import Listing
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.orders import Order, OrderRequest
from rebal_tui.domain.quantities import Money, Price, money_text
from rebal_tui.domain.sessions import Session

log = logging.getLogger(__name__)

PAGE_SIZE = 500
MAX_CONCURRENT_READS = 8
"""Maximum number of concurrent reads."""
MAX_SYMBOLS_PER_REQUEST = 200
_WRONG_SYMBOL_STATUSES = (400, 404, 422)
TRADE_ACTIVITY = "TRD"
"""Executions have a stream of their own, with their orders."""
T = TypeVar("T")


class AlpacaBroker:
    """Alpaca's API as the `gateway.network.Network` of a book. Most calls wait for the network.

    The gateway's threads make the calls that wait. Only the book's thread, which owns the event inbox (the stored
    events), calls `events`, `listen` and `catch_up_from`. `firm_account` is the broker's id of the firm account, "" if
    unknown. Call `listen` to receive events, `close` at the end.
    """

    def __init__(
        self,
        client: AlpacaClient,
        inbox: EventInbox,
        now: Callable[[], datetime],
        settles_on: SettlesOn,
        price: PriceOf,
        *,
        firm_account: str = "",
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._now = now
        self._settles_on = settles_on
        self._price = price
        self._firm_account = firm_account
        self._streams = StreamSet(client, inbox, now)
        self._storable: queue.SimpleQueue[tuple[str, str, datetime, str]] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(max_workers=MAX_CONCURRENT_READS, thread_name_prefix="alpaca-read")
        self._account_reader = AccountReader(client, self._pool, now, firm_account)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The last rate limit that the broker reported, None before the first report."""
        return self._client.rate_limit

    def connection(self) -> ConnectionState:
        """The event streams, the difference between the broker's clock and this computer's, and the rate limit."""
        limit = self._client.rate_limit
        return ConnectionState(
            self._streams.states,
            self._client.clock_skew.skew,
            limit.limit if limit else None,
            limit.remaining if limit else None,
        )

    def listen(self) -> None:
        """Start the event streams; no effect when they are started already."""
        self._streams.start()

    def catch_up_from(self) -> datetime:
        """The time to pass to `catch_up` as `begin`: 5 minutes before the last stored trade event."""
        return self._streams.catch_up_from()

    def catch_up(self, until: datetime, begin: datetime) -> None:
        """Read the trade events between `begin` and `until`, times of the broker's clock, with one request.

        The events are queued with those of the streams, so that `receive` handles them. Raises `BrokerUnavailable` when
        not all of them can be read.
        """
        self._streams.catch_up(until, begin)

    def close(self) -> None:
        self._streams.stop()
        self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def clock(self) -> datetime:
        """The broker's time."""
        return _read(lambda: json_values.timestamp(json_values.as_object(self._client.get("/v1/clock")), "timestamp"))

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """The sessions from `first` through `last`, ascending; only the last one has no `next_day`."""
        params = {"start": first.isoformat(), "end": last.isoformat()}
        return _read(lambda: shapes.sessions(json_values.as_list(self._client.get("/v1/calendar", params))))

    def latest_prices(self, symbols: Sequence[str]) -> Mapping[str, tuple[Price, datetime]]:
        """The latest price of each symbol that has one, with its timestamp.

        The price is the midpoint of the latest quote if the quote is newer than the latest trade and its ask is at most
        1 % above its bid, and not below. Otherwise it is the price of the latest trade.
        """
        found: dict[str, tuple[Price, datetime]] = {}
        for start in range(0, len(symbols), MAX_SYMBOLS_PER_REQUEST):
            part = symbols[start : start + MAX_SYMBOLS_PER_REQUEST]
            answer = self._snapshots(part)
            for symbol in part:
                quoted = quoted_price(answer.get(symbol))
                if quoted is not None:
                    found[symbol] = quoted
        return found

    def assets(self) -> Listing[Asset]:
        """Every US equity, active or not, with its latest price if any; `unreadable` of the result has
        unreadable rows.
        """
        listed = read_assets(self._get("/v1/assets"))
        return Listing((self._priced(asset) for asset in listed), listed.unreadable)

    def asset(self, name: str) -> Asset | None:
        """One US equity by id or symbol, None when the broker does not have it or its answer cannot be read."""
        try:
            found = shapes.asset(json_values.as_object(self._client.get(f"/v1/assets/{quote(name, safe='')}")))
        except (Denied, Malformed) as error:
            log.warning("asset %s: %s", name, error)
            return None
        return None if found is None else self._priced(found)

    def accounts(self) -> Listing[Account]:
        """Every client account with its positions; `unreadable` of the result has the accounts that cannot be read."""
        return self._account_reader.all()

    def account(self, account_id: str) -> Account:
        """One account with its positions; its name and number may be those of an earlier read.

        Raises `BrokerRefused` (`NOT_FOUND`) if unknown, `AccountUnreadable` if only this account's data cannot be used.
        """
        return self._account_reader.one(account_id)

    def submit_order(self, request: OrderRequest) -> Order:
        """Place a market day order with one request, which is never repeated.

        Raises `BrokerRefused` for a definitive refusal, `BrokerUnavailable` for anything else but a valid response.
        """
        path = f"/v1/trading/accounts/{request.account_id}/orders"
        return self._with_refresh(self._order(self._send("POST", path, shapes.order_body(request)), request.account_id))

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order with that client order id; None only when the broker itself reports that it has no such order.

        Raises `BrokerUnavailable` for any other refusal, and for a response that has a different order.
        """
        path = f"/v1/trading/accounts/{account_id}/orders:by_client_order_id"
        with self._account_reader.of_account(account_id):
            try:
                data = self._client.get(path, {"client_order_id": client_order_id})
            except Denied as denied:
                if is_no_order(denied):
                    return None
                raise
            order = shapes.order(json_values.as_object(data), account_id)
        if order.client_order_id != client_order_id:
            raise BrokerUnavailable("the broker returned a different order")
        return self._with_refresh(order)

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Request a cancel; shares already filled stay. Raises `BrokerRefused` when the order is final or unknown."""
        self._send("DELETE", f"/v1/trading/accounts/{account_id}/orders/{order_id}", default=RefusalCode.NOT_CANCELABLE)

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """Orders of an account that are not final, oldest first."""
        path = f"/v1/trading/accounts/{account_id}/orders"
        found: dict[str, Order] = {}
        after = ""
        while True:
            params: dict[str, str | int] = {"status": "open", "limit": PAGE_SIZE, "direction": "asc"}
            if after:
                params["after"] = after
            orders = self._orders(path, params, account_id)
            fresh = [order for order in orders if order.id not in found]
            found.update((order.id, order) for order in fresh)
            if len(orders) < PAGE_SIZE or not fresh:
                break
            after = orders[-1].submitted_at.isoformat()
        return [order for order in found.values() if not order.status.final]

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> Journal:
        """Move cash between a client and the firm; for a key used before, returns the journal created with it.

        Raises `BrokerRefused` when the id of the firm account is unknown.
        """
        if not self._firm_account:
            raise BrokerRefused(RefusalCode.REJECTED, "the firm account is unknown; connect again with --firm-account")
        body = {
            "entry_type": "JNLC",
            "from_account": self._broker_account_id(from_account),
            "to_account": self._broker_account_id(to_account),
            "amount": money_text(amount),
            "description": description,
        }
        data = self._send("POST", "/v1/journals", body, {"Idempotency-Key": idempotency_key})
        return _read(lambda: shapes.journal(json_values.as_object(data), self._firm_account, self._now()))

    def journal(self, journal_id: str) -> Journal:
        """One journal. Raises `BrokerRefused` (`NOT_FOUND`) if unknown.

        If the journal is executed, one event is queued that makes the book read the client account again.
        """
        data = self._get(f"/v1/journals/{journal_id}")
        journal = _read(lambda: shapes.journal(json_values.as_object(data), self._firm_account, self._now()))
        if journal.status is JournalStatus.EXECUTED:
            client = journal.to_account if journal.from_account == FIRM_ACCOUNT else journal.from_account
            self.request_refresh(client, f"{journal.id}:{journal.status}")
        return journal

    def journal_of(self, request: JournalRequest) -> Journal | None:
        """The journal that the broker created for a request whose response was lost; None when it created none.

        A journal matches if it has the accounts, amount and description of the request and was created after it. Raises
        `BrokerUnavailable` when several journals match.
        """
        params = {
            "from_account": self._broker_account_id(request.from_account),
            "to_account": self._broker_account_id(request.to_account),
        }
        listed = _read(lambda: json_values.as_list(self._get("/v1/journals", params)))
        return made_for(request, [self._journal(data) for data in listed])

    def cash_transferable(self, account_id: str) -> Money:
        """Settled cash less what open orders and journals reserve, in dollars, never below zero (R-2)."""
        with self._account_reader.of_account(account_id):
            trading = self._client.get(f"/v1/trading/accounts/{account_id}/account")
            return Money(max(0, json_values.money(json_values.as_object(trading), "cash_transferable")))

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Stored events with `seq` above `after`, oldest first, at most `limit`; stores queued events before."""
        if fresh := [self._storable.get_nowait() for _ in range(self._storable.qsize())]:
            self._inbox.add(fresh)
        return [
            broker_event(received, self._firm_account, self._settles_on) for received in self._inbox.after(after, limit)
        ]

    def store_answer(self, answer_id: str, body: str) -> None:
        """Queue the response to an order or journal for `events` to store, unless its `answer_id` is stored."""
        self._storable.put((INTERNAL, answer_id, self._now(), body))

    def request_refresh(self, account_id: str | None, reason: str) -> None:
        """Queue, once per `reason`, an event that makes the book read an account again, or all assets (None)."""
        body: dict[str, Any] = {"assets": True} if account_id is None else {"account_id": account_id}
        self._storable.put((INTERNAL, reason, self._now(), json.dumps(body)))

    def has_received(self) -> bool:
        """Whether the streams have messages that `receive` has not handled yet."""
        return self._streams.has_message

    def receive(self) -> None:
        """Take the messages that the streams received, and queue those that concern the book; `events` stores them.

        A journal's event has only its status, so the journal is read from the API. Raises `BrokerUnavailable` when a
        journal cannot be read; the next call begins with that journal's message.
        """
        while (message := self._streams.next_message()) is not None:
            body = self._storable_body(message)
            if body is not None:
                self._storable.put((message.stream.name, message.event_id, message.at, body))
            self._streams.take()

    def _snapshots(self, symbols: Sequence[str]) -> Json:
        """Snapshots by symbol, without symbols that the API refuses: a refused request is halved to find them."""
        try:
            return json_values.as_object(self._client.get_data("/v2/stocks/snapshots", {"symbols": ",".join(symbols)}))
        except Malformed as error:
            raise BrokerUnavailable(f"invalid response: {error}") from None
        except Denied as denied:
            if denied.status not in _WRONG_SYMBOL_STATUSES:
                raise refusal(denied) from None
            if len(symbols) == 1:
                log.warning("no price of %s: %s", symbols[0], denied)
                return {}
            middle = len(symbols) // 2
            return {**self._snapshots(symbols[:middle]), **self._snapshots(symbols[middle:])}

    def _orders(self, path: str, params: Mapping[str, str | int], account_id: str) -> list[Order]:
        with self._account_reader.of_account(account_id):
            return [shapes.order(data, account_id) for data in json_values.as_list(self._client.get(path, params))]

    def _storable_body(self, message: ReceivedMessage) -> str | None:
        """The event's JSON to store, None when it does not concern the book."""
        data = json_values.as_object(json_values.parse(message.body))
        if data.get("account_id") is not None and data["account_id"] == self._firm_account:
            return None
        if message.stream.name == ACTIVITIES and (
            data.get("account_id") is None or data.get("activity_type") == TRADE_ACTIVITY
        ):
            return None
        if message.stream.name == ACCOUNTS:
            self._account_reader.forget(str(data.get("account_id")))
        if message.stream.name != JOURNALS:
            return message.body
        try:
            journal = dict(json_values.as_object(self._get(f"/v1/journals/{json_values.id_of(data, 'journal_id')}")))
        except (BrokerRefused, Malformed) as error:
            log.warning("journal of event %s: %s", message.event_id, error)
            return None
        if journal.get("entry_type", "JNLC") != "JNLC":
            return None
        return json.dumps({**journal, "status": _latest_status(data, journal)})

    def _with_refresh(self, order: Order) -> Order:
        """The same order. Requests a refresh of its account if it has fills, as their events may not have arrived."""
        if order.filled_qty:
            self.request_refresh(order.account_id, f"{order.id}:{order.status}:{order.filled_qty}")
        return order

    def _priced(self, asset: Asset) -> Asset:
        quote = self._price(asset.symbol)
        if quote is None:
            return asset
        return Asset(
            asset.id, asset.symbol, asset.name, asset.exchange, asset.status, asset.tradable, asset.fractionable,
            quote.price, quote.at,
        )  # fmt: skip

    def _journal(self, data: Json) -> Journal:
        return _read(lambda: shapes.journal(data, self._firm_account, self._now()))

    def _broker_account_id(self, account_id: str) -> str:
        return self._firm_account if account_id == FIRM_ACCOUNT else account_id

    def _order(self, data: Any, account_id: str) -> Order:
        return _read(lambda: shapes.order(json_values.as_object(data), account_id))

    def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        try:
            return self._client.get(path, params)
        except Denied as denied:
            raise refusal(denied) from None

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        default: RefusalCode = RefusalCode.REJECTED,
    ) -> Any:
        try:
            return self._client.send(method, path, body, headers)
        except Denied as denied:
            raise refusal(denied, default) from None


def _latest_status(event: Json, journal: Json) -> str | None:
    """The status of a journal read after its event: that of the event, unless the journal has ended by now."""
    read, reported = journal.get("status"), event.get("status_to")
    ended = isinstance(read, str) and shapes.journal_status(read).final
    return str(reported) if reported and not ended else read


def _read(reading: Callable[[], T]) -> T:
    """The result of a reading function.

    Raises `BrokerUnavailable` for a malformed response, whose outcome is as unknown as without a response, and
    `BrokerRefused` for a definitive refusal.
    """
    try:
        return reading()
    except Malformed as error:
        raise BrokerUnavailable(f"invalid response: {error}") from None
    except Denied as denied:
        raise refusal(denied) from None
