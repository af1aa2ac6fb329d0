"""Conversion of Alpaca's events: trades, journals, account changes, non-trade activities."""

from __future__ import annotations

import logging

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.alpaca.ports import ReceivedEvent, SettlesOn
from rebal_tui.broker.alpaca.stream_list import ACTIVITIES, CORPORATE_ACTIONS, JOURNALS, TRADES
from rebal_tui.broker.gateway.rows import answer_event
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.broker.simulated.fills import cash_of
from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quantities import Money, money_text
from rebal_tui.domain.sessions import new_york_day

log = logging.getLogger(__name__)

_FILLS = frozenset({"fill", "partial_fill"})
_TRADE_REVERSALS = frozenset({"trade_bust", "trade_correct"})
_CASH_KINDS = {"CSD": CashKind.DEPOSIT, "CSR": CashKind.ACH_RETURN}
_EXECUTED = "executed"
_REVERSALS = frozenset({"canceled", "correct", "deleted"})


def broker_event(received: ReceivedEvent, firm_account: str, settles_on: SettlesOn) -> BrokerEvent:
    """Convert a received event. A malformed event becomes a `NOTICE`, so that it never blocks the others."""
    try:
        data = json_values.as_object(json_values.parse(received.body))
        if received.stream == TRADES:
            return _trade(received, data, settles_on)
        if received.stream == JOURNALS:
            return _journal(received, data, firm_account)
        if received.stream == ACTIVITIES:
            return _activity(received, data)
        if received.stream == CORPORATE_ACTIONS:
            return BrokerEvent(received.seq, EventKind.ASSET, received.at)
        return _changed(received, data)
    except Malformed as error:
        log.warning("event %s of stream %s is invalid: %s", received.event_id, received.stream, error)
        return _notice(received, None, f"invalid event from the broker: {error}")


def _trade(received: ReceivedEvent, data: Json, settles_on: SettlesOn) -> BrokerEvent:
    kind = json_values.text_of(data, "event")
    account_id = json_values.id_of(data, "account_id")
    if kind in _TRADE_REVERSALS:
        traded = json_values.as_object(data.get("order"))
        what = "busted" if kind == "trade_bust" else "corrected"
        text = (
            f"the broker {what} execution {data.get('previous_execution_id') or data.get('execution_id') or '?'} of "
            f"{json_values.text_of(traded, 'side')} {json_values.text_of(traded, 'symbol')}; "
            "the account was refreshed, but its recorded executions are unchanged"
        )
        return _notice(received, account_id, text)
    order = shapes.order(json_values.as_object(data.get("order")), account_id)
    if kind not in _FILLS:
        return BrokerEvent(received.seq, EventKind.ORDER, received.at, account_id, order.symbol, order=order)
    qty, price = json_values.qty(data, "qty"), json_values.price(data, "price")
    if qty <= 0:
        raise Malformed("qty: expected a quantity above 0")
    at = json_values.timestamp_or_none(data, "timestamp") or received.at
    fill = Fill(
        execution_id=json_values.id_of(data, "execution_id") if data.get("execution_id") else received.event_id,
        order_id=order.id,
        client_order_id=order.client_order_id,
        account_id=account_id,
        symbol=order.symbol,
        side=order.side,
        qty=qty,
        price=price,
        amount=cash_of(order.side, qty, price),
        at=at,
        settles_on=settles_on(new_york_day(at)).isoformat(),
        asset_id=shapes.asset_id(json_values.as_object(data.get("order"))),
    )
    return BrokerEvent(received.seq, EventKind.FILL, received.at, account_id, order.symbol, order=order, fill=fill)


def _journal(received: ReceivedEvent, data: Json, firm_account: str) -> BrokerEvent:
    journal = shapes.journal(data, firm_account, received.at)
    account_id = journal.to_account if journal.from_account == FIRM_ACCOUNT else journal.from_account
    return BrokerEvent(received.seq, EventKind.JOURNAL, received.at, account_id, journal=journal)


def _activity(received: ReceivedEvent, data: Json) -> BrokerEvent:
    """A `CASH` event for an executed activity with an amount; any other, such as a split, is an `ACCOUNT` event.

    An activity that was canceled, or that corrects another one, becomes a `NOTICE`.
    """
    account_id = json_values.id_of(data, "account_id")
    kind, status = json_values.text_of(data, "activity_type"), json_values.text_of(data, "status", _EXECUTED)
    amount = json_values.money_or_none(data, "net_amount")
    corrected = json_values.text_of(data, "previous_id", "")
    if corrected or status in _REVERSALS:
        what = f"{kind} of ${money_text(amount)}" if amount else kind
        how = f"corrected activity {corrected} by {what}" if corrected else f"reversed {what}"
        return _notice(received, account_id, f"the broker {how}")
    if not amount or status != _EXECUTED:
        return BrokerEvent(received.seq, EventKind.ACCOUNT, received.at, account_id)
    cash_kind = _CASH_KINDS.get(kind, CashKind.OTHER)
    if kind == "JNLC":
        cash_kind = CashKind.JOURNAL_IN if amount > 0 else CashKind.JOURNAL_OUT
    at = json_values.timestamp_or_none(data, "executed_at") or received.at
    settles = json_values.text_of(data, "settle_date", "")[:10] or new_york_day(at).isoformat()
    text = json_values.displayable(" ".join(filter(None, (kind, json_values.text_of(data, "activity_subtype", "")))))
    entry = CashEntry(received.seq, account_id, at, cash_kind, Money(amount), settles, text)
    return BrokerEvent(received.seq, EventKind.CASH, received.at, account_id, cash=entry)


def _changed(received: ReceivedEvent, data: Json) -> BrokerEvent:
    if "answer" in data:
        return answer_event(received.seq, received.at, data)
    if data.get("assets") is True:
        return BrokerEvent(received.seq, EventKind.ASSET, received.at)
    return BrokerEvent(received.seq, EventKind.ACCOUNT, received.at, json_values.id_of(data, "account_id"))


def _notice(received: ReceivedEvent, account_id: str | None, text: str) -> BrokerEvent:
    return BrokerEvent(received.seq, EventKind.NOTICE, received.at, account_id, note=text)
