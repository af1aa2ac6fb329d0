"""Tests of the Lab's chart of policies."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rebal_tui.tui.screens.lab.charts import scatter


def test_the_labels_of_the_chart_are_the_turnover_of_their_lines() -> None:
    """The policy that never rebalances has its dot on the line labeled 0.0, the busiest one on the highest line."""
    rows: list[Any] = [
        SimpleNamespace(number=number, turnover=turnover, rms=rms, own=False, cheaper=False, worse=False)
        for number, (turnover, rms) in enumerate([(0.0, 0.05), (0.12, 0.02), (0.24, 0.01)])
    ]
    lines = ["".join(text for text, _ in line) for line in scatter(rows, None, 40, 12)]
    dotted = [line.split("┤")[0].strip() for line in lines if "●" in line]
    assert dotted == ["24.0", "12.0", "0.0"]
