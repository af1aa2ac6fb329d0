"""Books for the array tests: frames built from situations, so that the exact engine can verify every account."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Condition, Portfolio, PortfolioStatus, PortfolioUpdate, Unfinished
from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trading_rules import NO_RULES
from rebal_tui.engine.arrays.frame import (
    NEVER,
    AccountColumns,
    BookFrame,
    Mark,
    PositionColumns,
    assets_of,
)
from rebal_tui.engine.situation import Situation
from tests.engine.support import asset, at, band, calendar, holdings_of, nanos, random_book, situation, weights_of

TODAY = date(2026, 3, 4)


def account_marks(account: Account, *, open_run: bool = False, external_orders: bool = False) -> int:
    """The `Mark` bits of an account; `open_run` and `external_orders` are whether it has a run or external orders."""
    marks = 0 if account.status is AccountStatus.ACTIVE else int(Mark.NOT_ACTIVE)
    for restriction in account.restrictions:
        marks |= Mark[restriction.name]
    return marks | (Mark.OPEN_RUN if open_run else 0) | (Mark.EXTERNAL_ORDERS if external_orders else 0)


def frame_of(situations: Sequence[Situation]) -> BookFrame:
    """The accounts of situations with the same timestamp and assets, in order."""
    first = situations[0]
    portfolios = list({id(s.portfolio): s.portfolio for s in situations}.values())
    row_of = {id(portfolio): number for number, portfolio in enumerate(portfolios)}
    needed = {symbol for s in situations for symbol in s.portfolio.weights.symbols}
    needed |= {position.symbol for s in situations for position in s.account.positions}
    assets = assets_of(first.assets, needed)
    number = {symbol: n for n, symbol in enumerate(assets.symbols)}
    today = new_york_day(first.now).toordinal()
    rebalanced = [s.subscription.last_rebalanced_at for s in situations]
    marks = [
        account_marks(s.account, open_run=s.open_run is not None, external_orders=bool(s.external_orders))
        for s in situations
    ]
    accounts = AccountColumns(
        cash=np.array([s.account.cash for s in situations], np.int64),
        reserved=np.array([s.reserved for s in situations], np.int64),
        cash_floor=np.array([s.cash_floor for s in situations], np.int64),
        portfolio=np.array([row_of[id(s.portfolio)] for s in situations], np.intp),
        rebalanced_on=np.array([new_york_day(r).toordinal() if r else NEVER for r in rebalanced], np.int32),
        system_run_on=np.array([today if s.quota_run else NEVER for s in situations], np.int32),
        marks=np.array(marks, np.uint16),
        update_until=np.array([today if s.update_due else 0 for s in situations], np.int32),
        propose_on=np.array([today if s.proposed_again else 0 for s in situations], np.int32),
        unfinished={row: s.unfinished for row, s in enumerate(situations) if s.unfinished},
        rules={row: s.rules for row, s in enumerate(situations) if s.rules != NO_RULES},
    )
    held = [(row, number[p.symbol], p.qty) for row, s in enumerate(situations) for p in s.account.positions]
    columns = list(zip(*held, strict=True)) or [(), (), ()]
    positions = PositionColumns(
        np.array(columns[0], np.int32), np.array(columns[1], np.int32), np.array(columns[2], np.int64)
    )
    return BookFrame.of(accounts, positions, assets, portfolios)


def random_situations(rng: random.Random, accounts: int) -> list[Situation]:
    """Accounts of very different size, state and portfolio, each with its own assets and prices."""
    made = [_random_situation(rng, number) for number in range(accounts)]
    assets: dict[str, Asset] = {}
    for one in made:
        assets.update(one.assets)
    return [replace(one, assets=assets) for one in made]


def _random_situation(rng: random.Random, number: int) -> Situation:
    book = random_book(rng)
    state, target = holdings_of(book), weights_of(book)

    def own(symbol: str) -> str:
        return f"{number:05d}.{symbol}"

    target = replace(target, assets=tuple(replace(w, symbol=own(w.symbol)) for w in target.assets))
    bands: list[Condition] = [
        band(rng.choice(["absolute", "relative"]), rng.choice(["0.01", "0.5", "5", "10", "20", "100"]))
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))
    ]
    if rng.random() < 0.4:
        bands.append(calendar("weekly", rng.choice(["Wednesday", "Friday"])))
    if rng.random() < 0.3:
        bands.append(PortfolioUpdate())
    base = situation(
        target=target,
        conditions=bands,
        cooldown_days=rng.choice([0, 7]),
        rebalanced=rng.choice([None, *(at(TODAY - timedelta(days=days)) for days in (1, 6, 7, 8, 30))]),
        day=TODAY,
        portfolio_status=rng.choice([PortfolioStatus.ACTIVE] * 19 + [PortfolioStatus.INACTIVE]),
        account_status=rng.choice([AccountStatus.ACTIVE] * 19 + [AccountStatus.ACCOUNT_CLOSED]),
        restrictions=[rng.choice(list(Restriction))] if rng.random() < 0.05 else [],
    )
    assets = {}
    for symbol, one in state.assets.items():
        age = timedelta(seconds=rng.choice([61, -31]) if rng.random() < 0.01 else rng.choice([0, 60, -30]))
        price = None if rng.random() < 0.01 else one.price
        fractionable = rng.random() > 0.02
        assets[own(symbol)] = replace(
            one, symbol=own(symbol), price=price, price_at=base.now - age, fractionable=fractionable
        )
    if rng.random() < 0.02:
        assets.pop(rng.choice(list(assets)))
    factor = rng.choice([1, 1, 1, 1, 1000])
    held = tuple(Position(own(s), Qty(min(q * factor, MAX_NANO))) for s, q in state.positions.items() if q > 0)
    return replace(
        base,
        account=replace(
            base.account, cash=Money(max(-MAX_NANO, min(nanos(book.cash) * factor, MAX_NANO))), positions=held
        ),
        assets=assets,
        reserved=Money(nanos(book.reserved)),
        cash_floor=Money(rng.choice([0, 0, 10**9, abs(nanos(book.cash)) // 2])),
        open_run="r" if rng.random() < 0.03 else None,
        external_orders=1 if rng.random() < 0.03 else 0,
        quota_run="q" if rng.random() < 0.03 else None,
        **_pending(rng, base, [position.symbol for position in held]),
    )


def _pending(rng: random.Random, base: Situation, held: Sequence[str]) -> dict[str, Any]:
    """Undone sells of some holdings, and a change of the portfolio that is due."""
    undone = tuple(symbol for symbol in held if rng.random() < 0.3) if rng.random() < 0.15 else ()
    traded = rng.choice([None, at(TODAY - timedelta(days=3)), at(TODAY - timedelta(days=30))])
    return {
        "unfinished": Unfinished(undone, traded) if undone else None,
        "update_due": base.portfolio.on_update and rng.random() < 0.5,
        "proposed_again": rng.random() < 0.1,
    }


def tied_situations(rng: random.Random, accounts: int) -> list[Situation]:
    """Accounts of a few portfolios over shared assets, many of them exactly on a threshold or one unit off.

    Prices are whole dollars, holdings whole hundredths of a percent of the equity, so that ties are exact.
    """
    symbols = [f"T{n:02d}" for n in range(24)]
    now = at(TODAY)
    assets = {symbol: replace(asset(symbol, str(rng.choice([1, 2, 5, 10, 20, 50])), now)) for symbol in symbols}
    portfolios = [_tied_portfolio(rng, symbols) for _ in range(6)]
    return [_tied_situation(rng, rng.choice(portfolios), assets, symbols) for _ in range(accounts)]


def _tied_portfolio(rng: random.Random, symbols: Sequence[str]) -> Portfolio:
    count = rng.choice([1, 2, 2, 4, 10, 20])
    cash = rng.choice([0, 0, 500])
    each = (10_000 - cash) // count
    percents = [each] * (count - 1) + [10_000 - cash - each * (count - 1)]
    chosen = rng.sample(symbols, count)
    conditions = [
        band("absolute", rng.choice(["0.5", "1", "5"])),
        band("relative", rng.choice(["5", "10", "20", "25"])),
        calendar("weekly", rng.choice(["Wednesday", "Friday", "Friday"])),
        PortfolioUpdate(),
    ]
    target = situation().portfolio.weights
    shares = tuple(replace(target.assets[0], symbol=s, percent=p) for s, p in zip(chosen, percents, strict=True))  # type: ignore[arg-type]
    made = situation(target=replace(target, assets=shares, cash=cash), conditions=rng.sample(conditions, 2))  # type: ignore[arg-type]
    return made.portfolio


def _tied_situation(
    rng: random.Random, portfolio: Portfolio, assets: dict[str, Asset], symbols: Sequence[str]
) -> Situation:
    equity = rng.choice([100, 1_000, 100_000, 10**6, 10**9]) * 10**9
    limits = [0, 0, 0, 0]
    for b in portfolio.bands:
        limits += [int(b.percent), -int(b.percent)]
    held: dict[str, int] = {}
    for weight in portfolio.weights.assets:
        relative = [limit * weight.percent // 10_000 for limit in limits]
        share = weight.percent + rng.choice([0, 0, 0, rng.choice(limits), rng.choice(relative)])
        price = assets[weight.symbol].price or Price(1)
        held[weight.symbol] = max(0, equity // 10_000 * share * 10**9 // price)
    cash = equity - sum(q * (assets[s].price or 0) // 10**9 for s, q in held.items())
    if rng.random() < 0.3 and held:
        symbol = rng.choice(list(held))
        held[symbol] = max(0, held[symbol] + rng.choice([-1, 1]))
    if rng.random() < 0.1:
        symbol = rng.choice([s for s in symbols if s not in held])
        held[symbol] = rng.choice([1, 10**9, 50 * 10**9])
    floor = 0
    if rng.random() < 0.3:
        keep = equity * portfolio.weights.cash // 10_000
        cash = keep + 10 * 10**9 + rng.choice([-1, 0, 1, 0])
    elif rng.random() < 0.2:
        invested = sum(q * (assets[s].price or 0) for s, q in held.items()) // 10**9
        cash = -invested * 5 // 6 + rng.choice([-1, 0, 1])
    elif rng.random() < 0.1:
        held = {}
        cash = rng.choice([0, 1, len(portfolio.weights.assets) * 10**9 + rng.choice([-1, 0, 1])])
    elif rng.random() < 0.1:
        floor = max(0, cash - 10 * 10**9 + rng.choice([-1, 0, 1]))
    base = situation(day=TODAY, rebalanced=rng.choice([None, at(TODAY - timedelta(days=3)), at(date(2026, 1, 5))]))
    return replace(
        base,
        account=replace(
            base.account, cash=Money(cash), positions=tuple(Position(s, Qty(q)) for s, q in held.items() if q > 0)
        ),
        portfolio=portfolio,
        assets=assets,
        cash_floor=Money(floor),
        **_pending(rng, replace(base, portfolio=portfolio), list(held)),
    )
