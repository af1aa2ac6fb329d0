"""Conversion of the API's definitive refusals to `BrokerRefused`."""

from __future__ import annotations

import re

from rebal_tui.broker.alpaca.client import Denied
from rebal_tui.broker.failures import BrokerRefused, RefusalCode

_NOT_FOUND = 404
_CODE_PATTERNS: tuple[tuple[RefusalCode, str], ...] = (
    (RefusalCode.DUPLICATE_CLIENT_ORDER_ID, r"client.?order.?id.*(unique|exist|used|duplicate)"),
    (RefusalCode.ASSET_NOT_FRACTIONABLE, r"not fractionable|not support fractional"),
    (RefusalCode.ASSET_NOT_TRADABLE, r"asset.*(not (currently )?(tradable|active|found)|inactive)|not tradable"),
    (RefusalCode.BELOW_MINIMUM, r"at least \$?1|minimum|minimal amount|min.?notional|notional.*(>=|greater)"),
    (RefusalCode.AMOUNT_NOT_AVAILABLE, r"cash_transferable|transferable|amount not available"),
    (RefusalCode.INSUFFICIENT_QTY, r"insufficient (qty|quantity)|not enough (shares|quantity)|held for orders"),
    (RefusalCode.INSUFFICIENT_BUYING_POWER, r"insufficient|buying power"),
    (RefusalCode.MARKET_CLOSED, r"market is (closed|not open)|outside .*market hours|not during"),
    (RefusalCode.NO_PRICE, r"no (price|quote)|price .*not available"),
    (
        RefusalCode.ACCOUNT_RESTRICTED,
        r"account.*(restricted|not active|is not allowed|not allowed|not authorized|blocked|closed|disabled)"
        r"|trading (is )?(denied|blocked|suspended)|not active$|restricted",
    ),
    (RefusalCode.NOT_CANCELABLE, r"not cancel|cannot be cancel|already (in )?\"?(filled|canceled|expired|rejected)"),
)
_NO_ORDER = re.compile(
    r"\border\b.*\b(not found|does not exist)|\bno (such )?order\b|could not find order", re.IGNORECASE
)
_PATTERNS = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _CODE_PATTERNS)


def refusal(denied: Denied, default: RefusalCode = RefusalCode.REJECTED) -> BrokerRefused:
    """The `BrokerRefused` for a refusal, with a `RefusalCode` and the broker's message.

    The code is found by the wording of the message. If the wording is not known, the code is `NOT_FOUND` for a 404,
    else `default`.
    """
    code = default
    if denied.status == _NOT_FOUND:
        code = RefusalCode.NOT_FOUND
    for candidate, pattern in _PATTERNS:
        if pattern.search(denied.message):
            code = candidate
            break
    return BrokerRefused(code, f"{denied.message} ({denied.code})")


def is_no_order(denied: Denied) -> bool:
    """Whether a refusal is a 404 that means that the broker has no such order; after other 404s, it may have
    the order.
    """
    return (
        denied.status == _NOT_FOUND
        and str(denied.code).startswith(str(_NOT_FOUND))
        and _NO_ORDER.search(denied.message) is not None
    )
