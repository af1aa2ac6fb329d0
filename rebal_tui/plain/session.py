"""A session of the linear mode: the book, the console, and what commands remember for later commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.domain.text import MAX_NOTE_LENGTH, count_text, display_text
from rebal_tui.plain.console import PROMPT, Console
from rebal_tui.plain.news import News
from rebal_tui.plain.speech import sentence, spoken
from rebal_tui.plain.texts import question_text
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.tui.book_services import account_queries, simulator, status_queries
from rebal_tui.tui.host import Backend, MakeReport
from rebal_tui.tui.screens.shared.confirm import LIVE_WORD

if TYPE_CHECKING:
    from rebal_tui.services.advisory.undo import Undo
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.accounts import AccountRow
    from rebal_tui.services.view_models.desk import DeskRow
    from rebal_tui.services.view_models.exceptions import ExceptionView
    from rebal_tui.services.view_models.restrictions import RestrictionRow
    from rebal_tui.tui.questions import Question
    from rebal_tui.tui.widgets.table_layout import Column

P = ParamSpec("P")
T = TypeVar("T")

Accounts = Sequence["AccountRow"] | Sequence["DeskRow"]

PAGE = 20
"""Entries of a list that are written at once; the command more has the next."""
NO = "Canceled, nothing was changed."


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that can be exported: rows, columns of the screens, and the number `total` of rows before filtering.

    `noun` names one row; `stem` is the beginning of the file name.
    """

    rows: Sequence[Any]
    exported_columns: Sequence[Column[Any]]
    total: int
    noun: str
    stem: str


class Session:
    """What commands work with: the book, the console, and the last account, lists and change, for later commands.

    Not a trading session.
    """

    def __init__(self, backend: Backend, console: Console, make_report: MakeReport | None = None) -> None:
        """`make_report` makes the file of a report; None if reports cannot be made."""
        self.backend = backend
        self.make_report = make_report
        self.console = console
        self.news = News()
        self.account: AccountRow | None = None
        """The account in hand: commands that need one and name none use it."""
        self.accounts: Accounts = ()
        """The accounts of the last list, whose numbers commands accept."""
        self.runs: list[str] = []
        self.withdrawals: list[str] = []
        self.exceptions: list[ExceptionView | AlertView] = []
        self.listed: Listed | None = None
        """The last list that can be exported."""
        self.jobs: list[str] = []
        self.restrictions: list[RestrictionRow] = []
        self.undo: tuple[Undo, str] | None = None
        """The last change that can be undone, and its name."""
        self.announces = console.interactive
        """Whether news is announced before the prompt."""
        self.refused = False
        """Whether a command was refused."""
        self.leaving = False
        self._rest = range(0)
        self._line_of: Callable[[int], str] = str

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service on the book's thread and return its result."""
        return await self.backend.ask(service, *args, **kwargs)

    @asynccontextmanager
    async def heartbeats_held(self) -> AsyncIterator[None]:
        """Context manager: until it ends no heartbeat begins, so that only requests of this session change the book."""
        with self.backend.held():
            yield

    def say(self, text: str) -> None:
        """Write a text as a sentence: with a capital letter and a period."""
        self.console.write(sentence(text))

    def write(self, lines: Iterable[str]) -> None:
        """Write lines as they are, leaving out empty ones."""
        for line in lines:
            if line:
                self.console.write(line)

    def write_list(self, head: str, count: int, line_of: Callable[[int], str]) -> None:
        """Write a heading and the first of `count` entries; the command `more` writes the next ones.

        `line_of` makes the line of an entry from its index.
        """
        self.say(head)
        self._rest, self._line_of = range(count), line_of
        self.more()

    def more(self) -> None:
        """Write the next entries of the last list."""
        self.write(self._line_of(at) for at in self._rest[:PAGE])
        self._rest = self._rest[PAGE:]
        if self._rest:
            self.say(f"{len(self._rest):,} more. Type more for the next")

    @property
    def has_more(self) -> bool:
        return bool(self._rest)

    def refuse(self, text: str) -> None:
        """Write `text`, the reason why a command is not carried out."""
        self.refused = True
        self.say(text)

    def refuse_all(self, refusal: Refusal) -> None:
        """Write the reasons of a refusal, each on a line."""
        for fault in refusal.faults:
            self.refuse(str(fault))

    async def find_account(self, text: str) -> AccountRow:
        """The account that `text` names; for an empty text, the account that the last command used.

        The text may be a number in the last list of accounts. Raises `Invalid` when no account or several match.
        """
        if not text and self.account is not None:
            text = self.account.account_id
        if text.isdecimal() and 0 < int(text) <= len(self.accounts):
            text = self.accounts[int(text) - 1].account_id
        if not text:
            raise Invalid("Name an account, such as: account moreau")
        self.account = await self.ask(account_queries.find_account, text)
        return self.account

    @asynccontextmanager
    async def time_held(self) -> AsyncIterator[None]:
        """Context manager: stop simulated time until the block ends.

        So the plan does not change between a question and its answer.
        """
        await self.ask(simulator.hold_time, True)
        try:
            yield
        finally:
            await self.ask(simulator.hold_time, False)

    async def confirm(self, question: Question) -> str | None:
        """Ask for confirmation; returns the note that was typed (empty without one), None if it was not confirmed.

        In a live book, an action that sends orders or transfers is confirmed by typing LIVE, any other by `yes`.
        """
        self.write(question_text(question, PAGE))
        note = ""
        if question.note is not None:
            self.console.write(f"{spoken(question.note.hint).capitalize()}. Type it, or only enter:")
            given = await self.console.read()
            if given is None or (question.note.required and not given):
                self.refuse(f"{question.note.missing} {NO}")
                return None
            try:
                note = display_text(given, MAX_NOTE_LENGTH)
            except ValueError as error:
                self.refuse(f"{error}. {NO}")
                return None
        mode = (await self.ask(status_queries.status_line)).mode
        word = LIVE_WORD if question.sends and mode.startswith("LIVE") else "yes"
        self.console.write(f"Type {word} to {question.yes.lower()}, or anything else to leave it:")
        answer = await self.console.read()
        if answer is not None and (answer == word or (word == "yes" and answer.lower() in ("y", "yes"))):
            return note
        if answer is None:
            self.refuse(NO)
        else:
            self.say(NO)
        return None

    async def announce(self) -> None:
        """Write how much news there is since the last prompt, if there is any."""
        counts = await self.news.look(self.ask)
        if self.announces and counts:
            self.say(f"Since the last prompt: {counts}. Type news to read it")

    async def read(self) -> str | None:
        """The next command, None at the end of the input."""
        return await self.console.read(PROMPT)

    def done(self, text: str, change: tuple[Undo | None, str] | None = None) -> None:
        """Write the result of a change, and remember how to undo it.

        `change` has how to undo the change, and its name; None if it cannot be undone. An earlier change can then no
        longer be undone.
        """
        self.undo = (change[0], change[1]) if change is not None and change[0] is not None else None
        hint = "" if self.undo is None else self.undo[0].refused or " The command undo takes it back"
        self.say(f"{text}.{hint.removesuffix('.')}")


def counted(rows: int, noun: str, total: int | None = None) -> str:
    """A count of rows such as `3 accounts`, or `3 of 60 accounts` when a filter selects fewer than `total`."""
    return count_text(rows, noun) if total in (None, rows) else f"{rows:,} of {count_text(total or 0, noun)}"


def chosen(rows: Sequence[T], text: str, usage: str) -> T:
    """The row with the number `text`, counted from 1. Raises `Invalid` with the message `usage` for any other text."""
    if not text.isdecimal() or not 0 < int(text) <= len(rows):
        raise Invalid(usage)
    return rows[int(text) - 1]
