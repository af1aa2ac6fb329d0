"""Situations and books for the engine tests, and conversions between the oracle's fractions and exact integers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import (
    HUNDRED_PERCENT,
    NANO,
    Money,
    Percent,
    Price,
    Qty,
    parse_money,
    parse_percent,
    parse_price,
    parse_qty,
)
from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.situation import Situation
from tests.engine.oracle import Book

MIDDAY = time(12, 0)
BORN = datetime(2026, 1, 2, 15, tzinfo=UTC)


def weights(cash: str = "0", **assets: str) -> Weights:
    return Weights(tuple(AssetWeight(s, parse_percent(p)) for s, p in assets.items()), parse_percent(cash))


def asset(symbol: str, price: str | None = "100", at: datetime | None = None, **changes: bool | AssetStatus) -> Asset:
    made = Asset(
        id=f"id-{symbol}",
        symbol=symbol,
        name=symbol,
        exchange="ARCA",
        status=AssetStatus.ACTIVE,
        tradable=True,
        fractionable=True,
        price=parse_price(price) if price is not None else None,
        price_at=at,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def holdings(
    cash: str, positions: Mapping[str, str], prices: Mapping[str, str], *, reserved: str = "0", dead: Iterable[str] = ()
) -> Holdings:
    assets = {symbol: asset(symbol, price) for symbol, price in prices.items()}
    for symbol in dead:
        assets[symbol] = replace(assets[symbol], status=AssetStatus.INACTIVE)
    return Holdings(
        Money(parse_money(cash) - parse_money(reserved)), {s: parse_qty(q) for s, q in positions.items()}, assets
    )


def band(kind: str, percent: str) -> DriftBand:
    return DriftBand(BandType(kind), parse_percent(percent))


def calendar(kind: str, day: str) -> CalendarCondition:
    return CalendarCondition(CalendarType(kind), day)


def session_on(day: date, next_day: date | None = None, close: time = time(16)) -> Session:
    following = day + timedelta(days=1) if next_day is None else next_day
    return Session(
        day=day,
        open=datetime.combine(day, time(9, 30), NEW_YORK),
        close=datetime.combine(day, close, NEW_YORK),
        settles_on=following,
        next_day=following,
    )


def at(day: date, time_of_day: time = MIDDAY) -> datetime:
    return datetime.combine(day, time_of_day, NEW_YORK)


def situation(
    *,
    cash: str = "0",
    positions: Mapping[str, str] | None = None,
    prices: Mapping[str, str] | None = None,
    target: Weights | None = None,
    conditions: Iterable[Condition] = (),
    cooldown_days: int = 0,
    rebalanced: datetime | None = BORN,
    day: date = date(2026, 3, 4),
    next_day: date | None = None,
    time_of_day: time = MIDDAY,
    restrictions: Iterable[Restriction] = (),
    account_status: AccountStatus = AccountStatus.ACTIVE,
    portfolio_status: PortfolioStatus = PortfolioStatus.ACTIVE,
    reserved: str = "0",
    cash_floor: str = "0",
) -> Situation:
    """A subscription of an unrestricted account to an active portfolio at noon of a session, every price fresh."""
    now = at(day, time_of_day)
    quotes = {"SPY": "100", "TLT": "100"} if prices is None else prices
    return Situation(
        now=now,
        session=session_on(day, next_day),
        closed_reason="",
        account=Account(
            id="account",
            account_number="1",
            name="Client",
            status=account_status,
            cash=parse_money(cash),
            unsettled=Money(0),
            restrictions=frozenset(restrictions),
            positions=tuple(Position(s, parse_qty(q)) for s, q in (positions or {}).items()),
            created_at=BORN,
        ),
        portfolio=Portfolio(
            id="portfolio",
            name="Balanced",
            description="",
            status=portfolio_status,
            weights=weights("5", SPY="60", TLT="35") if target is None else target,
            cooldown_days=cooldown_days,
            conditions=tuple(conditions),
            created_at=BORN,
            updated_at=BORN,
            changed_at=BORN,
        ),
        subscription=Subscription("subscription", "account", "portfolio", BORN, rebalanced),
        assets={symbol: asset(symbol, price, now) for symbol, price in quotes.items()},
        reserved=parse_money(reserved),
        cash_floor=parse_money(cash_floor),
    )


def nanos(amount: Fraction) -> int:
    """Billionths of a fraction that holds them exactly."""
    units = amount * NANO
    assert units.denominator == 1
    return units.numerator


def holdings_of(book: Book) -> Holdings:
    assets = {}
    for symbol in {*book.weights, *book.positions}:
        price = book.prices.get(symbol)
        assets[symbol] = replace(
            asset(symbol, None),
            price=None if price is None else Price(nanos(price)),
            status=AssetStatus.INACTIVE if symbol in book.inactive else AssetStatus.ACTIVE,
            tradable=symbol not in book.closing_only,
            fractionable=symbol not in book.unfractionable,
        )
    return Holdings(
        Money(nanos(book.free)),
        {symbol: Qty(nanos(qty)) for symbol, qty in book.positions.items()},
        assets,
    )


def weights_of(book: Book) -> Weights:
    return Weights(
        tuple(AssetWeight(s, Percent(int(w * HUNDRED_PERCENT))) for s, w in book.weights.items()),
        Percent(int(book.cash_weight * HUNDRED_PERCENT)),
    )


def executed(start: Holdings, plan: Plan) -> Holdings:
    """The account after every order of a plan has filled at the plan's prices.

    As the broker books it: proceeds of a sell rounded down to a billionth, a buy costs its notional and brings the
    shares that its notional pays for, rounded down to a billionth.
    """
    cash = int(start.cash)
    positions = dict(start.positions)
    for line in plan.sells:
        assert line.price is not None
        assert line.qty is not None
        cash += line.qty * line.price // NANO
        positions[line.symbol] = Qty(positions[line.symbol] - line.qty)
    for line in plan.buys:
        assert line.price is not None
        assert line.notional is not None
        cash -= line.notional
        bought = line.notional * NANO // line.price
        positions[line.symbol] = Qty(positions.get(line.symbol, Qty(0)) + bought)
    return Holdings(Money(cash), {s: q for s, q in positions.items() if q}, start.assets)


def worth(state: Holdings) -> int:
    """Cash and positions in billionths of a billionth of a dollar."""
    prices = state.prices
    return state.cash * NANO + sum(qty * prices[s] for s, qty in state.positions.items() if s in prices)


SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 8, 11, 11, 25, 40)


def random_book(rng: random.Random, *, dead: bool = True, reserved: bool = True, sizes: Sequence[int] = SIZES) -> Book:
    """A book biased to the edges: tiny accounts and weights, near-target values, inactive and foreign positions."""
    count = rng.choice(sizes)
    symbols = rng.sample([f"S{n:02d}" for n in range(60)] + ["A", "AB", "B"], count + 3)
    own, foreign = symbols[:count], symbols[count:]
    parts = _percents(rng, count)
    cash_weight, percents = parts[0], parts[1:]
    prices = {symbol: _price(rng) for symbol in symbols}
    scale = rng.choice([1, 5, 12, 12, 50, 500, 10_000, 1_000_000, 250_000_000])
    positions: dict[str, Fraction] = {}
    on_target = rng.random() < 0.3
    for symbol, percent in zip(own, percents, strict=True):
        if rng.random() < 0.2:
            continue
        factor = Fraction(1) if on_target else Fraction(rng.choice([0, 1, 5, 9, 10, 10, 10, 11, 15, 30]), 10)
        jitter = Fraction(rng.choice([-2, -1, 0, 0, 1, 2]), 100)
        worth_ = max(Fraction(0), scale * Fraction(percent, HUNDRED_PERCENT) * factor + jitter)
        qty = Fraction(int(worth_ / prices[symbol] * NANO) + rng.choice([-1, 0, 0, 1]), NANO)
        if rng.random() < 0.2:
            qty = Fraction(int(qty))
        if 0 < qty < 9 * 10**9:
            positions[symbol] = qty
    for symbol in foreign:
        if rng.random() < 0.25:
            positions[symbol] = Fraction(rng.choice([1, 7, 10**6, 10**9, 3 * 10**9, 12_345_678_901]), NANO)
    cash = Fraction(rng.choice([0, 1, 3, 99, 100, 999, 1000, 1001, 1099, 1100, scale, scale * 10, scale * 50]), 100)
    cash += rng.choice([Fraction(0), Fraction(0), Fraction(rng.randrange(NANO), NANO)])
    if rng.random() < 0.05:
        cash = -cash / 10 if (cash / 10 * NANO).denominator == 1 else -Fraction(3, 2)
    kept_back = Fraction(rng.choice([1, 250, 1000, scale]), 100) if reserved and rng.random() < 0.2 else Fraction(0)
    gone = [s for s in symbols if rng.random() < 0.15] if dead and rng.random() < 0.3 else []
    closing_only = frozenset(s for s in gone if s[-1] in "13579")
    return Book(
        cash=cash,
        reserved=kept_back,
        positions=positions,
        prices=prices,
        weights={s: Fraction(p, HUNDRED_PERCENT) for s, p in zip(own, percents, strict=True)},
        cash_weight=Fraction(cash_weight, HUNDRED_PERCENT),
        inactive=frozenset(gone) - closing_only,
        closing_only=closing_only,
    )


def _percents(rng: random.Random, count: int) -> list[int]:
    """Cash's hundredths of a percent, then those of `count` assets, each at least one."""
    cash = rng.choice([0, 0, 0, 1, 500, 2500, HUNDRED_PERCENT - count])
    left = HUNDRED_PERCENT - cash
    if rng.random() < 0.4:
        each = left // count
        return [cash, *([each] * (count - 1)), left - each * (count - 1)]
    cuts = sorted(rng.sample(range(1, left), count - 1)) if left > count else list(range(1, count))
    edges = [0, *cuts, left]
    return [cash, *(high - low for low, high in pairwise(edges))]


def _price(rng: random.Random) -> Fraction:
    return rng.choice(
        [
            Fraction(100),
            Fraction(1),
            Fraction(rng.randrange(1, 100_000), 100),
            Fraction(rng.randrange(1, 10**12), NANO),
            Fraction(7, 10_000),
            Fraction(612_345),
        ]
    )
