"""The Textual application: sections, heartbeat and messages. It implements `Host` for the screens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Concatenate, ParamSpec, TypeVar

from textual.actions import ActionParseResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.events import DescendantFocus
from textual.timer import Timer
from textual.widgets import Input

from rebal_tui.domain.errors import Halt, ReadOnly, Refusal
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui import actions, formats, modes, themes
from rebal_tui.tui.acting_app import ActingApp
from rebal_tui.tui.action import Action
from rebal_tui.tui.host import Backend, FirstSteps, MakeReport
from rebal_tui.tui.keymap import key_text
from rebal_tui.tui.navigation import Navigation
from rebal_tui.tui.palette import ActionProvider, DataProvider, GlossaryProvider
from rebal_tui.tui.screens.market.keys import MarketKeys
from rebal_tui.tui.screens.shared.dialog import LiveDialog, ReadingPage, ReadScreen
from rebal_tui.tui.screens.shared.kill_switch import KillScreen, ask_to_halt
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import EVERYWHERE, Section
from rebal_tui.tui.settings import Density, Notify, Settings, SettingsFile
from rebal_tui.tui.terminal.attention import attention

if TYPE_CHECKING:
    from rebal_tui.services.backtest.verification import OpenReplay
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.status import StatusLine

P = ParamSpec("P")
T = TypeVar("T")

REFRESH_SECONDS = 0.25
"""Time between two refreshes of the visible screen."""
PULL_REST_FACTOR = 4
"""Pause after a screen refresh, as a multiple of its duration: refreshing takes at most a fifth of the time."""
MAX_REST_SECONDS = 2.0
"""Longest pause after a screen refresh: its duration includes waiting for the book, which may be long."""
LOADING_POLL_SECONDS = 0.1


class RebalApp(ActingApp):
    """The full-screen application for one book."""

    TITLE = "rebal-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = {ActionProvider, DataProvider, GlossaryProvider}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-very-wide")]  # noqa: RUF012 - typed by Textual
    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings(EVERYWHERE)]
    MODES = modes.MODES
    DEFAULT_MODE = Section.DESK.value
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        backend: Backend,
        *,
        theme: str = themes.DARK.name,
        keymap: dict[str, str] | None = None,
        first_run: FirstSteps | None = None,
        log_path: Path | None = None,
        heartbeat: bool = True,
        settings: SettingsFile | None = None,
        advice: Callable[[Halt], str] = lambda _halt: "",
        loading: LoadProgress | None = None,
        attach_stop: Callable[[Callable[[], None]], None] = lambda _leave: None,
        open_replay: OpenReplay | None = None,
        make_report: MakeReport | None = None,
    ) -> None:
        """`keymap` has keys by action id. `log_path` is shown after a crash. Without `heartbeat`, the screens refresh
        only when `run_heartbeat` is called. `settings`, read from a file, overrides `theme` and `keymap`. `advice`
        returns text to add to the message that writing has stopped; `loading` is the progress of opening the book.
        `attach_stop` gets the function that exits the app on a signal. `open_replay` opens a book that simulates past
        prices, to verify backtests; `make_report` makes the reports of key `x`."""
        super().__init__(log_path)
        self.backend = backend
        self.first_run = first_run or FirstSteps()
        self.open_replay = open_replay
        self.make_report = make_report
        self.last_status: StatusLine | None = None
        self._advice = advice
        self._loading = loading
        self._attach_stop = attach_stop
        self._loading_timer: Timer | None = None
        self._has_heartbeat = heartbeat
        self.heartbeat_lock = asyncio.Lock()
        self._heartbeat_running = False
        self._refreshing = False
        self._next_pull_at = 0.0
        self._trouble_shown = ""
        self._open_error_shown = False
        self._clashes: set[str] = set()
        self._stop_shown: Halt | None = None
        self.previous_mode = Section.DESK.value
        self.navigation = Navigation(self, self.say, self.way_back)
        self._market = MarketKeys(self, lambda: self.screen_stack[1:])
        self.time_held = self._market.time_held
        for own in themes.OWN:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else themes.DARK.name
        self.settings_file = settings or SettingsFile(None, Settings(theme=self.theme, keys=keymap or {}))
        self.use_settings(self.settings_file.settings)

    def on_mount(self) -> None:
        self._attach_stop(self.exit)
        self._show_theme(self.theme)
        self.call_after_refresh(self._after_first_paint)

    def _after_first_paint(self) -> None:
        self.painted = True
        for fault in self.settings_file.faults:
            self.say(str(fault), "warning")
        if self._has_heartbeat:
            self.pull_soon()
            self.backend.start_heartbeat()
            self.set_interval(REFRESH_SECONDS, self._refresh_in_time)
        if self._loading is not None:
            self._loading_timer = self.set_interval(LOADING_POLL_SECONDS, self._show_loading)

    def _show_loading(self) -> None:
        """Show the progress of opening the book until the first status is available."""
        section = self.section
        if self._loading_timer is not None and (self.last_status is not None or self._open_error_shown):
            self._loading_timer.stop()
        elif self._loading is not None and section is not None and section.is_mounted:
            section.show_loading(self._loading)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Turn off cursor blinking when animations are off."""
        if self.animation_level == "none" and isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    async def _refresh_in_time(self) -> None:
        """Refresh the visible screen, in at most a fifth of the time. Heartbeats, on another thread, do not wait."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if self._refreshing or started < self._next_pull_at:
            return
        self._refreshing = True
        try:
            await self._refresh()
        finally:
            self._refreshing = False
            rest = min(PULL_REST_FACTOR * (loop.time() - started), MAX_REST_SECONDS)
            self._next_pull_at = loop.time() + rest

    async def _refresh(self) -> None:
        """Refresh the visible screen; if the heartbeats or the refresh fail, show why."""
        if self.show_cannot_open():
            return
        text = self.backend.trouble
        try:
            await self._market.update_hold()
            await self._pull()
        except ReadOnly:
            text = ""
        except Refusal as refusal:
            text = text or str(refusal)
        except Exception as error:
            if not self.leaving:
                self.faults.record("refresh", error)
            text = text or f"{type(error).__name__}: {error}"
        self._trouble(text)
        self._show_stopped()

    @asynccontextmanager
    async def heartbeats_held(self) -> AsyncIterator[None]:
        """Within this context no heartbeat runs, so only requests of the screens change the book."""
        async with self.heartbeat_lock:
            with self.backend.held():
                yield

    async def run_heartbeat(self) -> None:
        """Run one heartbeat, for an app without a heartbeat thread: due work in chunks, with a refresh after each."""
        if self._heartbeat_running:
            return
        self._heartbeat_running = more = True
        try:
            while more and not self.leaving:
                async with self.heartbeat_lock:
                    more = await self._run_heartbeat_chunk()
        finally:
            self._heartbeat_running = False

    async def _run_heartbeat_chunk(self) -> bool:
        """Run one chunk; returns whether another must follow immediately."""
        more = False
        try:
            more = await self.backend.tick()
        except Refusal as refusal:
            if not self.show_cannot_open() and not isinstance(refusal, ReadOnly):
                self._trouble(str(refusal))
            self._show_stopped()
            return False
        except Exception as error:
            self.faults.record("heartbeat", error)
            self._trouble(f"{type(error).__name__}: {error}")
            return False
        await self._refresh()
        return more

    def show_cannot_open(self) -> bool:
        """If the book cannot be opened, show the reason (once). Returns whether the book cannot be opened."""
        reason = self.backend.open_error
        if reason and not self._open_error_shown and not self.leaving:
            from rebal_tui.tui.screens.cannot_open import CannotOpenScreen

            self._open_error_shown = True
            self.push_screen(CannotOpenScreen(reason))
        return bool(reason)

    def _show_stopped(self) -> None:
        """If this process no longer writes to the book, show the cause and the options, once for each cause."""
        halted = self.backend.halted
        if self.leaving or halted is None or halted.halt is Halt.VIEWING:
            self._stop_shown = None
        elif halted.halt is not self._stop_shown:
            self._stop_shown = halted.halt
            from rebal_tui.tui.screens.stopped import StoppedScreen

            self.push_screen(StoppedScreen(halted, self._advice))

    async def _pull(self) -> None:
        section = self.section
        if section is not None and section.is_mounted:
            try:
                await section.pull()
            finally:
                section.pulled = True
                self._keys.ready()
        top = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(top, LiveDialog) and top.is_mounted:
            await top.pull()

    def pull_soon(self) -> None:
        """Refresh the visible section now, without waiting for the next regular refresh."""
        self._next_pull_at = 0.0
        self.work(self._pull(), name="pull")

    @property
    def section(self) -> SectionScreen | None:
        """The screen of the current section, below any dialog; None before the screen exists."""
        base = self.screen_stack[0] if self.screen_stack else None
        return base if isinstance(base, SectionScreen) else None

    @property
    def unready(self) -> bool:
        """Whether keys must wait for a dialog or the section's rows; False while the book is being opened."""
        section = self.section
        reads = section is self.screen and section is not None and not section.ready
        return self.last_status is not None and (reads or bool(self.opening))

    def _trouble(self, text: str) -> None:
        """Show why a heartbeat or refresh failed, as a message and in the status line; an empty `text` clears that."""
        if self.leaving:
            return
        section = self.section
        if section is not None and section.is_mounted:
            section.show_trouble(text)
        if text and text != self._trouble_shown:
            self.say(f"The book could not be updated: {text}", "error")
        self._trouble_shown = text

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service function on the book's thread and return its result."""
        return await self.backend.ask(service, *args, **kwargs)

    async def write_again(self) -> None:
        await self.backend.write_again()

    def action_go(self, section: str) -> None:
        if not self.navigation.leave_pages():
            self.say("Answer or leave the question below this page first.")
            return
        self.go(section)
        self.call_later(self.navigation.enter, section)

    def go(self, section: str) -> None:
        """Go to a section and remember the previous one."""
        if section != self.current_mode:
            self.previous_mode = self.current_mode
            self.leave_seen_notice()
        self.switch_mode(section)

    def use_settings(self, settings: Settings) -> None:
        """Apply the theme, density and key bindings of the settings."""
        self._show_theme(settings.theme if settings.theme in self.available_themes else themes.DARK.name)
        self.set_class(settings.density is Density.COMFORTABLE, "-comfortable")
        self.set_keymap(dict(settings.keys))

    def call_attention(self, text: str) -> None:
        """If the settings allow it, show a text as a notification of the terminal, or ring its bell if it has none."""
        if self.settings_file.settings.notify is Notify.ALERTS and self._driver is not None:
            self._driver.write(attention(text, os.environ))

    def _show_theme(self, name: str) -> None:
        on_terminal = self._driver is not None and not self.is_headless
        self.theme = themes.for_terminal(name, self.console.color_system) if on_terminal else name

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Show one message per key that is bound to two actions."""
        del node
        for clashed in clashed_bindings:
            text = f"The key {key_text(clashed.key)} has two actions; “{clashed.description}” no longer has a key."
            if text not in self._clashes:
                self._clashes.add(text)
                self.say(text, "warning")

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run the action of a key. If the action writes and the book is read-only, show why the book is read-only."""
        halted = self.backend.halted
        if halted is not None and isinstance(action, str):
            section = default_namespace.SECTION if isinstance(default_namespace, SectionScreen) else EVERYWHERE
            found = actions.find(action, section)
            if found is not None and found.writes:
                self.say(f"{found.label}: {halted}.", "warning")
                return True
        return await super().run_action(action, default_namespace, namespaces)

    def perform(self, action: Action) -> None:
        """Switch to the section that an action belongs to, and run the action there."""
        if action.scope != EVERYWHERE and self.navigation.leave_pages() and action.scope in self.MODES:
            self.go(action.scope)
        self.call_later(self._perform, action)

    async def _perform(self, action: Action) -> None:
        await self.run_action(action.method, self if action.scope == EVERYWHERE else self.screen)

    def action_help(self) -> None:
        if isinstance(self.screen, SectionScreen | ReadingPage):
            self.screen.show_help()

    @property
    def notice_time(self) -> str:
        return formats.clock(self.last_status.now) if self.last_status is not None else ""

    def action_notices(self) -> None:
        from rebal_tui.tui.screens.shared.notice_lines import notice_lines

        self.dismiss_notice()
        self.push_screen(ReadScreen("Notices since the start, newest first", notice_lines(self.notices)))

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="an action, account, portfolio or run…"))

    def action_next_theme(self) -> None:
        at = themes.CYCLE.index(self.theme) if self.theme in themes.CYCLE else -1
        self.theme = themes.CYCLE[(at + 1) % len(themes.CYCLE)]
        self.say(f"Theme: {self.theme}.")

    @property
    def mode_shown(self) -> str:
        """The mode as shown: `SIMULATED ×600`, `SIMULATION PAUSED`, `REPLAY 2020-03-16` (past prices), `LIVE`."""
        return self.last_status.mode if self.last_status is not None else ""

    def action_market_pause(self) -> None:
        self._market.toggle()

    def action_market_speed(self, direction: int) -> None:
        self._market.change_speed(direction)

    def action_market_step(self) -> None:
        self._market.step()

    def action_halt(self) -> None:
        if not isinstance(self.screen, KillScreen):
            self.work(ask_to_halt(self), name="kill switch")

    def action_settings(self) -> None:
        if self.last_status is None:
            self.say("Settings open when the book is loaded.")
        from rebal_tui.tui.screens.settings.screen import SettingsScreen

        async def show() -> None:
            theme = themes.chosen(self.settings_file.settings.theme, self.theme, self.console.color_system)
            self.push_screen(await SettingsScreen.filled(self, theme))

        if not isinstance(self.screen, SettingsScreen):
            self.work(show(), name="settings")
