"""Closes with total returns."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction, DatedAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.market.closes import Closes
from rebal_tui.services.backtest.adjusted_closes import adjusted

DAYS = tuple(date(2026, 3, day) for day in (2, 3, 4, 5))


def closes(*prices: str) -> Closes:
    return Closes(("A", "B"), DAYS, tuple((Price(int(Fraction(p) * NANO)), Price(NANO)) for p in prices))


def test_dividends_are_reinvested_and_splits_undone() -> None:
    """100, then a dividend of 10: 90. Two for one, 45, and a dividend of 9 on the last day: 36."""
    actions = [
        DatedAction(DAYS[3], CorporateAction(ActionKind.CASH_DIVIDEND, "A", amount=Price(9 * NANO)), 4),
        DatedAction(DAYS[1], CorporateAction(ActionKind.CASH_DIVIDEND, "A", amount=Price(10 * NANO)), 2),
        DatedAction(DAYS[2], CorporateAction(ActionKind.SPLIT, "A", ratio=Fraction(2)), 3),
        DatedAction(DAYS[2], CorporateAction(ActionKind.DELISTING, "C"), 5),
    ]

    found = adjusted(closes("100", "90", "45", "36"), actions)

    assert [row[0] for row in found.rows] == [36 * NANO] * 4
    assert [row[1] for row in found.rows] == [NANO] * 4


def test_actions_that_no_factor_describes_are_refused_by_line() -> None:
    gone = DatedAction(DAYS[1], CorporateAction(ActionKind.DELISTING, "A"), 7)
    all_paid = DatedAction(DAYS[1], CorporateAction(ActionKind.CASH_DIVIDEND, "A", amount=Price(100 * NANO)), 8)

    for action, fault in ((gone, "line 7: got a delisting of A"), (all_paid, "line 8: A: expected less than the last")):
        with pytest.raises(Invalid, match=fault):
            adjusted(closes("100", "90", "45", "36"), [action])
