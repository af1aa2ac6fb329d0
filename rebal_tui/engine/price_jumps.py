"""Price jumps: moves between two prices that look like a corporate action or an error (R-55)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Price

DEFAULT_JUMP_LIMIT: Final = Percent(3500)
"""35 %: a larger move is a jump."""
SPLIT_TOLERANCE: Final = Percent(200)
"""2 %: how near a move must be to that of a split."""

_FORWARD: Final = tuple(Fraction(new, old) for new, old in ((2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (10, 1), (20, 1)))
SPLIT_RATIOS: Final = (*_FORWARD, *(1 / ratio for ratio in _FORWARD))
"""The ratios, new shares to old, that a move is compared with: forward splits, then reverse splits."""
_TOLERANCE: Final = Fraction(SPLIT_TOLERANCE, HUNDRED_PERCENT)
_HIGHEST_FALL: Final = max((1 + _TOLERANCE) / ratio for ratio in SPLIT_RATIOS if ratio > 1)
_LOWEST_RISE: Final = min((1 - _TOLERANCE) / ratio for ratio in SPLIT_RATIOS if ratio < 1)
"""No move of a split has a factor between the two."""


@dataclass(frozen=True, slots=True)
class PriceJump:
    """A move from one price to another that needs an explanation.

    `factor` is the price ÷ the last close, above 0. `split` is the split whose move is within 2 % of this one, as new
    shares ÷ old shares; None when no split is that near.
    """

    factor: Fraction
    split: Fraction | None

    @property
    def split_text(self) -> str:
        """The split that the move looks like, such as `10-for-1 split`; empty if it looks like no split."""
        if self.split is None:
            return ""
        kind = "split" if self.split > 1 else "reverse split"
        return f"{self.split.numerator}-for-{self.split.denominator} {kind}"


def price_jump(last_close: Price | Fraction, price: Price, limit: Percent = DEFAULT_JUMP_LIMIT) -> PriceJump | None:
    """The jump from the last close to a price, or None when the move is an ordinary one.

    A jump is a move of more than `limit` (hundredths of a percent) in either direction, or a move within 2 % of that
    of a split, exactly 2 % included. `last_close` is the result of `adjusted_close`: the last close after corporate
    actions. Both prices are in the same unit; raises `ValueError` unless both are above 0.
    """
    if last_close <= 0 or price <= 0:
        raise ValueError("expected prices above 0")
    if _is_ordinary(price * last_close.denominator, last_close.numerator, limit):
        return None
    factor = Fraction(price) / last_close
    split = _nearest_split(factor)
    if split is None and abs(factor - 1) <= Fraction(limit, HUNDRED_PERCENT):
        return None
    return PriceJump(factor, split)


def adjusted_close(last_close: Price | Fraction, actions: Iterable[CorporateAction]) -> Fraction | None:
    """An asset's last close, adjusted for its corporate actions since then, exact; None if they explain any move.

    Splits and stock dividends divide the close by the shares that one share becomes; a cash dividend lowers it by its
    amount. A spin-off, a merger, a delisting, and a dividend of the whole close explain any move of the asset's
    price.
    """
    adjusted = Fraction(last_close)
    for action in actions:
        if action.kind.explains_any_move:
            return None
        adjusted /= action.shares_factor
        if action.kind is ActionKind.CASH_DIVIDEND:
            adjusted -= action.amount or 0
    return adjusted if adjusted > 0 else None


def _is_ordinary(new: int, old: int, limit: Percent) -> bool:
    """Whether the move by new ÷ old is within the limit and far from that of every split.

    Most moves are ordinary. The test is exact, but fast.
    """
    return (
        abs(new - old) * HUNDRED_PERCENT <= limit * old
        and _HIGHEST_FALL.numerator * old < new * _HIGHEST_FALL.denominator
        and new * _LOWEST_RISE.denominator < _LOWEST_RISE.numerator * old
    )


def _nearest_split(factor: Fraction) -> Fraction | None:
    """The split whose move is within 2 % of a factor, None without one. The ranges of two splits do not overlap."""
    return next((ratio for ratio in SPLIT_RATIOS if abs(factor * ratio - 1) <= _TOLERANCE), None)
