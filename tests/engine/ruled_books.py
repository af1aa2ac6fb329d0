"""Accounts under random rules of every kind, for the tests of the arrays (R-60 to R-67)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

from rebal_tui.domain.accounts import Position
from rebal_tui.domain.portfolios import (
    AssetWeight,
    Condition,
    Destination,
    MinimumTrade,
    PortfolioUpdate,
    RebalanceScope,
    Weights,
)
from rebal_tui.domain.quantities import NANO, Money, Percent, Qty
from rebal_tui.domain.trading_rules import (
    NO_RULES,
    Overrides,
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    Stagger,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.engine.situation import Situation
from tests.engine.array_books import TODAY
from tests.engine.support import asset, at, band, calendar, situation

_OF_LINES = [
    RestrictionKind.NO_SELL,
    RestrictionKind.NO_SELL,
    RestrictionKind.NO_BUY,
    RestrictionKind.LOCK,
    RestrictionKind.RANGE,
    RestrictionKind.UNMANAGED,
]


def roomy_situations(rng: random.Random, accounts: int) -> list[Situation]:
    """Accounts of three portfolios around their targets, far from every threshold, as most accounts of a firm are."""
    now = at(TODAY)
    symbols = [f"R{n:02d}" for n in range(30)]
    assets = {symbol: asset(symbol, str(rng.choice([3.21, 17.4, 88, 251.5, 912.07])), now) for symbol in symbols}
    portfolios = []
    for _ in range(3):
        chosen = rng.sample(symbols, rng.choice([3, 8, 20]))
        parts = sorted(rng.sample(range(100, 9_500), len(chosen) - 1))
        percents = [b - a for a, b in zip([0, *parts], [*parts, 9_500], strict=True)]
        weights = tuple(AssetWeight(s, Percent(p)) for s, p in zip(chosen, percents, strict=True))
        conditions: list[Condition] = [
            band("absolute", "5"), band("relative", "20"), calendar("weekly", rng.choice(["Wednesday", "Friday"])),
            PortfolioUpdate(),
        ]  # fmt: skip
        made = situation(target=Weights(weights, Percent(500)), conditions=conditions, cooldown_days=7)
        portfolios.append(made.portfolio)
    made_accounts = []
    for _ in range(accounts):
        portfolio = rng.choice(portfolios)
        equity = 10 ** rng.uniform(2.5, 7)
        held = []
        for weight in portfolio.weights.assets:
            price = (assets[weight.symbol].price or NANO) / NANO
            worth = equity * weight.percent / 10_000 * rng.lognormvariate(0, 0.08)
            if rng.random() > 0.05:
                held.append(Position(weight.symbol, Qty(max(1, int(worth / price * NANO)))))
        if rng.random() < 0.2:
            held.append(Position("R99", Qty(rng.choice([1, NANO, 7 * NANO]))))
        days = rng.choice([3, 30, 60, 90])
        base = situation(day=TODAY, rebalanced=None if rng.random() < 0.05 else at(TODAY - timedelta(days=days)))
        cash = Money(int(equity * 0.05 * rng.lognormvariate(0, 0.1) * 100) * (NANO // 100))
        made_accounts.append(
            replace(
                base,
                account=replace(base.account, cash=cash, positions=tuple(held)),
                portfolio=portfolio,
                assets=assets | {"R99": asset("R99", "40", now)},
                update_due=rng.random() < 0.1,
                proposed_again=rng.random() < 0.05,
            )
        )
    return made_accounts


def random_rules(rng: random.Random, one: Situation) -> TradingRules:
    """Rules of every kind over the lines of a situation, none in some."""
    if rng.random() < 0.2:
        return NO_RULES
    limits = [_limit(rng, rng.choice(one.needed_symbols)) for _ in range(rng.choice([0, 1, 1, 2, 4]))]
    if rng.random() < 0.1:
        limits.append(_of_book(rng.choice([RestrictionKind.HOLD, RestrictionKind.BUY_ONLY, RestrictionKind.SELL_ONLY])))
    early = rng.random() < 0.2
    sessions = rng.randrange(0, 3)
    stagger = Stagger(sessions, 3, TODAY - timedelta(days=sessions), TODAY + timedelta(days=1 - sessions))
    return TradingRules(
        tuple(limits),
        rng.choice(list(Destination)) if early else Destination.TARGET,
        rng.choice(list(RebalanceScope)) if early else RebalanceScope.WHOLE,
        rng.choice([None, None, None, MinimumTrade(Money(5 * NANO), Percent(100)), MinimumTrade(Money(25 * NANO))]),
        whole_shares=rng.random() < 0.3,
        live=rng.random() < 0.2,
        overrides=rng.choice([None] * 8 + [Overrides(cooldown_days=rng.choice([0, 400]), conditions=())]),
        stagger=stagger if one.portfolio.calendar is not None and rng.random() < 0.2 else None,
    )


def _limit(rng: random.Random, symbol: str) -> TradeRestriction:
    kind = rng.choice(_OF_LINES)
    made = TradeRestriction("", RestrictionScope.ACCOUNT, kind, "because", symbol)
    if kind is not RestrictionKind.RANGE:
        return made
    unit = rng.choice(list(RangeUnit))
    edges = sorted(rng.choice([0, 1, 5, 10, 30, 60, 100]) for _ in range(2))
    scale = 100 if unit is RangeUnit.PERCENT else NANO
    least, most = rng.choice([(edges[0], edges[1]), (None, edges[1]), (edges[0], None)])
    return replace(
        made,
        minimum=None if least is None else least * scale,
        maximum=None if most is None else most * scale,
        unit=unit,
    )


def _of_book(kind: RestrictionKind) -> TradeRestriction:
    return TradeRestriction("", RestrictionScope.BOOK, kind, "because", until=date(2027, 1, 1))
