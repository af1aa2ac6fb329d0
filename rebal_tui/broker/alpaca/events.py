"""Conversion of Alpaca's events: trades, journals, account changes, non-trade activities."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from rebal_tui.broker.alpaca import activities, announcements, json_values, shapes
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.broker.alpaca.ports import ReceivedEvent, SettlesOn
from rebal_tui.broker.alpaca.stream_list import ACTIVITIES, CORPORATE_ACTIONS, JOURNALS, TRADES
from rebal_tui.broker.gateway.rows import answer_event
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.broker.simulated.fills import cash_of
from rebal_tui.domain.activities import TradeReversal
from rebal_tui.domain.cash import CashEntry
from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quantities import money_text
from rebal_tui.domain.sessions import new_york_day

log = logging.getLogger(__name__)

_FILLS = frozenset({"fill", "partial_fill"})
_TRADE_REVERSALS = frozenset({"trade_bust", "trade_correct"})


def broker_event(received: ReceivedEvent, firm_account: str, settles_on: SettlesOn) -> BrokerEvent:
    """Convert a received event. A malformed event becomes `UNREADABLE`, so that it never blocks the others (R-52).

    `firm_account` is the broker's id of the firm account. `settles_on` returns the settlement day of a trade.
    """
    data: Json = {}
    try:
        data = json_values.as_object(json_values.parse(received.body))
        if received.stream == TRADES:
            return _trade(received, data, settles_on)
        if received.stream == JOURNALS:
            return _journal(received, data, firm_account)
        if received.stream == ACTIVITIES:
            return _activity(received, data)
        if received.stream == CORPORATE_ACTIONS:
            return _announcement(received, data)
        return _changed(received, data)
    except Malformed as error:
        log.warning("event %s of stream %s is invalid: %s", received.event_id, received.stream, error)
        reason = f"invalid event of the stream {received.stream}: {error}"
        return BrokerEvent(
            received.seq, EventKind.UNREADABLE, received.at, _account_of(data, firm_account), note=reason
        )


def _account_of(data: Json, firm_account: str) -> str | None:
    """The id of the client account that a malformed event names, None if it names none."""
    for name in ("account_id", "from_account", "to_account"):
        with suppress(Malformed):
            if (account_id := json_values.id_of(data, name)) != firm_account:
                return account_id
    return None


def _trade(received: ReceivedEvent, data: Json, settles_on: SettlesOn) -> BrokerEvent:
    kind = json_values.text_of(data, "event")
    account_id = json_values.id_of(data, "account_id")
    if kind in _TRADE_REVERSALS:
        traded = json_values.as_object(data.get("order"))
        what = "busted" if kind == "trade_bust" else "corrected"
        before = json_values.text_of(data, "previous_execution_id", json_values.text_of(data, "execution_id", "?"))
        text = (
            f"the broker {what} execution {json_values.displayable(before)} of "
            f"{json_values.text_of(traded, 'side')} {json_values.text_of(traded, 'symbol')}; "
            "the account was refreshed, but its recorded executions are unchanged"
        )
        notice = _notice(received, account_id, text)
        return replace(notice, reversal=TradeReversal(before, kind == "trade_correct"))
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
    """A `CASH` event for an activity with cash, an `ACCOUNT` event for any other.

    An activity with `covered` False becomes a `NOTICE` event for a person, which has the activity as well.
    """
    account_id = json_values.id_of(data, "account_id")
    found = activities.activity(data)
    if found is None:
        return BrokerEvent(received.seq, EventKind.ACCOUNT, received.at, account_id)
    entry, note = None, None
    if found.cash:
        at = json_values.timestamp_or_none(data, "executed_at") or received.at
        settles = json_values.text_of(data, "settle_date", "")[:10] or new_york_day(at).isoformat()
        kind, reference = activities.cash_kind(found.kind, found.cash), found.part.id if found.part else found.kind
        entry = CashEntry(received.seq, account_id, at, kind, found.cash, settles, reference)
    if not found.covered:
        what = f" of ${money_text(found.cash)}" if found.cash else ""
        note = f"no rule covers the activity {found.kind}{what}: check the account"
    event_kind = EventKind.NOTICE if note else EventKind.CASH if entry else EventKind.ACCOUNT
    return BrokerEvent(received.seq, event_kind, received.at, account_id, cash=entry, note=note, activity=found)


def _announcement(received: ReceivedEvent, data: Json) -> BrokerEvent:
    """The event of a corporate action announced to the market."""
    found = announcements.announcement(data)
    return BrokerEvent(received.seq, EventKind.ANNOUNCEMENT, received.at, announcement=found)


def _changed(received: ReceivedEvent, data: Json) -> BrokerEvent:
    if "answer" in data:
        return answer_event(received.seq, received.at, data)
    if data.get("assets") is True:
        return BrokerEvent(received.seq, EventKind.ASSET, received.at)
    return BrokerEvent(received.seq, EventKind.ACCOUNT, received.at, json_values.id_of(data, "account_id"))


def _notice(received: ReceivedEvent, account_id: str | None, text: str) -> BrokerEvent:
    return BrokerEvent(received.seq, EventKind.NOTICE, received.at, account_id, note=text)
