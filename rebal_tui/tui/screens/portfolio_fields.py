"""The fields of the portfolio editor: inputs that let commands through, choices on a line, a weight, completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key, Paste
from textual.geometry import Offset
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rebal_tui.services.views.portfolios import AssetChoice
from rebal_tui.tui.screens.portfolio_form import WeightText
from rebal_tui.tui.spans import fit
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.chips import Chip, ChipBar

LIST_WIDTH = 54


class PlainInput(Input):
    """An input that takes `TAKES` (None: everything printable); other keys go on to the screen's commands."""

    TAKES: ClassVar[frozenset[str] | None] = None

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None, classes: str = "") -> None:
        super().__init__(value, placeholder=placeholder, id=id, classes=classes, compact=True, select_on_focus=False)
        self.cursor_blink = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        takes = self.TAKES
        return super().check_consume_key(key, character) and (takes is None or character in takes)

    async def _on_key(self, event: Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()

    def _on_paste(self, event: Paste) -> None:
        """What no terminal should be sent is shown as `�`."""
        event.prevent_default()
        event.stop()
        lines = event.text.splitlines()
        text = "".join(c for c in printable(lines[0] if lines else "") if self.TAKES is None or c in self.TAKES)
        self.replace(text, *self.selection)


class PercentInput(PlainInput):
    """A percent, or a number of days."""

    TAKES: ClassVar[frozenset[str] | None] = frozenset("0123456789.")


class DayInput(PlainInput):
    """A day of the week, of the month, or of the year."""

    TAKES: ClassVar[frozenset[str] | None] = frozenset(
        "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )


class Completing(Protocol):
    """A screen that shows completions of the symbol being typed."""

    def completion_key(self, key: str) -> bool:
        """Whether the open list has taken a key."""


class SymbolInput(PlainInput):
    """A symbol in capitals, with completions under it."""

    TAKES: ClassVar[frozenset[str] | None] = frozenset(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
    )

    async def _on_key(self, event: Key) -> None:
        screen: Completing = self.screen  # type: ignore[assignment]
        if event.key in ("up", "down", "enter", "tab", "escape") and screen.completion_key(event.key):
            event.stop()
            event.prevent_default()

    def validate_value(self, value: str) -> str:
        return value.upper()


class ChoiceBar(ChipBar, can_focus=True):
    """A choice that is made with left and right, space, or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose(-1)", show=False),
        Binding("right,space", "choose(1)", show=False),
    ]
    DEFAULT_CSS = """
    ChoiceBar { width: 1fr; background: $surface; }
    ChoiceBar:focus { background: $primary 15%; text-style: underline; }
    """

    def __init__(self, choices: Sequence[str], current: str, *, id: str) -> None:
        super().__init__(tuple(Chip(choice, choice) for choice in choices), current, id=id)

    def action_choose(self, direction: int) -> None:
        self.post_message(self.Chosen(self, self.step(direction)))


class Note(Static):
    """A line beside a field; drawn anew only when it says something else."""

    def __init__(self, *, id: str | None = None, classes: str = "note") -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._says = ("", "fine")

    def say(self, text: str, kind: str = "fine") -> None:
        """Show a text; `kind` is fault, todo or fine."""
        if (text, kind) == self._says:
            return
        self._says = (text, kind)
        self.update(ui_text(text), layout=self.styles.is_auto_height)
        for name in ("fault", "todo"):
            self.set_class(name == kind, name)


class WeightRow(Horizontal):
    """A line of the weights: symbol, percent, and what there is to say of them."""

    DEFAULT_CSS = """
    WeightRow { height: 1; }
    WeightRow SymbolInput { width: 18; }
    WeightRow PercentInput { width: 10; margin: 0 1; }
    WeightRow .note { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, line: WeightText) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        yield SymbolInput(self._line.symbol, placeholder="symbol", classes="symbol")
        yield PercentInput(self._line.percent, placeholder="0.00", classes="percent")
        yield Note()

    @property
    def line(self) -> WeightText:
        """The line as it stands."""
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
        """Show a note: `fault`, `todo` or `fine`."""
        self.query_one(Note).say(text, kind)


class Completions(OptionList, can_focus=False):
    """Assets that what is being typed may mean, over the form, under its field."""

    DEFAULT_CSS = """
    Completions, Completions:focus {
        display: none; overlay: screen; constrain: none inside;
        width: 56; height: auto; max-height: 8; border: none; padding: 0; background: $panel;
        scrollbar-size: 0 0;
    }
    """

    def __init__(self) -> None:
        super().__init__(id="completions", markup=False)
        self.choices: Sequence[AssetChoice] = ()

    def offer(self, choices: Sequence[AssetChoice], under: SymbolInput) -> None:
        """Show choices under a field; none closes the list."""
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
        """Hide the list."""
        self.choices = ()
        self.display = False

    @property
    def chosen(self) -> AssetChoice | None:
        """The asset under the cursor of the list."""
        at = self.highlighted
        return self.choices[at] if at is not None and at < len(self.choices) else None
