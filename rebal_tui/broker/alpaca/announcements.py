"""Conversion of Alpaca's stream of corporate actions, `/v1beta1/events/corporate-actions` (R-54).

The stream announces actions to the whole market and names no accounts. What an action does to an account is reported by
an activity of that account.
"""

from __future__ import annotations

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.activities import action_day, made, ratio_of
from rebal_tui.broker.alpaca.json_values import Json
from rebal_tui.domain.activities import Announcement
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction

_SUFFIX = "_corporateaction_event"
_SYMBOLS = ("symbol", "source_symbol", "acquiree_symbol", "old_symbol")


def announcement(data: Json) -> Announcement | None:
    """The announcement in an event, None if the event does not name an asset and a day yet. Raises `Malformed`."""
    details = json_values.as_object(data.get("ca") or {})
    symbol = next((text for name in _SYMBOLS if (text := json_values.text_of(details, name, ""))), "")
    day = action_day(details)
    if not symbol or day is None:
        return None
    symbol = json_values.displayable(symbol, 30)
    withdrawn = json_values.text_of(data, "action", "insert") == "delete"
    kind = json_values.text_of(data, "event_type").removesuffix(_SUFFIX)
    return Announcement(json_values.id_of(details), symbol, day, _action(kind, symbol, details), withdrawn)


def _action(kind: str, symbol: str, details: Json) -> CorporateAction | None:
    """The corporate action that an announcement describes; None if the announcement does not have all terms of the
    action.
    """
    match kind:
        case "forward_split" | "reverse_split":
            return made(ActionKind.SPLIT, symbol, ratio=ratio_of(details, "new_rate", "old_rate"))
        case "stock_dividend":
            return made(ActionKind.STOCK_DIVIDEND, symbol, ratio=ratio_of(details, "rate", None))
        case "cash_merger":
            return made(ActionKind.CASH_MERGER, symbol, amount=json_values.price(details, "rate"))
        case "stock_merger":
            new = json_values.displayable(json_values.text_of(details, "acquirer_symbol"), 30)
            ratio = ratio_of(details, "acquirer_rate", "acquiree_rate")
            return made(ActionKind.STOCK_MERGER, symbol, ratio=ratio, new_symbol=new)
        case "name_change":
            new = json_values.displayable(json_values.text_of(details, "new_symbol"), 30)
            if new == symbol:
                return None
            return made(ActionKind.SYMBOL_CHANGE, symbol, new_symbol=new)
        case "worthless_removal":
            return made(ActionKind.DELISTING, symbol)
        case _:
            return None
