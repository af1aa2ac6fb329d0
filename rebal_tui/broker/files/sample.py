"""An invented positions file in the generic format, which is no custodian's own, and a portfolio for its accounts."""

from __future__ import annotations

import json
from datetime import datetime

from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty, money_text, price_text, qty_text
from rebal_tui.domain.sessions import NEW_YORK

_PRICES = {"VTI": 285_42, "VXUS": 63_18, "BND": 72_91, "VNQ": 88_05, "GLD": 243_60}
_WEIGHTS = {"VTI": 45, "VXUS": 20, "BND": 25, "VNQ": 5}
_NAMES = ("Amber Holt", "Oskar Dell", "Ida Fenwick", "Jonas Marsh", "Rhea Quill", "Tom Barrow", "Lena Voss", "Max Orr")


def sample_positions(accounts: int, now: datetime) -> str:
    """The text of an invented positions file, always the same for the same arguments; `now` gives its date."""
    stamp = now.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M")
    rows = [f"Invented positions,generated {stamp}", "Account number,Client,Symbol,Shares,Price,Value,Type"]
    for index in range(accounts):
        number, client = f"S{1_000 + index}", f"{_NAMES[index % len(_NAMES)]} {index // len(_NAMES) + 1}"
        held = {
            symbol: (40 + (index * 37 + place * 53) % 160) // (1 + (place + index) % 3)
            for place, symbol in enumerate(_PRICES)
            if symbol != "GLD" or index % 9 == 0
        }
        for symbol, shares in held.items():
            price, qty = Price(_PRICES[symbol] * CENT), Qty(shares * NANO + (index % 4) * 250_000_000)
            value = Money(-(-qty * price // NANO) // CENT * CENT)
            rows.append(f"{number},{client},{symbol},{qty_text(qty)},{price_text(price)},{money_text(value)},ETF")
        cash = Money((400 + (index * 611) % 9_000) * NANO + 37 * CENT)
        rows.append(f"{number},{client},CASH,,,{money_text(cash)},Cash")
    return "\r\n".join(rows) + "\r\n"


def sample_portfolio() -> str:
    """A portfolio as JSON in the API's form, with drift bands and a cash weight."""
    weights = [{"type": "asset", "symbol": symbol, "percent": str(part)} for symbol, part in _WEIGHTS.items()]
    body = {
        "name": "Balanced growth",
        "weights": [*weights, {"type": "cash", "percent": "5"}],
        "cooldown_days": 7,
        "rebalance_conditions": [{"type": "drift_band", "sub_type": "absolute", "percent": "5"}],
    }
    return json.dumps(body, indent=2) + "\n"
