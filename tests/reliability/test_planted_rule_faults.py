"""Tests of the default suite catch every planted fault in the rules of R-60 to R-67 (G7)."""

from __future__ import annotations

import pytest

from tests.reliability.rule_faults import FAULTS, planted
from tests.reliability.test_planted_faults import BROKEN_PLANT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_in_the_rules_is_caught(name: str) -> None:
    with planted(name) as catchers:
        for catch in catchers:
            try:
                catch()
            except BROKEN_PLANT:
                raise
            except (Exception, pytest.fail.Exception):
                return
    pytest.fail(f"{name} was not detected by its {len(catchers)} tests")
