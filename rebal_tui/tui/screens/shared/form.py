"""Forms that validate while the user types and preview what they will do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.domain.quantities import Money
from rebal_tui.services.book.book import Book
from rebal_tui.tui.amounts import read_dollars
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.answers import Answers
from rebal_tui.tui.screens.shared.dialog import Dialog, LiveDialog
from rebal_tui.tui.screens.shared.field_help import FORM_HELP, FORM_PREFIX, FieldNote
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen
from rebal_tui.tui.segments import wrap
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.lines import Builder, LinesView, nothing
from rebal_tui.tui.widgets.text_field import CompletedField, OnlyChoice, TextField

Values = Mapping[str, str]
MAX_HEIGHT_PERCENT, LINES_MIN_HEIGHT = 96, 4
"""The most percent of the terminal's height that a form takes, and lines of its preview that are always shown; both are
in its style sheet, too.
"""

KEYS = ("tab next field · f1 explains", "tab next field")
"""The keys named in a field, and in another widget."""
SCROLLING_KEYS = tuple(f"pgdn more · {keys}" for keys in KEYS)
"""The same while a part of the preview is out of view; on a narrow terminal only the second fits there."""


@dataclass(frozen=True, slots=True)
class Field:
    """An input field of a form.

    `choices` are completions; keys right and end accept the suggested one. `help` is the text for key f1, by default
    that in `FORM_HELP`. With `completes`, the text must be one of the choices. A choice is then suggested only if it is
    the only one that begins with the text, and tab and enter accept it as well.
    """

    key: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    completes: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a form will do: `lines` preview it, `text` and `effects` describe it in the confirmation.

    `act` does it and returns its result as text. `done` is the beginning of the message that is shown then, `yes` the
    label of the button.
    """

    lines: Builder
    title: str
    text: str
    yes: str
    act: Callable[[Book], str]
    done: str
    effects: Sequence[Effect] = ()


Propose = Callable[[Book, Values], Proposal]
"""Turns field values into a proposal, on the book's thread and without changing the book.

Raises `Refusal` if values are invalid; the location of each fault is the key of the field.
"""


def read_amount(values: Values, key: str = "amount") -> Money:
    """Parse the field `key` as dollars, with the syntax of `read_dollars`.

    Raises `Invalid`, with the fault at the field, unless the text is an amount above 0 in whole cents.
    """
    try:
        amount = read_dollars(values[key])
    except ValueError as error:
        raise Invalid([Fault(key, str(error))]) from error
    if amount <= 0:
        raise Invalid([Fault(key, "expected an amount above 0")])
    if amount % 10_000_000:
        raise Invalid([Fault(key, "expected whole cents")])
    return amount


class FormScreen(LiveDialog, Dialog[bool]):
    """A form with faults next to its fields and a preview below, updated at every key press and refresh.

    Enter continues from every field and from the preview; on a button it presses that button. The page keys scroll the
    preview, whatever has the focus; they are named while a part of it is out of view. The action must be confirmed
    first, unless the form has `at_once`. If the action is refused, the form stays open. Returns True after the action,
    else None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel"),
        Binding("enter", "start", "Continue", show=False),
        Binding("pageup", "leaf(-1)", show=False),
        Binding("pagedown", "leaf(1)", show=False),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    FormScreen { align: center middle; background: $background 60%; }
    FormScreen > Vertical {
        width: 116; max-width: 98%; height: auto; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 2 0 1;
    }
    FormScreen #form-title { text-style: bold; margin: 0 0 1 1; }
    FormScreen .field { height: auto; margin-left: 1; }
    FormScreen .label { width: 12; color: $foreground 60%; }
    FormScreen Input { width: 34; background: $panel; }
    FormScreen .fault { width: 1fr; height: auto; margin-left: 2; color: $text-error; }
    FormScreen LinesView {
        height: auto; min-height: 4; max-height: 55vh; margin-top: 1; padding: 0; border-left: blank;
    }
    FormScreen LinesView:focus { border-left: thick $primary; }
    FormScreen #form-end { height: auto; margin: 1 0 0 1; }
    FormScreen.-narrow #form-end.-explains { layout: vertical; }
    FormScreen.-narrow #form-end.-explains Answers { width: 1fr; align-horizontal: right; }
    """

    def __init__(
        self, title: str, fields: Sequence[Field], propose: Propose, *, blame: str = "amount", at_once: str = ""
    ) -> None:
        """`propose` makes the proposal from the values. `blame` is the key of the field at which faults are shown whose
        location is no field of the form.

        `at_once`, if not empty, is the label of the button of a form that acts without a confirmation, because
        nothing is sent and the preview shows all that the form does.
        """
        super().__init__()
        self._heading = title
        self.fields = tuple(fields)
        self.propose = propose
        self._blame = blame
        self._at_once = at_once
        self._acting = False
        self._request = 0
        self._enter_pressed = False
        self._proposal: Proposal | None = None
        self._faults: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(self._heading), id="form-title", markup=False)
            for field in self.fields:
                with Horizontal(classes="field"):
                    yield Static(ui_text(field.label), classes="label", markup=False)
                    names = [printable(name) for name in field.choices]
                    suggester = OnlyChoice(names) if field.completes else SuggestFromList(names, case_sensitive=False)
                    kind = CompletedField if field.completes else TextField
                    yield kind(
                        printable(field.value),
                        placeholder=field.hint,
                        suggester=suggester if names else None,
                        id=f"{FORM_PREFIX}{field.key}",
                        compact=True,
                    )
                    yield Static("", id=f"fault-{field.key}", classes="fault", markup=False)
            yield LinesView(id="form-lines")
            with Horizontal(id="form-end"):
                yield FieldNote(*KEYS)
                yield Answers(self._at_once or "Continue", "go-on")

    def on_mount(self) -> None:
        self.watch(self.query_one(FieldNote), "explanation", self._make_room, init=False)
        self.watch(self.query_one(LinesView), "overflows", self._name_keys_soon, init=False)
        empty = next((field for field in self.fields if not field.value), self.fields[-1])
        self.query_one(f"#field-{empty.key}", Input).focus()
        self._validate_soon()

    def on_resize(self) -> None:
        self.query_one(FieldNote).explanation = ""
        self._name_keys_soon()

    def _name_keys_soon(self) -> None:
        """Name the keys after the layout: a preview overflows until it has its height."""
        self.call_after_refresh(self._name_keys)

    def _name_keys(self) -> None:
        if not self.is_attached:
            return
        is_cut = self.query_one(LinesView).overflows
        in_field, elsewhere = SCROLLING_KEYS if is_cut else KEYS
        self.query_one(FieldNote).name_keys(elsewhere if is_cut and self.has_class("-narrow") else in_field, elsewhere)

    def action_leaf(self, direction: int) -> None:
        """Scroll the preview by one page; a line of the page before stays in view."""
        lines = self.query_one(LinesView)
        page = max(lines.scrollable_content_region.height - 1, 1)
        lines.scroll_to(y=round(lines.scroll_y) + direction * page, animate=False, immediate=True)

    def _make_room(self, explanation: str) -> None:
        """On a narrow terminal, show an explanation above the buttons, and give the preview the height that is left."""
        box, end, lines = self.query_one(Vertical), self.query_one("#form-end"), self.query_one(LinesView)
        lines.styles.max_height = None
        if explanation and self.has_class("-narrow"):
            others = [child for child in box.children if child is not lines]
            taken = sum(child.outer_size.height + child.styles.margin.height for child in others)
            taken += box.styles.gutter.height + lines.styles.margin.height + len(wrap(explanation, end.size.width))
            left = self.app.size.height * MAX_HEIGHT_PERCENT // 100 - taken
            lines.styles.max_height = max(min(left, lines.outer_size.height), LINES_MIN_HEIGHT)
        end.set_class(bool(explanation), "-explains")

    def explain(self, key: str) -> str:
        """Return the explanation of the field with this key."""
        return next((field.help for field in self.fields if field.key == key), "") or FORM_HELP.get(key, "")

    def values(self) -> dict[str, str]:
        """Return the text of each field by key."""
        return {field.key: self.query_one(f"#field-{field.key}", Input).value for field in self.fields}

    async def pull(self) -> None:
        await self._validate(self._request)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._request += 1
        self._enter_pressed = False
        self._validate_soon()

    @on(CompletedField.Several)
    def _choose(self, event: CompletedField.Several) -> None:
        """Let the user pick one of several choices. A picked choice becomes the field's
        text, and the next field gets the focus.
        """
        field, typed = event.field, event.field.value

        def picked(choice: str | None) -> None:
            if choice:
                field.value = choice
                self.focus_next()
            else:
                field.declined = typed

        label = next(one.label for one in self.fields if f"{FORM_PREFIX}{one.key}" == field.id)
        title = f"{label}: {len(event.choices):,} match “{printable(typed)}”"
        choices = [Choice(choice, *choice.split(" · ", 1)) for choice in event.choices]
        self.app.push_screen(PickScreen(title, choices, label.lower()), picked)

    def _validate_soon(self) -> None:
        self.host.work(self._validate(self._request), name="form")

    async def _validate(self, request: int) -> None:
        values = self.values()
        proposal, faults = None, {}
        try:
            proposal = await self.host.ask(self.propose, values)
        except Refusal as refusal:
            faults = self.faults_by_field(refusal)
        if request == self._request and self.is_attached:
            self._show(proposal, faults)

    def faults_by_field(self, refusal: Refusal) -> dict[str, str]:
        """Return the messages of a refusal by field key; messages about none of the form's fields are at the field that
        the creator of the form chose for them (`blame`).
        """
        keys = {field.key for field in self.fields}
        by_field: dict[str, str] = {}
        for fault in refusal.faults:
            known = fault.location in keys
            key = fault.location if known else self._blame
            message = fault.message if known else str(fault)
            by_field[key] = f"{by_field[key]}; {message}" if key in by_field else message
        return by_field

    def _show(self, proposal: Proposal | None, faults: dict[str, str]) -> None:
        """Show proposal and faults. An empty field shows no fault before enter is pressed."""
        self._proposal, self._faults = proposal, faults
        for field in self.fields:
            typed = bool(self.query_one(f"#field-{field.key}", Input).value)
            text = faults.get(field.key, "") if typed or self._enter_pressed else ""
            self.query_one(f"#fault-{field.key}", Static).update(ui_text(f"✗ {text}" if text else ""))
        self.query_one(LinesView).show(proposal.lines if proposal is not None else nothing)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go-on":
            self.action_start()
        else:
            self.dismiss()

    @on(Input.Submitted)
    def action_start(self) -> None:
        self.host.work(self._submit(), name="form")

    async def _submit(self) -> None:
        await self._validate(self._request)
        proposal = self._proposal
        if proposal is None:
            wrong = next((field.key for field in self.fields if field.key in self._faults), self._blame)
            line = self.query_one(f"#field-{wrong}", Input)
            # Enter that only leads on to an empty field is not yet a mistake.
            if line.value or line.has_focus or not isinstance(self.focused, Input):
                self._enter_pressed = True
                self._show(None, self._faults)
            line.focus()
            return

        async def do() -> str:
            answer = await self.host.ask(proposal.act)
            if self.is_attached:
                self.dismiss(True)
            return answer

        if self._at_once:
            await self._act(do, proposal.done)
        elif self.is_current:
            self.host.confirm_sending(
                proposal.title, proposal.text, proposal.yes, do, proposal.done, effects=proposal.effects
            )

    async def _act(self, do: Callable[[], Awaitable[str]], done: str) -> None:
        """Run the action once, however often enter is pressed meanwhile."""
        if self._acting or not self.is_current:
            return
        self._acting = True
        try:
            await self.host.change(do, done)
        finally:
            self._acting = False
