"""Rewriting of single responses and events between the sandbox and the program."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from fractions import Fraction
from typing import Any

import httpx

from tests.proxy.calls import Call
from tests.proxy.streams import Delivered

UNKNOWN_ASSET = "9f0c1e52-6a17-4a34-9a2b-6f4f8d2f0c11"
NAMESAKE_ASSET = "0b7b4e0e-3d7e-4f0c-8f3a-5b1f0a9f7d22"


class Rewrite:
    """Changes nothing; the rewrites below override what they change."""

    def request(self, call: Call) -> None:
        """Change a request before the sandbox gets it."""

    def answer(self, call: Call) -> httpx.Response | None:
        """A response in place of the sandbox's, None to ask the sandbox."""
        return None

    def response(self, call: Call, data: Any) -> Any:
        """The JSON of a successful response, changed."""
        return data

    def date(self, at: datetime) -> datetime:
        """The broker's time as the `Date` header shows it."""
        return at

    def holds_back(self, path: str, event: Delivered) -> bool:
        """Whether an event is not delivered while this rewrite lasts."""
        return False

    def event(self, path: str, event: Delivered) -> Delivered:
        """An event, changed."""
        return event


class Renamed(Rewrite):
    """An asset has another symbol everywhere; its id stays."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def request(self, call: Call) -> None:
        call.path = "/".join(self.old if part == self.new else part for part in call.path.split("/"))
        if "symbols" in call.query:
            names = call.query["symbols"].split(",")
            # The broker no longer knows the old symbol.
            kept = [self.old if name == self.new else name for name in names if name != self.old]
            call.query["symbols"] = ",".join(kept)
        if call.body.get("symbol") == self.new:
            call.body["symbol"] = self.old

    def response(self, call: Call, data: Any) -> Any:
        return self._renamed(data)

    def event(self, path: str, event: Delivered) -> Delivered:
        return Delivered(event.id, event.kind, self._renamed(event.data))

    def _renamed(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {
                (self.new if name == self.old else name): (
                    self.new if name == "symbol" and value == self.old else self._renamed(value)
                )
                for name, value in data.items()
            }
        return [self._renamed(item) for item in data] if isinstance(data, list) else data


class Namesake(Rewrite):
    """An inactive asset with the symbol of an active one, listed after it."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def response(self, call: Call, data: Any) -> Any:
        if call.path != "/v1/assets":
            return data
        living = next(asset for asset in data if asset["symbol"] == self.symbol)
        dead = {"id": NAMESAKE_ASSET, "name": "Dead namesake", "status": "inactive", "tradable": False}
        return [*data, living | dead]


class _Positions(Rewrite):
    """Changes positions, whether asked by account or for all accounts."""

    def positions(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An account's rows, changed."""
        raise NotImplementedError

    def response(self, call: Call, data: Any) -> Any:
        if call.path == "/v1/accounts/positions":
            changed = {account_id: self.positions(account_id, rows) for account_id, rows in data["positions"].items()}
            return data | {"positions": changed}
        parts = call.path.split("/")
        if len(parts) == 6 and parts[5] == "positions":
            return self.positions(parts[4], data)
        return data


class PositionAway(_Positions):
    """A position is missing, in one account or (None) in all."""

    def __init__(self, symbol: str, account_id: str | None = None) -> None:
        self.symbol, self.account_id = symbol, account_id

    def positions(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.account_id not in (None, account_id):
            return rows
        return [row for row in rows if row["symbol"] != self.symbol]


class UnknownPosition(_Positions):
    """An account has shares of an asset that the broker does not list, worth `value` dollars."""

    def __init__(self, account_id: str, symbol: str = "NEWCO") -> None:
        self.account_id, self.symbol = account_id, symbol

    def positions(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if account_id != self.account_id or not rows:
            return rows
        return [*rows, _of_qty(rows[0], Fraction(100)) | {"symbol": self.symbol, "asset_id": UNKNOWN_ASSET}]


class TwoRows(_Positions):
    """The shares of one symbol are in two rows."""

    def __init__(self, account_id: str, symbol: str) -> None:
        self.account_id, self.symbol = account_id, symbol

    def positions(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if account_id != self.account_id:
            return rows
        made = []
        for row in rows:
            if row["symbol"] != self.symbol:
                made.append(row)
                continue
            part = Fraction(row["qty"]) / 4
            quarter = _decimal(Fraction(int(part * 10**9), 10**9))
            made += [_of_qty(row, Fraction(row["qty"]) - Fraction(quarter)), _of_qty(row, Fraction(quarter))]
        return made


class Shares(_Positions):
    """Shares of one symbol are multiplied by a ratio in every account, as before or after a split."""

    def __init__(self, symbol: str, ratio: Fraction) -> None:
        self.symbol, self.ratio = symbol, ratio

    def positions(self, account_id: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            _of_qty(row, Fraction(row["qty"]) * self.ratio) if row["symbol"] == self.symbol else row for row in rows
        ]


class PriceOf(Rewrite):
    """The price of one symbol is multiplied by a ratio."""

    def __init__(self, symbol: str, ratio: Fraction) -> None:
        self.symbol, self.ratio = symbol, ratio

    def response(self, call: Call, data: Any) -> Any:
        if not call.is_data or self.symbol not in data:
            return data
        trade = data[self.symbol]["latestTrade"]
        price = _decimal(Fraction(str(trade["p"])) * self.ratio)
        return data | {self.symbol: {"latestTrade": trade | {"p": float(price)}}}


class PricesAt(Rewrite):
    """Prices, all or those of some symbols, have a time `behind` ago, or in the future if `behind` is negative."""

    def __init__(self, behind: timedelta, symbols: frozenset[str] | None = None) -> None:
        self.behind, self.symbols = behind, symbols

    def response(self, call: Call, data: Any) -> Any:
        if not call.is_data:
            return data
        return {
            symbol: {"latestTrade": snapshot["latestTrade"] | {"t": _text(call.at - self.behind)}}
            if self.symbols is None or symbol in self.symbols
            else snapshot
            for symbol, snapshot in data.items()
        }


class EventsHeldBack(Rewrite):
    """Events of one symbol are late: those of corporate actions, not those of orders."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def holds_back(self, path: str, event: Delivered) -> bool:
        return "trades" not in path and self.symbol in json.dumps(event.data)


class Unreadable(Rewrite):
    """The trading account of one account cannot be read."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id

    def response(self, call: Call, data: Any) -> Any:
        if call.path == f"/v1/trading/accounts/{self.account_id}/account":
            return data | {"cash": "n/a"}
        return data


class NotAllowed(Rewrite):
    """401 for every request about one account, as for an account that the key may not see."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id

    def answer(self, call: Call) -> httpx.Response | None:
        if self.account_id not in call.path:
            return None
        return httpx.Response(401, json={"code": 40110000, "message": "request is not authorized"})


class JournalsInV2(Rewrite):
    """An executed journal reads `activity_created`, which comes after `executed` and is final."""

    def response(self, call: Call, data: Any) -> Any:
        if not call.path.startswith("/v1/journals") or call.is_write:
            return data
        return [_created(one) for one in data] if isinstance(data, list) else _created(data)

    def event(self, path: str, event: Delivered) -> Delivered:
        if "journals" not in path or event.data.get("status_to") != "executed":
            return event
        return Delivered(event.id, event.kind, event.data | {"status_to": "activity_created"})


class JournalReversed(Rewrite):
    """An executed journal reads `correct`: the money has come back."""

    def __init__(self, journal_id: str) -> None:
        self.journal_id = journal_id

    def response(self, call: Call, data: Any) -> Any:
        if call.is_write or not call.path.startswith("/v1/journals"):
            return data
        if isinstance(data, list):
            return [one | {"status": "correct"} if one["id"] == self.journal_id else one for one in data]
        return data | {"status": "correct"} if data["id"] == self.journal_id else data


class NoStreams(Rewrite):
    """Every event stream is refused with 404."""

    def answer(self, call: Call) -> httpx.Response | None:
        if "/events/" not in call.path:
            return None
        return httpx.Response(404, json={"code": 40410000, "message": "endpoint not found"})


class OtherClock(Rewrite):
    """The broker's clock is ahead of the true time by `ahead`: in the `Date` header and in its clock."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def response(self, call: Call, data: Any) -> Any:
        if call.path != "/v1/clock":
            return data
        return data | {"timestamp": (datetime.fromisoformat(data["timestamp"]) + self.ahead).isoformat()}

    def date(self, at: datetime) -> datetime:
        return at + self.ahead


def date_header(at: datetime) -> str:
    """A time as the `Date` header has it."""
    return format_datetime(at, usegmt=True)


def _created(journal: dict[str, Any]) -> dict[str, Any]:
    return journal | {"status": "activity_created"} if journal["status"] == "executed" else journal


def _of_qty(row: dict[str, Any], qty: Fraction) -> dict[str, Any]:
    text = _decimal(qty)
    return row | {"qty": text, "qty_available": text}


def _decimal(value: Fraction) -> str:
    """A decimal with at most nine decimal places, truncated."""
    nano = value.numerator * 10**9 // value.denominator
    whole, rest = divmod(nano, 10**9)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
