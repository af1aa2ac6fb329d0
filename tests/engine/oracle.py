"""Oracle for the rules: slow, simple, in fractions of a dollar, without code shared with the engine.

Where the rules leave rounding open this follows the domain's documented choices: a cash target is rounded up to a
billionth, proceeds of a sell down to a billionth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

CENT = Fraction(1, 100)
NANO = Fraction(1, 10**9)
ONE = Fraction(1)


def down(amount: Fraction, unit: Fraction) -> Fraction:
    return floor(amount / unit) * unit


def up(amount: Fraction, unit: Fraction) -> Fraction:
    return ceil(amount / unit) * unit


@dataclass(frozen=True)
class Book:
    """One account and its portfolio: dollars, shares, and weights as shares of 1."""

    cash: Fraction
    reserved: Fraction
    positions: dict[str, Fraction]
    prices: dict[str, Fraction]
    weights: dict[str, Fraction]
    cash_weight: Fraction
    inactive: frozenset[str] = frozenset()
    closing_only: frozenset[str] = frozenset()
    unfractionable: frozenset[str] = frozenset()

    def value(self, symbol: str) -> Fraction:
        return self.positions.get(symbol, Fraction(0)) * self.prices.get(symbol, Fraction(0))

    @property
    def free(self) -> Fraction:
        """R-2: what plans call cash."""
        return self.cash - self.reserved

    @property
    def invested(self) -> Fraction:
        return sum((self.value(symbol) for symbol in self.positions), Fraction(0))

    @property
    def equity(self) -> Fraction:
        """R-2: managed equity."""
        return self.free + self.invested

    @property
    def cash_target(self) -> Fraction:
        return up(max(self.cash_weight * self.equity, Fraction(0)), NANO)

    def sellable(self, symbol: str) -> bool:
        return symbol in self.prices and symbol not in self.inactive

    def buyable(self, symbol: str) -> bool:
        return self.sellable(symbol) and symbol not in self.unfractionable | self.closing_only

    def most_sold(self, symbol: str) -> Fraction:
        """R-56: whole shares of an asset that has no fractions."""
        held = self.positions[symbol]
        return down(held, ONE) if symbol in self.unfractionable else held

    @property
    def needed(self) -> set[str]:
        return set(self.weights) | set(self.positions)


@dataclass
class Orders:
    """Buys in dollars, sells in shares, and orders that were too small to send."""

    buys: dict[str, Fraction] = field(default_factory=dict)
    sells: dict[str, Fraction] = field(default_factory=dict)
    too_small: set[str] = field(default_factory=set)
    scale: Fraction = ONE


def full_rebalance(book: Book) -> Orders:
    """R-20, R-22."""
    orders = Orders()
    equity = book.equity
    proceeds = Fraction(0)
    for symbol, held in book.positions.items():
        if not book.sellable(symbol):
            continue
        price = book.prices[symbol]
        if symbol not in book.weights:
            qty = book.most_sold(symbol)
            if not qty:
                continue
        else:
            over = held * price - book.weights[symbol] * equity
            if over <= 0:
                continue
            qty = down(over / price, ONE if symbol in book.unfractionable else NANO)
        if symbol not in book.weights or qty == held or qty * price >= ONE:
            orders.sells[symbol] = qty
            proceeds += down(qty * price, NANO)
        else:
            orders.too_small.add(symbol)
    short = {
        symbol: weight * equity - book.value(symbol)
        for symbol, weight in book.weights.items()
        if weight * equity > book.value(symbol) and book.buyable(symbol)
    }
    budget = book.free + proceeds - book.cash_target

    def portions(remaining: set[str], money: Fraction) -> dict[str, Fraction]:
        wanted = sum((short[symbol] for symbol in remaining), Fraction(0))
        orders.scale = min(ONE, money / wanted) if wanted else ONE
        return {symbol: short[symbol] * orders.scale for symbol in remaining}

    _buy(orders, set(short), max(budget, Fraction(0)), portions, book.weights)
    return orders


def invest_cash(book: Book, keep: Fraction) -> Orders:
    """R-21, R-22. Cash left after every shortfall is covered goes to all buyable assets, by weight."""
    orders = Orders()
    budget = max(book.free - keep, Fraction(0))
    equity = book.equity
    short = {
        symbol: max(Fraction(0), weight * equity - book.value(symbol))
        for symbol, weight in book.weights.items()
        if book.buyable(symbol)
    }

    def portions(remaining: set[str], money: Fraction) -> dict[str, Fraction]:
        wanted = sum((short[symbol] for symbol in remaining), Fraction(0))
        weight = sum((book.weights[symbol] for symbol in remaining), Fraction(0))
        if wanted > money:
            return {symbol: short[symbol] * money / wanted for symbol in remaining}
        rest = money - wanted
        return {symbol: short[symbol] + rest * book.weights[symbol] / weight for symbol in remaining}

    _buy(orders, set(short), budget, portions, book.weights)
    return orders


def _buy(
    orders: Orders,
    remaining: set[str],
    money: Fraction,
    portions: Callable[[set[str], Fraction], dict[str, Fraction]],
    weights: dict[str, Fraction],
) -> None:
    """R-22: while a portion is below a dollar, the smallest one is raised to it or removed.

    It is raised when it is more than half a dollar and there is a dollar for each portion. Ties: the smaller weight,
    then the later symbol. A portion of 0 is no order that could be too small.
    """
    raised: set[str] = set()
    while True:
        parts = {symbol: part for symbol, part in portions(remaining, money - len(raised)).items() if part}
        if not parts or min(parts.values()) >= ONE:
            orders.buys = {symbol: down(part, CENT) for symbol, part in parts.items()} | dict.fromkeys(raised, ONE)
            return
        smallest = min(parts.values())
        lightest = min(weights[symbol] for symbol in parts if parts[symbol] == smallest)
        chosen = max(symbol for symbol in parts if parts[symbol] == smallest and weights[symbol] == lightest)
        if smallest > ONE / 2 and money - len(raised) >= len(parts):
            raised.add(chosen)
        else:
            orders.too_small.add(chosen)
        remaining = remaining - {chosen}


def most_raised(book: Book) -> Fraction:
    """R-23: all free cash and the value of all sellable assets."""
    sellable = [s for s in book.positions if book.sellable(s)]
    worth = (down(book.most_sold(s) * book.prices[s], NANO) for s in sellable)
    return book.free + sum(worth, Fraction(0))


def partial_liquidation(book: Book, amount: Fraction) -> dict[str, Fraction]:
    """R-23 in dollars per asset, before the rounding of shares and the one-dollar minimum.

    Cash below its target is not excess and is not refilled: sells raise the amount and no more. Only for books without
    inactive assets and reserved cash, where the targets of the smaller portfolio suffice.
    """
    smaller = book.equity - amount
    needed = amount - max(book.free - book.cash_weight * smaller, Fraction(0))
    sold: dict[str, Fraction] = {}

    def overweight(symbol: str) -> Fraction:
        weight = book.weights.get(symbol, Fraction(0))
        return book.value(symbol) / weight if weight else Fraction(10**30)

    for symbol in sorted(book.positions, key=lambda s: (-overweight(s), s)):
        over = book.value(symbol) - book.weights.get(symbol, Fraction(0)) * smaller
        part = min(over, needed)
        if part > 0:
            sold[symbol] = part
            needed -= part
    return sold


def breached(book: Book, bands: list[tuple[str, Fraction]]) -> set[str]:
    """R-15: the assets that exceed any band, strictly."""
    equity = book.equity
    if equity <= 0:
        return set()
    found = set()
    for symbol in book.needed:
        target = book.weights.get(symbol, Fraction(0)) * 100
        drift = abs(book.value(symbol) / equity * 100 - target)
        for kind, percent in bands:
            if kind == "absolute" and drift > percent:
                found.add(symbol)
            if kind == "relative" and target > 0 and drift / target * 100 > percent:
                found.add(symbol)
    return found


def gap(book: Book, symbol: str) -> Fraction:
    """Dollars above the target; below 0 when below it."""
    return book.value(symbol) - book.weights.get(symbol, Fraction(0)) * max(book.equity, Fraction(0))


def leftover(book: Book, symbol: str) -> bool:
    """R-56: a fraction of a share that cannot be sold."""
    return symbol not in book.weights and symbol in book.unfractionable and book.positions[symbol] < 1


def all_within(book: Book, tolerance: Fraction) -> bool:
    return all(abs(gap(book, symbol)) <= tolerance or leftover(book, symbol) for symbol in book.needed)


def wants_order(book: Book, bands: list[tuple[str, Fraction]]) -> set[str]:
    """R-15: breached assets a dollar or more away from their targets."""
    return {s for s in breached(book, bands) if abs(gap(book, s)) >= 1 and not leftover(book, s)}


def serves_band(book: Book, bands: list[tuple[str, Fraction]], orders: Orders) -> bool:
    """R-14: an order on a breached asset of $10 or a tenth of its way, whichever is less."""
    for symbol in wants_order(book, bands):
        way = gap(book, symbol)
        if way > 0:
            order = orders.sells.get(symbol, Fraction(0)) * book.prices[symbol]
        else:
            order = orders.buys.get(symbol, Fraction(0))
        if order and order >= min(Fraction(10), abs(way) / 10):
            return True
    return False


def names_day(kind: str, day: str, on: date, months: frozenset[int] = frozenset({3, 6, 9, 12})) -> bool:
    """Whether a date is the nominal date D of a calendar condition (R-16); a missing day is the last of the month."""
    if kind == "weekly":
        return ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "", "")[on.weekday()] == day
    last = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if kind == "annually":
        month, wanted = int(day[:2]), int(day[3:])
        return on.month == month and on.day == min(wanted, last.day)
    if kind == "quarterly" and on.month not in months:
        return False
    return on.day == min(int(day), last.day)


def calendar_fires(kind: str, day: str, today: date, next_session: date) -> bool:
    """R-16: some D with today ≤ D < next session."""
    return any(names_day(kind, day, today + timedelta(days=n)) for n in range((next_session - today).days))


def outcome(
    book: Book,
    *,
    bands: list[tuple[str, Fraction]],
    calendar: tuple[str, str] | None,
    last_rebalanced: date | None,
    cooldown_days: int,
    today: date,
    next_session: date,
    cash_floor: Fraction,
    undone: frozenset[str] = frozenset(),
    traded: date | None = None,
) -> str:
    """R-14, with all prerequisites met."""
    equity = book.equity
    if _wants_full(book, bands, calendar, last_rebalanced, cooldown_days, today, next_session, undone, traded):
        return "full_rebalance"
    keep = max(book.cash_weight * max(equity, Fraction(0)), cash_floor)
    return "invest_cash" if book.free - keep >= 10 and book.weights else "none"


def _wants_full(
    book: Book,
    bands: list[tuple[str, Fraction]],
    calendar: tuple[str, str] | None,
    last: date | None,
    cooldown_days: int,
    today: date,
    next_session: date,
    undone: frozenset[str],
    traded: date | None,
) -> bool:
    """R-14.1 to R-14.5: the first trigger that holds and that the plan serves."""
    orders = full_rebalance(book)
    any_order = bool(orders.buys or orders.sells)
    enough = book.equity >= len(book.weights)
    left = {s for s in undone if book.positions.get(s) and gap(book, s) >= 2 * CENT and not leftover(book, s)}
    if undone and not left:
        last = traded or last
    if left:
        if not enough:
            return False
        if left & set(orders.sells):
            return True
    elif last is None:
        return enough and (any_order or all_within(book, 2 * CENT - NANO * NANO))
    if last is not None and today < last + timedelta(days=cooldown_days):
        return False
    if calendar is not None and calendar_fires(*calendar, today, next_session):
        if not enough:
            return False
        if not all_within(book, ONE) and any_order:
            return True
    return not left and bool(wants_order(book, bands)) and enough and serves_band(book, bands, orders)


@dataclass(frozen=True)
class Circumstances:
    """The inputs of an evaluation other than the account's equity. Minutes count from midnight in New York."""

    bands: list[tuple[str, Fraction]]
    calendar: tuple[str, str] | None
    last_rebalanced: date | None
    cooldown_days: int
    today: date
    next_session: date
    cash_floor: Fraction
    minute: int = 12 * 60
    close: int = 16 * 60
    portfolio_active: bool = True
    account_active: bool = True
    restricted: bool = False
    open_run: bool = False
    external_orders: int = 0
    quota_used: bool = False
    stale: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()
    traded: date | None = None


def verdict(book: Book, given: Circumstances) -> str:
    """R-10 to R-14: the outcome, with the blocking check if there is one."""
    if not 9 * 60 + 30 <= given.minute <= given.close - 30:
        return "none"
    equity, invested = book.cash + book.invested, book.invested
    all_priced = set(book.positions) <= set(book.prices)
    overstretched = all_priced and invested > 0 and (equity <= 0 or invested / equity > 6)
    blocks = {
        "portfolio_status": not given.portfolio_active,
        "account": not given.account_active or given.restricted or overstretched,
        "open_orders": given.open_run or given.external_orders > 0,
        "quota": given.quota_used,
        "prices": not book.needed <= set(book.prices) - given.stale,
        "assets": any(not book.buyable(symbol) for symbol in book.weights),
    }
    for check, holds in blocks.items():
        if holds:
            return f"blocked by {check}"
    return outcome(
        book,
        bands=given.bands,
        calendar=given.calendar,
        last_rebalanced=given.last_rebalanced,
        cooldown_days=given.cooldown_days,
        today=given.today,
        next_session=given.next_session,
        cash_floor=given.cash_floor,
        undone=given.undone,
        traded=given.traded,
    )
