"""Random portfolios and accounts, deliberately near the limits of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from random import Random

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    Weights,
)
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Percent, Qty
from tests.reliability.market import START_PRICES, SYMBOLS, Swarm

CALENDARS = (
    CalendarCondition(CalendarType.WEEKLY, "Monday"),
    CalendarCondition(CalendarType.WEEKLY, "Friday"),
    CalendarCondition(CalendarType.MONTHLY, "1"),
    CalendarCondition(CalendarType.MONTHLY, "31"),
    CalendarCondition(CalendarType.QUARTERLY, "15"),
    CalendarCondition(CalendarType.ANNUALLY, "02-29"),
)


def weights(random: Random, still: bool, listed: Sequence[str] = SYMBOLS) -> Weights:
    """Percentages that sum to 100: halves and quarters in a still market, arbitrary otherwise."""
    count = random.randint(1, 4)
    symbols = random.sample(listed, count)
    if still:
        shares = {1: (10_000,), 2: (5_000, 5_000), 3: (5_000, 2_500, 2_500), 4: (2_500,) * 4}[count]
        return Weights(tuple(AssetWeight(s, Percent(p)) for s, p in zip(symbols, shares, strict=True)))
    cash = random.choice((0, 0, 1, 500, 2_000))
    cuts = sorted(random.sample(range(1, HUNDRED_PERCENT - cash), count - 1))
    ends = [0, *cuts, HUNDRED_PERCENT - cash]
    shares = tuple(b - a for a, b in pairwise(ends))
    return Weights(tuple(AssetWeight(s, Percent(p)) for s, p in zip(symbols, shares, strict=True)), Percent(cash))


def conditions(random: Random, still: bool) -> tuple[Condition, ...]:
    """Bands and at most one calendar day; in a still market, bands that a deposit of a quarter meets exactly."""
    chosen: list[Condition] = []
    if still:
        bands = (DriftBand(BandType.ABSOLUTE, Percent(1_000)), DriftBand(BandType.RELATIVE, Percent(2_000)))
        chosen.append(random.choice(bands))
    else:
        chosen += [
            DriftBand(kind, Percent(random.choice((1, 100, 500, 2_000)))) for kind in BandType if random.random() < 0.5
        ]
    if random.random() < (0.2 if still else 0.5):
        chosen.append(random.choice(CALENDARS))
    return tuple(chosen)


def portfolio(random: Random, identity: str, swarm: Swarm, at: datetime) -> Portfolio:
    cooldown = random.choice((0, 0, 1, 7, 30))
    review = "review" in swarm.enabled and random.random() < 0.5
    return Portfolio(
        identity, identity.upper(), "", PortfolioStatus.ACTIVE, weights(random, swarm.still), cooldown,
        conditions(random, swarm.still), at, at, at, review,
    )  # fmt: skip


def account(random: Random, identity: str, follows: Portfolio, swarm: Swarm, at: datetime) -> Account:
    """An account that is exactly on target, holds some of everything, or is almost empty."""
    positions: dict[str, int] = {}
    cash = random.choice((0, NANO // 2, 10 * NANO, 20_000 * NANO, 987_654_321_012_345))
    if swarm.still or random.random() < 0.3:
        equity = random.choice((10_000, 40_000, 160_000))
        for weight in follows.weights.assets:
            positions[weight.symbol] = equity * weight.percent * NANO // HUNDRED_PERCENT // START_PRICES[weight.symbol]
        cash = equity * follows.weights.cash * NANO // HUNDRED_PERCENT
    elif random.random() < 0.7:
        for symbol in random.sample(SYMBOLS, random.randint(0, 4)):
            positions[symbol] = random.choice((1, NANO, 100 * NANO, random.randrange(1, 200 * NANO)))
    held = tuple(Position(s, Qty(q)) for s, q in sorted(positions.items()) if q)
    return Account(
        identity, f"N-{identity}", f"Client {identity}", AccountStatus.ACTIVE, Money(cash), Money(0), frozenset(),
        held, at,
    )  # fmt: skip
