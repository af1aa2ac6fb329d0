"""Errors that a call to a broker raises.

A call returns, raises `BrokerRefused` (a definitive refusal), or raises `BrokerUnavailable` (the result is unknown). If
it is unknown, look up the order or journal by the id that this program gave it, and never send it again without a
lookup.
"""

from __future__ import annotations

from enum import StrEnum


class BrokerRefused(Exception):
    """The broker refused the request; it has no effect. `code` is a `RefusalCode` value or the broker's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RefusalCode(StrEnum):
    ASSET_NOT_TRADABLE = "asset_not_tradable"
    ASSET_NOT_FRACTIONABLE = "asset_not_fractionable"
    INSUFFICIENT_BUYING_POWER = "insufficient_buying_power"
    INSUFFICIENT_QTY = "insufficient_qty"
    BELOW_MINIMUM = "below_minimum"
    ACCOUNT_RESTRICTED = "account_restricted"
    MARKET_CLOSED = "market_closed"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    NOT_CANCELABLE = "not_cancelable"
    NOT_FOUND = "not_found"
    NO_PRICE = "no_price"
    AMOUNT_NOT_AVAILABLE = "amount_not_available"
    REJECTED = "rejected"


class BrokerUnavailable(Exception):
    """No usable response. Whether the request took effect is unknown until a lookup."""


class ClocksDiffer(BrokerUnavailable):
    """The broker's clock differs too much from this computer's, so that nothing may be decided; an alert reports it."""


class BrokerPending(BrokerUnavailable):
    """The request is queued and has no response yet; call again later. It is not an error of the broker."""
