"""What every place has: the status line, the places, a footer, and data that is pulled when the heart beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui.book_services import status_queries
from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.sections import Section
from rebal_tui.tui.textual_patches import clear_line_cache
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.status import StatusBar
from rebal_tui.tui.widgets.tabs import Tab, TabBar

if TYPE_CHECKING:
    from rebal_tui.services.view_models.status import StatusLine

SECTION_TABS = tuple(Tab(section, section.label, mark=section.key, style="key") for section in Section)


class SectionScreen(Screen[None]):
    """One of the eight places, or Review. Subclasses give the body and what to pull."""

    SECTION: ClassVar[str]

    @property
    def host(self) -> Host:
        """The app, typed."""
        return host_of(self)

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield TabBar(SECTION_TABS, self.SECTION, id="places")
        yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """The widgets between the places and the footer."""
        return ()

    async def pull(self) -> None:
        """Fetch what this place shows and show it. Called by the heartbeat while the place is in sight."""
        self.show_status(await self.host.ask(status_queries.status_line))

    def show_status(self, status: StatusLine) -> None:
        """Draw the line on top."""
        self.host.last_status = status
        self.query_one(StatusBar).status = status

    def show_loading(self, loading: LoadProgress) -> None:
        """Say how far the book is read."""
        self.query_one(StatusBar).reading = f"{loading.percent} %"

    def show_trouble(self, trouble: str) -> None:
        """Say that the figures are not being brought up to date, and why; empty when they are."""
        self.query_one(StatusBar).trouble = trouble

    def on_screen_suspend(self) -> None:
        if self.app.screen_stack[:1] != [self]:
            clear_line_cache(self)

    def on_screen_resume(self) -> None:
        self.host.pull_soon()

    def on_tab_bar_chosen(self, event: TabBar.Chosen) -> None:
        if event.bar.id == "places":
            self.host.go(event.key)
