"""Synthetic books as frames of any size, drawn from a seed without an object per account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Percent, Price
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.arrays.day_context import DayContext, day_context_of
from rebal_tui.engine.arrays.frame import AccountColumns, AssetColumns, BookFrame, PositionColumns
from rebal_tui.engine.situation import Situation

ASSETS = 500
PORTFOLIOS = 50
DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
SESSION = Session(
    DAY,
    datetime(2026, 3, 4, 14, 30, tzinfo=UTC),
    datetime(2026, 3, 4, 21, tzinfo=UTC),
    date(2026, 3, 5),
    date(2026, 3, 5),
)


def portfolios(rng: np.random.Generator, symbols: list[str], width: int) -> list[Portfolio]:
    """Models of `width` assets, 5 % cash, ±5 points and ±25 %, monthly, with a cooldown of one week."""
    made = []
    for number in range(PORTFOLIOS):
        cuts = np.sort(rng.choice(np.arange(1, 9_500 - 100 * width), width - 1, replace=False))
        parts = np.diff(np.concatenate(([0], cuts, [9_500 - 100 * width]))) + 100
        chosen = rng.choice(len(symbols), width, replace=False)
        assets = tuple(AssetWeight(symbols[c], Percent(int(p))) for c, p in zip(chosen, parts, strict=True))
        conditions = (
            DriftBand(BandType.ABSOLUTE, Percent(500)),
            DriftBand(BandType.RELATIVE, Percent(2_500)),
            CalendarCondition(CalendarType.MONTHLY, str(number % 28 + 1)),
        )
        made.append(
            Portfolio(
                f"p{number}", f"Model {number}", "", PortfolioStatus.ACTIVE, Weights(assets, Percent(500)), 7,
                conditions, NOW, NOW, NOW,
            )
        )  # fmt: skip
    return made


def book(accounts: int, width: int = 20, *, spread: float = 0.06, seed: int = 1, listed: int = ASSETS) -> BookFrame:
    """Accounts of $1,000 to $10 million with a lognormal `spread` around their targets; 2 % hold an extra asset."""
    rng = np.random.default_rng(seed)
    symbols = [f"S{number:04d}" for number in range(listed)]
    models = portfolios(rng, symbols, width)
    prices = np.round(np.exp(rng.uniform(np.log(5), np.log(800), listed)), 2)
    price = np.rint(prices * 100).astype(np.int64) * (NANO // 100)
    follows = rng.integers(0, PORTFOLIOS, accounts).astype(np.int32)
    row_of = {symbol: number for number, symbol in enumerate(symbols)}
    asset = np.array([[row_of[a.symbol] for a in m.weights.assets] for m in models], np.int32)[follows]
    weight = np.array([[a.percent for a in m.weights.assets] for m in models], np.float64)[follows] / HUNDRED_PERCENT
    equity = np.exp(rng.uniform(np.log(1e3), np.log(1e7), accounts))
    dollars = equity[:, None] * weight * np.exp(rng.normal(0, spread, weight.shape))
    qty = np.maximum(1, np.rint(dollars / prices[asset] * 1e9)).astype(np.int64)
    cash = np.rint(equity * 0.05 * np.exp(rng.normal(0, 0.05, accounts)) * 100).astype(np.int64) * (NANO // 100)
    besides = np.sort(rng.choice(accounts, accounts // 50, replace=False)).astype(np.int32)
    outside = ((asset[besides].max(axis=1) + 1) % listed).astype(np.int32)
    outside_ok = ~(asset[besides] == outside[:, None]).any(axis=1)
    besides, outside = besides[outside_ok], outside[outside_ok]
    positions = PositionColumns(
        np.concatenate((np.repeat(np.arange(accounts, dtype=np.int32), width), besides)),
        np.concatenate((asset.ravel(), outside)),
        np.concatenate((qty.ravel(), np.full(len(besides), NANO, np.int64))),
    )
    today = DAY.toordinal()
    rebalanced = today - rng.integers(0, 60, accounts).astype(np.int32)
    rebalanced[rng.random(accounts) < 0.01] = -1
    columns = AccountColumns(
        cash=cash,
        reserved=np.zeros(accounts, np.int64),
        cash_floor=np.where(rng.random(accounts) < 0.5, cash, 0),
        portfolio=follows.astype(np.intp),
        rebalanced_on=rebalanced,
        system_run_on=np.where(rng.random(accounts) < 0.01, today, -1).astype(np.int32),
        marks=np.where(rng.random(accounts) < 0.01, 1, 0).astype(np.uint16),
        update_until=np.zeros(accounts, np.int32),
        propose_on=np.zeros(accounts, np.int32),
        unfinished={},
    )
    able = np.ones(listed, np.bool_)
    stamped = np.full(listed, int(NOW.timestamp()) * 1_000_000, np.int64)
    assets = AssetColumns(tuple(symbols), price, stamped, able, able, able)
    return BookFrame.of(columns, positions, assets, models)


def today(frame: BookFrame) -> DayContext:
    """Midday of a session, with every price fresh."""
    return day_context_of(frame, NOW, SESSION)


def situations(frame: BookFrame, rows: Sequence[int]) -> list[Situation]:
    """Some of the accounts as inputs of the exact form, all sharing one set of assets."""
    columns, accounts = frame.assets, frame.accounts
    assets = {
        symbol: Asset(symbol, symbol, symbol, "", AssetStatus.ACTIVE, True, True, Price(int(columns.price[n])), NOW)
        for n, symbol in enumerate(columns.symbols)
    }
    return [_situation(frame, row, assets) for row in rows if accounts.portfolio[row] >= 0]


def _situation(frame: BookFrame, row: int, assets: dict[str, Asset]) -> Situation:
    accounts = frame.accounts
    portfolio = frame.portfolios[accounts.portfolio[row]]
    day = int(accounts.rebalanced_on[row])
    last = datetime.combine(date.fromordinal(day), NOW.timetz()) if day > 0 else None
    status = AccountStatus.ACTIVE if not accounts.marks[row] else AccountStatus.ACCOUNT_CLOSED
    held = tuple(Position(symbol, qty) for symbol, qty in sorted(frame.holdings(row).items()))
    return Situation(
        now=NOW,
        session=SESSION,
        closed_reason="",
        account=Account(str(row), "", "", status, Money(int(accounts.cash[row])), Money(0), frozenset(), held, NOW),
        portfolio=portfolio,
        subscription=Subscription(str(row), str(row), portfolio.id, NOW, last),
        assets=assets,
        reserved=Money(int(accounts.reserved[row])),
        cash_floor=Money(int(accounts.cash_floor[row])),
        quota_run="run" if accounts.system_run_on[row] == DAY.toordinal() else None,
    )
