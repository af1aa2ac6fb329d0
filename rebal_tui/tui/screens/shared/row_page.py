"""Full-screen pages of the rows of a list, on which the actions of the list also work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.tui import actions
from rebal_tui.tui.action import Action
from rebal_tui.tui.host import Host
from rebal_tui.tui.keymap import BY_ID
from rebal_tui.tui.screens.shared.dialog import COPY, PAGE_HELP, Dialog, LivePage, ReadingPage, ReadScreen
from rebal_tui.tui.screens.shared.export_choices import REPORT, ExportChoice
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.page_title import PageTitle
from rebal_tui.tui.widgets.table import BookTable

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

T = TypeVar("T")
P = TypeVar("P", bound="PageOfList[Any]")

OF_THE_LIST_ONLY = frozenset(
    """
    filter sort sort_by reverse back columns saved_filters copy_id export tile tab mark_shown cycle_type evaluate pause
    resume import_positions enter_by_hand archive
    """.split()
)
"""Actions that concern the list as a whole, or that the page has itself; a page of a row does not get them."""
ON_MARKED_ROWS = frozenset("subscribe move_accounts unsubscribe restrictions approve reject acknowledge verify".split())
"""Actions on the marked rows, or on the row under the cursor if none is marked."""
GONE = "This row is no longer in the list; its last state:"


@dataclass(frozen=True, slots=True)
class Page:
    """Content of a page: title, lines, and the text that key `y` copies.

    `idle` has the ids of actions that cannot work on this row; their keys are not shown.
    """

    title: str
    lines: Builder
    copy: str = ""
    idle: frozenset[str] = frozenset()


class HasRows(Protocol):
    """A list whose rows have pages: a section, or a page with a list of its own.

    `SECTION` is empty if the list is on a page.
    """

    @property
    def SECTION(self) -> str:  # noqa: N802 - a constant of its screens
        """The section that the list belongs to; empty on a page."""

    @property
    def NOUN(self) -> str:  # noqa: N802 - a constant of its screens
        """The word for one row, such as `account`."""

    @property
    def host(self) -> Host:
        """The app as `Host`."""

    @property
    def app(self) -> App[Any]:
        """The app."""

    @property
    def table(self) -> BookTable[Any]:
        """The table of the list."""

    @property
    def is_current(self) -> bool:
        """Whether no other screen is above the list."""

    def export(self, first: str = "", more: Sequence[ExportChoice] = ()) -> None:
        """Open the export dialog; `first` is the key of the choice selected first (empty:
        the rows), `more` has more choices.
        """

    async def open_row(self, key: str) -> None:
        """Show the page of a row."""


class HasPages(SectionScreen):
    """A section with a list whose rows have pages. `NOUN` is the word for one row, such as `account`.

    `COPIES` is whether a page shows the key that copies its text; else only its help does.
    """

    NOUN: ClassVar[str]
    COPIES: ClassVar[bool] = False

    @property
    def table(self) -> BookTable[Any]:
        """The table that is shown."""
        raise NotImplementedError

    async def page_of(self, key: str) -> Page | None:
        """Return the page of a row; None when the row is gone."""
        raise NotImplementedError

    async def open_row(self, key: str) -> None:
        """Show the page of a row."""
        raise NotImplementedError

    def export(self, first: str = "", more: Sequence[ExportChoice] = ()) -> None:
        """Open the export dialog; `first` is the key of the choice selected first (empty:
        the rows), `more` has more choices.
        """
        raise NotImplementedError


def page_actions(section: str) -> Sequence[Action]:
    """Return the actions of a section that also work on the page of a row."""
    return [
        action for action in actions.section_actions(section) if action.method.partition("(")[0] not in OF_THE_LIST_ONLY
    ]


def _steps(noun: str) -> tuple[Binding, Binding]:
    """The keys to the next and the previous row; `noun` is the word for one row."""
    return (
        Binding("right_square_bracket", "step(1)", f"Next {noun}", key_display="]"),
        Binding("left_square_bracket", "step(-1)", f"Previous {noun}", key_display="[", show=False),
    )


class PageOfList(LivePage, Dialog[T], ReadingPage[T]):
    """A page of the row under the cursor of a list, kept up to date; `]` and `[` go to the next and the previous row.

    Other keys of the list close the page and act on its row, even if other rows are marked; the page opens again when
    the action is over. `x`, which writes a report of the row, and `?` leave the page open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        *_steps("row"),
        Binding("x", "export", "Export"),
        Binding("question_mark", "help", "Help", tooltip=PAGE_HELP, id="app.help"),
    ]
    owner: HasRows
    row_key: str
    """Key of the row that is shown, as text."""
    _steps = 0
    _seen: int | None = None
    """Version of the book from which the page's data was last read."""

    async def pull(self) -> None:
        version = await self.host.ask(_version)
        if version != self._seen:
            self._seen = version
            await self.renew()

    async def renew(self) -> None:
        """Read the data of the row again, and show it unless the user has gone to another row or closed the page
        meanwhile.

        Cursor and scroll position stay.
        """
        raise NotImplementedError

    async def turn_to(self, key: str, step: int) -> None:
        """Fetch the data of the row with this key. Show it unless the user has gone to another row or closed the page
        meanwhile.

        `step` numbers the user's moves from row to row on this page.
        """
        raise NotImplementedError

    def is_latest(self, step: int) -> bool:
        """Whether the page is open and the user has not gone to another row since the move with the number `step`."""
        return step == self._steps and self.is_attached

    def shows(self, key: str, step: int) -> bool:
        """Whether the page shows the row with this key, and the user has not gone to another
        row since move number `step`.
        """
        return key == self.row_key and self.is_latest(step)

    def action_step(self, direction: int) -> None:
        table = self.owner.table
        before = table.cursor_key
        table.action_move(direction)
        key = table.cursor_key
        if key is None or key == before:
            self.host.say(f"This is the {'last' if direction > 0 else 'first'} row.")
            return
        self._steps += 1
        self.host.work(self.turn_to(str(key), self._steps), name="page")

    def action_of_list(self, identity: str) -> None:
        method, owner, host = BY_ID[identity].method, self.owner, self.host

        def on_row() -> bool:
            return str(owner.table.cursor_key) == self.row_key

        if not on_row():
            host.say("This row is not under the cursor of its list; escape goes back to the list.")
            return
        if method in ON_MARKED_ROWS:
            owner.table.marked = frozenset()
        self.dismiss()

        async def act() -> None:
            if owner.is_current and isinstance(owner, DOMNode):
                await self.app.run_action(method, owner)
                if isinstance(owner, HasPages):
                    host.way_back.after_action(owner, on_row, self.open_again)

        self.app.call_later(act)

    async def open_again(self) -> None:
        """Open the page again after it was closed, as a new screen."""
        await self.owner.open_row(self.row_key)

    def action_export(self) -> None:
        self.owner.export(REPORT)

    @property
    def help_title(self) -> str:
        return f"Page of the {self.owner.NOUN}"


class RowPage(ReadScreen, PageOfList[None]):
    """A page with the details of a row as lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", tooltip=PAGE_HELP, id="app.help"),
    ]
    owner: HasPages
    DEFAULT_CSS = "RowPage { background: $background; }"

    def __init__(self, owner: HasPages, page: Page, key: str) -> None:
        super().__init__(page.title, page.lines, page.copy)
        self.owner = owner
        self.row_key = key
        self._page = page

    def on_mount(self) -> None:
        self._leave_out(self._page.idle)

    def _leave_out(self, idle: Collection[str]) -> None:
        self.query_one(KeyBar).left_out = frozenset(f"of_list('{identity}')" for identity in idle)

    def _show_page(self, page: Page) -> None:
        self._page, self.copied = page, page.copy
        self.query_one(PageTitle).title = page.title
        self.show(page.lines)
        self._leave_out(page.idle)
        self.refresh_bindings()

    async def turn_to(self, key: str, step: int) -> None:
        page = await self.owner.page_of(key)
        if page is not None and self.is_latest(step):
            self.row_key = key
            self._show_page(page)

    async def renew(self) -> None:
        key, step, gone = self.row_key, self._steps, GONE
        try:
            page = await self.owner.page_of(key)
        except (Conflict, NotFound) as refusal:
            page, gone = None, f"{refusal}."
        if not self.shows(key, step):
            return
        if page is not None:
            self._show_page(page)
        else:
            self.show(_last_state(self._page.lines, gone))


class CopiedRowPage(RowPage):
    """The page of a row whose text is often copied; the bottom line shows the key."""

    BINDINGS: ClassVar[list[BindingType]] = [COPY]


def _last_state(lines: Builder, why: str) -> Builder:
    """Build the last lines that a row had, below the reason why there are no newer ones."""

    def build(width: int, height: int) -> Sequence[Line]:
        return [*paragraph(why, width, "warn"), (), *lines(width, height)]

    return build


def _version(book: Book) -> int:
    return book.version


def row_page(owner: HasPages, page: Page, key: str) -> RowPage:
    """Return the page of a row, with keys for the section's actions that work on a row."""
    return with_keys_of(owner, CopiedRowPage if owner.COPIES else RowPage)(owner, page, key)


def with_keys_of(owner: HasRows, page: type[P], objects: str = "") -> type[P]:
    """Return a subclass of `page` with keys for the actions of a list that work on a row.

    The labels of the page's keys `]` and `[` contain the list's word for a row. `objects` names the section of the
    object shown, if that is not the section of the list. The actions of that section are then added where their keys
    are still free; they switch to the section.
    """
    return cast("type[P]", _page_class(owner.SECTION, owner.NOUN, page, objects))


@cache
def _page_class(section: str, noun: str, page: type[Any], objects: str) -> type[Any]:
    """One class for each set of arguments, because Textual reads the keys from the class."""
    own = page_actions(section) if section else ()
    keys = [_binding(action, "of_list") for action in own]
    if objects and objects != section:
        taken = {key for action in own for key in action.keys.split(",")}
        taken |= {key for one in page.BINDINGS for key in one.key.split(",")}
        keys += [_binding(one, "of_objects") for one in page_actions(objects) if taken.isdisjoint(one.keys.split(","))]
    return type(page.__name__, (page,), {"BINDINGS": [*_steps(noun), *keys]})


def _binding(action: Action, method: str) -> Binding:
    return Binding(
        action.keys, f"{method}('{action.id}')", action.label, show=action.footer, tooltip=action.help, id=action.id
    )
