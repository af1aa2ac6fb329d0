"""Baseline items from the reliability tests: simulated lifetimes, crash points, planted faults."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from pprint import pformat
from typing import Any

from tests.reliability.crash import points_of, recovered
from tests.reliability.faults import FAULTS, FIRST, NEEDED, planted
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.settings import FAULT_DAYS, FAULT_SEEDS
from tests.reliability.simulation import simulate

SEEDS = range(10)
OPENED = int(os.environ.get("CRASH_POINTS", "8"))
"""How many images of each scenario are opened, evenly spaced; 0 is all of them, as in the reliability tests."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


def write_simulation(target: Path, seed: int) -> None:
    """The complete trace of a simulated lifetime, and its result."""
    trace: list[str] = []
    result = simulate(seed, trace=trace)
    coverage = sorted(map(list, result.coverage))
    summary = {
        "hash": result.hash,
        "injected": result.injected,
        "counts": dict(sorted(result.counts.items())),
        "met": coverage,
    }
    _write(target / f"simulation/{seed}.json", _json(summary))
    _write(target / f"simulation/{seed}-trace.txt", "\n".join(trace) + "\n")


def write_crash(target: Path, name: str) -> None:
    """A scenario killed at its points: their number, the points with another end state, and the undisturbed end."""
    scenario = SCENARIOS[name]
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="baseline-", dir=parent) as given:
        folder = Path(given)
        template = folder / "template" / "book.db"
        template.parent.mkdir()
        scenario.found(template)
        points = points_of(template, folder / "calm", scenario)
        every = max(1, len(points.images) // OPENED) if OPENED else 1
        chosen = points.images[every // 2 :: every]
        others = [
            image.points[0]
            for number, image in enumerate(chosen)
            if recovered(image, folder / f"image_{number}", scenario) != points.end
        ]
    found = {"points": points.total, "images": len(points.images), "opened": len(chosen), "ended otherwise": others}
    _write(target / f"crash/{name}.json", _json(found))
    _write(target / f"crash/{name}-end.txt", pformat(points.end, width=120) + "\n")


def write_fault(target: Path, name: str) -> None:
    """Which check catches a planted fault, and with which seed."""
    needed = ("every_day", *NEEDED.get(name, ()))
    first = FIRST.get(name, 0)
    found: dict[str, Any] = {"caught as": None, "by seed": None}
    for seed in (first, *(seed for seed in range(FAULT_SEEDS) if seed != first)):
        try:
            with planted(name):
                simulate(seed, days=FAULT_DAYS, needed=needed)
        except Exception as caught:
            found = {"caught as": getattr(caught, "check", type(caught).__name__), "by seed": seed}
            break
    _write(target / f"faults/{name}.json", _json(found))


def names_of_crashes() -> list[str]:
    """The scenarios that are killed, the longest first."""
    return sorted(SCENARIOS, key=lambda name: -len(SCENARIOS[name].acts))


def names_of_faults() -> list[str]:
    """The names of the planted faults."""
    return list(FAULTS)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
