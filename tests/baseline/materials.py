"""Input of the baseline: a fixed price history and a fixed book, created without the program."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

SYMBOLS = {"SPY": 400, "TLT": 100, "GLD": 180}
FIRST_DAY = date(2024, 1, 2)
DAYS = 300
AS_OF = "2026-11-24T12:00:00-05:00"
LATER = "2026-11-30T15:10:00-05:00"
"""The last session of a month, when calendar conditions fire too."""
DEAD = "OLD"
"""A symbol that stops trading before the history ends."""
ACCOUNTS = 60


def write_closes(path: Path) -> None:
    """Closes of four symbols on 300 weekdays, each a random walk with occasional jumps, with some empty cells."""
    random = Random("baseline closes")
    cents = {symbol: price * 100 for symbol, price in (SYMBOLS | {DEAD: 12}).items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("date", *cents))
        day, written = FIRST_DAY, 0
        while written < DAYS:
            if day.weekday() < 5:
                for symbol in cents:
                    most = 900 if random.random() < 0.02 else 150
                    cents[symbol] = max(100, cents[symbol] * (10_000 + random.randint(-most, most)) // 10_000)
                cells = [f"{c // 100}.{c % 100:02}" if random.random() > 0.003 else "" for c in cents.values()]
                writer.writerow((day.isoformat(), *cells))
                written += 1
            day += timedelta(days=1)


def write_book(path: Path) -> None:
    """A BOOK.json with accounts in every state that matters to an evaluation, and portfolios with every condition."""
    path.write_text(json.dumps(_book(), indent=1) + "\n", encoding="utf-8")


def _book() -> dict[str, Any]:
    random = Random("baseline book")
    portfolios = _portfolios()
    accounts, subscriptions = [], []
    for number in range(ACCOUNTS):
        identity = f"account-{number:02}"
        accounts.append(_account(random, identity, number))
        if number % 11 != 10:
            days = random.choice((None, 1, 5, 6, 7, 8, 20, 40))
            subscription = {"account_id": identity, "portfolio_id": random.choice(portfolios)["id"]}
            last = None if days is None else f"{date(2026, 11, 24) - timedelta(days=days)}T11:00:00-05:00"
            subscriptions.append(subscription | {"last_rebalanced_at": last})
    assets: list[dict[str, Any]] = [{"symbol": symbol, "price": str(price)} for symbol, price in SYMBOLS.items()]
    assets.append({"symbol": DEAD, "price": "12", "tradable": False})
    return {
        "as_of": AS_OF, "assets": assets, "accounts": accounts, "portfolios": portfolios,
        "subscriptions": subscriptions,
    }  # fmt: skip


def _account(random: Random, identity: str, number: int) -> dict[str, Any]:
    equity = random.choice((300, 5_000, 40_000, 1_000_000))
    positions, left = [], float(equity)
    for symbol, price in (*SYMBOLS.items(), (DEAD, 12)):
        worth = equity * random.choice((0, 0.1, 0.3, 0.35, 0.6)) if symbol != DEAD or number % 13 == 0 else 0
        qty = f"{min(worth, left) / price:.{random.choice((0, 3, 9))}f}"
        if float(qty) > 0:
            positions.append({"symbol": symbol, "qty": qty, "avg_entry_price": str(price)})
            left = max(0.0, left - float(qty) * price)
    return {
        "id": identity, "account_number": f"{1000 + number}", "name": f"Client {number}",
        "cash": "-3.5" if number % 17 == 16 else f"{left:.2f}", "positions": positions,
        "status": "INACTIVE" if number % 19 == 18 else "ACTIVE",
        "restrictions": ["trading_blocked"] if number % 14 == 13 else [],
    }  # fmt: skip


def _portfolios() -> list[dict[str, Any]]:
    def weights(cash: str, **percents: str) -> list[dict[str, str]]:
        assets = [{"type": "asset", "symbol": symbol, "percent": percent} for symbol, percent in percents.items()]
        return [{"type": "cash", "percent": cash}, *assets]

    def band(kind: str, percent: str) -> dict[str, str]:
        return {"type": "drift_band", "sub_type": kind, "percent": percent}

    def calendar(kind: str, day: str) -> dict[str, str]:
        return {"type": "calendar", "sub_type": kind, "day": day}

    made = (
        ("bands", weights("5", SPY="60", TLT="35"), [band("absolute", "5"), band("relative", "20")], 7, False),
        ("weekly", weights("2.5", SPY="40", TLT="40", GLD="17.5"), [calendar("weekly", "Tuesday")], 0, False),
        ("monthly", weights("1", SPY="33.33", TLT="33.33", GLD="32.34"), [calendar("monthly", "31")], 5, False),
        ("quarterly", weights("10", GLD="90"), [calendar("quarterly", "1"), band("absolute", "2")], 6, True),
        ("annually", weights("0", SPY="50", TLT="50"), [calendar("annually", "11-24")], 0, False),
        ("dead", weights("5", SPY="90", **{DEAD: "5"}), [band("absolute", "1")], 0, False),
    )
    return [
        {"id": name, "name": name.title(), "weights": held, "rebalance_conditions": conditions,
         "cooldown_days": cooldown, "review": review}
        for name, held, conditions, cooldown, review in made
    ]  # fmt: skip
