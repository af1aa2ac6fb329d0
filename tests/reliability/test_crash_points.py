"""Killed at any SQL statement, commit or broker call and reopened, a book reaches the undisturbed end state (G4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.crash import killed, points_of, recovered
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.settings import CRASH_KILLS, CRASH_POINTS

pytestmark = pytest.mark.slow


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", SCENARIOS)
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
        assert end == points.end, f"killed at {image.points[:3]} of {points.total}, in beat {image.heartbeat}"
    for part in range(CRASH_KILLS):
        number = points.total * (2 * part + 1) // (2 * CRASH_KILLS) or 1
        assert killed(template, memory_folder / f"kill_{part}", scenario, number) == points.end, f"killed at {number}"
    print(f"\n{name}: {points.total} points, {len(points.images)} images, {len(chosen)} opened, {CRASH_KILLS} killed")
