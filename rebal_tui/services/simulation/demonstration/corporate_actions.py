"""The corporate actions of a demonstration: a dividend on the second session, a split on the third."""

from __future__ import annotations

from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import parse_price
from rebal_tui.services.book.book import Book
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action

SLOT = 3
"""The slot of the day at which an action takes effect."""
ACTIONS = (
    CorporateAction(ActionKind.CASH_DIVIDEND, "SPY", amount=parse_price("1.83")),
    CorporateAction(ActionKind.SPLIT, "GLD", Fraction(2)),
)
"""By session after the first day."""


def act(book: Book, number: int) -> str:
    """Apply the action with this index in `ACTIONS` and return a confirmation text.

    Raises `Conflict` when the book refuses the action.
    """
    return apply_corporate_action(book, ACTIONS[number]).text
