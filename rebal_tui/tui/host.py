"""Protocols that connect book, app and screens: `Backend` for access to the book, `Host` for
what screens use of the app.

Screens import this module, never the app.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from rebal_tui.tui.notices import Lasts

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel
    from textual.worker import Worker

    from rebal_tui.domain.errors import ReadOnly
    from rebal_tui.services.advisory.undo import Undo
    from rebal_tui.services.backtest.verification import OpenReplay
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.report_subject import ReportSubject
    from rebal_tui.services.view_models.status import StatusLine
    from rebal_tui.tui.action import Action
    from rebal_tui.tui.navigation import Navigation
    from rebal_tui.tui.questions import Effect, Item, OtherAnswer, Question
    from rebal_tui.tui.settings import Settings, SettingsFile
    from rebal_tui.tui.way_back import WayBack
    from rebal_tui.tui.widgets.lines import Builder

P = ParamSpec("P")
T = TypeVar("T")
MakeReport: TypeAlias = "Callable[[ReportSubject, str], bytes]"
"""Makes a report: gets its subject and file format, returns the file's content. May run on any thread.

Reads a copy of the book. Raises a `Refusal` if the report cannot be made.
"""


class Asks(Protocol):
    """Something that calls service functions: a `Backend` or a `Host`."""

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a service function on the book's thread, the book as first argument; returns its immutable result."""


class AsksAndSays(Asks, Protocol):
    """Something that calls service functions and shows messages: a `Host`, or a session of the linear mode.

    The linear mode (`--plain`) has commands and sentences instead of screens.
    """

    def say(self, text: str) -> None:
        """Show a short message."""


class HoldsHeartbeats(Asks, Protocol):
    """Something that can read the book in several steps without a change between them."""

    def heartbeats_held(self) -> AbstractAsyncContextManager[None]:
        """Context in which no heartbeat runs, so that only calls of `ask` change the book."""


class Backend(Protocol):
    """Access to the book. Every method can raise `Refusal`, an error with a message for the user."""

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a service function on the book's thread, the book as first argument; returns its immutable result."""

    async def tick(self) -> bool:
        """Run one heartbeat or a chunk of a long one: execute due work, or, for a read-only book, read its file again.

        Returns whether more work must follow immediately.
        """

    def start_heartbeat(self) -> None:
        """Run heartbeats on another thread until the book is closed."""

    @property
    def trouble(self) -> str:
        """Why the last heartbeat failed; empty if it succeeded. Does not wait for the book's thread."""

    @property
    def open_error(self) -> str:
        """Why the book could not be opened; empty if it is open or still being opened."""

    def held(self) -> AbstractContextManager[None]:
        """Context in which no heartbeat begins."""

    @property
    def halted(self) -> ReadOnly | None:
        """Why this process does not write to the book; None while it writes. Does not wait for the book's thread."""

    async def write_again(self) -> None:
        """Try to write the book again after a disk error. Raises `Refusal` while the disk still fails."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What can be done with an empty book; each function returns its result as text. None: not available.

    `keep_files` makes the book an empty files book.
    """

    open_demo: Callable[[], Awaitable[str]] | None = None
    import_file: Callable[[Path], Awaitable[str]] | None = None
    keep_files: Callable[[], Awaitable[str]] | None = None
    connect_broker: Callable[[], Awaitable[str]] | None = None


class Host(Protocol):
    """What screens use of the app. Textual's own methods are called on `self.app`."""

    first_run: FirstSteps
    last_status: StatusLine | None
    navigation: Navigation
    open_replay: OpenReplay | None
    make_report: MakeReport | None
    previous_mode: str
    settings_file: SettingsFile
    way_back: WayBack

    @property
    def mode_shown(self) -> str:
        """The mode as the status line shows it; empty before the book is read."""

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of `book_services` on the book's thread and return its result."""

    async def write_again(self) -> None:
        """Try to write the book again after a disk error. Raises `Refusal` while the disk still fails."""

    def heartbeats_held(self) -> AbstractAsyncContextManager[None]:
        """Context in which no heartbeat runs, so that only requests of the screens change the book."""

    def time_held(self) -> AbstractAsyncContextManager[None]:
        """Context in which simulated time is paused if it runs faster than real time, so a dialog's plan stays
        current.
        """

    def say(self, text: str, severity: SeverityLevel = "information", *, lasts: Lasts = Lasts.ITS_TIME) -> None:
        """Show a short message in the bottom line."""

    def explain(self, text: str) -> None:
        """Show a message in the bottom line. While the message is shown, escape closes it and does nothing else."""

    def call_attention(self, text: str) -> None:
        """If the settings allow it, show a text as a notification of the terminal, or ring its bell if it has none."""

    def work(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> Worker[None]:
        """Run a coroutine in the background; a failure becomes a message. The returned worker can be canceled."""

    def work_to_open(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run in the background a coroutine that opens a dialog. Keys typed meanwhile wait for the dialog."""

    def pull_soon(self) -> None:
        """Refresh the visible section now, without waiting for the next regular refresh."""

    def keys_ready(self) -> None:
        """If the section has loaded its rows by now, handle the keys that waited for them."""

    async def change(self, do: Callable[[], Awaitable[Any]], done: str) -> None:
        """Await `do`; then show the message `done`, and refresh the section. If `do` returns text, the text is added to
        the message.
        """

    def offer_undo(self, change: Undo | None, what: str) -> None:
        """Let key `u` undo `change` for 10 seconds; `what` names the change in messages. A
        `change` of None is ignored.
        """

    def confirm(self, question: Question, answered: Callable[[str], None]) -> None:
        """Ask a question; on yes, call `answered` with the note that was typed, or with an empty text."""

    def confirm_sending(
        self,
        title: str,
        text: str,
        yes: str,
        do: Callable[[], Awaitable[Any]],
        done: str,
        lines: Builder | None = None,
        *,
        effects: Sequence[Effect] = (),
        items: Sequence[Item] = (),
        other: OtherAnswer | None = None,
        no: str = "Cancel",
        undoable: bool = False,
    ) -> None:
        """Ask for confirmation before sending orders or moving money. On yes, run `do` and show the message `done`.

        `yes` and `no` are the labels of the buttons; `text`, `lines`, `effects`, `items`, `other` and `undoable` are
        as in `Question`.
        """

    def go(self, section: str) -> None:
        """Go to a section."""

    def perform(self, action: Action) -> None:
        """Switch to the section that an action belongs to, and run the action there."""

    def use_settings(self, settings: Settings) -> None:
        """Apply the theme, density and key bindings of the settings."""


class InApp(Protocol):
    """An object with an app: a screen, widget or command provider."""

    @property
    def app(self) -> App[Any]:
        """The app that contains the object."""


def host_of(node: InApp) -> Host:
    """Return the app of a screen, widget or provider as `Host`. Raises `TypeError` if the app is not a `Host`."""
    app: Any = node.app
    if not hasattr(app, "confirm_sending"):
        raise TypeError(f"{type(app).__name__} is not a host of these screens")
    host: Host = app
    return host
