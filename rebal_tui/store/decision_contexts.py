"""Inputs shared by all decisions of one evaluation pass: session, rules, prices, assets, portfolios."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.store import blobs
from rebal_tui.store.codec import dump, from_time, from_weights, to_time, to_time_or_none, to_weights
from rebal_tui.store.condition_values import condition_of, condition_values
from rebal_tui.store.database import Database, Transaction

EDITION = 3
"""Edition of the rules by which the engine decides. An earlier edition may have decided otherwise."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What all decisions at one time share: session, prices, assets (only fields that decisions use), portfolios.

    `closed_reason` is why the day has no session, empty if it has one. `symbols` is the symbol of every asset in the
    file by asset key. `edition` is the version number of the rules by which the engine decided.
    """

    at: datetime
    session: Session | None
    closed_reason: str
    price_max_age: timedelta | None
    quarterly_months: frozenset[int]
    assets: Mapping[str, Asset]
    symbols: Mapping[int, str]
    portfolios: Mapping[str, Portfolio]
    edition: int = EDITION

    def relabeled(self, labels: Mapping[int, str]) -> DecisionContext:
        """The same context with other labels of its assets (R-50), given by asset key.

        Its portfolios keep the labels of their time.
        """
        if all(labels.get(key, symbol) == symbol for key, symbol in self.symbols.items()):
            return self
        symbols = {key: labels.get(key, symbol) for key, symbol in self.symbols.items()}
        assets = {symbols[key]: replace(self.assets[old], symbol=symbols[key]) for key, old in self.symbols.items()}
        return replace(self, assets=assets, symbols=symbols)


def symbol_keys(database: Database) -> dict[str, int]:
    """The integer key of every asset, by its label (R-50)."""
    return {symbol: key for key, symbol in database.rows("SELECT key, symbol FROM assets")}


def put(
    tx: Transaction, at: datetime, session: Session | None, closed_reason: str, price_max_age: timedelta | None,
    quarterly_months: frozenset[int], assets: Mapping[str, Asset], portfolios: Mapping[str, Portfolio],
) -> int:  # fmt: skip
    """Store a decision context, unless an equal one is stored already, and return its key."""
    keys = symbol_keys(tx.database)
    known = sorted((keys[symbol], asset) for symbol, asset in assets.items() if symbol in keys)
    header = {
        "session": None if session is None else _session_values(session),
        "closed": closed_reason,
        "edition": EDITION,
        "price_max_age": None if price_max_age is None else price_max_age // _MICROSECOND,
        "quarterly_months": sorted(quarterly_months),
    }
    values = (
        to_time(at),
        blobs.put(tx, dump(header)),
        blobs.put(tx, dump([[key, *_asset_values(asset)] for key, asset in known])),
        blobs.put(
            tx,
            dump([[key, a.price, to_time_or_none(a.price_at)] for key, a in known if a.price is not None]),
        ),
        blobs.put(tx, dump([_portfolio_values(portfolio) for portfolio in portfolios.values()])),
    )
    connection = tx.database.connection
    connection.execute(
        "INSERT INTO contexts (at, moment, assets, prices, portfolios) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        values,
    )
    found = connection.execute(
        "SELECT key FROM contexts WHERE at = ? AND moment = ? AND assets = ? AND prices = ? AND portfolios = ?", values
    ).fetchone()
    return int(found[0])


def get(database: Database, key: int) -> DecisionContext:
    """A decision context by its key. Raises `ValueError` when it is missing or does not match its digests."""
    row = database.row("SELECT at, moment, assets, prices, portfolios FROM contexts WHERE key = ?", (key,))
    if row is None:
        raise ValueError(f"context {key} is missing")
    header = json.loads(blobs.text(database, row[1]))
    age = header["price_max_age"]
    assets, symbols = _assets(blobs.text(database, row[2]), blobs.text(database, row[3]))
    return DecisionContext(
        at=from_time(row[0]),
        session=None if header["session"] is None else _session(header["session"]),
        closed_reason=header["closed"],
        price_max_age=None if age is None else timedelta(microseconds=age),
        quarterly_months=frozenset(header["quarterly_months"]),
        assets=assets,
        symbols=symbols,
        portfolios=_portfolios(blobs.text(database, row[4])),
        edition=header.get("edition", 1),
    )


def session_prices(database: Database) -> dict[date, dict[str, Price]]:
    """The prices of the last context of each New York day, by day ascending, each by its asset's present symbol."""
    last = {
        new_york_day(from_time(at)): prices
        for at, prices in database.rows("SELECT at, prices FROM contexts ORDER BY at, key")
    }
    symbols = {key: symbol for symbol, key in symbol_keys(database).items()}
    found = {}
    for day, prices in last.items():
        quotes = json.loads(blobs.text(database, prices))
        found[day] = {symbols[key]: Price(price) for key, price, _ in quotes if key in symbols}
    return found


def _session_values(session: Session) -> list[str | int | None]:
    next_day = session.next_day.isoformat() if session.next_day else None
    times = (to_time(session.open), to_time(session.close))
    return [session.day.isoformat(), *times, session.settles_on.isoformat(), next_day]


def _session(raw: list[str | int | None]) -> Session:
    day, opens, closes, settles_on, next_day = raw
    return Session(
        date.fromisoformat(str(day)), from_time(int(opens or 0)), from_time(int(closes or 0)),
        date.fromisoformat(str(settles_on)), None if next_day is None else date.fromisoformat(str(next_day)),
    )  # fmt: skip


def _asset_values(asset: Asset) -> tuple[str, str, int, int]:
    return asset.symbol, asset.status.value, int(asset.tradable), int(asset.fractionable)


@lru_cache(maxsize=8)
def _assets(states: str, prices: str) -> tuple[Mapping[str, Asset], Mapping[int, str]]:
    quotes = {key: (price, at) for key, price, at in json.loads(prices)}
    assets, symbols = {}, {}
    for key, symbol, status, tradable, fractionable in json.loads(states):
        price, at = quotes.get(key, (None, None))
        symbols[key] = symbol
        assets[symbol] = Asset(
            "", symbol, "", "", AssetStatus(status), bool(tradable), bool(fractionable),
            None if price is None else Price(price), None if at is None else from_time(at),
        )  # fmt: skip
    return MappingProxyType(assets), MappingProxyType(symbols)


def _portfolio_values(portfolio: Portfolio) -> list[object]:
    return [
        portfolio.id, portfolio.name, portfolio.status.value, to_weights(portfolio.weights), portfolio.cooldown_days,
        [condition_values(condition) for condition in portfolio.conditions], to_time(portfolio.created_at),
        to_time(portfolio.updated_at), int(portfolio.review), to_time(portfolio.changed_at),
    ]  # fmt: skip


@lru_cache(maxsize=8)
def _portfolios(text: str) -> Mapping[str, Portfolio]:
    # Contexts of earlier versions have no `changed_at`.
    return MappingProxyType(
        {
            identity: Portfolio(
                identity, name, "", PortfolioStatus(status), from_weights(weights), cooldown,
                tuple(condition_of(*condition) for condition in conditions), from_time(created_at),
                from_time(updated_at), from_time(changed_at[0] if changed_at else updated_at), bool(review),
            )
            for (
                identity, name, status, weights, cooldown, conditions, created_at, updated_at, review, *changed_at,
            ) in json.loads(text)
        }
    )  # fmt: skip
