"""Grids of policies, and what is refused in them."""

from __future__ import annotations

from typing import Any

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Destination
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.grid import parse_grid
from rebal_tui.lab.policies import Policy


def test_every_combination_is_a_policy() -> None:
    table = {"absolute": [3, "2.5", "none"], "calendar": ["monthly 15", "none"], "cooldown": [0, 7], "look": [1]}

    policies = parse_grid(table)

    assert len(policies) == 12
    assert policies[0] == Policy(Percent(300), None, CalendarCondition(CalendarType.MONTHLY, "15"), 0)
    assert policies[-1] == Policy(None, None, None, 7)
    assert parse_grid({"destination": ["edge"]}) == (Policy(destination=Destination.EDGE),)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"absolute": [0]}, "absolute[0]: got 0, expected a percent above 0"),
        ({"absolute": [True]}, "absolute[0]: got True"),
        ({"relative": [0.125]}, "relative[0]: got 0.125"),
        ({"relative": 5}, "relative: expected a list"),
        ({"calendar": ["monthly 32"]}, "calendar[0]: got 'monthly 32', expected a day such as"),
        ({"calendar": ["yearly"]}, "calendar[0]"),
        ({"cooldown": [-1]}, "cooldown[0]: got -1, expected a whole number from 0"),
        ({"look": [0]}, "look[0]"),
        ({"look": []}, "look: expected a list"),
        ({"destination": ["nowhere"]}, "destination[0]: got 'nowhere', expected target, middle or edge"),
        ({"bands": [5]}, "bands: unknown; expected absolute, relative"),
        ({"absolute": list(range(1, 500)), "relative": list(range(1, 500))}, "expected at most 100,000"),
    ],
)
def test_faults_name_the_value_and_what_is_expected(table: dict[str, Any], fault: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_grid(table)

    assert fault in "; ".join(str(f) for f in refused.value.faults)
