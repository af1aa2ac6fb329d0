"""Base classes of dialogs and pages, and the page that shows text to read.

A dialog is a box above a screen. A page covers the section from which it was opened.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.keymap import BY_ID
from rebal_tui.tui.navigation import Leavable
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.shared.help_lines import PageKey, page_help_lines
from rebal_tui.tui.sections import EVERYWHERE
from rebal_tui.tui.widgets.key_bar import HasKeyBar, KeyBar
from rebal_tui.tui.widgets.lines import Builder, LinesView
from rebal_tui.tui.widgets.page_title import PageTitle

T = TypeVar("T")
COPY = Binding("y", "copy", "Copy")
"""The key of a `ReadScreen` that copies its text, for pages whose bottom line shows it."""
PAGE_HELP = "Show the keys of this page."
PAGE_METHODS = frozenset({"help", "quit"})
"""Actions of the app whose keys have another meaning on a page."""
TEXTUAL_KEYS = frozenset(one.description for one in Screen.BINDINGS if isinstance(one, Binding))
"""Descriptions of the keys that every screen has from Textual; no help shows them."""


class Dialog(HasKeyBar[T], ModalScreen[T]):
    """A modal dialog with access to the app as `Host`."""

    @property
    def host(self) -> Host:
        """The app as `Host`."""
        return host_of(self)

    def leave(self, *, changed: bool) -> None:
        """Close without a result. If something was `changed`, first ask whether to discard the changes."""
        if not changed:
            self.dismiss()
            return
        question = Question(
            "Discard your changes?", "Discard", "They have not been saved.", no="Keep editing", silent_no=True
        )
        self.host.confirm(question, lambda _note: self._left())

    def _left(self) -> None:
        self.dismiss()


class LiveDialog:
    """A dialog whose data is fetched again with every refresh of the screens."""

    async def pull(self) -> None:
        """Fetch the data of this dialog and show it."""


class LivePage(LiveDialog):
    """A page that keeps the data it shows up to date. It asks for no confirmation, so simulated time need not stop."""


def _app_key(action: Action) -> Binding:
    """The binding of a page for the key of an app action: a modal screen passes no keys on to the app."""
    return Binding(action.keys, f"of_app('{action.id}')", action.label, show=False, tooltip=action.help, id=action.id)


class ReadingPage(Leavable, HasKeyBar[T], ModalScreen[T]):
    """A full-screen page to read, on which the keys of the app also work; keys of other
    sections close the page first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        _app_key(one)
        for one in ACTIONS
        if one.scope == EVERYWHERE and not one.priority and one.method not in PAGE_METHODS
    ]

    async def action_of_app(self, identity: str) -> None:
        """Run the action of the app with this id."""
        await self.app.run_action(BY_ID[identity].method, self.app)

    def action_help(self) -> None:
        self.show_help()

    @property
    def help_title(self) -> str:
        """The title of the page's help: what the page shows."""
        return "This page"

    def show_help(self) -> None:
        """Show the keys of this page."""
        own: dict[str, PageKey] = {}
        idle = self.query_one(KeyBar).left_out
        for node, binding, _, tooltip in self.active_bindings.values():
            is_own = node is self or (node is self.focused and binding.show)
            named = binding.description and binding.description not in TEXTUAL_KEYS
            if is_own and named and binding.action not in idle and not binding.action.startswith("of_app("):
                display = self.app.get_key_display(binding)
                known = own.get(binding.action)
                keys = f"{known.keys} {display}" if known else display
                own[binding.action] = PageKey(keys, binding.description, tooltip)
        taken = frozenset(key for one in own.values() for key in one.keys.split())
        host = host_of(self)
        keymap = host.settings_file.settings.keys
        lines = page_help_lines(self.help_title, tuple(own.values()), taken, keymap, host.mode_shown)
        self.app.push_screen(HelpScreen(f"Help · {self.help_title}", lines))


class ReadScreen(ReadingPage[None]):
    """A full-screen page with lines to read; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("y", "copy", "Copy", show=False),
        Binding("question_mark", "help", "Help", show=False, tooltip=PAGE_HELP, id="app.help"),
    ]
    AUTO_FOCUS = "LinesView"
    DEFAULT_CSS = "ReadScreen { background: $background; }"

    def __init__(self, title: str, builder: Builder, copy: str = "") -> None:
        """`builder` makes the lines; `copy` is the text that `y` copies to the clipboard, empty for none."""
        super().__init__()
        self._heading = title
        self._builder = builder
        self.copied = copy

    def compose(self) -> ComposeResult:
        yield PageTitle(self._heading, host_of(self).last_status)
        yield LinesView(self._builder)
        yield KeyBar()

    def show(self, builder: Builder) -> None:
        """Show the lines of another builder."""
        self.query_one(LinesView).show(builder)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the copy only if there is a text to copy."""
        return bool(self.copied) if action == "copy" else super().check_action(action, parameters)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.copied)
        host_of(self).say("Copied.")


class HelpScreen(ReadScreen):
    """The help of a section or page; the help key closes it again."""

    def show_help(self) -> None:
        self.dismiss()
