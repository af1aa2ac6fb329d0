"""Responses to orders and journals as rows of the event inbox, and the events that the rows become.

A row is the text of a JSON object: `answer` is the kind of response, `key` the client_order_id or the idempotency key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind, Unmade
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.orders import Order, OrderStatus, Side

ORDER, JOURNAL = "order", "journal"
REFUSED, NOT_SENT = "refused", "not_sent"


def order_row(order: Order) -> str:
    """The inbox row of an accepted order, as JSON text."""
    return _row(ORDER, order.client_order_id, asdict(order))


def journal_row(key: str, journal: Journal) -> str:
    """The inbox row of a journal that the broker has made for the idempotency key, as JSON text."""
    return _row(JOURNAL, key, asdict(journal))


def refusal_row(what: str, key: str, account_id: str, refusal: BrokerRefused | None) -> str:
    """The inbox row of an order or journal that was refused, or, if `refusal` is None, was not sent; as JSON text.

    `what` is `order` or `journal`, `key` the client_order_id or the idempotency key.
    """
    data = {"what": what, "account_id": account_id, "code": "", "message": ""}
    if refusal is not None:
        data |= {"code": str(refusal.code), "message": refusal.message}
    return _row(NOT_SENT if refusal is None else REFUSED, key, data)


def answer_event(seq: int, at: datetime, row: Mapping[str, Any]) -> BrokerEvent:
    """The event with number `seq` for an inbox row, which is given as its parsed JSON object."""
    key, data = row["key"], row["data"]
    if row["answer"] == ORDER:
        order = Order(**{**_timed(data), "side": Side(data["side"]), "status": OrderStatus(data["status"])})
        return BrokerEvent(seq, EventKind.ORDER, at, order.account_id, order.symbol, order=order)
    if row["answer"] == JOURNAL:
        journal = Journal(**{**_timed(data), "status": JournalStatus(data["status"])})
        incoming = journal.from_account == FIRM_ACCOUNT
        account_id = journal.to_account if incoming else journal.from_account
        return BrokerEvent(seq, EventKind.JOURNAL, at, account_id, journal=journal, key=key)
    unmade = Unmade(data["what"], key, data["account_id"], data["code"], data["message"], row["answer"] == REFUSED)
    return BrokerEvent(seq, EventKind.UNMADE, at, data["account_id"], unmade=unmade)


def _row(kind: str, key: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"answer": kind, "key": key, "data": data}, default=datetime.isoformat)


def _timed(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an order or journal, with their times parsed."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
        for name, value in data.items()
    }
