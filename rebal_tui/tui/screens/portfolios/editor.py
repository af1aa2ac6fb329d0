"""Portfolio editor: fields with their faults, and the impact of a change before it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.widgets import Input, Static

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.view_models.portfolios import Impact, PortfolioDraft
from rebal_tui.tui.book_services import portfolio_queries, portfolios, undo
from rebal_tui.tui.screens.portfolios import form as forms
from rebal_tui.tui.screens.portfolios.fields import Note
from rebal_tui.tui.screens.portfolios.form import PortfolioForm
from rebal_tui.tui.screens.portfolios.impact import ImpactScreen
from rebal_tui.tui.screens.portfolios.layout import compose_form, read_form
from rebal_tui.tui.screens.portfolios.lines import dates_text
from rebal_tui.tui.screens.portfolios.live_preview import foot_lines, impact_panel, live_lines
from rebal_tui.tui.screens.portfolios.notes import field_notes
from rebal_tui.tui.screens.portfolios.pasted_weights import with_pasted
from rebal_tui.tui.screens.portfolios.questions import save_question
from rebal_tui.tui.screens.portfolios.weight_rows import WeightRow, WeightRows
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.segments import Line
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.form_scroll import FormScroll
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.tabs import TabBar

NO_IMPACT = Impact(0, 0, 0, 0, Money(0), 0, 0)
"""Impact of a new portfolio, which has no subscribers."""


class PortfolioEditor(Dialog[str]):
    """Edits a portfolio, or creates one. Returns the id of the saved portfolio, or None if nothing was saved."""

    CSS_PATH = "editor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save"),
        Binding("escape", "leave", "Back"),
        Binding("equals_sign", "rest('cash')", "Rest to cash"),
        Binding("equals_sign", "rest('line')", "Rest to this line"),
        Binding("ctrl+n", "add_line", "Add asset"),
        Binding("percent_sign", "normalize", "Scale to 100"),
        Binding("ctrl+r", "remove_line", "Remove"),
        Binding("f5", "impact", "Impact"),
        Binding("down", "line(1)", show=False),
        Binding("up", "line(-1)", show=False),
    ]
    AUTO_FOCUS = "#name"

    def __init__(self, draft: PortfolioDraft, form: PortfolioForm | None = None) -> None:
        """`form` has the initial field values, if they differ from those of the stored portfolio."""
        super().__init__()
        self._draft = draft
        self._assets = {asset.symbol: asset for asset in draft.assets}
        self._saved = draft.portfolio
        stored = forms.form_of(draft.portfolio) if draft.portfolio else PortfolioForm()
        self._start = stored
        self._form = form or stored
        self._checked = self._check(self._form)
        self._dates: dict[CalendarCondition, tuple[date, ...]] = {}
        self._impact: tuple[PortfolioBody, Impact] | None = None
        self._rest_place = "cash"
        self._pressed_save = False
        self._busy = False

    def compose(self) -> ComposeResult:
        form = self._form
        yield Static(ui_text(self._title()), id="edit-title", markup=False)
        with Horizontal(id="edit-body"):
            with FormScroll(id="edit-form"):
                yield from compose_form(form, self._draft.assets)
            yield LinesView(id="live")
        yield LinesView(self._foot, id="foot")
        yield KeyBar()

    def _title(self) -> str:
        before = self._draft.portfolio
        if before is None:
            return "New portfolio"
        return f"Edit {before.name} · {count_text(self._draft.subscribers, 'subscriber')}"

    def on_mount(self) -> None:
        for view in self.query(LinesView):
            view.can_focus = False
        self._changed()
        if self._saved is not None and (barred := self._weights.first_ineligible) is not None:
            barred.symbol.focus()
        body = self._checked.body
        if self._form != self._start and self._saved is not None and body is not None:
            self.host.work(self._count(body), name="impact")

    @property
    def _weights(self) -> WeightRows:
        return self.query_one(WeightRows)

    @property
    def _rows(self) -> list[WeightRow]:
        return self._weights.rows

    def _read(self) -> PortfolioForm:
        """Return the current field values."""
        return read_form(self, self._form)

    def _check(self, form: PortfolioForm) -> forms.Checked:
        return forms.check(form, self._assets, self._saved.weights if self._saved else None)

    def _changed(self) -> None:
        """Read and check the fields, and update notes, keys, calendar dates and preview."""
        self._form = self._read()
        self._checked = self._check(self._form)
        self._show_notes(self._checked.faults)
        self._show_keys(self._form)
        self._ask_dates()
        self._show_live()

    def _show_notes(self, faults: Mapping[str, str]) -> None:
        form = self._form
        for index, row in enumerate(self._rows):
            line = form.lines[index]
            choice = self._assets.get(line.symbol)
            fault = faults.get(forms.line_location(index), "")
            unfinished = not line.symbol or not line.percent
            stored_fault = choice.ineligible if choice else ""
            name = f"▲ {stored_fault}" if stored_fault else choice.name if choice else self._weights.hint_of(row)
            row.say(fault or name, self._kind(fault, unfinished))
        notes = [("#name-note", forms.NAME, form.name), ("#description-note", forms.DESCRIPTION, form.description)]
        for selector, location, text in notes:
            fault = faults.get(location, "")
            note = self.query_one(selector, Note)
            note.say(fault, self._kind(fault, not text))
            note.display = bool(fault)
        self.query_one("#day-row").display = form.calendar != forms.NO_CALENDAR
        self.query_one("#stagger-row").display = form.calendar != forms.NO_CALENDAR or bool(form.stagger)
        self.query_one("#day", Input).placeholder = forms.DAY_HINTS[form.calendar]
        for location, fine in field_notes(form, self._checked.body, book_reviews=self._draft.book_reviews).items():
            fault = faults.get(location, "")
            note = self.query_one(f"#{location.replace(' ', '-')}-note", Note)
            note.say(fault or fine, self._kind(fault, location == forms.DAY and not form.day))

    def _kind(self, fault: str, blank: bool) -> str:
        return "fine" if not fault else "todo" if blank and not self._pressed_save else "fault"

    def _ask_dates(self) -> None:
        """Show the next dates of the calendar condition; they are read from the book once for each condition."""
        calendar = self._checked.calendar
        note = self.query_one("#dates", Note)
        note.display = calendar is not None
        if calendar is None:
            return
        if calendar in self._dates:
            note.say(dates_text(self._dates[calendar]))
        else:
            self.host.work(self._load_dates(calendar), name="calendar")

    async def _load_dates(self, calendar: CalendarCondition) -> None:
        self._dates[calendar] = await self.host.ask(portfolio_queries.next_dates, calendar)
        if self.is_attached and self._checked.calendar == calendar:
            self._ask_dates()
            self._show_live()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_keys(self._read())

    def _show_keys(self, form: PortfolioForm) -> None:
        """Show the keys that can do something for the field with the focus, and where the rest would go."""
        whole = self._checked.total == HUNDRED_PERCENT and not self._checked.unreadable
        idle = {
            **dict.fromkeys(("rest('cash')", "rest('line')"), whole or not self._has_rest(form)),
            "normalize": whole or bool(self._checked.unreadable),
            "impact": not self._draft.subscribers,
        }
        self.query_one(KeyBar).left_out = frozenset(action for action, is_idle in idle.items() if is_idle)
        place = "cash" if self._weights.rest_index is None else "line"
        if place != self._rest_place:
            self._rest_place = place
            self.refresh_bindings()

    def _has_rest(self, form: PortfolioForm) -> bool:
        """Whether `=` would fill a weight."""
        try:
            return self._weights.has_cursor and forms.rest_for(form, self._weights.rest_index) > 0
        except ValueError:
            return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer `rest` under the name of the place where it goes."""
        if action == "rest":
            return parameters == (self._rest_place,)
        return super().check_action(action, parameters)

    def _show_live(self) -> None:
        self.query_one("#foot", LinesView).show(self._foot)
        self.query_one("#live", LinesView).show(self._live)

    def _foot(self, _width: int, _height: int) -> Sequence[Line]:
        unchanged = self._saved is not None and self._form == self._start
        return foot_lines(self._checked, unchanged=unchanged)

    def _live(self, width: int, _height: int) -> Sequence[Line]:
        body = self._checked.body
        counted = self._impact[1] if self._impact is not None and self._impact[0] == body else None
        dates = self._dates.get(self._checked.calendar, ()) if self._checked.calendar else ()
        lines = live_lines(forms.weights_of(self._form), body, dates, width)
        return [*lines, *impact_panel(counted, width)] if self._saved and self._draft.subscribers else lines

    @on(Input.Changed)
    @on(WeightRows.Changed)
    def _typed(self) -> None:
        self._changed()

    @on(TabBar.Chosen)
    def _chosen(self, event: TabBar.Chosen) -> None:
        event.bar.current = event.key
        self._changed()

    @on(Input.Submitted)
    async def _entered(self, event: Input.Submitted) -> None:
        """On enter, move to the next field; from the symbol of a blank last line, to cash. After the last percentage,
        add a line if the sum is below 100.00, else move to cash."""
        # A new line has the focus when this returns, so that what is typed behind enter goes to it.
        row = self._weights.here
        if row is not None and event.input is row.percent and row is self._rows[-1]:
            if self._checked.total < HUNDRED_PERCENT and not row.line.blank:
                await self.action_add_line()
            else:
                self.query_one("#cash").focus()
        elif not self._weights.leave_blank_line(event.input):
            self.focus_next()

    def action_line(self, direction: int) -> None:
        """Go to the field above (-1) or below (1); within the weights, in the same column."""
        if self._weights.go(direction):
            return
        if direction > 0:
            self.focus_next()
        else:
            self.focus_previous()

    async def action_add_line(self) -> None:
        if len(self._rows) >= forms.MAX_WEIGHT_LINES:
            self.host.say(f"This form accepts at most {forms.MAX_WEIGHT_LINES} weight lines.")
        elif (blank := self._weights.blank) is not None:
            blank.symbol.focus()
        else:
            await self._weights.add()

    def take_paste(self, text: str) -> bool:
        """Fill the weights from a pasted list, or return False. One line is a list only in a
        field of weights or cash.
        """
        found = with_pasted(self._read(), text, one_line=self._weights.has_cursor)
        if found is None or self.focused is self.query_one("#description"):
            return False
        self.host.work(self._fill(*found), name="paste")
        return True

    async def _fill(self, form: PortfolioForm, what: str) -> None:
        await self._weights.fill(form.lines)
        self.query_one("#cash", Input).value = form.cash
        self.host.say(what)

    def action_remove_line(self) -> None:
        row = self._weights.here
        if row is None:
            self.host.say("Move the cursor to a weight line first.")
        else:
            self.host.work(self._weights.remove_row(row), name="remove a line")

    def action_rest(self, _place: str) -> None:
        """Give what is left of 100 to the line with the focus if it has a symbol and no percentage, else to cash."""
        if not self._weights.has_cursor:
            self.host.say("Move the cursor to a weight line or to cash first.")
            return
        before, index = self._form.cash, self._weights.rest_index
        self._rewrite(lambda form: forms.with_rest(form, index))
        if self._form.cash != before and self._weights.here is not None:
            self.host.say(f"The rest went to cash: {self._form.cash}.")

    def action_normalize(self) -> None:
        self._rewrite(forms.normalized)

    def _rewrite(self, change: Callable[[PortfolioForm], PortfolioForm]) -> None:
        """Replace the percentages in the fields by those that `change` returns. If it raises `ValueError`, show the
        message.
        """
        try:
            form = change(self._read())
        except ValueError as error:
            self.host.say(str(error))
            return
        self._weights.rewrite(form)
        self._changed()

    def _ready(self) -> PortfolioBody | None:
        """Return the portfolio if the form is valid; else show the first fault, go to its field and return None."""
        if self._checked.body is None:
            self._pressed_save = True
            self._changed()
            self.host.say(f"Cannot be saved: {self._checked.first_fault}.", "warning")
            self._go_to_fault()
        return self._checked.body

    def _go_to_fault(self) -> None:
        """Focus the field of the first fault. A wrong sum may be due to any line: the focus stays where the user is."""
        location = self._checked.first_location
        kind, _, number = location.partition(" ")
        if kind == "line":
            row = self._rows[int(number)]
            (row.percent if location in self._checked.in_percent else row.symbol).focus()
        elif location != forms.SUM:
            self.query_one(f"#{kind}-{number}" if number else f"#{kind}").focus()
        elif all(row.line.blank for row in self._rows):
            self._rows[-1].symbol.focus()

    def action_impact(self) -> None:
        if not self._draft.subscribers:
            subject = "This" if self._saved else "A new"
            self.host.explain(f"{subject} portfolio has no subscribers yet, so there is no impact.")
        elif (body := self._ready()) is not None:
            self.host.work(self._show_impact(body), name="impact")

    async def _show_impact(self, body: PortfolioBody) -> None:
        impact = await self._count(body)
        if self.is_current:
            what = "Effect of saving these changes on its subscribers."
            screen = ImpactScreen(body.name, impact, what, changed=True)
            self.app.push_screen(screen, lambda save: self.action_save() if save else None)

    async def _count(self, body: PortfolioBody) -> Impact:
        stored = self._saved
        if stored is None:
            return NO_IMPACT
        impact = await self.host.ask(portfolio_queries.impact, stored.id, body)
        self._impact = (body, impact)
        if self.is_attached:
            self._show_live()
        return impact

    def action_save(self) -> None:
        body = self._ready()
        if body is None or self._busy:
            return
        if self._saved is not None and self._form == self._start:
            self.host.say("No changes to save.")
            return
        self._busy = True
        self.host.work(self._save(body), name="save")

    async def _save(self, body: PortfolioBody) -> None:
        """Save the portfolio; if it has subscribers, ask for confirmation first."""
        try:
            impact = await self._count(body)
            if impact.subscribers == 0:
                does = "Saved" if self._saved else "Created"
                await self.host.change(lambda: self._store(body), f"{does} {body.name}")
            elif self._saved is not None and self.is_current:
                question = save_question(self._saved, body, impact, self.host)
                self.host.confirm(question, lambda _note: self._start_saving(body))
        finally:
            self._busy = False

    def _start_saving(self, body: PortfolioBody) -> None:
        self.host.work(self.host.change(lambda: self._store(body), f"Saved {body.name}"), name="save")

    async def _store(self, body: PortfolioBody) -> None:
        before = self._saved
        try:
            if before is not None:
                stored, change = await self.host.ask(undo.update_portfolio, before.id, body)
                self.host.offer_undo(change, f"the edit of {stored.name}")
            else:
                stored = await self.host.ask(portfolios.create_portfolio, body)
        except Refusal:
            self._draft = await self.host.ask(portfolio_queries.portfolio_draft, before.id if before else None)
            self._assets = {asset.symbol: asset for asset in self._draft.assets}
            self._weights.assets = self._draft.assets
            self._changed()
            raise
        self.dismiss(stored.id)

    def action_leave(self) -> None:
        self.leave(changed=self._read() != self._start)
