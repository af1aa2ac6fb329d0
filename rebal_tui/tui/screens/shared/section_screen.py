"""Base class of the section screens: status line, section tabs, bottom line with keys, and refreshing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from rebal_tui.domain.text import count_text
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import status_queries
from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.key_meanings import elsewhere, here_instead, is_unknown, where_text
from rebal_tui.tui.sections import Section, section_label
from rebal_tui.tui.textual_patches import clear_line_cache
from rebal_tui.tui.widgets.key_bar import HasKeyBar, KeyBar
from rebal_tui.tui.widgets.page_title import PageTitle
from rebal_tui.tui.widgets.status import StatusBar
from rebal_tui.tui.widgets.tabs import Tab, TabBar

if TYPE_CHECKING:
    from rebal_tui.services.view_models.status import StatusLine
    from rebal_tui.tui.action import Action
    from rebal_tui.tui.widgets.lines import Builder

SECTION_TABS = tuple(Tab(section, section.label, mark=section.key, style="key") for section in Section)


class SectionScreen(HasKeyBar[None]):
    """The screen of a section, of Review or of Exceptions. Subclasses define the body and the data to fetch."""

    SECTION: ClassVar[str]
    pulled = False
    """Whether the data of this section has been fetched at least once."""

    @property
    def ready(self) -> bool:
        """Whether the section shows the result of the keys pressed so far; further keys wait until it does."""
        return self.pulled

    @property
    def host(self) -> Host:
        """The app as `Host`."""
        return host_of(self)

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield TabBar(SECTION_TABS, self.SECTION, id="places")
        yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """Yield the widgets between the section tabs and the bottom line."""
        return ()

    async def pull(self) -> None:
        """Fetch the data of this section and show it. The app calls this about four times a
        second while it is visible.
        """
        self.show_status(await self.host.ask(status_queries.status_line))

    def show_status(self, status: StatusLine) -> None:
        """Show the status line; for new alerts, also notify the user through the terminal (notification or bell)."""
        before, self.host.last_status = self.host.last_status, status
        if before is not None and before.book == status.book and status.alerts > before.alerts:
            self.host.call_attention(f"{count_text(status.alerts - before.alerts, 'new alert')} in {status.book}")
        if before is None or before.mode != status.mode:
            self.refresh_bindings()
        self.query_one(StatusBar).status = status
        if self.app.screen is not self:
            for title in self.app.screen.query(PageTitle):
                title.status = status
        self.query_one(KeyBar).unusable = actions.changing(self.SECTION) if status.read_only else frozenset()

    def take_unbound(self, key: str) -> bool:
        """Handle a key for which this section has no action: run this section's action with the same meaning as the key
        has in another section, or name the sections where the key works.

        Returns whether the key was handled.
        """
        found = self.meanings(key)
        instead = here_instead(found, self.SECTION)
        if instead is not None:
            self.host.perform(instead)
        elif found:
            self.host.say(where_text(key, self.SECTION, found))
        elif is_unknown(key, self.host.settings_file.settings.keys):
            self.host.say(f"{key} has no action; ? shows the keys.")
        else:
            return False
        return True

    def meanings(self, key: str) -> list[Action]:
        """The actions that other sections have for a key; an empty list if this section has one."""
        return elsewhere(key, self.SECTION, self.host.settings_file.settings.keys, self.host.mode_shown)

    def idle_actions(self) -> frozenset[str]:
        """Return the ids of the section's actions that cannot work on the row under the cursor; without a row, those
        that need one.
        """
        return frozenset()

    def show_keys(self) -> None:
        """Show the keys of the section without those of `idle_actions`."""
        self.query_one(KeyBar).left_out = actions.methods(self.idle_actions())

    def show_help(self) -> None:
        """Show the help of this section."""
        from rebal_tui.tui.screens.shared.dialog import HelpScreen

        self.app.push_screen(HelpScreen(f"Help · {section_label(self.SECTION)}", self.help_builder()))

    def help_builder(self) -> Builder:
        """Return the builder of the help: the keys of this section, and its symbols."""
        from rebal_tui.tui.screens.shared.help_lines import help_lines

        keys = self.host.settings_file.settings.keys
        mode, idle = self.host.mode_shown, self.idle_actions()
        return help_lines(self.SECTION, keys, mode, idle, detail=self.detail_in_sight)

    @property
    def detail_in_sight(self) -> bool:
        """Whether the details of the section are shown."""
        return True

    def show_loading(self, loading: LoadProgress) -> None:
        """Show the progress of opening the book."""
        self.query_one(StatusBar).reading = loading.text

    def show_cannot_open(self) -> None:
        """Show that opening the book has failed."""
        self.query_one(StatusBar).reading = None

    def show_trouble(self, trouble: str) -> None:
        """Show in the status line why the figures are not updated; an empty text clears that.

        Does nothing while the screen is being removed and has no status line.
        """
        for bar in self.query(StatusBar):
            bar.trouble = trouble

    def on_screen_suspend(self) -> None:
        if self.app.screen_stack[:1] != [self]:
            clear_line_cache(self)

    def on_screen_resume(self) -> None:
        self.host.pull_soon()
        self.host.way_back.check()

    def on_status_bar_chosen(self, event: StatusBar.Chosen) -> None:
        self._go_to_clicked(event.section)

    def on_tab_bar_chosen(self, event: TabBar.Chosen) -> None:
        if event.bar.id == "places":
            self._go_to_clicked(event.key)

    def _go_to_clicked(self, section: str) -> None:
        """Go to a section as its key does."""
        self.host.way_back.forget()
        self.host.go(section)
        self.app.call_later(self.host.navigation.enter, section)
