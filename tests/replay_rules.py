"""The rules of a replay read once more: slow, in fractions of a dollar and of a share, without code of the program.

One account, one portfolio and a table of closes in; the days and types of its runs out. Orders fill in full at the
closes, shares are not rounded, buys are rounded down to the cent. `nyse_days` has the sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

CENT = Fraction(1, 100)
DOLLAR = Fraction(1)
Prices = Mapping[str, Fraction]


@dataclass(frozen=True)
class Policy:
    """Weights and bands in percent; a calendar such as ("weekly", "Monday"); cooldown in days."""

    weights: Mapping[str, str]
    absolute: str = ""
    relative: str = ""
    calendar: tuple[str, str] | None = None
    cooldown: int = 0

    def weight(self, symbol: str) -> Fraction:
        return Fraction(self.weights.get(symbol, "0")) / 100

    @property
    def cash(self) -> Fraction:
        return 1 - sum((self.weight(symbol) for symbol in self.weights), Fraction(0))


@dataclass
class State:
    """An account: cash, shares, the day of its last full rebalance, and the cash target of its last run."""

    cash: Fraction
    shares: dict[str, Fraction] = field(default_factory=dict)
    rebalanced: date | None = None
    floor: Fraction = Fraction(0)

    def values(self, prices: Prices) -> dict[str, Fraction]:
        return {symbol: shares * prices[symbol] for symbol, shares in self.shares.items() if shares}

    def equity(self, prices: Prices) -> Fraction:
        return self.cash + sum(self.values(prices).values())


@dataclass(frozen=True)
class Orders:
    """Dollars sold and bought by symbol."""

    sells: Mapping[str, Fraction]
    buys: Mapping[str, Fraction]

    def __bool__(self) -> bool:
        return bool(self.sells or self.buys)


def runs(
    policy: Policy, state: State, closes: Mapping[date, Prices], sessions: Sequence[date]
) -> list[tuple[date, str]]:
    """Day and type of each run over the days of `closes`; `sessions` extend beyond the last of them."""
    made = []
    for day, following in pairwise(sessions):
        if day not in closes:
            continue
        prices = closes[day]
        kind, orders = decide(policy, state, prices, day, following)
        if not kind:
            continue
        made.append((day, kind))
        state.floor = policy.cash * state.equity(prices)
        carry_out(orders, state, prices)
        if kind == "full_rebalance":
            state.rebalanced = day
    return made


def decide(policy: Policy, state: State, prices: Prices, day: date, following: date) -> tuple[str, Orders]:
    """R-14 without what a replay cannot have: unfinished runs, changed portfolios."""
    equity = state.equity(prices)
    plan = full_rebalance(policy, state, prices)
    if equity >= len(policy.weights):
        ways = {s: policy.weight(s) * equity - state.values(prices).get(s, 0) for s in (*policy.weights, *state.shares)}
        if state.rebalanced is None:
            if plan or all(abs(way) <= 2 * CENT for way in ways.values()):
                return "full_rebalance", plan
        elif day >= state.rebalanced + timedelta(days=policy.cooldown):
            on_target = all(abs(way) <= DOLLAR for way in ways.values())
            if policy.calendar and due(*policy.calendar, day, following) and plan and not on_target:
                return "full_rebalance", plan
            if any(band_fires(policy, symbol, way, equity, plan) for symbol, way in ways.items()):
                return "full_rebalance", plan
    keep = max(policy.cash * equity, state.floor)
    excess = state.cash - keep
    if excess >= 10:
        plan = invest_cash(policy, state, prices, excess)
        if plan:
            return "invest_cash", plan
    return "", plan


def band_fires(policy: Policy, symbol: str, way: Fraction, equity: Fraction, plan: Orders) -> bool:
    """R-15, and whether the plan serves the line: an order towards its target of $10 or a tenth of its way."""
    if equity <= 0 or abs(way) < DOLLAR:
        return False
    drift, weight = abs(way) / equity, policy.weight(symbol)
    wide = policy.absolute and drift * 100 > Fraction(policy.absolute)
    far = policy.relative and weight and drift / weight * 100 > Fraction(policy.relative)
    order = plan.buys.get(symbol, Fraction(0)) if way > 0 else plan.sells.get(symbol, Fraction(0))
    return bool(wide or far) and order >= min(Fraction(10), abs(way) / 10)


def due(kind: str, text: str, day: date, following: date) -> bool:
    """R-16: a nominal date is from this session to the day before the next one."""
    while day < following:
        month_end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        if kind == "weekly":
            found = day.strftime("%A") == text
        elif kind == "annually":
            month, number = map(int, text.split("-"))
            found = (day.month, day.day) == (month, min(number, month_end.day))
        else:
            found = day.day == min(int(text), month_end.day) and (kind == "monthly" or day.month % 3 == 0)
        if found:
            return True
        day += timedelta(days=1)
    return False


def full_rebalance(policy: Policy, state: State, prices: Prices) -> Orders:
    """R-20: sell what is above target, then buy what is below from the cash above its target."""
    equity, values = state.equity(prices), state.values(prices)
    sells = {}
    for symbol, value in values.items():
        target = policy.weight(symbol) * equity
        if value > target and (not target or value - target >= DOLLAR):
            sells[symbol] = value - target
    short = {symbol: policy.weight(symbol) * equity - values.get(symbol, 0) for symbol in policy.weights}
    budget = state.cash + sum(sells.values()) - policy.cash * equity
    return Orders(sells, buys(policy, {s: amount for s, amount in short.items() if amount > 0}, budget, spread=False))


def invest_cash(policy: Policy, state: State, prices: Prices, budget: Fraction) -> Orders:
    """R-21: buys only; what covers every shortfall is split by weight."""
    equity, values = state.equity(prices), state.values(prices)
    short = {s: max(Fraction(0), policy.weight(s) * equity - values.get(s, 0)) for s in policy.weights}
    return Orders({}, buys(policy, short, budget, spread=True))


def buys(policy: Policy, short: Mapping[str, Fraction], budget: Fraction, *, spread: bool) -> dict[str, Fraction]:
    """R-22: split a budget; a portion below a dollar becomes one dollar or nothing, the smallest first."""
    budget = max(budget, Fraction(0))
    fixed: dict[str, Fraction] = {}
    left = dict(short)
    while True:
        portions = split(policy, left, budget, spread=spread)
        if all(part >= DOLLAR for part in portions.values()):
            return fixed | {symbol: part // CENT * CENT for symbol, part in portions.items()}
        order = sorted(portions, reverse=True)
        smallest = min(order, key=lambda symbol: (portions[symbol], policy.weight(symbol)))
        del left[smallest]
        if portions[smallest] > DOLLAR / 2 and budget >= len(portions):
            fixed[smallest] = DOLLAR
            budget -= DOLLAR


def split(policy: Policy, short: Mapping[str, Fraction], budget: Fraction, *, spread: bool) -> dict[str, Fraction]:
    """In proportion to shortfalls, none above its own; with `spread` what is left by weight. No portion is 0."""
    missing = sum(short.values())
    if missing > budget:
        portions = {symbol: amount * budget / missing for symbol, amount in short.items()}
    else:
        weight = sum(policy.weight(symbol) for symbol in short)
        rest = (budget - missing) / weight if spread and weight else Fraction(0)
        portions = {symbol: amount + policy.weight(symbol) * rest for symbol, amount in short.items()}
    return {symbol: part for symbol, part in portions.items() if part}


def carry_out(orders: Orders, state: State, prices: Prices) -> None:
    """Fill every order at the close."""
    for symbol, amount in orders.sells.items():
        state.shares[symbol] -= amount / prices[symbol]
        state.cash += amount
    for symbol, amount in orders.buys.items():
        state.shares[symbol] = state.shares.get(symbol, Fraction(0)) + amount / prices[symbol]
        state.cash -= amount


CLOSED = {
    date(2004, 6, 11), date(2007, 1, 2), date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9),
}  # fmt: skip
"""Closures that no rule gives: funerals and a storm."""


def nyse_days(first: date, last: date) -> list[date]:
    """The sessions of the New York Stock Exchange from 2004 on, by the rules of its holidays."""
    holidays = {day for year in range(first.year, last.year + 1) for day in holidays_of(year)} | CLOSED
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5 and day not in holidays]


def holidays_of(year: int) -> list[date]:
    """Holidays of a year. Fixed dates move from Sunday to Monday; from Saturday to Friday, except New Year's Day."""
    found = [
        weekday_of(year, 1, 0, 3), weekday_of(year, 2, 0, 3), easter(year) - timedelta(days=2),
        weekday_of(year, 6, 0, 1) - timedelta(days=7), weekday_of(year, 9, 0, 1), weekday_of(year, 11, 3, 4),
    ]  # fmt: skip
    for month, number in ((1, 1), (6, 19), (7, 4), (12, 25)):
        day = date(year, month, number)
        if month == 6 and year < 2022:
            continue
        if day.weekday() == 5 and month != 1:
            day -= timedelta(days=1)
        elif day.weekday() == 6:
            day += timedelta(days=1)
        found.append(day)
    return found


def weekday_of(year: int, month: int, weekday: int, number: int) -> date:
    """The nth weekday (0 = Monday) of a month. May's last Monday is the week before June's first."""
    start = date(year, month, 1)
    return start + timedelta(days=(weekday - start.weekday()) % 7 + 7 * (number - 1))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)
