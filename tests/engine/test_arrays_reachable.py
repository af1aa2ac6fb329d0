"""The reachable targets of the array engine are those of the exact engine, line by line, where it is sure (R-61)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rebal_tui.domain.quantities import ATTO
from rebal_tui.engine.arrays.band_usage import band_usages
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.engine.arrays.rule_targets import RuleTargets, free_cash, pieces_of, rule_targets, values_and_goals
from rebal_tui.engine.goals import Goals
from rebal_tui.engine.situation import Situation
from tests.engine.array_books import frame_of, random_situations, tied_situations
from tests.engine.ruled_books import random_rules, roomy_situations

pytestmark = pytest.mark.slow


def array_targets(frame: BookFrame, made: RuleTargets) -> dict[int, dict[str, float]]:
    """By row of the accounts that are sure: the reachable value in dollars of each managed line of the portfolio."""
    columns = made.columns
    found: dict[int, dict[str, float]] = {}
    for block, entries in pieces_of(frame, columns, np.flatnonzero(columns.boxed & ~made.unsure)):
        _, goal, unmanaged, _ = values_and_goals(frame, block, made, entries)
        asset = block.asset.take(block.local[frame.column[columns.rows[entries]]], axis=1)
        for at, entry in enumerate(entries.tolist()):
            slots = [slot for slot in range(len(asset)) if 0 <= asset[slot, at] < len(frame.assets)]
            found[int(columns.rows[entry])] = {
                frame.assets.symbols[asset[slot, at]]: float(goal[slot, at])
                for slot in slots
                if not unmanaged[slot, at]
            }
    return found


def pinned(goals: Goals, targets: dict[str, float], margin: float) -> tuple[set[str], set[str]]:
    """The lines that surely are not at λ × weight, by the exact targets and by others; none where λ is null."""
    if goals.target.factor is None:
        return set(), set()
    ideal = {line.symbol: float(goals.target.factor * line.weight * goals.base / 10_000 / ATTO) for line in goals.lines}
    exact = {symbol: float(goals.target.values[symbol] / ATTO) for symbol in targets}
    away = [{symbol for symbol in targets if abs(of[symbol] - ideal[symbol]) > 2 * margin} for of in (exact, targets)]
    return away[0], away[1]


def compare(situations: Sequence[Situation]) -> int:
    """Compare the accounts that are sure; returns how many."""
    frame = frame_of(situations)
    made = rule_targets(frame, band_usages(frame), rule_columns(frame), every_usage=True)
    rows = made.columns.rows
    margins = dict(zip(rows.tolist(), made.margin(np.arange(len(rows)), free_cash(frame, rows)).tolist(), strict=True))
    cash = dict(zip(rows.tolist(), made.cash.tolist(), strict=True))
    found = array_targets(frame, made)
    for row, targets in found.items():
        goals = situations[row].goals
        assert goals is not None
        margin = margins[row]
        for symbol, value in targets.items():
            assert abs(Fraction(value) * ATTO - goals.target.values[symbol]) <= Fraction(margin) * ATTO, (row, symbol)
        assert abs(Fraction(cash[row]) * ATTO - goals.target.cash) <= Fraction(margin) * ATTO, row
        assert pinned(goals, targets, margin)[0] <= pinned(goals, targets, margin / 2)[1], row
    return len(found)


@pytest.mark.parametrize("seed", range(3))
def test_reachable_targets_and_pinned_lines_are_those_of_the_exact_form(seed: int) -> None:
    rng = random.Random(f"reachable {seed}")
    sure = 0
    for situations in (random_situations(rng, 60), tied_situations(rng, 80), roomy_situations(rng, 80)):
        sure += compare([replace(one, rules=replace(random_rules(rng, one), overrides=None)) for one in situations])
    assert sure > 50
