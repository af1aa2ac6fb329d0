"""Simulated lifetimes with corporate actions of all kinds: equity, cash and shares agree through all of them (R-54)."""

from __future__ import annotations

from collections import Counter

import pytest

from rebal_tui.domain.corporate_actions import ActionKind
from tests.reliability.simulation import simulate

pytestmark = pytest.mark.slow


@pytest.mark.timeout(600)
def test_the_books_agree_through_corporate_actions_of_every_kind() -> None:
    happened: Counter[str] = Counter()
    for seed in range(5, 13):
        happened.update(simulate(seed, days=90, needed=("corporate_actions", "every_day", "moving")).counts)
    assert {kind for kind in ActionKind if not happened[f"action {kind}"]} == set()
