"""The simulation sees: every planted fault is caught by it, and by which check is told (G7)."""

from __future__ import annotations

import pytest

from tests.reliability.faults import FAULTS, NEEDED, planted
from tests.reliability.settings import FAULT_DAYS, FAULT_SEEDS
from tests.reliability.simulation import simulate


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(name: str) -> None:
    for seed in range(FAULT_SEEDS):
        try:
            with planted(name):
                simulate(seed, days=FAULT_DAYS, needed=("every_day", *NEEDED.get(name, ())))
        except Exception as caught:
            check = getattr(caught, "check", type(caught).__name__)
            print(f"\n{name}: caught as {check} by seed {seed}")
            return
    pytest.fail(f"{name} was not seen by {FAULT_SEEDS} lives of {FAULT_DAYS} days")


def test_without_a_fault_the_same_lives_pass() -> None:
    """What is caught above is the fault and not the check."""
    needed = sorted({fault for faults in NEEDED.values() for fault in faults} - {"still", "moving"})
    for seed in range(3):
        simulate(seed, days=FAULT_DAYS, needed=needed)
