"""What a confirmation dialog shows: title, effects with amounts, and the accounts or runs concerned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rebal_tui.tui.segments import TextSegment
from rebal_tui.tui.widgets.lines import Builder


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a yes will do. `amount` is shown at the right edge; `style` is a style name."""

    text: str
    amount: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One account or run that the answer affects. `lines` fetches the details that key enter shows below its row."""

    key: str
    name: str
    text: str
    amount: str = ""
    mark: TextSegment = ("●", "good")
    style: str = "muted"
    lines: Callable[[], Awaitable[Builder]] | None = None


@dataclass(frozen=True, slots=True)
class NoteField:
    """A text field in a confirmation, by default for a note that is stored in the audit trail.

    `missing` is shown if a required text is empty. With `enter_answers`, key enter in the field answers yes; without
    it, enter only moves to the yes button, so typing a note cannot answer by accident.
    """

    hint: str
    required: bool = False
    missing: str = "A note is required."
    enter_answers: bool = False


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """A third answer to a confirmation, besides yes and no: `key` closes the dialog and calls `do`."""

    key: str
    label: str
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What a confirmation dialog shows. `yes` and `no` are the labels of its buttons.

    `effects` list what a yes does, `items` the accounts or runs concerned, `lines` further details. With `sends`, the
    answer yes is accepted only after effects, items and details have been on the screen; on a live book, the user must
    also type a word. With `undoable`, key `u` can undo what a yes does, so the yes button has the focus at first, else
    the no button. With `silent_no`, the answer no returns to the screen below without a message.
    """

    title: str
    yes: str
    text: str = ""
    effects: Sequence[Effect] = ()
    items: Sequence[Item] = ()
    item_titles: tuple[str, str, str] = ("Client", "What would happen", "Turnover $")
    lines: Builder | None = None
    no: str = "Cancel"
    note: NoteField | None = None
    sends: bool = False
    other: OtherAnswer | None = None
    undoable: bool = False
    silent_no: bool = False

    @property
    def declined(self) -> str:
        """The message after a no, such as `Not done: approve 60 runs.`"""
        asked = self.title.removesuffix("?")
        return f"Not done: {asked[:1].lower()}{asked[1:]}."

    @property
    def declined_by_enter(self) -> str:
        """The message after a no by key enter, such as `Not done: enter was Cancel. In the question, y is Run.`"""
        return f"Not done: enter was {self.no}. In the question, y is {self.yes}."
