"""Effects of the question before an evaluation of every account."""

from __future__ import annotations

import pytest

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.services.view_models.evaluation_now import DueRun, EvaluationNow
from rebal_tui.tui.screens.shared.evaluating import due_effects, due_items

FULL = DueRun("a", "Adler, Miriam", RunType.FULL_REBALANCE, "SPY drifted", 2, parse_money("1234.50"))
INVEST = DueRun("b", "Brooks, Terence", RunType.INVEST_CASH, "cash came in", 1, parse_money("99.00"))


@pytest.mark.parametrize(
    ("now", "effects"),
    [
        (EvaluationNow(0, 0, (), "SIMULATED", False), ["No run is due at current prices: no account would trade."]),
        (
            EvaluationNow(1, 1, (FULL, INVEST), "SIMULATED", False),
            [
                "Creates 1 run of type full rebalance, turnover $1,234.50",
                "Creates 1 run of type invest cash, turnover $99.00",
            ],
        ),
        (
            EvaluationNow(0, 1, (INVEST,), "FILES", False),
            ["Proposes 1 run of type invest cash for review, turnover $99.00"],
        ),
        (
            EvaluationNow(2000, 1, (FULL,), "SIMULATED", True),
            [
                "Proposes 2,000 runs of type full rebalance for review",
                "Proposes 1 run of type invest cash for review",
                "The first 1 are listed",
            ],
        ),
    ],
)
def test_the_runs_that_are_due_are_counted_by_type(now: EvaluationNow, effects: list[str]) -> None:
    assert [f"{effect.text} {effect.amount}".rstrip() for effect in due_effects(now)] == effects


def test_each_listed_run_has_its_reason() -> None:
    item = due_items(EvaluationNow(1, 0, (FULL,), "SIMULATED", False))[0]
    assert (item.name, item.text, item.amount) == (
        "Adler, Miriam", "full rebalance, 2 orders: SPY drifted", "1,234.50",
    )  # fmt: skip
