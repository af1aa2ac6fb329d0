"""The event streams of account activities (executions and cash movements) and of corporate actions."""

from __future__ import annotations

import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.cash import CashEntry
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import Money, money_text, price_text, qty_text
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.events import (
    ACTIVITY_TYPES,
    Source,
    broker_after,
    broker_before,
    broker_last,
    event_id,
)
from rebal_tui.services.wire.shapes import asset_ids, time_text

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import events

_REFERENCES = uuid.UUID("6f1c2d8e-9d1f-4e0f-8a55-6a0f5f6f4b11")
"""Namespace of the `ref_id` of cash entries, which have no id of their own."""
_ACTION_TYPES = {
    ActionKind.CASH_DIVIDEND: "cash_dividend",
    ActionKind.STOCK_DIVIDEND: "stock_dividend",
    ActionKind.SPIN_OFF: "spin_off",
    ActionKind.SYMBOL_CHANGE: "name_change",
    ActionKind.CASH_MERGER: "cash_merger",
    ActionKind.STOCK_MERGER: "stock_merger",
    ActionKind.DELISTING: "worthless_removal",
}


def _activity(book: Book, event: BrokerEvent) -> tuple[str, events.ActivityEvent] | None:
    if event.fill is not None:
        return "activity", _execution(book, event, event.fill)
    if event.cash is not None and event.cash.kind in ACTIVITY_TYPES:
        return "activity", _cash(event, event.cash)
    return None


def _execution(book: Book, event: BrokerEvent, fill: Fill) -> events.ActivityEvent:
    details = {
        "execution_type": "fill",
        "order_id": fill.order_id,
        "client_order_id": fill.client_order_id,
        "asset_id": fill.asset_id or asset_ids(book.assets)(fill.symbol),
        "symbol": fill.symbol,
        "side": fill.side.value,
    }
    if event.order is not None:
        details |= {"cum_qty": qty_text(event.order.filled_qty), "order_status": event.order.status.value}
    amount = Money(fill.amount if fill.side is Side.SELL else -fill.amount)
    return {
        "event_id": event_id(event.at, event.seq),
        "at": time_text(event.at),
        "account_id": fill.account_id,
        "activity_type": "TRD",
        "activity_subtype": None,
        "ref_id": fill.execution_id,
        "status": "executed",
        "executed_at": time_text(fill.at),
        "settle_date": fill.settles_on,
        "qty": qty_text(fill.qty),
        "price": price_text(fill.price),
        "net_amount": money_text(amount),
        "currency": "USD",
        "details": details,
    }


def _cash(event: BrokerEvent, entry: CashEntry) -> events.ActivityEvent:
    details = {"system_date": new_york_day(entry.at).isoformat()}
    if entry.reference:
        details["reference"] = entry.reference
    return {
        "event_id": event_id(event.at, event.seq),
        "at": time_text(event.at),
        "account_id": entry.account_id,
        "activity_type": ACTIVITY_TYPES[entry.kind],
        "activity_subtype": None,
        "ref_id": str(uuid.uuid5(_REFERENCES, f"{entry.account_id} {entry.seq}")),
        "status": "executed",
        "executed_at": time_text(entry.at),
        "settle_date": entry.settles_on,
        "qty": "0",
        "price": "0",
        "net_amount": money_text(entry.amount),
        "currency": "USD",
        "details": details,
    }


def _corporate_action(_book: Book, event: BrokerEvent) -> tuple[str, events.CorporateActionEvent] | None:
    """The event that ends a corporate action; None for other events. Those of single accounts are activities."""
    notice = event.action
    if notice is None or notice.holder is not None:
        return None
    action, day = notice.terms.action, new_york_day(event.at).isoformat()
    kind = _ACTION_TYPES.get(action.kind) or ("forward_split" if action.rate > 1 else "reverse_split")
    return "corporate_action", {
        "event_id": event_id(event.at, event.seq),
        "at": time_text(event.at),
        "action": "insert",
        "region": "us",
        "event_type": f"{kind}_corporateaction_event",
        "ca": {"id": notice.id, "currency": "USD", "process_date": day, "ex_date": day, **_details(action)},
    }


def _details(action: CorporateAction) -> dict[str, str]:
    """The fields that belong to the kind of a corporate action, as the API names them."""
    amount = price_text(action.amount) if action.amount is not None else "0"
    match action.kind:
        case ActionKind.SPLIT:
            return {
                "symbol": action.symbol,
                "new_rate": str(action.rate.numerator),
                "old_rate": str(action.rate.denominator),
            }
        case ActionKind.CASH_DIVIDEND:
            return {"symbol": action.symbol, "rate": amount}
        case ActionKind.STOCK_DIVIDEND:
            return {"symbol": action.symbol, "rate": _decimal(action.rate)}
        case ActionKind.SPIN_OFF:
            return {
                "source_symbol": action.symbol, "new_symbol": action.new,
                "source_rate": str(action.rate.denominator), "new_rate": str(action.rate.numerator),
            }  # fmt: skip
        case ActionKind.SYMBOL_CHANGE:
            return {"old_symbol": action.symbol, "new_symbol": action.new}
        case ActionKind.CASH_MERGER:
            return {"acquiree_symbol": action.symbol, "rate": amount}
        case ActionKind.STOCK_MERGER:
            return {
                "acquiree_symbol": action.symbol, "acquirer_symbol": action.new,
                "acquiree_rate": str(action.rate.denominator), "acquirer_rate": str(action.rate.numerator),
            }  # fmt: skip
        case ActionKind.DELISTING:
            return {"symbol": action.symbol}


def _decimal(ratio: Fraction) -> str:
    """A ratio as the API writes it, to 28 digits."""
    return format(Decimal(ratio.numerator) / Decimal(ratio.denominator), "f")


ACTIVITIES = Source(broker_after(_activity), broker_before, broker_last)
"""Executions and cash activities, each with a stable `ref_id`."""
CORPORATE_ACTIONS = Source(broker_after(_corporate_action), broker_before, broker_last)
"""Corporate actions, once for all accounts."""
