"""Base of the app: it survives errors of its message handlers, and a terminal that stops reading, is suspended or
closes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any
from weakref import ref

from rich.console import RenderableType
from textual import events
from textual.driver import Driver
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from rebal_tui.tui import textual_patches
from rebal_tui.tui.direct_keys import act_on_table
from rebal_tui.tui.faults import Faults, log
from rebal_tui.tui.key_order import KeyOrder, from_terminal
from rebal_tui.tui.notices import KEPT_NOTICES, Lasts, Notice
from rebal_tui.tui.partial_frames import patch_frames
from rebal_tui.tui.style_memory import RememberingStylesheet
from rebal_tui.tui.terminal.pastes import plain_paste
from rebal_tui.tui.way_back import KeepsRows
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable


class RobustApp(StyledApp):
    """Base of the application: errors become messages; the application exits when its terminal is closed."""

    def __init__(self, log_path: Path | None) -> None:
        """`log_path`, the path of the log file, is shown after a crash."""
        textual_patches.patch_styles_cache()
        textual_patches.patch_dispatch()
        textual_patches.patch_counting()
        textual_patches.patch_reactive_reads()
        textual_patches.patch_handlers()
        patch_frames()
        super().__init__()
        self.stylesheet = RememberingStylesheet(variables=self.get_css_variables())
        self.painted = False
        self.leaving = False
        self.faults = Faults(time.monotonic)
        self.notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        """The last notices, oldest first."""
        self.notice: Notice | None = None
        """The notice in the bottom line, None without one."""
        self._notice_timer: Timer | None = None
        self._noticed: ref[Screen[Any]] | None = None
        """The screen on which the notice was shown first; not kept alive by it."""
        self._key_since_notice = self._notice_waits = False
        """Whether a key or click came since the notice, and whether the notice waits for one."""
        self._log_path = log_path
        self._keys = KeyOrder(self, lambda: self.unready)

    @property
    def unready(self) -> bool:
        """Whether keys must wait because the current screen has no rows yet, or a dialog is about to open."""
        return False

    def keys_ready(self) -> None:
        """Handle the keys that waited for a dialog or for rows (`unready`)."""
        self._keys.ready()

    def get_driver_class(self) -> type[Driver]:
        """Return `TerminalDriver`, whose output never blocks.

        On Windows, or if the environment variable `TEXTUAL_DRIVER` is set, return the driver that Textual chooses.
        """
        if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
            return super().get_driver_class()
        from rebal_tui.tui.terminal.driver import TerminalDriver

        return TerminalDriver

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Exit the application. The results of requests still running are dropped, because their screens are gone."""
        self.leaving = True
        super().exit(result, return_code, message)

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; input is handled in the order typed, and input typed before an exit is dropped."""
        if isinstance(event, events.Key | events.MouseDown):
            self._end_waiting_notice()
        if not from_terminal(event):
            if not (self.leaving and isinstance(event, events.InputEvent)):
                await super().on_event(event)
        elif self.leaving or not self.screen_stack:
            self._keys.forget()
        elif self._keys.accept(event):
            if isinstance(event, events.Paste):
                event.text = plain_paste(event.text)
            if isinstance(event, events.Key | events.MouseDown):
                self._keep_order()
            try:
                await super().on_event(event)
            finally:
                self._keys.follow(event)

    def _end_batch(self) -> None:
        """End a batch update, and let the screen draw what it could not draw meanwhile."""
        super()._end_batch()
        if not self._batch_count and self.screen_stack:
            self.screen.check_idle()

    def _keep_order(self) -> None:
        """Let the section's list keep the order of its rows: keys of a dialog or filter do not reach the list."""
        section = self.screen_stack[0]
        if isinstance(section, KeepsRows):
            section.keep_order()

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Run the action of a key; `priority` is True before the key is passed to the focused widget."""
        focused = self.focused
        if priority and isinstance(focused, BookTable):
            return await act_on_table(self, focused, key)
        return await super()._check_bindings(key, priority)

    def clear_selection(self) -> None:
        """Clear the text selection. With eager tasks (Python 3.12+), an Input calls this before its screen exists."""
        if self.screen_stack:
            super().clear_selection()

    def terminal_gone(self) -> None:
        """Exit, because the terminal is gone; a second call does nothing."""
        if not self.leaving:
            log.warning("the terminal is gone; the screens end")
            self.exit()

    def redraw(self) -> None:
        """Draw the whole screen again."""
        if self.screen_stack and not self.leaving:
            textual_patches.draw_all(self)

    def action_redraw(self) -> None:
        self.redraw()

    def action_suspend_process(self) -> None:
        """Suspend the program, and the program that started it, until the shell continues both."""
        if sys.platform == "win32" or self._driver is None or not self._driver.can_suspend:
            self.say("This terminal cannot suspend the program.", "warning")
        elif os.getsid(0) == os.getpid():
            self.say("There is no shell to return to.", "warning")
        else:
            os.kill(0, signal.SIGTSTP)

    def say(self, text: str, severity: SeverityLevel = "information", *, lasts: Lasts = Lasts.ITS_TIME) -> None:
        """Show a notice as plain text, never as markup, in the bottom line, and keep it in the history."""
        self.notice = Notice(text, severity, self.notice_time, lasts)
        self._key_since_notice = self._notice_waits = False
        self.notices.append(self.notice)
        self._noticed = ref(self.screen_stack[-1]) if self.screen_stack else None
        if self._notice_timer is not None:
            self._notice_timer.stop()
        if self.is_running and not self.leaving:
            self._notice_timer = self.set_timer(self.notice.seconds, self._notice_time_over)
            self._show_notice()

    @property
    def notice_time(self) -> str:
        """The time shown with a notice."""
        return ""

    def dismiss_notice(self) -> None:
        """Remove the notice from the bottom line, which then shows the keys again."""
        self.notice = None
        self._show_notice()

    def leave_notice(self, screen: object) -> None:
        """Remove the notice if it is about `screen`, which is being left, or about its tab."""
        is_about_it = self._noticed is not None and screen is self._noticed()
        if self.notice is not None and self.notice.lasts is Lasts.HERE and is_about_it:
            self.dismiss_notice()

    def leave_seen_notice(self) -> None:
        """Called when the user goes to another section: remove the notice, unless it is a warning or an error, or of
        the same key.
        """
        notice = self.notice
        if notice is not None and notice.severity == "information" and self._key_since_notice:
            self.dismiss_notice()

    def _notice_time_over(self) -> None:
        """Remove the notice, or let the result of an action wait for a key if none came since."""
        self._notice_waits = (
            self.notice is not None and self.notice.lasts is Lasts.UNTIL_KEY and not self._key_since_notice
        )
        if not self._notice_waits:
            self.dismiss_notice()

    def _end_waiting_notice(self) -> None:
        """Called for each key and click; removes a notice that waits for one."""
        self._key_since_notice = True
        if self._notice_waits:
            self._notice_waits = False
            self.dismiss_notice()

    def _show_notice(self) -> None:
        for screen in self.screen_stack:
            for bar in screen.query(KeyBar):
                bar.notice = self.notice

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notification from Textual as a notice in the bottom line, not in a box over the data."""
        del title, timeout, markup
        self.say(message, severity)

    def survive(self, what: str, error: Exception) -> bool:
        """Report an error of a message handler, a timer or a callback; returns False if the error must end the app.

        An error must end the app if the first screen has not been drawn yet. The book has its own thread and is not
        affected.
        """
        if self.leaving:
            return True
        if not self.painted:
            return False
        if self._exception is None:
            # As Textual does: `run_test` raises it at the end.
            self._exception = error
        self.report(what, error)
        return True

    def report(self, what: str, error: Exception) -> None:
        """Log an unexpected error; show a message unless an equal error occurred in the last 10 seconds."""
        if self.faults.record(what, error):
            self.say(f"{what} failed: {type(error).__name__}: {error}", "error")

    def action_help_quit(self) -> None:
        """On ctrl+c, show how to quit. Textual's own message is markup and names another key."""
        self.say("To quit, press q outside a field. In a field, ctrl+c copies.")

    def _handle_exception(self, error: Exception) -> None:
        if not self.survive("the screens", error):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Print the path of the log after a crash, without a traceback: variables can contain secrets."""
        log.critical("crashed on an internal error", exc_info=True)
        self.bell()
        details = f" Details: {self._log_path}." if self._log_path is not None else ""
        self._exit_renderables.append(f"rebal-tui crashed on an internal error; your book is intact.{details}")
        self._close_messages_no_wait()
