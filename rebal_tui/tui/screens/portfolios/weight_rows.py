"""Weight rows of the portfolio editor: symbol with completions, and percentage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur, Key, Paste
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from rebal_tui.services.view_models.portfolios import AssetChoice
from rebal_tui.tui.host import host_of
from rebal_tui.tui.key_order import PassesOnKeys
from rebal_tui.tui.screens.portfolios.fields import Note, PercentInput, PlainInput
from rebal_tui.tui.screens.portfolios.form import MAX_WEIGHT_LINES, PortfolioForm, WeightText, matches, takes_rest
from rebal_tui.tui.segments import fit
from rebal_tui.tui.text import ui_text

LIST_WIDTH = 54
NUMBER = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]*")
UP_AND_DOWN = "Up and down go to other lines. Type the percent, or press = on a blank one for what is left of 100."


class SymbolInput(PassesOnKeys, PlainInput):
    """An input for a symbol in upper case, with completions. A number typed into it is moved to another field
    (`take_number`).
    """

    ALLOWED_CHARACTERS: ClassVar[frozenset[str] | None] = frozenset(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
    )

    async def _on_key(self, event: Key) -> None:
        rows = self.query_ancestor(WeightRows)
        handled = event.key in ("up", "down", "enter", "tab", "escape") and rows.completion_key(event.key)
        number = event.character is not None and rows.take_number(self, event.character)
        if handled or number or (event.key == "tab" and rows.leave_blank_line(self)):
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: Paste) -> None:
        if self.query_ancestor(WeightRows).take_number(self, event.text.strip()):
            event.stop()
            event.prevent_default()
        else:
            super()._on_paste(event)

    def validate_value(self, value: str) -> str:
        return value.upper()


class ShareInput(PassesOnKeys, PercentInput):
    """The percentage of a weight row. Tab acts like enter; a letter typed into it goes to the row's symbol field and
    replaces the symbol there.

    In the last row, enter adds a row if the sum is below 100.00.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "go_on", show=False)]

    async def _on_key(self, event: Key) -> None:
        if event.is_printable and event.character is not None and event.character.isalpha():
            event.stop()
            event.prevent_default()
            symbol = self.query_ancestor(WeightRow).symbol
            self.screen.set_focus(symbol)
            symbol.call_later(_retype, symbol, event.character.upper())

    async def action_go_on(self) -> None:
        """On tab, act like enter; but if there is a blank row already, or no row can be added, go to the next field."""
        rows = self.query_ancestor(WeightRows)
        if rows.blank is None and len(rows.rows) < MAX_WEIGHT_LINES:
            await self.action_submit()
        else:
            self.screen.focus_next()


class WeightRow(Horizontal):
    """A weight row: symbol, percentage and a note."""

    DEFAULT_CSS = """
    WeightRow { height: 1; }
    WeightRow SymbolInput { width: 18; }
    WeightRow PercentInput { width: 10; margin: 0 1; }
    WeightRow .note { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, line: WeightText) -> None:
        super().__init__()
        self._line = line
        self.removed = False
        """Whether the row is being removed; its fields may be gone already."""

    def compose(self) -> ComposeResult:
        yield SymbolInput(self._line.symbol, placeholder="symbol", classes="symbol")
        yield ShareInput(self._line.percent, placeholder="0.00", classes="percent")
        yield Note()

    @property
    def line(self) -> WeightText:
        """The symbol and percentage as typed now."""
        if not self.is_mounted or not self.query(SymbolInput):
            return self._line
        return WeightText(self.symbol.value.strip(), self.percent.value.strip())

    @property
    def symbol(self) -> SymbolInput:
        return self.query_one(SymbolInput)

    @property
    def percent(self) -> PercentInput:
        return self.query_one(PercentInput)

    def say(self, text: str, kind: str) -> None:
        """Show a note; `kind` is `fault` (invalid), `todo` (still to be filled in) or `fine`."""
        self.query_one(Note).say(text, kind)


class Completions(OptionList, can_focus=False):
    """Pop-up list of matching assets below a symbol field."""

    DEFAULT_CSS = """
    Completions, Completions:focus {
        display: none; overlay: screen; constrain: none inside;
        width: 56; height: auto; max-height: 8; border: none; padding: 0; background: $panel;
        scrollbar-size: 0 0;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.choices: Sequence[AssetChoice] = ()

    def offer(self, choices: Sequence[AssetChoice], under: SymbolInput) -> None:
        """Show choices below a field; an empty list closes the pop-up."""
        self.choices = choices
        self.display = bool(choices)
        if not choices:
            return
        texts = (f"{fit(choice.symbol, 8)} {choice.name}" for choice in choices)
        self.set_options([Option(ui_text(fit(text, LIST_WIDTH).rstrip())) for text in texts])
        self.highlighted = 0
        region = under.region
        self.absolute_offset = Offset(region.x, region.y + 1)

    def close(self) -> None:
        """Hide the pop-up."""
        self.choices = ()
        self.display = False

    @property
    def chosen(self) -> AssetChoice | None:
        """The asset under the cursor; None if there is none."""
        at = self.highlighted
        return self.choices[at] if at is not None and at < len(self.choices) else None


class WeightRows(Vertical):
    """The weight rows and their completion list."""

    DEFAULT_CSS = """
    WeightRows { height: auto; }
    """

    class Changed(Message):
        """Rows were added, removed or completed; typing is reported by `Input.Changed` instead."""

    def __init__(self, lines: Sequence[WeightText], assets: Sequence[AssetChoice]) -> None:
        super().__init__()
        self._lines = lines
        self.assets = assets

    def compose(self) -> ComposeResult:
        for line in self._lines:
            yield WeightRow(line)
        yield Completions()

    @property
    def rows(self) -> list[WeightRow]:
        return [row for row in self.query(WeightRow) if not row.removed]

    @property
    def here(self) -> WeightRow | None:
        """The row with the focus; None if no row has it."""
        focused = self.screen.focused
        row = focused.parent if focused is not None else None
        return row if isinstance(row, WeightRow) and not row.removed else None

    @property
    def has_cursor(self) -> bool:
        """Whether a row or cash has the focus."""
        return self.here is not None or self.screen.focused is self.screen.query_one("#cash")

    @property
    def rest_index(self) -> int | None:
        """Index of the row with the focus if what is left of 100 goes there; None if it goes to cash."""
        row = self.here
        return self.rows.index(row) if row is not None and takes_rest(row.line) else None

    @property
    def blank(self) -> WeightRow | None:
        """The first blank row; None if no row is blank."""
        return next((row for row in self.rows if row.line.blank), None)

    @property
    def first_ineligible(self) -> WeightRow | None:
        """The first row with an asset that a portfolio must not hold; None if there is none."""
        ineligible = {asset.symbol for asset in self.assets if asset.ineligible}
        return next((row for row in self.rows if row.line.symbol in ineligible), None)

    @property
    def _completions(self) -> Completions:
        return self.query_one(Completions)

    async def add(self) -> None:
        """Append a row and focus it."""
        row = WeightRow(WeightText())
        await self.mount(row, before=self._completions)
        self.screen.set_focus(row.symbol)
        self.post_message(self.Changed())

    async def fill(self, lines: Sequence[WeightText]) -> None:
        """Replace all rows by `lines`, and focus the percentage of the last one."""
        self._completions.close()
        async with self.batch():
            await self.query(WeightRow).remove()
            await self.mount_all([WeightRow(line) for line in lines], before=self._completions)
        self.rows[-1].percent.focus()
        self.post_message(self.Changed())

    def rewrite(self, form: PortfolioForm) -> None:
        """Replace the percentages of the rows and of cash by those of a form with the same lines, without
        `Input.Changed`, and select the one with the focus.
        """
        fields = [(row.percent, line.percent) for row, line in zip(self.rows, form.lines, strict=True)]
        for field, text in [*fields, (self.screen.query_one("#cash", Input), form.cash)]:
            with field.prevent(Input.Changed):
                field.value = text
                field.cursor_position = len(text)
            if field is self.screen.focused:
                field.select_all()

    async def remove_row(self, row: WeightRow) -> None:
        """Remove a row and focus the next one, or the cash field if it was the last. An only row is cleared instead."""
        rows = self.rows
        if len(rows) == 1:
            row.symbol.value = row.percent.value = ""
            row.symbol.focus()
            return
        below = rows[rows.index(row) + 1 :]
        (below[0].symbol if below else self.screen.query_one("#cash", Input)).focus()
        await self._drop(row)

    @on(Input.Changed, ".symbol")
    def _typed(self, event: Input.Changed) -> None:
        """Offer the assets that match the typed symbol; none if the only match is exactly the typed symbol."""
        field = event.input
        if isinstance(field, SymbolInput) and field.has_focus:
            typed = field.value
            taken = frozenset(row.line.symbol for row in self.rows if row.symbol is not field)
            found = matches(self.assets, typed, taken) if typed else []
            self._completions.offer([] if [choice.symbol for choice in found] == [typed] else found, field)

    def completion_key(self, key: str) -> bool:
        """Handle a key while the pop-up list is open; returns whether the key was handled."""
        listed = self._completions
        if not listed.display:
            return False
        if key == "escape":
            listed.close()
        elif key == "down":
            listed.action_cursor_down()
        elif key == "up":
            listed.action_cursor_up()
        else:
            self._complete(listed.chosen)
        return True

    def go(self, direction: int) -> bool:
        """Move the focus up (-1) or down (1): between rows within the same column, from the last row to cash, from the
        first symbol to the description above.

        From cash, up goes to the last percentage. From the description, down goes to the first percentage, but only if
        the first row has a symbol, so that a typed number does not replace the symbol. Up from the first percentage
        only shows a message. Returns False if no row had the focus and the focus was not moved.
        """
        row, rows, screen = self.here, self.rows, self.screen
        cash, description = screen.query_one("#cash", Input), screen.query_one("#description", Input)
        if row is None:
            if screen.focused is cash and direction < 0:
                rows[-1].percent.focus()
                return True
            if direction > 0 and screen.focused is description and rows[0].line.symbol:
                rows[0].percent.focus()
                return True
            return False
        at = rows.index(row) + direction
        if 0 <= at < len(rows):
            (rows[at].symbol if screen.focused is row.symbol else rows[at].percent).focus()
        elif direction > 0:
            cash.focus()
        elif screen.focused is row.symbol:
            description.focus()
        else:
            host_of(self).say(UP_AND_DOWN)
        return True

    def leave_blank_line(self, field: Input) -> bool:
        """If `field` is the symbol of a blank last row, and not of the only row, move the focus to cash.

        Returns whether the focus was moved.
        """
        rows = self.rows
        if len(rows) == 1 or field is not rows[-1].symbol or not rows[-1].line.blank:
            return False
        self.screen.query_one("#cash").focus()
        return True

    def take_number(self, field: SymbolInput, text: str) -> bool:
        """Move a number that is typed or pasted into a symbol to a field for percentages; returns whether `text` was
        moved.

        The number goes to the percentage of the row. From a blank last row that is not the only one, it goes to cash,
        and the row is removed. A number is not moved if the symbol of an asset begins with the text that the field
        would then have.
        """
        if not NUMBER.fullmatch(text):
            return False
        start, end = sorted(field.selection)
        before, whole = field.value, field.value[:start] + text + field.value[end:]
        symbols = [asset.symbol for asset in self.assets]
        replaces = whole == text or before in symbols
        if not replaces or any(symbol.startswith(whole) for symbol in symbols):
            return False
        row = next(row for row in self.rows if row.symbol is field)
        is_cash = self._leads_to_cash(row)
        to = self.screen.query_one("#cash", Input) if is_cash else row.percent
        # The focus selects the text of the field, so it is replaced only behind that; keys typed next come later still.
        self.screen.set_focus(to)
        to.call_later(_retype, to, text)
        if is_cash:
            host_of(self).say("A number is no symbol: it went to cash, and the blank line is gone.")
            row.removed = True
            host_of(self).work(self._drop(row), name="remove a line")
        else:
            host_of(self).say(f"A number is no symbol: it went to the percent of {before or 'this line'}.")
        return True

    def hint_of(self, row: WeightRow) -> str:
        """What a blank row accepts besides a symbol; empty for any other row."""
        return "a number goes to cash" if self._leads_to_cash(row) else ""

    def _leads_to_cash(self, row: WeightRow) -> bool:
        """Whether a number in the symbol of this row is the percentage of cash."""
        return row.line.blank and row is self.rows[-1] and len(self.rows) > 1

    async def _drop(self, row: WeightRow) -> None:
        row.removed = True
        await row.remove()
        self.post_message(self.Changed())

    def _complete(self, choice: AssetChoice | None) -> None:
        row = self.here
        self._completions.close()
        if row is not None and choice is not None:
            with row.symbol.prevent(Input.Changed):
                row.symbol.value = choice.symbol
            row.percent.focus()
            self.post_message(self.Changed())

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._completions.highlighted = event.option_index
        self._complete(self._completions.chosen)

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if isinstance(event.widget, SymbolInput):
            self._completions.close()


def _retype(field: Input, text: str) -> None:
    """Replace the text of a field as if `text` had been typed over it."""
    field.value = text
    field.cursor_position = len(text)
