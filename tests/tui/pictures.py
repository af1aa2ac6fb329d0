"""Screenshots of all sections with the demo book: `python -m tests.tui.pictures` writes them."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from rebal_tui import bootstrap
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.sections import Section

FOLDER = Path(__file__).parents[2] / "screenshots"
SIZES: dict[Section, tuple[tuple[int, int], ...]] = {
    **dict.fromkeys(Section, ((120, 40),)),
    Section.DESK: ((80, 24), (120, 40), (200, 60)),
}
SHOWN_AT = datetime(2026, 11, 24, 11, 26, tzinfo=NEW_YORK)
"""Simulated time of the screenshots: second day of the demo, with runs, alerts and a withdrawal in progress."""
DOWN = {Section.DESK: 10, Section.CASH: 0, Section.RUNS: 3}
"""Row of the cursor: an account outside its bands, a withdrawal, a run with several orders."""
FONT = "DejaVu Sans Mono"


def stem(section: Section, size: tuple[int, int]) -> str:
    """Return the file name of a screenshot without extension."""
    return f"{section.value}-{size[0]}x{size[1]}"


def demonstration(path: Path) -> Book:
    """Create the demo book and advance it to `SHOWN_AT`, independent of real time."""
    bootstrap.create_demo(path).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
    clock = book.clock
    if not isinstance(clock, SimulatedClock):
        raise TypeError("the demonstration has a simulated clock")
    while clock.now() < SHOWN_AT:
        following = clock.now() + timedelta(minutes=1)
        clock.jump(book.calendar.demo_skip(following) or following)
        scheduler.tick(book)
    return book


def picture(book: Book, section: Section, size: tuple[int, int]) -> str:
    """Return a screenshot of a section as SVG."""
    thread = BookThread(lambda: book)
    app = RebalApp(BookBackend(thread), heartbeat=False)

    async def shoot() -> str:
        async with app.run_test(size=size) as pilot:
            await app.run_heartbeat()
            await _settle(pilot)
            if section is not Section.DESK:
                await pilot.press(section.key)
                await _settle(pilot)
            await pilot.press(*["down"] * DOWN.get(section, 1))
            await _settle(pilot)
            return app.export_screenshot(title="rebal-tui")

    return asyncio.run(shoot())


async def _settle(pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await pilot.pause(0.2)
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def as_png(svg: str) -> bytes:
    """Convert a screenshot to PNG with an installed font."""
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.replace("Fira Code", FONT), font_dirs=["/usr/share/fonts"], monospace_family=FONT
        )
    )


def main() -> None:
    """Write all screenshots."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        book = demonstration(Path(folder) / "demo.db")
        for section, sizes in SIZES.items():
            for size in sizes:
                svg = picture(book, section, size)
                (FOLDER / f"{stem(section, size)}.svg").write_text(svg)
                (FOLDER / f"{stem(section, size)}.png").write_bytes(as_png(svg))
                print(stem(section, size))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
