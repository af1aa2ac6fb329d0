"""The simulation catches every planted fault, and reports which check caught it (G7)."""

from __future__ import annotations

import pytest

from tests.reliability.faults import FAULTS, FIRST, NEEDED, planted
from tests.reliability.settings import FAULT_DAYS, FAULT_SEEDS
from tests.reliability.simulation import simulate

pytestmark = pytest.mark.slow


def _needed(name: str) -> tuple[str, ...]:
    return ("every_day", *NEEDED.get(name, ()))


LIFETIMES = sorted({(FIRST.get(name, 0), _needed(name)) for name in FAULTS})

BROKEN_PLANT = (AttributeError, ImportError, NameError, TypeError)
"""Errors of a plant that no longer fits the product: they catch nothing."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.samples(6)
def test_a_planted_fault_is_caught(name: str) -> None:
    first = FIRST.get(name, 0)
    for seed in (first, *(seed for seed in range(FAULT_SEEDS) if seed != first)):
        with planted(name):
            try:
                simulate(seed, days=FAULT_DAYS, needed=_needed(name))
            except BROKEN_PLANT:
                raise
            except Exception as caught:
                check = getattr(caught, "check", type(caught).__name__)
                print(f"\n{name}: caught as {check} by seed {seed}")
                return
    pytest.fail(f"{name} was not detected by {FAULT_SEEDS} lifetimes of {FAULT_DAYS} days")


@pytest.mark.parametrize(("seed", "needed"), LIFETIMES)
@pytest.mark.samples(1)
def test_without_a_planted_fault_the_simulation_passes(seed: int, needed: tuple[str, ...]) -> None:
    """Shows that the tests above catch the fault and not a false alarm."""
    simulate(seed, days=FAULT_DAYS, needed=needed)
