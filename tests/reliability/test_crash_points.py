"""Killed at any SQL statement, commit or broker call and reopened, a book reaches the undisturbed end state (G4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.sessions import Session
from rebal_tui.market.walk import RandomWalk
from tests.reliability.crash import killed, points_of, recovered
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.settings import CRASH_KILLS, CRASH_POINTS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def draws_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of books replay the same market: the random draws of a day are computed once for all of them."""
    known: dict[object, list[float]] = {}
    draw = RandomWalk._draws

    def draws(self: RandomWalk, source: str, session: Session, steps: int) -> list[float]:
        key = (self._seed, self._step, source, session.day, steps)
        if key not in known:
            known[key] = draw(self, source, session, steps)
        return known[key]

    monkeypatch.setattr(RandomWalk, draw.__name__, draws)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.samples(5)
def test_a_kill_at_any_point_changes_nothing(name: str, memory_folder: Path) -> None:
    scenario = SCENARIOS[name]
    template = memory_folder / "template" / "book.db"
    template.parent.mkdir()
    scenario.found(template)
    points = points_of(template, memory_folder / "calm", scenario)
    every = max(1, len(points.images) // CRASH_POINTS) if CRASH_POINTS else 1
    chosen = points.images[every // 2 :: every]
    for number, image in enumerate(chosen):
        end = recovered(image, memory_folder / f"image_{number}", scenario)
        assert end == points.end, f"killed at {image.points[:3]} of {points.total}, in heartbeat {image.heartbeat}"
    for part in range(CRASH_KILLS):
        number = points.total * (2 * part + 1) // (2 * CRASH_KILLS) or 1
        assert killed(template, memory_folder / f"kill_{part}", scenario, number) == points.end, f"killed at {number}"
    print(f"\n{name}: {points.total} points, {len(points.images)} images, {len(chosen)} opened, {CRASH_KILLS} killed")
