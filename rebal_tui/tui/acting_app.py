"""The part of the app that acts: background work, changes of the book, and the confirmations that precede them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import finalize

from textual.worker import Worker, WorkerState

from rebal_tui.domain.errors import Refusal
from rebal_tui.tui.actions import not_offered
from rebal_tui.tui.book_services import undo
from rebal_tui.tui.key_meanings import TakesUnboundKeys
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.robust_app import RobustApp
from rebal_tui.tui.undo import NOTHING, UndoOffer
from rebal_tui.tui.way_back import WayBack

if TYPE_CHECKING:
    from rebal_tui.services.advisory.undo import Undo
    from rebal_tui.services.book.book import Book
    from rebal_tui.tui.notices import Notice
    from rebal_tui.tui.questions import Effect, Item, OtherAnswer, Question
    from rebal_tui.tui.widgets.lines import Builder

P = ParamSpec("P")
T = TypeVar("T")


class ActingApp(RobustApp):
    """Runs coroutines in the background; asks for confirmation before a change that sends orders or moves money."""

    def __init__(self, log_path: Path | None) -> None:
        """`log_path`, the path of the log file, is shown after a crash."""
        super().__init__(log_path)
        self._undo = UndoOffer(self, self._undo_over)
        self.way_back = WayBack(self, partial(self.work, name="page"))
        self._undoable: Notice | None = None
        """The last notice that offers to undo a change."""
        self._explanation: Notice | None = None
        """The last notice that explains a field or a key; escape closes it."""
        self.opening: set[Worker[None]] = set()
        """The work that is about to open a dialog."""

    @property
    def mode_shown(self) -> str:
        """The mode as shown: `SIMULATED ×600`, `SIMULATION PAUSED`, `REPLAY 2020-03-16` (past prices), `LIVE`."""
        raise NotImplementedError

    @property
    def not_offered(self) -> frozenset[str]:
        """The ids of the actions that never apply to a book in its current mode."""
        return not_offered(self.mode_shown)

    def pull_soon(self) -> None:
        """Refresh the visible section now, without waiting for the next regular refresh."""
        raise NotImplementedError

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service function on the book's thread and return its result."""
        raise NotImplementedError

    def show_cannot_open(self) -> bool:
        """If the book cannot be opened, show the reason (once). Returns whether the book cannot be opened."""
        raise NotImplementedError

    def action_help(self) -> None:
        """Show the keys of the section."""
        raise NotImplementedError

    def action_field_help(self) -> None:
        """Explain the focused field: in a `FieldNote` (a line for help texts) if its dialog has one, else in the bottom
        line, which a high dialog would cover.

        Without a focused field that has a help text, show the keys of the section.
        """
        from rebal_tui.tui.screens.shared.field_help import FieldNote, help_of

        text = help_of(self.focused)
        if not text:
            self.action_help()
        elif notes := self.screen.query(FieldNote):
            notes.first().explanation = text
        else:
            self.explain(text)

    def explain(self, text: str) -> None:
        """Show a message in the bottom line. While the message is shown, escape closes it and does nothing else."""
        self.say(text)
        self._explanation = self.notice

    def _end_explanation(self) -> bool:
        """Close the explanation of a field or a key; returns whether there was one."""
        from rebal_tui.tui.screens.shared.field_help import FieldNote

        if self.notice is not None and self.notice is self._explanation:
            self.dismiss_notice()
            return True
        note = next((note for note in self.screen.query(FieldNote) if note.explanation), None)
        if note is not None:
            note.explanation = ""
        return note is not None

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Run the action of a key. If the current section has none, name the sections in which the key has an action.

        If an explanation is shown, escape closes it and does nothing else.
        """
        if priority and key == "escape" and self._end_explanation():
            return True
        if await super()._check_bindings(key, priority):
            return True
        screen = self.screen
        return not priority and isinstance(screen, TakesUnboundKeys) and screen.take_unbound(key)

    def work(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> Worker[None]:
        """Run a coroutine in the background; the returned worker can be canceled. A `Refusal` is shown as a message;
        any other error is logged and shown."""
        guarded: Callable[[], Coroutine[None, None, None]] = partial(self._guarded, coroutine, name)
        worker: Worker[None] = self.run_worker(guarded, name=name, exit_on_error=False)
        # A worker canceled before it begins never awaits the coroutine. Python would warn about it at the end, on a
        # terminal that perhaps nobody reads, and wait there for ever.
        finalize(worker, coroutine.close)
        return worker

    def work_to_open(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run in the background a coroutine that opens a dialog. Keys typed meanwhile wait for the dialog."""
        self.opening.add(self.work(coroutine, name=name))

    def _opened(self, worker: Worker[None]) -> None:
        self.opening.discard(worker)
        self.keys_ready()

    async def _guarded(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        try:
            await coroutine
        except Refusal as refusal:
            if not self.show_cannot_open():
                self.say(str(refusal), "warning")
        except Exception as error:
            if not self.leaving:
                self.report(name, error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.say(f"{event.worker.name} failed: {event.worker.error}", "error")
        if event.worker.is_finished:
            self.way_back.check()
            if event.worker in self.opening:
                # The call comes behind the messages that build the dialog and focus its first field.
                waits = bool(self.screen_stack) and self.screen.call_later(self._opened, event.worker)
                if not waits:
                    self._opened(event.worker)

    async def change(self, do: Callable[[], Awaitable[Any]], done: str) -> None:
        """Await `do`; then show the message `done`, and refresh the section. If `do` returns text, the text is added to
        the message.

        The undo of an earlier change is no longer offered.
        """
        self._undo.clear()
        result = await do()
        text = f"{done}: {result}." if isinstance(result, str) else f"{done}."
        self.say(f"{text}{self._undo.hint}", lasts=Lasts.UNTIL_KEY)
        self._undoable = self.notice if self._undo.hint else None
        self.pull_soon()

    def _undo_over(self) -> None:
        """Remove the notice that offers the undo, which has ended."""
        if self.notice is not None and self.notice is self._undoable:
            self.dismiss_notice()

    def offer_undo(self, change: Undo | None, what: str) -> None:
        """Let key `u` undo `change` for 10 seconds; `what` names the change in messages. A
        `change` of None is ignored.
        """
        self._undo.offer(change, what)

    def action_undo(self) -> None:
        """Undo the last change, if its undo is still offered."""
        offered = self._undo.take()
        if offered is None:
            self.say(NOTHING)
            return
        change, what = offered
        self.work(self.change(lambda: self.ask(undo.undo, change), f"Undone: {what}"), name="undo")

    def confirm(self, question: Question, answered: Callable[[str], None]) -> None:
        """Ask a question; on yes, call `answered` with the note that was typed, or with an empty text.

        On a live book, a question about sending orders or moving money (`sends`) is answered yes only after the user
        has typed LIVE.
        """
        from rebal_tui.tui.screens.shared.confirm import LIVE_WORD, ConfirmScreen

        typed = LIVE_WORD if question.sends and self.mode_shown.startswith("LIVE") else ""
        self.push_screen(ConfirmScreen(question, typed), lambda note: None if note is None else answered(note))

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
        from rebal_tui.tui.questions import Question

        question = Question(
            title, yes, text, effects, items, lines=lines, no=no, sends=True, other=other, undoable=undoable
        )
        self.confirm(question, lambda _note: _ignore(self.work(self.change(do, done), name=title)))


def _ignore(_worker: Worker[None]) -> None:
    """Return None in place of a worker, for callbacks that must return nothing."""
