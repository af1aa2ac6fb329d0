"""The app as the screens see it, and the book as the app sees it. Screens import this module, never the app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel
    from textual.worker import Worker

    from rebal_tui.domain.errors import ReadOnly
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.desk import DeskSnapshot
    from rebal_tui.services.view_models.runs import RunsSnapshot
    from rebal_tui.services.view_models.status import StatusLine
    from rebal_tui.tui.action_table import Action
    from rebal_tui.tui.navigation import Navigation
    from rebal_tui.tui.settings import Settings, SettingsFile
    from rebal_tui.tui.widgets.lines import Builder

P = ParamSpec("P")
T = TypeVar("T")


class Backend(Protocol):
    """The book. Every call may raise `Refusal`."""

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The frozen result of a service, which gets the book first. It runs on the book's own thread."""

    async def tick(self) -> bool:
        """One heartbeat, or a chunk of a long one: whatever is due happens; where nothing can be written, the file is
        read again. Returns whether more is to be done at once."""

    @property
    def halted(self) -> ReadOnly | None:
        """Why nothing is written to the book here, None while writing works. Known without asking the book."""

    async def write_again(self) -> None:
        """Resume writing after the disk failed. Refused while it still fails."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What an empty book can begin with; None where it cannot. Each returns what it did, in a sentence."""

    open_demo: Callable[[], Awaitable[str]] | None = None
    import_file: Callable[[Path], Awaitable[str]] | None = None
    connect_broker: Callable[[], Awaitable[str]] | None = None


class Host(Protocol):
    """What screens use of the app. Textual's own parts of it are reached through `self.app`."""

    first_run: FirstSteps
    heartbeat_lock: asyncio.Lock
    """No heartbeat runs while it is held."""
    last_desk: DeskSnapshot | None
    last_runs: RunsSnapshot | None
    last_status: StatusLine | None
    navigation: Navigation
    previous_mode: str
    settings_file: SettingsFile

    @property
    def mode_shown(self) -> str:
        """The mode as the status line shows it; empty before the book is read."""

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a service, run on the book's thread. Services come from `book_services`."""

    async def write_again(self) -> None:
        """Resume writing after the disk failed. Refused while it still fails."""

    def say(self, text: str, severity: SeverityLevel = "information") -> None:
        """Show a short message."""

    def work(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> Worker[None]:
        """Run a coroutine beside the screen; a failure becomes a message. The worker returned can be canceled."""

    def pull_soon(self) -> None:
        """Refresh the screen in sight now."""

    async def change(self, do: Callable[[], Awaitable[Any]], done: str) -> None:
        """Change the book, show `done` with the result, and refresh."""

    def confirm_sending(
        self,
        title: str,
        text: str,
        yes: str,
        do: Callable[[], Awaitable[Any]],
        done: str,
        lines: Builder | None = None,
    ) -> None:
        """Ask before something that sends orders or moves money, then do it as `change` does."""

    def go(self, section: str) -> None:
        """Go to a section."""

    def perform(self, action: Action) -> None:
        """Do an action of the registry, in its own section."""

    def use_settings(self, settings: Settings) -> None:
        """Apply theme, density and keys."""


class InApp(Protocol):
    """A screen, widget or provider: whatever knows its app."""

    @property
    def app(self) -> App[Any]:
        """The app that it is part of."""


def host_of(node: InApp) -> Host:
    """The app of a screen or widget, typed. Raises `TypeError` in another app."""
    app: Any = node.app
    if not hasattr(app, "confirm_sending"):
        raise TypeError(f"{type(app).__name__} is not a host of these screens")
    host: Host = app
    return host
