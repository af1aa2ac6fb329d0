"""The confirmation dialog: what a yes will do, with amounts, and buttons labeled with their keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Key
from textual.widgets import Button, Input, Static

from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.tui.questions import Effect, Item, Question
from rebal_tui.tui.screens.shared.dialog import Dialog, ReadScreen
from rebal_tui.tui.screens.shared.field_help import FieldNote
from rebal_tui.tui.segments import Line, line_width, paragraph, wrap
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.key_button import ENTER, KeyButton
from rebal_tui.tui.widgets.lines import Builder, LinesView
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import MAX_BUILT_ROWS, Column, full_width, widest_texts
from rebal_tui.tui.widgets.table_order import Columnar

LIVE_WORD = "LIVE"
"""The word that must be typed before orders are sent or money is moved on a live book."""
MAX_WIDTH, WIDE_WIDTH, NARROW_WIDTH = 196, 116, 76
"""Widths of a confirmation in cells: the maximum, the minimum with details (items or lines), and without details."""
FRAME_WIDTH, FRAME_HEIGHT = 7, 4
"""Cells of a dialog that its contents cannot use. In width: border, padding and scroll bar; in height: border, title,
buttons.
"""
DETAILS_MIN_HEIGHT, DETAILS_ROOMY_HEIGHT = 4, 16
"""Numbers of lines of details: always shown; if more do not fit, the blank lines around them are left out."""
DETAILS_CHECK_SECONDS = 0.02
"""How often a dialog checks whether its details have been built."""


def ui_lines(text: str, width: int) -> list[str]:
    """Wrap a text to `width` cells; blank lines are kept."""
    return [line for part in text.split("\n") for line in wrap(part, width)]


def effect_lines(effects: Sequence[Effect]) -> Builder:
    """Build one paragraph per effect: a bullet and the text, the amount at the right edge of its last line."""

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for effect in effects:
            amount = printable(effect.amount)
            room = max(width - 2 - (cell_len(amount) + 2 if amount else 0), 12)
            parts = paragraph(effect.text, room, effect.style)
            gap = max(width - 2 - line_width(parts[-1]) - cell_len(amount), 1)
            parts[-1] = (*parts[-1], (" " * gap, ""), (amount, effect.style or "title"))
            lines.extend(((("  ", "") if index else ("• ", "muted")), *part) for index, part in enumerate(parts))
        return lines

    return build


def item_columns(titles: tuple[str, str, str]) -> tuple[Column[Item], ...]:
    """Columns of the accounts or runs concerned: mark, name, effect, and amount unless its title is empty."""
    name, text, amount = titles
    columns: tuple[Column[Item], ...] = (
        Column("mark", "", 1, lambda item: (item.mark,)),
        Column("name", name, 16, lambda item: ((item.name, "title"),), grow=1),
        Column("text", text, 24, lambda item: ((item.text, item.style),), grow=3, max_width=MAX_WIDTH, spills=True),
        Column("amount", amount, 12, lambda item: item.amount, "right"),
    )
    return columns if amount else columns[:-1]


def show_items(table: BookTable[Item], items: Sequence[Item]) -> None:
    """Show items in a table of `item_columns`.

    The columns are as wide as the first `MAX_BUILT_ROWS` items need if `items` builds each item only when it is shown.
    """
    if isinstance(items, Columnar):
        table.fit_columns((), item_widths(table.columns, items))
    table.set_rows(items)


def item_widths(columns: Sequence[Column[Item]], items: Sequence[Item]) -> dict[str, int]:
    """Return the width in cells of each column's longest text, by column key; at most `MAX_BUILT_ROWS` items are built
    for that.
    """
    return widest_texts(columns, items[:MAX_BUILT_ROWS] if isinstance(items, Columnar) else items)


class ItemTable(BookTable[Item]):
    """The items of a question. When the dialog scrolls them, the cursor stays in view, because enter opens the row
    under the cursor.
    """

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        top, height = round(new_value), max(self.scrollable_content_region.height - 1, 1)
        self.action_move(min(max(self._cursor, top), top + height - 1) - self._cursor)


class NoButton(KeyButton):
    """The no button of a question. `by_enter`: it was pressed with enter, which the user may not have meant as a no."""

    by_enter = False

    def action_press(self) -> None:
        self.by_enter = True
        super().action_press()


class ConfirmScreen(Dialog[str | None]):
    """Asks a `Question`. Returns the note on yes (empty without a note field), None on no.

    The answer no is reported as a message unless the question has `silent_no`. `y`, `n` and `esc` answer at any time;
    but if the question has `sends`, yes is accepted only after the details have been on the screen. In a text field,
    `ctrl+enter` answers yes. Enter presses the focused button, which is the only filled one; on an item's row it shows
    that item's lines. At first, the no button has the focus; for an undoable change, the yes button. Up, down and the
    page keys scroll the items or details, whatever has the focus.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y,ctrl+enter,ctrl+j", "answer(True)", "Yes"),
        Binding("left", "look(-1)", show=False),
        Binding("right", "look(1)", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("pageup", "leaf(-1)", show=False),
        Binding("pagedown", "leaf(1)", show=False),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 76; max-width: 98%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    ConfirmScreen #confirm-title { text-style: bold; }
    ConfirmScreen #confirm-text { margin-top: 1; }
    ConfirmScreen LinesView, ConfirmScreen BookTable { margin-top: 1; padding: 0; background: $surface; }
    ConfirmScreen Input { margin-top: 1; }
    ConfirmScreen #confirm-fault { color: $text-error; height: 1; display: none; }
    ConfirmScreen #confirm-fault.-shown { display: block; }
    ConfirmScreen FieldNote { display: none; }
    ConfirmScreen FieldNote.-explains { display: block; }
    ConfirmScreen #confirm-buttons { height: auto; margin: 1 0 0 0; align-horizontal: right; }
    ConfirmScreen.-tight #confirm-text, ConfirmScreen.-tight #confirm-effects,
    ConfirmScreen.-tight Input, ConfirmScreen.-tight #confirm-buttons { margin-top: 0; }
    """

    def __init__(self, question: Question, typed: str = "") -> None:
        """If `typed` is not empty, yes requires typing that word."""
        wide = question.lines is not None or bool(question.items)
        super().__init__(classes="-with-lines" if wide else None)
        self.question = question
        self._typed = typed
        self._faulty = self._shown = False

    def compose(self) -> ComposeResult:
        question = self.question
        with Vertical():
            yield Static(ui_text(question.title), id="confirm-title", markup=False)
            if question.text:
                yield Static(ui_text(question.text), id="confirm-text", markup=False)
            if question.effects:
                effects = LinesView(effect_lines(question.effects), id="confirm-effects")
                effects.can_focus = False
                yield effects
            if question.items:
                yield ItemTable(item_columns(self._titles()), lambda item: item.key, id="confirm-items")
            if question.lines is not None:
                yield LinesView(question.lines, id="confirm-lines")
            if question.note is not None:
                yield Input(placeholder=question.note.hint, id="note", compact=True)
                yield Static("", id="confirm-fault", markup=False)
            if self._typed:
                yield Input(placeholder=f"type {self._typed} to continue", id="confirm-typed", compact=True)
            if question.note is not None or self._typed:
                yield FieldNote("")
            with Horizontal(id="confirm-buttons"):
                if (other := question.other) is not None:
                    yield KeyButton(other.label, other.key, id="other")
                yield NoButton(question.no, "n", "esc", id="no")
                others = ("ctrl+enter", ENTER) if question.note is not None or self._typed else ()
                yield KeyButton(question.yes, "y", *others, id="yes", disabled=bool(self._typed))

    def on_mount(self) -> None:
        note, answer = self.question.note, "#yes" if self.question.undoable else "#no"
        for table in self.query(BookTable):
            show_items(table, self.question.items)
        for line in self.query(FieldNote):
            self.watch(line, "explanation", self._fit, init=False)
        self._fit()
        first = "#confirm-typed" if self._typed else "#note" if note is not None and note.required else answer
        self.query_one(first).focus()
        self.call_after_refresh(self._await_details)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Give the details the height that they need, or the height that the other parts leave."""
        question, screen = self.question, self.app.size
        wide = self.has_class("-with-lines")
        limit = screen.width * 98 // 100
        size = min(max(WIDE_WIDTH, self._items_width() + FRAME_WIDTH) if wide else NARROW_WIDTH, limit, MAX_WIDTH)
        self.query_one(Vertical).styles.width = size
        width = size - FRAME_WIDTH
        effects = len(effect_lines(question.effects)(width, screen.height))
        text = len(ui_lines(question.text, width)) if question.text else 0
        note, typed = question.note is not None, bool(self._typed)
        blank = 1 + bool(text) + bool(effects) + note + typed
        wanted = len(question.items) + 1 if question.items else 0
        if question.lines is not None:
            wanted = len(question.lines(width, screen.height))
        left = screen.height - FRAME_HEIGHT - text - note - typed - bool(wanted)
        explanation = "".join(line.explanation for line in self.query(FieldNote))
        left -= len(wrap(explanation, width)) if explanation else 0
        tight = effects + min(wanted, DETAILS_ROOMY_HEIGHT) > left - blank - note
        left -= self._faulty if tight else blank + note
        self.set_class(tight, "-tight")
        shown = max(min(wanted, left - effects), min(wanted, DETAILS_MIN_HEIGHT))
        for view in self.query("#confirm-effects"):
            view.styles.height = max(min(effects, left - shown), 1)
        for view in self.query("#confirm-items, #confirm-lines"):
            view.styles.height = shown

    def _items_width(self) -> int:
        """The width in cells of the list of items in which no text is cut."""
        columns = item_columns(self._titles())
        return full_width(columns, item_widths(columns, self.question.items))

    def _titles(self) -> tuple[str, str, str]:
        """The column titles of the items; that of the amounts is empty if no item has an amount."""
        name, text, amount = self.question.item_titles
        items = self.question.items
        return (name, text, "" if isinstance(items, list) and not any(item.amount for item in items) else amount)

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        """Label the buttons with the keys that press them while this widget has the focus."""
        typing = isinstance(event.widget, Input)
        yes = ENTER if event.widget.id == "confirm-typed" else "ctrl+enter" if typing else "y"
        self.query_one("#no", KeyButton).key = "esc" if typing else "n"
        self.query_one("#yes", KeyButton).key = yes

    @on(Input.Changed, "#confirm-typed")
    def _typing(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._typed

    @on(Input.Changed, "#note")
    def _noting(self) -> None:
        self._show_fault(self._note_fault() if self._note or self._faulty else "")

    @on(Input.Submitted, "#confirm-typed")
    def _typed_out(self) -> None:
        self.action_answer(True)

    @on(Input.Submitted, "#note")
    def _noted(self) -> None:
        """Handle enter in the note: move the focus to the field for the required word, or to the yes button.

        If the note has `enter_answers`, enter answers yes.
        """
        if self.question.note is not None and self.question.note.enter_answers:
            self.action_answer(True)
            return
        self.query_one("#confirm-typed" if self._typed else "#yes").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "other":
            self._answer_otherwise()
        else:
            self.action_answer(event.button.id == "yes")

    def on_key(self, event: Key) -> None:
        """Give the third answer (`OtherAnswer`) when its key is pressed; in a text field, the key is text."""
        other = self.question.other
        if other is not None and event.key == other.key:
            event.stop()
            self._answer_otherwise()

    def _answer_otherwise(self) -> None:
        other = self.question.other
        if other is not None:
            self.dismiss(None)
            self.app.call_later(other.do)

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        item = event.table.cursor_row
        if isinstance(item, Item) and item.lines is not None:
            self.host.work(self._show(item, item.lines), name="details")

    async def _show(self, item: Item, lines: Callable[[], Awaitable[Builder]]) -> None:
        builder = await lines()
        if self.is_current:
            self.app.push_screen(ReadScreen(f"{self.question.title} · {item.name}", builder, copy=item.key))

    @property
    def _note(self) -> str:
        return self.query_one("#note", Input).value.strip() if self.question.note is not None else ""

    def _note_fault(self) -> str:
        note = self.question.note
        if note is not None and note.required and not self._note:
            return note.missing
        try:
            display_text(self._note, MAX_NOTE_LENGTH)
        except ValueError as error:
            return str(error)
        return ""

    def _show_fault(self, fault: str) -> None:
        self._faulty = bool(fault)
        line = self.query_one("#confirm-fault", Static)
        line.update(ui_text(fault))
        line.set_class(bool(fault), "-shown")
        self._fit()

    def _await_details(self) -> None:
        """Wait until the details are built; yes is accepted from the repaint that shows them."""
        if all(view.built for view in self.query(LinesView) if view.size):
            self.call_after_refresh(self._details_shown)
        else:
            self.set_timer(DETAILS_CHECK_SECONDS, self._await_details)

    def _details_shown(self) -> None:
        self._shown = True

    def action_look(self, direction: int) -> None:
        """Move the focus to the next or previous button, field or list."""
        if direction > 0:
            self.focus_next()
        else:
            self.focus_previous()

    @property
    def _details(self) -> list[ItemTable | LinesView]:
        return [*self.query(ItemTable), *self.query("#confirm-lines").results(LinesView)]

    def action_step(self, direction: int) -> None:
        """Scroll the items or the details by one line; if all are in view, move the focus: up from any button to the
        field or list above."""
        if not any(view.max_scroll_y for view in self._details):
            above = [widget for widget in self.focus_chain if not isinstance(widget, Button)]
            if direction < 0 and above and isinstance(self.focused, Button):
                above[-1].focus()
            else:
                self.action_look(direction)
        for view in self._details:
            view.scroll_to(y=round(view.scroll_y) + direction, animate=False, immediate=True)

    def action_leaf(self, direction: int) -> None:
        """Scroll the items or the details by one page."""
        for view in self._details:
            page = max(view.scrollable_content_region.height - 2, 1)
            view.scroll_to(y=round(view.scroll_y) + direction * page, animate=False, immediate=True)

    def action_answer(self, yes: bool) -> None:
        if not yes:
            self.dismiss(None)
            if not self.question.silent_no:
                by_enter = self.query_one("#no", NoButton).by_enter
                self.host.say(self.question.declined_by_enter if by_enter else self.question.declined)
            return
        if self.question.sends and not self._shown:
            self.host.say("Not yet: what it does is shown first.")
            return
        if self._typed and self.query_one("#confirm-typed", Input).value != self._typed:
            self.query_one("#confirm-typed").focus()
            self.host.say(f"Type {self._typed} first.")
            return
        fault = self._note_fault()
        if fault:
            self._show_fault(fault)
            self.query_one("#note").focus()
            return
        self.dismiss(self._note)
