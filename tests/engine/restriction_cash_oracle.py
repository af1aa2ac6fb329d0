"""Oracle for invest_cash and partial_liquidation under restrictions, in fractions (R-21, R-23, R-60, R-61, R-64)."""

from __future__ import annotations

from fractions import Fraction

from tests.engine.oracle import CENT, NANO, ONE, Book, down, up
from tests.engine.restriction_oracle import ZERO, Result, Settings, box_of, equity_of, managed, reach


def reachable(book: Book, settings: Settings, base: Fraction) -> tuple[Result, dict[str, tuple[Fraction, Fraction]]]:
    """The reachable target of a base with its boxes, and the cash target; or a conflict."""
    result = Result()
    lines = managed(book, settings)
    boxes = {symbol: box_of(book, settings, symbol, base) for symbol in lines}
    if any(low > high for low, high in boxes.values()) or sum(low for low, _ in boxes.values()) > base:
        result.conflict = True
        return result, boxes
    result.target, result.pinned = reach(book, boxes, base)
    result.cash_target = up(max(base - sum(result.target.values(), ZERO), ZERO), NANO)
    return result, boxes


def invest_cash(book: Book, settings: Settings, floor: Fraction) -> Result:
    """R-21 in dollars: shortfalls first, then by weight over the lines below their upper bound."""
    equity = equity_of(book, managed(book, settings))
    base = max(equity, ZERO)
    result, boxes = reachable(book, settings, base)
    if result.conflict:
        return result
    result.cash_target = max(result.cash_target, floor)
    minimum = max(settings.minimum, settings.minimum_share * base)
    short = {
        symbol: max(ZERO, result.target[symbol] - book.value(symbol))
        for symbol in boxes
        if book.buyable(symbol) and (book.weights.get(symbol) or result.target[symbol])
    }
    short = {symbol: lack for symbol, lack in short.items() if lack >= 2 * CENT or book.weights.get(symbol)}
    floors = {s: max(ONE, minimum) if book.positions.get(s) else ONE for s in short}
    room = {s: (boxes[s][1] - book.value(s)) if settings.limits else None for s in short}
    held = {
        s for s in short if settings.limits and book.value(s) == result.target[s] > book.weights.get(s, ZERO) * base
    }
    money = max(book.free - result.cash_target, ZERO)
    raised: set[str] = set()
    above_targets = True
    while True:
        parts = _parts(book, short, money - len(raised), room, held, above_targets)
        parts = {symbol: part for symbol, part in parts.items() if part > 0}
        small = {symbol: part for symbol, part in parts.items() if part < floors[symbol]}
        if not small:
            result.buys = {symbol: down(part, CENT) for symbol, part in parts.items()} | dict.fromkeys(raised, ONE)
            return result
        least = min(small.values())
        tied = [symbol for symbol, part in small.items() if part == least]
        lightest = min(book.weights.get(symbol, ZERO) for symbol in tied)
        chosen = max(symbol for symbol in tied if book.weights.get(symbol, ZERO) == lightest)
        if floors[chosen] > ONE:
            above_targets = False
        elif least > ONE / 2 and money - len(raised) >= len(parts):
            raised.add(chosen)
        del short[chosen]


def _parts(
    book: Book,
    short: dict[str, Fraction],
    money: Fraction,
    room: dict[str, Fraction | None],
    held: set[str],
    above_targets: bool,
) -> dict[str, Fraction]:
    wanted = sum(short.values(), ZERO)
    if wanted > money:
        return {symbol: lack * money / wanted for symbol, lack in short.items()}
    parts = dict(short)
    rest = money - wanted
    open_ = {symbol for symbol in short if symbol not in held and book.weights.get(symbol)}
    while above_targets and rest > 0 and open_:
        share = rest / sum(book.weights[symbol] for symbol in open_)
        full = {s for s in open_ if (most := room[s]) is not None and parts[s] + book.weights[s] * share > most}
        for symbol in full or open_:
            more = book.weights[symbol] * share
            most = room[symbol]
            if most is not None:
                more = min(more, max(ZERO, most - parts[symbol]))
            parts[symbol] += more
            rest -= more
        open_ = open_ - full if full else set()
    return parts


def most_raised(book: Book, settings: Settings, amount: Fraction) -> Fraction:
    """R-23: free cash and what can be sold without taking what a restriction keeps."""
    lines = managed(book, settings)
    base = max(equity_of(book, lines) - amount, ZERO)
    total = book.free
    for symbol in lines:
        if book.positions.get(symbol) and book.sellable(symbol):
            low = box_of(book, settings, symbol, base)[0]
            price = book.prices[symbol]
            most = min(book.most_sold(symbol), down(max(ZERO, book.value(symbol) - low) / price, NANO))
            total += down((book.most_sold(symbol) if not low else most) * price, NANO)
    return max(total, ZERO)


def liquidated(book: Book, settings: Settings, amount: Fraction) -> tuple[Result, dict[str, Fraction]]:
    """R-23 in dollars per asset, before rounding: the most overweight assets first, down to their reachable targets.

    What the targets do not raise is not in it.
    """
    base = max(equity_of(book, managed(book, settings)) - amount, ZERO)
    result, boxes = reachable(book, settings, base)
    sold: dict[str, Fraction] = {}
    if result.conflict:
        return result, sold
    needed = amount - min(book.free, max(book.free - result.cash_target, ZERO))

    def rank(symbol: str) -> tuple[int, Fraction, str]:
        goal = result.target[symbol] if settings.limits else book.weights.get(symbol, ZERO)
        return (1, -book.value(symbol) / goal, symbol) if goal else (0, ZERO, symbol)

    for symbol in sorted((s for s in boxes if book.positions.get(s) and book.sellable(s)), key=rank):
        part = min(book.value(symbol) - result.target[symbol], needed)
        if part > 0:
            sold[symbol] = part
            needed -= part
    result.near = {"short"} if needed > 2 * CENT else set()
    return result, sold
