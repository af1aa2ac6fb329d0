"""Log: the scheduler's jobs, when they ran and how."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from rebal_tui.services.views import JobView
from rebal_tui.tui import actions, formats
from rebal_tui.tui.actions import Place
from rebal_tui.tui.screens.place import PlaceScreen
from rebal_tui.tui.spans import Line
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column


def _state(job: JobView) -> Line:
    if job.paused:
        return (("◌ paused", "warn"),)
    if job.failed:
        return (("✗ failed", "bad"),)
    return (("● on", "good"),)


def _count(count: int, tone: str) -> Line:
    return ((str(count), tone) if count else ("·", "rule"),)


def columns() -> tuple[Column[JobView], ...]:
    """The columns of the jobs."""
    return (
        Column("state", "State", 9, _state),
        Column("title", "Job", 22, lambda job: job.title, grow=1, most=36),
        Column("next", "Next", 15, lambda job: formats.moment(job.next_at)),
        Column("last", "Last", 15, lambda job: formats.moment(job.last_at), priority=1),
        Column(
            "took", "Took", 9, lambda job: "–" if job.duration_ms is None else f"{job.duration_ms:,} ms", "right", 2
        ),
        Column("missed", "Missed", 6, lambda job: _count(job.missed, "warn"), "right", 3),
        Column("failed", "Failed", 6, lambda job: _count(job.failed, "bad"), "right", 3),
        Column("result", "Result", 20, lambda job: job.last_result, priority=4, grow=3, most=80),
    )


class LogScreen(PlaceScreen):
    """What the scheduler has done and will do."""

    PLACE = Place.LOG
    AUTO_FOCUS = "BookTable"
    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings(Place.LOG)]

    def compose_body(self) -> ComposeResult:
        yield BookTable[JobView](columns(), lambda job: job.name, empty="No job is scheduled.")

    async def pull(self) -> None:
        await super().pull()
        self.query_one(BookTable).set_rows(await self.rebal.backend.jobs())

    def action_pause(self) -> None:
        text = "Nothing new is evaluated or started until it is resumed. Runs that have started go on."
        self.rebal.confirm_sending("Pause the scheduler?", text, "Pause", self.rebal.backend.pause, "Paused")

    def action_resume(self) -> None:
        self.rebal.work(self.rebal.change(self.rebal.backend.resume, "Resumed"), name="resume")

    def action_run_now(self) -> None:
        job = self.query_one(BookTable).cursor_row
        if job is None:
            self.rebal.say("There is no job under the cursor.")
            return
        text = f"{job.title} is run once now, as if it were due. An evaluation may make runs and send orders."
        self.rebal.confirm_sending(
            f"Run “{job.title}” now?", text, "Run", lambda: self.rebal.backend.run_now(job.name), "Done"
        )
