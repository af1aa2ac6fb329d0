"""Reads this program's recent orders account by account, in place of the stream of trades if the broker refuses it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.client import AlpacaClient, Denied, RateLimited
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.alpaca.stream_list import TRADE_STREAM, event_time
from rebal_tui.broker.alpaca.stream_reader import ReceivedMessage
from rebal_tui.broker.failures import BrokerUnavailable

log = logging.getLogger(__name__)

ORDER_ID_PREFIX = "rt-"
"""Beginning of the client order ids of this program (`store/codec.py`)."""
PAGE_SIZE = 500


def missed_orders(client: AlpacaClient, since: datetime) -> Iterator[ReceivedMessage]:
    """This program's orders that were submitted after `since`, each as an event with the order's current state.

    An account whose orders cannot be read is left out (R-52). Raises `BrokerUnavailable` when the accounts cannot be
    listed, or when no account's orders can be read.
    """
    failures: list[Exception] = []
    try:
        accounts = json_values.as_list(client.get("/v1/accounts"))
    except (Denied, Malformed) as error:
        raise BrokerUnavailable(f"orders since {since.isoformat()}: {error}") from None
    for account in accounts:
        try:
            account_id = json_values.id_of(account)
            found = [_message(account_id, order, since) for order in _orders(client, account_id, since) if _ours(order)]
        except RateLimited:
            raise
        except (Denied, Malformed, BrokerUnavailable) as error:
            log.warning("the orders of an account cannot be read: %s", error)
            failures.append(error)
        else:
            yield from found
    if accounts and len(failures) == len(accounts):
        raise BrokerUnavailable(f"orders since {since.isoformat()}: {failures[0]}")


def _ours(order: Json) -> bool:
    return json_values.text_of(order, "client_order_id", "").startswith(ORDER_ID_PREFIX)


def _orders(client: AlpacaClient, account_id: str, since: datetime) -> Iterator[Json]:
    after = since.astimezone(UTC).isoformat()
    seen: set[str] = set()
    while True:
        params: dict[str, str | int] = {"status": "all", "limit": PAGE_SIZE, "direction": "asc", "after": after}
        page: Sequence[Any] = json_values.as_list(client.get(f"/v1/trading/accounts/{account_id}/orders", params))
        fresh = [order for order in page if json_values.id_of(order) not in seen]
        yield from fresh
        if len(page) < PAGE_SIZE or not fresh:
            return
        seen.update(json_values.id_of(order) for order in fresh)
        after = json_values.text_of(page[-1], "submitted_at")


def _message(account_id: str, order: Json, since: datetime) -> ReceivedMessage:
    identity = f"{json_values.id_of(order)}:{json_values.text_of(order, 'status')}"
    at = event_time({"at": order.get("updated_at")}, since)
    body = {"event": "read", "event_id": identity, "account_id": account_id, "order": order}
    return ReceivedMessage(TRADE_STREAM, identity, at, json.dumps(body))
