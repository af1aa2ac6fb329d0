"""Dialogs to create a portfolio from pasted text, and to name a copy. Invalid input is never discarded."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widgets import Button, Input, Static, TextArea

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.text import count_text, name_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.weight_list import NotAList, WeightList, read_weight_list
from rebal_tui.tui.book_services import portfolio_queries, portfolios
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.portfolios.fields import PlainInput
from rebal_tui.tui.screens.portfolios.form import PortfolioForm
from rebal_tui.tui.screens.portfolios.pasted_weights import filled, pasted_text
from rebal_tui.tui.screens.portfolios.portfolio_file import PortfolioFileScreen
from rebal_tui.tui.screens.portfolios.questions import same_name_question
from rebal_tui.tui.screens.shared.answers import Answers
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView

EXAMPLE = (
    "Paste weights from a spreadsheet: a symbol and a percent on each line, also of cash; ctrl+o opens a file. "
    'Or paste a portfolio in the API\'s format, such as {"name": "Balanced", "weights": [{"type": "asset", "symbol": '
    '"SPY", "percent": "60"}, …], "cooldown_days": 7, "rebalance_conditions": [{"type": "drift_band", '
    '"sub_type": "absolute", "percent": "5"}]}'
)

FILE_NAME = re.compile(r"[^\n{}\[\]\t]*\.[A-Za-z]{2,5}")
"""A text that a user may have typed as the name of a file, such as `models/growth.json`."""


class JsonArea(TextArea):
    """Text area that shows pasted control characters as `�`."""

    async def _on_paste(self, event: Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(safe_lines(event.text), *self.selection)


def safe_lines(text: str) -> str:
    """Normalize line ends, expand tabs to spaces, and replace all other control characters by `�`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return "\n".join(printable(line) for line in lines)


class PasteScreen(Dialog[str]):
    """Creates a portfolio from JSON, or opens a list of weights in the editor; shows faults with their locations.

    Returns the id of the new portfolio, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "create", "Create"),
        Binding("ctrl+s", "go_on", "Continue"),
        Binding("ctrl+o", "open", "From a file"),
        Binding("escape", "leave", "Cancel", priority=True),
    ]
    AUTO_FOCUS = "JsonArea"
    DEFAULT_CSS = """
    PasteScreen { background: $background; }
    PasteScreen #paste-title { height: 1; background: $panel; text-style: bold; padding: 0 1; }
    PasteScreen JsonArea, PasteScreen JsonArea:focus { height: 1fr; border: none; padding: 0 1; }
    PasteScreen #paste-faults { height: auto; max-height: 50%; background: $surface; }
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = safe_lines(text)
        self._body: PortfolioBody | None = None
        self._listed: WeightList | None = None
        self._name_taken = False
        self._faults: list[str] = []
        self._request = 0
        self._was_json = is_json(self._text)
        self._busy_creating = False

    def compose(self) -> ComposeResult:
        title = "New portfolio · paste weights or JSON, or open a file · not created yet"
        yield Static(ui_text(title), id="paste-title", markup=False)
        area = JsonArea(self._text, show_line_numbers=True, tab_behavior="focus")
        area.cursor_blink = False
        yield area
        yield LinesView(self._lines, id="paste-faults")
        yield KeyBar()

    def on_mount(self) -> None:
        self._show()
        if self._text:
            self._validate()

    @property
    def _area(self) -> JsonArea:
        return self.query_one(JsonArea)

    def _lines(self, width: int, _height: int) -> list[Line]:
        lines: list[Line]
        if not self._area.text.strip():
            return paragraph(EXAMPLE, width, "muted")
        if self._listed is not None:
            read = self._listed
            shown = ", ".join(f"{symbol} {percent or '?'}" for symbol, percent in read.lines)
            lines = paragraph(f"✓ {pasted_text(read)}: {printable(shown)}", width, "warn" if read.faults else "good")
            return [*lines, *paragraph("ctrl+s opens them in a new portfolio, to be named and saved.", width, "muted")]
        if self._body is not None:
            weights = ", ".join(f"{weight.symbol}" for weight in self._body.weights.assets)
            lines = paragraph(f"✓ {self._body.name}: {weights}. ctrl+s creates it.", width, "good")
            if self._name_taken:
                lines += paragraph(
                    f"▲ A portfolio named {self._body.name} exists; this creates another.", width, "warn"
                )
            return lines
        lines = [((f"✗ {count_text(len(self._faults), 'error')}", "bad"),)] if self._faults else []
        for fault in self._faults:
            lines.extend(paragraph(f"· {printable(fault)}", width))
        if self._faults and FILE_NAME.fullmatch(self._area.text.strip()):
            lines.extend(paragraph("This looks like the name of a file: ctrl+o opens one.", width, "warn"))
        return lines or [(("…", "muted"),)]

    def _show(self) -> None:
        self.refresh_bindings()
        view = self.query_one("#paste-faults", LinesView)
        count = len(self._lines(max(self.size.width - 3, 20), 0))
        view.styles.height = min(max(count, 1), max(self.size.height // 2, 3))
        view.show(self._lines)

    @on(TextArea.Changed)
    def _validate(self) -> None:
        """Validate the text on the book's thread; the result is ignored if the text has changed since.

        The book may be busy for some time: if the text has become JSON, is JSON no more, or is empty, the key and the
        lines of the former text go at once.
        """
        self._request += 1
        text = self._area.text
        if not text.strip() or is_json(text) != self._was_json:
            self._was_json = is_json(text)
            self._body, self._listed, self._name_taken, self._faults = None, None, False, []
            self._show()
        if text.strip():
            self.host.work(self._read(text, self._request), name="reading the text")

    async def _read(self, text: str, request: int) -> None:
        body: PortfolioBody | None = None
        taken = False
        faults: list[str] = []
        listed: WeightList | None = None
        try:
            listed = listed_weights(text)
            if listed is None:
                body = await self.host.ask(portfolio_queries.pasted_portfolio, text)
                taken = await self.host.ask(portfolio_queries.has_name, body.name)
        except Refusal as refusal:
            faults = [str(fault) for fault in refusal.faults]
        if request == self._request and self.is_attached:
            self._body, self._listed, self._name_taken, self._faults = body, listed, taken, faults
            self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the action `create` if the text is JSON, else `go_on`, which opens the text in the portfolio form."""
        if action in ("create", "go_on"):
            return is_json(self._area.text) == (action == "create")
        return super().check_action(action, parameters)

    def action_create(self) -> None:
        self.host.work(self._ask_or_create(self._area.text), name="create")

    def action_go_on(self) -> None:
        text = self._area.text
        if not text.strip():
            self.host.say("Paste or type weights or JSON first.")
            return
        try:
            listed = listed_weights(text)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        if listed is not None:
            self.host.work(self._open_list(listed), name="new portfolio")

    async def _open_list(self, listed: WeightList) -> None:
        """Open the weights in the editor; when they are saved there, this dialog closes too."""
        draft = await self.host.ask(portfolio_queries.portfolio_draft, None)

        def closed(saved: str | None) -> None:
            if saved and self.is_attached:
                self.dismiss(saved)

        if self.is_current:
            self.app.push_screen(PortfolioEditor(draft, filled(PortfolioForm(), listed)), closed)

    async def _ask_or_create(self, text: str) -> None:
        """Create the portfolio; if another portfolio has the same name, ask first."""
        try:
            name = (await self.host.ask(portfolio_queries.pasted_portfolio, text)).name
            taken = await self.host.ask(portfolio_queries.has_name, name)
        except Refusal:
            taken = False  # The faults are shown by the attempt.
        if not taken:
            await self._create(text)
        elif self.is_current:
            self.host.confirm(same_name_question(name), lambda _note: self._start(text))

    def _start(self, text: str) -> None:
        self.host.work(self._create(text), name="create")

    async def _create(self, text: str) -> None:
        if self._busy_creating:
            return
        self._busy_creating = True
        try:
            stored = await self.host.ask(create_from, text)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        finally:
            self._busy_creating = False
        self.host.say(f"Created {stored.name}.")
        self.host.pull_soon()
        self.dismiss(stored.id)

    def _refuse(self, refusal: Refusal) -> None:
        first = refusal.faults[0]
        more = f", and {len(refusal.faults) - 1} more" if len(refusal.faults) > 1 else ""
        self.host.say(f"Nothing was created: {first}{more}.", "warning")

    def action_open(self) -> None:
        """Ask for a file, and put its text into the text area."""
        self.app.push_screen(PortfolioFileScreen(), self._opened)

    def _opened(self, text: str | None) -> None:
        if text:
            self._area.load_text(safe_lines(text))

    def action_leave(self) -> None:
        self.leave(changed=bool(self._area.text.strip()))


def is_json(text: str) -> bool:
    """Whether a text begins as a JSON object or array."""
    return text.lstrip()[:1] in ("{", "[")


def listed_weights(text: str) -> WeightList | None:
    """Parse a list of weights; None for JSON.

    Raises `Invalid` for other text, and if some numbers have a decimal point and others a decimal comma.
    """
    if is_json(text):
        return None
    try:
        return read_weight_list(text)
    except NotAList as error:
        raise Invalid("expected weights, a symbol and a percent on each line, or JSON") from error


def create_from(book: Book, text: str) -> Portfolio:
    """Create a portfolio from JSON text. Raises `Refusal` if the text is invalid."""
    return portfolios.create_portfolio(book, portfolio_queries.pasted_portfolio(book, text))


class NameScreen(Dialog[str]):
    """Asks for a name, which is checked while typing. Returns the name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]
    DEFAULT_CSS = """
    NameScreen { align: center middle; background: $background 60%; }
    NameScreen > Vertical {
        width: 72; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    NameScreen #name-title { text-style: bold; margin-bottom: 1; }
    NameScreen Input { margin-top: 1; }
    NameScreen #name-fault { color: $text-error; height: 1; }
    NameScreen Vertical > Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    """

    def __init__(self, title: str, text: str, name: str, yes: str) -> None:
        super().__init__()
        self._heading = title
        self._text = text
        self._name_given = name
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(self._heading), id="name-title", markup=False)
            yield Static(ui_text(self._text), markup=False)
            yield PlainInput(self._name_given, placeholder="a name", id="new-name")
            yield Static("", id="name-fault", markup=False)
            with Horizontal():
                yield Answers(self._yes, "yes")

    @property
    def _fault(self) -> str:
        try:
            name_text(self.query_one(Input).value)
        except ValueError as error:
            return str(error)
        return ""

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#name-fault", Static).update(ui_text(self._fault))
        self.query_one("#yes", Button).disabled = bool(self._fault)

    @on(Input.Submitted)
    def _entered(self) -> None:
        if not self._fault:
            self.dismiss(name_text(self.query_one(Input).value))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._entered()
        else:
            self.dismiss()
