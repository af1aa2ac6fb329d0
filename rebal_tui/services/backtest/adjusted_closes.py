"""Closes adjusted for corporate actions, so that the changes from close to close are total returns."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby

from rebal_tui.domain.corporate_actions import ActionKind, DatedAction
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Price, price_text
from rebal_tui.engine.price_jumps import adjusted_close
from rebal_tui.market.closes import Closes

_ADJUSTED = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND, ActionKind.CASH_DIVIDEND)


def adjusted(closes: Closes, actions: Sequence[DatedAction]) -> Closes:
    """The closes, with those before each corporate action multiplied by the action's factor.

    The factor is computed from the last close before the action's day; a dividend is reinvested at that close. Actions
    of other symbols, or before the first close, change nothing. Raises `Invalid` naming the line of each action that is
    not a split, a stock dividend or a cash dividend, or that leaves nothing of the close, as too large a dividend
    would.
    """
    wanted = [dated for dated in actions if dated.action.symbol in closes.symbols]
    faults = [
        Fault(
            f"line {dated.line}",
            f"got a {dated.action.kind.label} of {dated.action.symbol}, expected a split, a stock or a cash dividend",
        )
        for dated in wanted
        if dated.action.kind not in _ADJUSTED
    ]
    if faults:
        raise Invalid(faults)
    columns = [
        _adjusted(
            closes.days,
            [row[number] for row in closes.rows],
            sorted((dated for dated in wanted if dated.action.symbol == symbol), key=lambda dated: dated.day),
        )
        for number, symbol in enumerate(closes.symbols)
    ]
    return Closes(closes.symbols, closes.days, tuple(zip(*columns, strict=True)))


def _adjusted(
    days: Sequence[date], column: Sequence[Price | None], actions: Sequence[DatedAction]
) -> list[Price | None]:
    """The adjusted closes of one symbol.

    The factor of a day's actions is computed from the closes as they were traded, not from adjusted ones.
    """
    factors: dict[int, Fraction] = {}
    for day, group in groupby(actions, key=lambda dated: dated.day):
        found = list(group)
        before = bisect_left(days, day)
        last = next((price for price in reversed(column[:before]) if price is not None), None)
        if last is None:
            continue
        left = adjusted_close(last, [dated.action for dated in found])
        if left is None:
            fault = f"{found[0].action.symbol}: expected less than the last close, {price_text(last)}"
            raise Invalid([Fault(f"line {found[0].line}", fault)])
        factors[before] = factors.get(before, Fraction(1)) * left / last
    whole, adjusted_column = Fraction(1), list(column)
    for number in range(len(column) - 1, -1, -1):
        price = column[number]
        adjusted_column[number] = None if price is None else Price(round(price * whole))
        whole *= factors.get(number, 1)
    return adjusted_column
