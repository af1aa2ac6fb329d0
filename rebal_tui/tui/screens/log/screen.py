"""Log section: scheduler jobs, and the audit trail with its verification."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from rebal_tui.services.view_models.log import AuditCheck, LogSnapshot
from rebal_tui.services.view_models.status import JobView
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import archive_pages, log_pages, log_queries, scheduler
from rebal_tui.tui.navigation import ShowsJob
from rebal_tui.tui.screens.log import lines
from rebal_tui.tui.screens.log.archive import ArchiveScreen
from rebal_tui.tui.screens.log.lines import AUDIT, JOBS, TABS
from rebal_tui.tui.screens.shared.loads_older import LoadsOlder
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import TabBar

AUDIT_HINT = "search the audit trail: client, action or JSON of an entry"


class LogScreen(ShowsJob, LoadsOlder, inherit_bindings=False):
    """Tabs for scheduler jobs and the audit trail."""

    SECTION = Section.LOG
    EXPORT = "audit"
    NOUN = "row"
    COPIES = True
    CSS_PATH = ["../shared/list.tcss", "log.tcss"]  # noqa: RUF012 - read only, as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(Section.LOG, LISTS)]

    def __init__(self) -> None:
        super().__init__()
        self._tab = JOBS
        self._snapshot: LogSnapshot | None = None
        self._read = ("", self.older.limit)
        """The search text, and the limit of rows, with which the audit entries were last read."""
        self._search = ""

    @property
    def table(self) -> BookTable[Any]:
        return self.query_one(f"#{self._tab}", BookTable)

    def compose_body(self) -> ComposeResult:
        yield TabBar((), JOBS, id="tiles")
        verified = Static("", id="verified", markup=False)
        verified.display = False
        yield verified
        yield from self.compose_list()

    def compose_tables(self) -> ComposeResult:
        with Vertical(id="tables"):
            yield BookTable(lines.job_columns(), lines.row_key, id=JOBS, empty="No jobs.", search=lines.job_text)
            yield BookTable(lines.audit_columns(), lines.row_key, id=AUDIT, empty="No entries.")

    @property
    def limited_table(self) -> BookTable[Any]:
        return self.query_one(f"#{AUDIT}", BookTable)

    @property
    def filter_hint(self) -> str:
        return AUDIT_HINT if self._tab == AUDIT else super().filter_hint

    @property
    def filter_text(self) -> str:
        return self._search if self._tab == AUDIT else super().filter_text

    @property
    def row_counts(self) -> tuple[int, int]:
        """The number of rows shown, and the number of all jobs or audit entries. A search reads only the entries it
        finds.
        """
        shown, total = super().row_counts
        return (shown, self._snapshot.entries if self._tab == AUDIT and self._snapshot is not None else total)

    def on_mount(self) -> None:
        self._show_tab()

    async def pull(self) -> None:
        await super().pull()
        reading = search, limit = self._search, self.older.limit
        old = self._snapshot
        known = {entry.seq: entry.sentence for entry in old.audit} if old is not None else {}
        seen = old.version if old is not None and reading == self._read else None
        changed = await self.host.ask(log_pages.changed_log, seen, search, limit, known)
        snapshot = changed or old
        if snapshot is None:
            return
        if reading == (self._search, self.older.limit):
            self.older.note(limit, len(snapshot.audit), self.NOUN, more=snapshot.more)
        if changed is None:
            self.table.adopt_order()
            return
        (old_search, _), self._snapshot, self._read = self._read, snapshot, reading
        detail = await self.read_detail()
        with self.app.batch_update():
            self.query_one("#tiles", TabBar).tabs = lines.log_tabs(snapshot)
            self.query_one(f"#{JOBS}", BookTable).set_rows(snapshot.jobs)
            audit = self.query_one(f"#{AUDIT}", BookTable)
            audit.set_empty(f"No entries contain “{search}”." if search else "No entries.")
            searched, key = old is not None and search != old_search, audit.cursor_key
            if searched:
                audit.renew_order()
            audit.set_rows(snapshot.audit)
            if searched:
                self.show_cursor_or_first(key)
            self.show_filter()
            self.show_detail(detail)

    def request_detail(self, key: Hashable | None, delay: float = 0.0) -> None:
        """Show the detail of the row under the cursor; does nothing if `key` belongs to the table of the other tab."""
        if key is None or str(key).startswith(f"{self._tab}:"):
            super().request_detail(self.table.cursor_key, delay)

    async def detail_of(self, key: str) -> Builder | None:
        if self._snapshot is None:
            return None
        rows = self._snapshot.jobs if self._tab == JOBS else self._snapshot.audit
        row = next((row for row in rows if lines.row_key(row) == key), None)
        return lines.detail_lines(row) if row is not None else None

    def selected_id(self) -> str | None:
        key = super().selected_id()
        return key.partition(":")[2] if key is not None else None

    @property
    def copied_name(self) -> str:
        return "the job's name" if self._tab == JOBS else "the entry's number"

    def show_tab(self, tab: str) -> None:
        """Show the tab with this key, `JOBS` or `AUDIT`."""
        self._tab = tab
        self._show_tab()

    def show_job(self, name: str) -> None:
        """Show the jobs and move the cursor to the job with this name, clearing a filter that hides it."""
        self.show_tab(JOBS)
        key = f"{JOBS}:{name}"
        if not self.table.move_to(key):
            self.show_only("")
        self.table.go_to(key)

    def _show_tab(self) -> None:
        for tab in TABS:
            self.query_one(f"#{tab}", BookTable).display = tab == self._tab
        self.query_one("#tiles", TabBar).current = self._tab
        self.query_one("#detail-pane").border_title = "Job" if self._tab == JOBS else "Audit entry"
        line = self.query_one("#filter", Input)
        with line.prevent(Input.Changed):
            line.value = self.filter_text
        line.placeholder, line.display = self.filter_hint, False
        self.show_filter()
        self.table.focus()
        self.request_detail(self.table.cursor_key)

    @on(TabBar.Chosen, "#tiles")
    def _tab_clicked(self, event: TabBar.Chosen) -> None:
        self.show_tab(event.key)

    def action_tab(self, direction: int) -> None:
        self.show_tab(self.query_one("#tiles", TabBar).step(direction) or JOBS)

    def filter_by(self, text: str) -> None:
        """Filter while typing: the audit trail by a database search, jobs in memory."""
        if self._tab == AUDIT:
            self._search = text.strip()
            self.read_anew()
        else:
            super().filter_by(text)

    async def page_of(self, key: str) -> Page | None:
        row = self.row_here(key)
        if row is None:
            return None
        title, copy = lines.title_of(row)
        return Page(title, lines.detail_lines(row), copy, self.idle_on_row())

    def idle_on_row(self) -> frozenset[str]:
        return frozenset({"log.run"} if self._tab == AUDIT else ())

    def _job(self) -> JobView | None:
        row = self.table.cursor_row
        if not isinstance(row, JobView):
            self.host.say("Select a job first; t shows the jobs.")
            return None
        return row

    def action_pause(self) -> None:
        self.host.confirm_sending(
            "Pause the scheduler?",
            lines.PAUSE_TEXT,
            "Pause",
            lambda: self.host.ask(scheduler.pause),
            "Scheduler paused",
        )

    def action_resume(self) -> None:
        self.host.work(self.host.change(lambda: self.host.ask(scheduler.resume), "Scheduler resumed"), name="resume")

    def action_run_now(self) -> None:
        job = self._job()
        if job is not None:
            text, title = lines.run_job_text(job), f"Run the job “{job.title}” now?"
            self.host.confirm_sending(title, text, "Run", lambda: self.run_job(job.name), "Done")

    def action_archive(self) -> None:
        self.host.work(self._archive(), name="archive page")

    async def _archive(self) -> None:
        view = await self.host.ask(archive_pages.archive_view)
        if self.is_current:
            self.app.push_screen(ArchiveScreen(view))

    def action_verify(self) -> None:
        self.host.work(self._verify(), name="verify")

    async def _verify(self) -> None:
        check = await self.host.ask(log_queries.verify_audit)
        if self.is_mounted:
            self.show_check(check)

    def show_check(self, check: AuditCheck) -> None:
        """Show the result of a verification of the audit trail; it stays until the next verification."""
        line = self.query_one("#verified", Static)
        mark = "● intact" if check.intact else "■ TAMPERED WITH"
        line.update(ui_text(f" Audit trail {mark}: {check.text}"))
        line.set_class(not check.intact, "-broken")
        line.display = True
        if not check.intact:
            self.host.say(f"The audit trail has been tampered with: {check.text}.", "error")
