"""Seeds of the simulation: nothing is lost, nothing is doubled, and everything ends (G1, G2, G3, G6)."""

from __future__ import annotations

import pytest

from tests.reliability.default_events import DEFAULT_EVENTS
from tests.reliability.settings import BATCHES, FIRST_SEED, LONG_SEEDS, SEEDS
from tests.reliability.simulation import account_years, simulate

pytestmark = pytest.mark.slow


@pytest.mark.timeout(1_200 + 10 * SEEDS)
@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.samples(1)
def test_with_any_broker_behavior_the_books_agree_and_every_run_ends(batch: int) -> None:
    for seed in range(FIRST_SEED + batch, FIRST_SEED + SEEDS, BATCHES):
        counts = simulate(seed).counts
        assert [event for event in DEFAULT_EVENTS if not counts.get(f"event {event}")] == [], seed


def test_the_long_run_is_of_at_least_500_account_years() -> None:
    assert sum(account_years(seed) for seed in range(LONG_SEEDS)) >= 500
