"""A recording of the demonstration: `python -m tests.tui.recording` writes screenshots/demo.svg and demo.cast.

Two minutes, as a picture that every browser plays, and in asciinema's format, version 2: `asciinema play
screenshots/demo.cast`. The real screens run on the demonstration with its history; keys, clock and the times of the
frames come from the script below, so that the same program makes the same files.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from rebal_tui import bootstrap
from rebal_tui.demo_book import create_demo_with_history
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.reporting import report_file
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from tests.tui import textual_internals
from tests.tui.animated_svg import animated_svg
from tests.tui.driving import screen_text
from tests.tui.virtual_time import VirtualTime

TARGET = Path(__file__).parents[2] / "screenshots" / "demo.cast"
PICTURE = TARGET.with_suffix(".svg")
SIZE = (120, 36)
LAST_SECONDS = 5
"""How long the picture shows its last frame before it begins again."""
TICK_SECONDS = 1.0
"""Seconds between two heartbeats of the recording; each lets the market pass a minute, as the demonstration does."""
STOPPED, NEAR, CLIENT = "Santos Hannah", "Abernathy", "Moreau, Emeka"
"""An account outside its bands that a restriction stops, one near a band, and one with many runs."""


class Recorder:
    """Collects the changes of the screen as events of a recording, at times that the script sets."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.at = 0.0
        self._size = size
        self._shown = [Strip.blank(size[0])] * size[1]
        self._console = Console(color_system="truecolor", force_terminal=True, width=size[0], legacy_windows=False)
        self._events: list[tuple[float, str, str]] = [(0.0, "o", "\x1b[?25l\x1b[2J")]
        self._frames: list[tuple[float, list[Strip]]] = []

    def frame(self, app: RebalApp) -> None:
        """Write what changed since the last frame."""
        self._show(textual_internals.drawn(app.screen))

    def text(self, text: str) -> None:
        """Show text in place of the screens, as much as fits."""
        width, height = self._size
        lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]][:height]
        strips = [Strip([Segment(line)]).adjust_cell_length(width) for line in lines]
        self._show([*strips, *[Strip.blank(width)] * (height - len(lines))])

    def _show(self, lines: list[Strip]) -> None:
        changed = []
        for row, (line, before) in enumerate(zip(lines, self._shown, strict=True), 1):
            first, last = _changed_cells(_cells(line), _cells(before))
            if first < last:
                changed.append(f"\x1b[{row};{first + 1}H{line.crop(first, last).render(self._console)}")
        self._shown = list(lines)
        if changed:
            self._frames.append((self.at, self._shown))
            self._events.append((self.at, "o", "\x1b[0m".join([*changed, ""])))

    def mark(self, label: str) -> None:
        """Name what follows; players show it as a chapter."""
        self._events.append((self.at, "m", label))

    def cast(self) -> str:
        """The recording as text: a header, then an event a line."""
        width, height = self._size
        head = {"version": 2, "width": width, "height": height, "title": "rebal-tui demo", "idle_time_limit": 5}
        lines = [json.dumps(head)]
        lines += [json.dumps([round(at, 3), kind, text], ensure_ascii=False) for at, kind, text in self._events]
        return "\n".join(lines) + "\n"

    def svg(self) -> str:
        """The recording as an animated picture, which begins with the first frame."""
        start = self._frames[0][0]
        frames = [(at - start, lines) for at, lines in self._frames]
        return animated_svg(frames, self._size, self.at - start + LAST_SECONDS)


def _cells(line: Strip) -> list[tuple[str, Style | None]]:
    """The cells of a line; one that a wide character continues has no text."""
    return [
        (text, segment.style)
        for segment in line
        for character in segment.text
        for text in (character, "")[: max(1, cell_len(character))]
    ]


def _changed_cells(cells: Sequence[object], before: Sequence[object]) -> tuple[int, int]:
    """The first changed cell and the one after the last; equal when none changed."""
    different = [at for at, (one, other) in enumerate(zip_longest(cells, before)) if one != other]
    return (different[0], different[-1] + 1) if different else (0, 0)


class Film:
    """A script's view of the running program: it presses keys and lets time pass, and everything is recorded."""

    def __init__(self, pilot: Pilot[Any], app: RebalApp, book: Book, recorder: Recorder) -> None:
        self.pilot, self.app, self.book, self.recorder = pilot, app, book, recorder

    async def wait(self, seconds: float, *, minutes: float = 1.0) -> None:
        """Let seconds pass; in each the market passes `minutes`, 0 while a page is open, as it holds time."""
        clock = self.book.clock
        if not isinstance(clock, SimulatedClock):
            raise TypeError("the demonstration has a simulated clock")
        for _ in range(round(seconds / TICK_SECONDS)):
            if minutes:
                clock.jump(clock.now() + timedelta(minutes=minutes))
                await self.app.run_heartbeat()
            await self._settle()
            self.recorder.at += TICK_SECONDS
            self.recorder.frame(self.app)

    async def press(self, *keys: str, pause: float = 0.4) -> None:
        """Press keys, a pause after each."""
        for key in keys:
            await self.pilot.press(key)
            await self._settle()
            self.recorder.at += pause
            self.recorder.frame(self.app)

    def expect(self, text: str) -> None:
        """Raise `AssertionError` when the screen does not show a text: the script is out of step."""
        shown = screen_text(self.app)
        if text not in shown:
            raise AssertionError(f"{text!r} is not on the screen:\n{shown}")

    async def _settle(self) -> None:
        for field in self.app.screen.query(Input):
            field.cursor_blink = False  # It blinks by the real time.
        for _ in range(2):
            await self.pilot.pause(0.2)
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()


async def script(film: Film) -> None:
    """The Desk, why an account did not trade, a preview, a run, a report, the Lab."""
    mark = film.recorder.mark
    mark("The Desk: drift of every account, live")
    await film.wait(8)
    await film.press("down", "down", "down", pause=1.0)
    await film.wait(3)
    mark("Why an account did not trade")
    await film.press("slash", *STOPPED.lower(), pause=0.15)
    await film.press("enter", pause=1.0)
    film.expect(f"{STOPPED.lower()} 1/")
    await film.wait(5, minutes=0)
    await film.press("enter", pause=1.0)
    film.expect("Account ")
    await film.wait(9, minutes=0)
    await film.press("escape", "escape", pause=1.0)
    mark("A preview: every line, and nothing is sent")
    await film.press("slash", *NEAR.lower(), pause=0.15)
    await film.press("enter", "p", pause=1.0)
    await film.wait(10, minutes=0)
    await film.press("escape", "escape", pause=1.0)
    mark("Runs, as they sell and buy")
    await film.press("4", pause=1.0)
    await film.wait(14, minutes=2)
    await film.press("down", "down", pause=0.8)
    await film.press("enter", pause=1.0)
    await film.wait(12, minutes=0)
    await film.press("escape", pause=1.0)
    mark("A report for an auditor")
    await film.press("3", "slash", *"moreau emeka", "enter", pause=0.2)
    film.expect(CLIENT)
    await film.press("enter", pause=1.0)
    await film.wait(2, minutes=0)
    await film.press("x", "down", "down", "down", pause=0.7)
    film.expect(f"Report of {CLIENT}")
    await film.press("enter", pause=1.0)
    await film.wait(3, minutes=0)
    film.expect("Wrote the report of")
    await film.press("escape", "escape", pause=0.5)


def _report_scene(recorder: Recorder, path: Path) -> None:
    """The same report by the command, as text."""
    subject = ReportSubject(ReportKind.ACCOUNT, CLIENT)
    content = report_file(path, subject, "md").decode().replace("\\", "")
    day = content[content.index("### Tue 17 Nov 2026") :]
    recorder.text(f'$ rebal-tui report --account "{CLIENT}" --from 2026-11-17 --format md | less\n\n{day}')
    recorder.at += 12


async def lab(film: Film) -> None:
    """The Lab, after the report."""
    film.recorder.mark("The Lab: policies compared")
    await film.press("7", pause=1.0)
    for _ in range(40):
        await film.pilot.pause(0.25)
        if "rebalances" in screen_text(film.app).lower():
            break
    await film.wait(6, minutes=0)
    await film.press("down", "down", "enter", pause=1.0)
    await film.wait(8, minutes=0)


def make(path: Path) -> Recorder:
    """Record the demonstration in a new file."""
    create_demo_with_history(path).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
    recorder = Recorder(SIZE)
    app = RebalApp(
        BookBackend(BookThread(lambda: book)),
        heartbeat=False,
        make_report=lambda what, fmt: report_file(path, what, fmt),
    )
    scenes: list[Callable[[Film], Awaitable[None]]] = [script, lab]

    async def record() -> None:
        async with app.run_test(size=SIZE) as pilot:
            film = Film(pilot, app, book, recorder)
            await app.run_heartbeat()
            await film.wait(1)
            await scenes[0](film)
            _report_scene(recorder, path)
            await scenes[1](film)

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(record())
    return recorder


def main() -> None:
    # The folder is on the screen when a file is named, so it has the same name each time.
    folder = Path(tempfile.gettempdir()) / "rebal-tui-demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chdir(folder)
    try:
        recorder = make(folder / "demo.db")
    finally:
        os.chdir(TARGET.parent)
        shutil.rmtree(folder)
    for file, text in ((TARGET, recorder.cast()), (PICTURE, recorder.svg())):
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file}: {len(text):,} characters")


if __name__ == "__main__":
    main()
