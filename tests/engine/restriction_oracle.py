"""Oracle for restrictions, destination, scope, minimum trade and whole shares (R-60 to R-65), in fractions.

Slow and simple, without code shared with the engine. Amounts are dollars; a line is a symbol. Where the rules are
silent it follows the documented choices of the engine: the order of lines in a tie, and what a scope leaves in cash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from tests.engine.oracle import CENT, NANO, ONE, Book, down, up

ZERO = Fraction(0)


@dataclass(frozen=True)
class Limit:
    """A restriction: its kind, the symbol or None for all lines, and for a range its least and most with their unit."""

    kind: str
    symbol: str | None
    least: Fraction | None = None
    most: Fraction | None = None
    unit: str = ""


@dataclass(frozen=True)
class Settings:
    limits: tuple[Limit, ...] = ()
    destination: str = "target"
    scope: str = "whole"
    minimum: Fraction = ZERO
    minimum_share: Fraction = ZERO
    whole_shares: bool = False
    bands: tuple[tuple[str, Fraction], ...] = ()


@dataclass
class Result:
    """Orders, dollars for buys and shares for sells and for buys in whole shares; `conflict` when there is no plan."""

    conflict: bool = False
    buys: dict[str, Fraction] = field(default_factory=dict)
    sells: dict[str, Fraction] = field(default_factory=dict)
    cash_target: Fraction = ZERO
    target: dict[str, Fraction] = field(default_factory=dict)
    pinned: bool = False
    near: set[str] = field(default_factory=set)


def managed(book: Book, settings: Settings) -> list[str]:
    left_out = {limit.symbol for limit in settings.limits if limit.kind == "unmanaged"}
    others = sorted(symbol for symbol in book.positions if symbol not in book.weights)
    return [symbol for symbol in [*book.weights, *others] if symbol not in left_out]


def equity_of(book: Book, lines: list[str]) -> Fraction:
    return book.free + sum((book.value(symbol) for symbol in lines), ZERO)


def box_of(book: Book, settings: Settings, symbol: str, base: Fraction) -> tuple[Fraction, Fraction]:
    """R-60: the least and the most of one line."""
    value, share = book.value(symbol), book.weights.get(symbol, ZERO) * base
    lows, highs, restricted = [ZERO], [base], False
    for limit in settings.limits:
        if limit.kind in ("unmanaged", "hold") or limit.symbol not in (None, symbol):
            continue
        restricted = True
        if limit.kind in ("no_sell", "lock", "buy_only"):
            lows.append(value)
            if value >= share:
                highs.append(value)
        if limit.kind in ("no_buy", "lock", "sell_only"):
            highs.append(value)
        if limit.kind == "range":
            unit = {"percent": base / 100, "dollars": ONE, "shares": book.prices.get(symbol, ZERO)}[limit.unit]
            lows += [] if limit.least is None else [limit.least * unit]
            highs += [] if limit.most is None else [limit.most * unit]
    high = min(highs)
    return max(lows), max(high, value) if restricted else high


def reach(book: Book, boxes: dict[str, tuple[Fraction, Fraction]], base: Fraction) -> tuple[dict[str, Fraction], bool]:
    """R-61 by trying every interval between two breakpoints; whether every line is pinned."""
    wanted = (1 - book.cash_weight) * base

    def at(factor: Fraction) -> dict[str, Fraction]:
        return {
            symbol: min(max(factor * book.weights.get(symbol, ZERO) * base, low), high)
            for symbol, (low, high) in boxes.items()
        }

    weighted = [symbol for symbol in boxes if book.weights.get(symbol)]
    if sum(low for low, _ in boxes.values()) > wanted:
        return {symbol: low for symbol, (low, _) in boxes.items()}, True
    edges = {ZERO} | {bound / (book.weights[s] * base) for s in weighted for bound in boxes[s]} if base else {ZERO}
    ordered = sorted(edges)
    before = ordered[0]
    for edge in ordered:
        reached = sum(at(edge).values())
        if reached >= wanted:
            started = sum(at(before).values())
            if reached > started:
                edge = before + (edge - before) * (wanted - started) / (reached - started)
            return at(edge), all(low == high for s, (low, high) in boxes.items() if s in weighted)
        before = edge
    return at(ordered[-1]), True


def stop(
    book: Book, settings: Settings, result: Result, boxes: dict[str, tuple[Fraction, Fraction]], base: Fraction
) -> tuple[dict[str, Fraction], Fraction]:
    """R-62 and R-63: where a run of a band brings each line, and the cash that it keeps."""
    target = result.target
    target_cash = base - sum(target.values())
    if not settings.bands or (settings.destination, settings.scope) == ("target", "whole"):
        return target, target_cash
    share = {"target": ZERO, "middle": Fraction(1, 2), "edge": ONE}[settings.destination]
    nearest, rooms = {}, {}
    for symbol, (low, high) in boxes.items():
        weight = book.weights.get(symbol, ZERO)
        widths = [
            p / 100 if kind == "absolute" else p / 100 * weight
            for kind, p in settings.bands
            if weight or kind == "absolute"
        ]
        reach_ = share * min(widths, default=ZERO) * base
        box = (max(low, target[symbol] - reach_), min(high, target[symbol] + reach_)) if weight else (low, low)
        nearest[symbol] = min(max(book.value(symbol), box[0]), box[1])
        rooms[symbol] = box
    if settings.scope == "whole":
        missing = sum(target.values()) - sum(nearest.values())
        room = {s: (rooms[s][1] - x if missing > 0 else x - rooms[s][0]) for s, x in nearest.items()}
        whole = sum(room.values())
        if whole:
            return {s: x + missing * room[s] / whole for s, x in nearest.items()}, target_cash
        return nearest, target_cash
    now = {symbol: book.value(symbol) for symbol in boxes}
    outside = {symbol for symbol in boxes if not book.weights.get(symbol)}
    moving = {symbol for symbol in boxes if symbol in outside or breaches(book, settings, symbol, target, base)}
    moves = {symbol: nearest[symbol] - now[symbol] for symbol in moving}
    net = sum(moves.values(), ZERO)
    sign = 1 if net > 0 else -1
    open_ = abs(net) - min(abs(net), max(ZERO, sign * (book.free - target_cash)))
    sides = {s: max(ZERO, sign * (now[s] - target[s])) for s in boxes if s not in moving}
    matched = min(open_, sum(sides.values(), ZERO))
    found = {s: now[s] + moves.get(s, ZERO) for s in boxes}
    for symbol, way in sides.items():
        if matched:
            found[symbol] -= sign * matched * way / sum(sides.values())
    heavy = {s: abs(m) for s, m in moves.items() if m * sign > 0 and s not in outside}
    cut = min(open_ - matched, sum(heavy.values(), ZERO))
    for symbol, size in heavy.items():
        if cut:
            found[symbol] -= sign * cut * size / sum(heavy.values())
    return found, min(target_cash, book.free + sum(now.values()) - sum(found.values()))


def breaches(book: Book, settings: Settings, symbol: str, target: dict[str, Fraction], base: Fraction) -> bool:
    if not base:
        return False
    weight, off = book.weights.get(symbol, ZERO), abs(book.value(symbol) - target[symbol]) / base * 100
    return any(
        off > percent if kind == "absolute" else weight > 0 and off / weight > percent
        for kind, percent in settings.bands
    )


def full_rebalance(book: Book, settings: Settings) -> Result:
    """R-20, R-22 under the settings."""
    result = Result()
    lines = managed(book, settings)
    equity = equity_of(book, lines)
    base = max(equity, ZERO)
    boxes = {symbol: box_of(book, settings, symbol, base) for symbol in lines}
    if any(low > high for low, high in boxes.values()) or sum(low for low, _ in boxes.values()) > base:
        result.conflict = True
        return result
    result.target, result.pinned = reach(book, boxes, base)
    goals, cash = stop(book, settings, result, boxes, base)
    result.cash_target = up(max(cash, ZERO), NANO)
    minimum = max(settings.minimum, settings.minimum_share * base)
    proceeds = ZERO
    for symbol in lines:
        held, price = book.positions.get(symbol, ZERO), book.prices.get(symbol)
        over = book.value(symbol) - goals[symbol]
        closes = not book.weights.get(symbol) and not goals[symbol]
        if not held or price is None or not book.sellable(symbol) or (over < 2 * CENT and not closes):
            if 0 < abs(over) < 3 * CENT:
                result.near.add(symbol)
            continue
        if closes:
            qty = book.most_sold(symbol)
        else:
            qty = down(over / price, ONE if settings.whole_shares or symbol in book.unfractionable else NANO)
            if qty * price < max(ONE, minimum):
                continue
        if qty:
            result.sells[symbol] = qty
            proceeds += down(qty * price, NANO)
    short = {
        symbol: goals[symbol] - book.value(symbol)
        for symbol in lines
        if goals[symbol] - book.value(symbol) >= 2 * CENT and book.buyable(symbol)
    }
    budget = max(book.free + proceeds - result.cash_target, ZERO)
    floors = {s: max(ONE, minimum) if book.positions.get(s) else ONE for s in short}
    if settings.whole_shares:
        result.buys = _shares(book, settings, short, budget, floors, boxes)
    else:
        result.buys = _dollars(book, short, budget, floors)
    return result


def _last(book: Book, some: dict[str, Fraction]) -> str:
    """The smallest; ties: the smaller weight, then the later symbol."""
    least = min(some.values())
    tied = [symbol for symbol, amount in some.items() if amount == least]
    lightest = min(book.weights.get(symbol, ZERO) for symbol in tied)
    return max(symbol for symbol in tied if book.weights.get(symbol, ZERO) == lightest)


def _dollars(
    book: Book, short: dict[str, Fraction], budget: Fraction, floors: dict[str, Fraction]
) -> dict[str, Fraction]:
    remaining = dict(short)
    raised: set[str] = set()
    while True:
        money = budget - len(raised)
        wanted = sum(remaining.values(), ZERO)
        scale = min(ONE, money / wanted) if wanted else ONE
        parts = {s: amount * scale for s, amount in remaining.items() if amount * scale > 0}
        small = {s: part for s, part in parts.items() if part < floors[s]}
        if not small:
            return {s: down(part, CENT) for s, part in parts.items()} | dict.fromkeys(raised, ONE)
        chosen = _last(book, small)
        if floors[chosen] == ONE and small[chosen] > ONE / 2 and money >= len(parts):
            raised.add(chosen)
        del remaining[chosen]


def _shares(
    book: Book,
    settings: Settings,
    short: dict[str, Fraction],
    budget: Fraction,
    floors: dict[str, Fraction],
    boxes: dict[str, tuple[Fraction, Fraction]],
) -> dict[str, Fraction]:
    remaining = dict(short)
    while True:
        bought = _one_by_one(book, settings, remaining, budget, boxes)
        small = {s: n * book.prices[s] for s, n in bought.items() if n * book.prices[s] < floors[s]}
        if not small:
            return {symbol: Fraction(count) for symbol, count in bought.items()}
        del remaining[_last(book, small)]


def _one_by_one(
    book: Book,
    settings: Settings,
    short: dict[str, Fraction],
    budget: Fraction,
    boxes: dict[str, tuple[Fraction, Fraction]],
) -> dict[str, int]:
    wanted = sum(short.values(), ZERO)
    scale = min(ONE, budget / wanted) if wanted else ONE

    stops_early = bool(settings.bands) and (settings.destination, settings.scope) != ("target", "whole")
    boxed = bool(settings.limits) or stops_early

    def room(symbol: str) -> int:
        return floor((boxes[symbol][1] - book.value(symbol)) / book.prices[symbol]) if boxed else 10**18

    bought: dict[str, int] = {}
    for symbol, amount in short.items():
        bought[symbol] = min(floor(amount * scale / book.prices[symbol]), room(symbol))
    left = budget - sum(n * book.prices[s] for s, n in bought.items())
    while True:
        best: tuple[Fraction, Fraction, list[int]] | None = None
        pick = ""
        for symbol, amount in short.items():
            price = book.prices[symbol]
            lacking = amount - bought[symbol] * price
            if price > left or lacking <= price / 2 or bought[symbol] >= room(symbol):
                continue
            key = (lacking / price, book.weights.get(symbol, ZERO), [-ord(c) for c in symbol] + [1])
            if best is None or key > best:
                best, pick = key, symbol
        if not pick:
            return {symbol: count for symbol, count in bought.items() if count}
        bought[pick] += 1
        left -= book.prices[pick]
