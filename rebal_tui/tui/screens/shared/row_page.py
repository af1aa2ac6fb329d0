"""Full-screen page of a row of a list, with the actions of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.tui import actions
from rebal_tui.tui.action_table import Action
from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.keymap import BY_ID
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.help_lines import help_lines
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import section_label
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable

OF_THE_LIST_ONLY = frozenset(
    """
    filter sort reverse back columns saved_filters copy_id export tile tab mark_shown cycle_type evaluate pause resume
    """.split()
)
"""Methods that act on the list as a whole, or that the page has itself."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows: title, lines, and the text that `y` copies."""

    title: str
    lines: Builder
    copy: str = ""


class HasPages(SectionScreen):
    """A section with a list whose rows have pages."""

    @property
    def table(self) -> BookTable[Any]:
        """The table that is shown."""
        raise NotImplementedError

    async def page_of(self, key: str) -> Page | None:
        """Return the page of a row; None when the row is gone."""
        raise NotImplementedError

    def action_export(self) -> None:
        raise NotImplementedError


def page_actions(section: str) -> Sequence[Action]:
    """Return the actions of a section that work on the page of a row."""
    return [
        action for action in actions.section_actions(section) if action.method.partition("(")[0] not in OF_THE_LIST_ONLY
    ]


class RowPage(ReadScreen):
    """The details of the row under the cursor of a list; `]` and `[` go to the next and the previous row.

    The keys of the list act on the row: the page is closed, and the list does it. `x` and `?` leave the page open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "step(1)", "Next row", key_display="]"),
        Binding("left_square_bracket", "step(-1)", "Previous row", key_display="[", show=False),
        Binding("x", "export", "Export", show=False),
        Binding("question_mark", "help", "Help"),
    ]
    DEFAULT_CSS = "RowPage { background: $background; }"

    def __init__(self, owner: HasPages, page: Page) -> None:
        super().__init__(page.title, page.lines, page.copy)
        self._owner = owner
        self._steps = 0

    @property
    def host(self) -> Host:
        """The app as `Host`."""
        return host_of(self)

    def action_step(self, direction: int) -> None:
        table = self._owner.table
        before = table.cursor_key
        table.action_move(direction)
        key = table.cursor_key
        if key is None or key == before:
            self.host.say(f"This is the {'last' if direction > 0 else 'first'} row.")
            return
        self._steps += 1
        self.host.work(self._turn_to(str(key), self._steps), name="page")

    async def _turn_to(self, key: str, step: int) -> None:
        page = await self._owner.page_of(key)
        if page is not None and step == self._steps and self.is_attached:
            self.copied = page.copy
            self.query_one("#read-title", Static).update(ui_text(page.title))
            self.show(page.lines)

    def action_of_list(self, identity: str) -> None:
        method, owner = BY_ID[identity].method, self._owner
        self.dismiss()

        async def act() -> None:
            if owner.is_current:
                await self.app.run_action(method, owner)

        self.app.call_later(act)

    def action_export(self) -> None:
        self._owner.action_export()

    def action_help(self) -> None:
        section = self._owner.SECTION
        keys = self.host.settings_file.settings.keys
        self.app.push_screen(ReadScreen(f"Help · {section_label(section)}", help_lines(section, keys)))


def row_page(owner: HasPages, page: Page) -> RowPage:
    """Return the page of a row of a list, with the keys of the actions of its section."""
    return _page_class(owner.SECTION)(owner, page)


@cache
def _page_class(section: str) -> type[RowPage]:
    """A class per section, because Textual reads the keys from the class."""
    keys = [
        Binding(
            action.keys, f"of_list('{action.id}')", action.label, show=action.footer, tooltip=action.help, id=action.id
        )
        for action in page_actions(section)
    ]
    return type("RowPage", (RowPage,), {"BINDINGS": keys})
