"""Dialog of the archive of past years: shows where its file is and whether it was found and verified; moves years into
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import Worker

from rebal_tui.domain.text import count_text, minute_text
from rebal_tui.services.view_models.archives import ArchiveFile, ArchivePreview, ArchiveView, BookYear
from rebal_tui.tui.book_services import archive_pages
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.path_dialog import PathDialog
from rebal_tui.tui.segments import Line, heading, paragraph
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import Builder, LinesView
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column

NO_ARCHIVE = (
    "This book has no archive. Moving the decisions, prices and finished runs of past years into a second file keeps "
    "the book small; screens, reports, exports and the search of runs read both files."
)
LABEL_WIDTH = 10
MOVABLE, STAYS = "can be archived", "archived; the rest is needed, as for cooldowns"


def archive_lines(archive: ArchiveFile | None, verified: str) -> Builder:
    """Build the facts about an archive, or what an archive is for if there is none.

    `verified` is the result of reading its file again, empty before that.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = [heading("Archive", width)]
        if archive is None:
            return [*lines, *paragraph(NO_ARCHIVE, width, "muted"), (), heading("Years in this book", width)]
        state: list[Line] = [(("● found", "good"), (f", verified when it was written{verified}", ""))]
        if archive.problem:
            state = paragraph(f"■ {archive.problem}", width - LABEL_WIDTH, "bad")
        elif not archive.finished:
            text = "▲ not finished: the book still has rows that are in it; a continues"
            state = paragraph(text, width - LABEL_WIDTH, "warn")
        rows = (count_text(count, name.removesuffix("s")) for name, count in archive.counts)
        facts = (
            ("File", paragraph(archive.path, width - LABEL_WIDTH, "title")),
            ("State", state),
            ("Years", [((f"to {archive.through}", ""),)]),
            ("Rows", [((", ".join(rows), ""),)]),
            ("Written", [((f"{minute_text(archive.written_at)}, digest {archive.digest[:16]}", ""),)]),
        )
        for name, found in facts:
            lines += [(((name if at == 0 else "").ljust(LABEL_WIDTH), "muted"), *line) for at, line in enumerate(found)]
        return [*lines, (), heading("Years in this book", width)]

    return build


def year_state(one: BookYear, archive: ArchiveFile | None) -> str:
    """Return as text whether a year of the book can be archived."""
    if not one.past:
        return "current year: stays"
    return STAYS if archive is not None and archive.finished and one.year <= archive.through else MOVABLE


def archived_text(view: ArchivePreview) -> str:
    """Return the message that is shown after years were archived."""
    what = "the rest" if view.continues else moved_text(view)
    return f"Archived {what} to {view.through} in {view.path}."


def moved_text(view: ArchivePreview) -> str:
    """Return `6 runs and 17 decisions`: how many of each are moved into the archive."""
    return f"{count_text(view.runs, 'run')} and {count_text(view.decisions, 'decision')}"


def archive_question(view: ArchivePreview) -> Question:
    """Build the confirmation before years are archived. It names the rows to move and the file."""
    moved = f"{moved_text(view)} move, with their orders and prices"
    if view.continues:
        moved = "What an interrupted move left in the book is removed from it; it is in the file already"
    return Question(
        f"Archive the years to {view.through}?",
        "Archive",
        effects=(
            Effect(moved),
            Effect(f"Into {view.path}, which is verified before anything leaves the book"),
            Effect("Accounts, cash, the audit trail, the drift history and what rules still need stay in the book"),
            Effect("No evaluation runs and no order is sent meanwhile: a second, or a minute for a very large book"),
            Effect("A backup has the book only: copy the archive as well", style="warn"),
        ),
    )


class ArchiveScreen(Dialog[None]):
    """The state of the archive, above the years of the book; `a` archives the year under the cursor and all years
    before it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back"),
        Binding("a", "archive", "Archive the year and all before…"),
        Binding("V", "verify", "Verify file"),
        Binding("o", "found", "Locate file…"),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    ArchiveScreen { background: $background; }
    ArchiveScreen #archive-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    ArchiveScreen LinesView { height: auto; max-height: 50%; }
    ArchiveScreen #archive-doing { height: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, view: ArchiveView) -> None:
        super().__init__()
        self._view = view
        self._verified = ""
        self._moving: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(ui_text("Archive of past years"), id="archive-title", markup=False)
        facts = LinesView(id="archive-facts")
        facts.can_focus = False
        yield facts
        yield BookTable[BookYear](
            (
                Column("year", "Year", 6, lambda one: one.year),
                Column("runs", "Runs", 10, lambda one: f"{one.runs:,}", "right"),
                Column("decisions", "Decisions", 12, lambda one: f"{one.decisions:,}", "right"),
                Column("state", "", 46, lambda one: ((year_state(one, self._view.archive), "muted"),)),
            ),
            lambda one: one.year,
            empty="No decision or run yet.",
        )
        yield Static("", id="archive-doing", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        self.query_one("#archive-facts", LinesView).show(archive_lines(self._view.archive, self._verified))
        table = self.query_one(BookTable)
        table.set_rows(self._view.years)
        first = next((one for one in self._view.years if year_state(one, self._view.archive) == MOVABLE), None)
        if first is not None:
            table.move_to(first.year)

    def _say_doing(self, text: str) -> None:
        for line in self.query("#archive-doing").results(Static):
            line.update(ui_text(text))

    @property
    def _is_moving(self) -> bool:
        return self._moving is not None and not self._moving.is_finished

    @on(BookTable.Opened)
    def action_archive(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if self._is_moving:
            self.host.say("The years are being moved.")
        elif not isinstance(row, BookYear) and (self._view.archive is None or self._view.archive.finished):
            self.host.say("This book has no decision or run yet.")
        else:
            self.host.work(self._ask(row.year if isinstance(row, BookYear) else ""), name="archive")

    async def _ask(self, year: str) -> None:
        view = await self.host.ask(archive_pages.preview, year)
        if self.is_current:
            self.host.confirm(archive_question(view), lambda _note: self._start(view))

    def _start(self, view: ArchivePreview) -> None:
        self._moving = self.host.work(self._move(view), name="archive")

    async def _move(self, view: ArchivePreview) -> None:
        """Move the years into the archive while no heartbeat runs; a canceled move is continued by the next one."""
        host = self.host
        try:
            async with host.heartbeats_held():
                moving = await host.ask(archive_pages.Archiving, view.through)
                try:
                    while doing := await host.ask(archive_pages.advance, moving):
                        self._say_doing(f"{doing.capitalize()}… esc stops it; a continues later")
                finally:
                    await asyncio.shield(host.ask(archive_pages.close, moving))
        finally:
            self._say_doing("")
            host.work(self._read(), name="archive page")
        host.say(archived_text(view))
        host.pull_soon()

    async def _read(self) -> None:
        self._view = await self.host.ask(archive_pages.archive_view)
        if self.is_attached:
            self._verified = ""
            self._show()

    def action_verify(self) -> None:
        archive = self._view.archive
        if archive is None or archive.problem:
            self.host.say("There is no archive to verify." if archive is None else archive.problem, "warning")
        else:
            self.host.work(self._verify(archive), name="verify")

    async def _verify(self, archive: ArchiveFile) -> None:
        """Read the whole archive file on another thread, so that the book is not blocked meanwhile."""
        self._say_doing("Reading the whole file…")
        faults = await asyncio.to_thread(archive_pages.file_faults, Path(archive.path), archive.digest)
        self._say_doing("")
        if faults:
            self.host.say(f"The archive is damaged: {faults[0]}.", "error")
        self._verified = f"; damaged: {faults[0]}" if faults else " and read again now: intact"
        if self.is_attached:
            self._show()

    def action_found(self) -> None:
        if self._view.archive is None:
            self.host.say("This book has no archive.")
        else:
            self.app.push_screen(ArchivePathScreen(self._view.archive.path), self._told)

    def _told(self, path: str | None) -> None:
        if path is not None:
            self.host.say(f"The archive is {path}.")
            self.host.work(self._read(), name="archive page")

    def action_leave(self) -> None:
        """Close the dialog, and stop moving years into the archive, if that is in progress."""
        if self._moving is not None and self._is_moving:
            self._moving.cancel()
            self.host.say("Archiving stopped; nothing is lost. Archive again to continue.")
        self.dismiss()


class ArchivePathScreen(PathDialog):
    """Asks for the new path of an archive file that was moved. Returns the path after the book has stored it."""

    HEADING = "Where is the archive?"
    NOTE = "After it was moved or renamed. Only the archive of this book is accepted."

    async def submit(self, path: Path) -> None:
        found = await self.host.ask(archive_pages.found_at, path)
        if self.is_attached:
            self.dismiss(found)
