"""Creating and editing a portfolio by one question per line, with the portfolio form of the screens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.domain.portfolios import CalendarCondition, PortfolioStatus
from rebal_tui.domain.text import count_text
from rebal_tui.plain.asking import CANCEL, HOW, ask_line, ask_value, read_choice
from rebal_tui.plain.portfolio_fields import GROUPS, WEIGHTS, AskedField
from rebal_tui.plain.reading import find_portfolio
from rebal_tui.plain.session import Session
from rebal_tui.plain.speech import WIDE, label, percent, read_lines, spoken
from rebal_tui.plain.texts import weights_text
from rebal_tui.tui.book_services import portfolio_queries, portfolios, undo
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.portfolios import form as forms
from rebal_tui.tui.screens.portfolios.form import PortfolioForm, WeightText
from rebal_tui.tui.screens.portfolios.lines import condition_lines
from rebal_tui.tui.screens.portfolios.questions import save_question

if TYPE_CHECKING:
    from rebal_tui.services.parsing.portfolio_body import PortfolioBody
    from rebal_tui.services.view_models.portfolios import AssetChoice, PortfolioDraft

FIRST = ("name", "description", WEIGHTS, "bands", "calendar", "update", "cooldown", "review")
"""Keys of the fields that the user fills in for a new portfolio; the others have default values."""
SAVE, SHOW = "save", "show"
CASH, REST, REMOVE, SCALE, DONE = "cash", "rest", "remove", "scale", "done"
WEIGHTS_HELP = (
    f"Weights, one a line: a symbol and its percent, such as SPY 60, or {CASH} 5. {REST.capitalize()} in place of a "
    f"percent is what is left to 100; {REMOVE} SPY takes a line out; {SCALE} scales all to 100; {SHOW} reads them; "
    f"{DONE} ends"
)
CLOSE = 4
"""Assets that are named when a symbol is unknown."""


class Editing:
    """A portfolio that is being edited: the form with the answers so far, and the stored portfolio, if any."""

    def __init__(self, session: Session, draft: PortfolioDraft) -> None:
        self._session = session
        self._take(draft)
        self._start = PortfolioForm() if draft.portfolio is None else forms.form_of(draft.portfolio)
        self._form = self._start

    def _take(self, draft: PortfolioDraft) -> None:
        self._draft = draft
        self._assets: dict[str, AssetChoice] = {asset.symbol: asset for asset in draft.assets}

    async def run(self) -> None:
        """Ask until the portfolio is saved. Raises `Canceled`."""
        self._session.say(HOW)
        if self._draft.portfolio is None:
            for group in FIRST:
                await self._ask_group(group)
        else:
            self._show()
        words = f"{', '.join(GROUPS)}; {SHOW} reads all"
        while True:
            answer = read_choice(
                await ask_line(self._session, f"{SAVE.capitalize()}, or what to change: {words}"),
                (SAVE, SHOW, *GROUPS),
            )
            if answer == SAVE:
                if await self._save():
                    return
            elif answer == SHOW:
                self._show()
            elif answer in GROUPS:
                await self._ask_group(answer)
            else:
                self._session.refuse(f"Expected {SAVE}, {SHOW}, {', '.join(GROUPS)}")

    async def _ask_group(self, group: str) -> None:
        if group == WEIGHTS:
            await self._ask_weights()
            return
        at = 0
        while at < len(fields := GROUPS[group](self._form)):
            await self._ask_field(fields[at])
            at += 1

    async def _ask_field(self, field: AskedField) -> None:
        now = field.read(self._form)
        removable = not field.required and not field.choices
        while True:
            answer = await ask_value(self._session, field.label, field.hint, now, removable=removable)
            try:
                form = field.write(self._form, answer)
                fault = self._check(form).faults.get(field.location, "")
            except ValueError as error:
                fault = str(error)
            if not fault:
                self._form = form
                return
            self._session.refuse(f"{field.label}: {fault}")

    def _check(self, form: PortfolioForm) -> forms.Checked:
        stored = self._draft.portfolio
        return forms.check(form, self._assets, stored.weights if stored else None)

    async def _ask_weights(self) -> None:
        self._session.say(WEIGHTS_HELP)
        while True:
            answer = await ask_line(self._session, f"Weight; {forms.missing_text(forms.total_of(self._form))}")
            try:
                if answer.casefold() in (DONE, ""):
                    if fault := self._check(self._form).faults.get(forms.SUM, ""):
                        raise ValueError(fault)
                    return
                if answer.casefold() == SHOW:
                    self._session.write(weights_text(forms.weights_of(self._form)))
                    continue
                self._form, said = self._weight(answer)
                self._session.say(said)
            except ValueError as error:
                self._session.refuse(str(error))

    def _weight(self, text: str) -> tuple[PortfolioForm, str]:
        """The form after a line of weights, and what it did. Raises `ValueError` with the fault of the line."""
        words = text.replace("%", " ").split()
        if [word.casefold() for word in words] == [SCALE]:
            return forms.normalized(self._form), "All weights are scaled to 100"
        if len(words) != 2:
            raise ValueError("Type a symbol and its percent, such as SPY 60")
        if words[0].casefold() == REMOVE:
            return self._removed(words[1].upper())
        symbol, share = words[0].upper(), words[1].casefold()
        if symbol == CASH.upper():
            form = forms.with_rest(self._form, None) if share == REST else replace(self._form, cash=share)
            if fault := self._check(form).faults.get(forms.CASH, ""):
                raise ValueError(f"Cash: {fault}")
            return form, f"Cash {percent(forms.hundredths(form.cash))}"
        lines = [line for line in self._form.lines if not line.blank]
        at = next((index for index, line in enumerate(lines) if line.symbol == symbol), len(lines))
        if at == forms.MAX_WEIGHT_LINES:
            raise ValueError(f"A portfolio has at most {forms.MAX_WEIGHT_LINES} weight lines here")
        lines[at : at + 1] = [WeightText(symbol, "" if share == REST else share)]
        form = replace(self._form, lines=tuple(lines))
        if share == REST:
            form = forms.with_rest(form, at)
        if fault := self._check(form).faults.get(forms.line_location(at), ""):
            raise ValueError(f"{symbol} {share}: {fault}{self._close(words[0])}")
        return form, f"{symbol} {percent(forms.hundredths(form.lines[at].percent))}, {self._assets[symbol].name}"

    def _removed(self, symbol: str) -> tuple[PortfolioForm, str]:
        if symbol == CASH.upper() and self._form.cash:
            return replace(self._form, cash=""), "Cash is taken out"
        rest = tuple(line for line in self._form.lines if line.symbol != symbol)
        if len(rest) == len(self._form.lines):
            raise ValueError(f"No weight is of {symbol}")
        return replace(self._form, lines=rest or (WeightText(),)), f"{symbol} is taken out"

    def _close(self, typed: str) -> str:
        """The assets that a text may mean that is no symbol; empty when it is one."""
        if typed.upper() in self._assets:
            return ""
        taken = frozenset(line.symbol for line in self._form.lines)
        found = forms.matches(self._draft.assets, typed, taken, CLOSE)
        return f". Did you mean {', '.join(f'{one.symbol} ({one.name})' for one in found)}?" if found else ""

    def _show(self) -> None:
        """Read the portfolio as it would be saved."""
        self._session.write(weights_text(forms.weights_of(self._form)))
        checked = self._check(self._form)
        for group, fields in GROUPS.items():
            if group != WEIGHTS:
                self._session.write(label(field.label, field.read(self._form)) for field in fields(self._form))
        if checked.first_fault:
            self._session.say(f"Cannot be saved: {checked.first_fault}")

    async def _save(self) -> bool:
        """Confirm and save; False when there are faults, or when the portfolio was refused."""
        checked, stored = self._check(self._form), self._draft.portfolio
        body = checked.body
        if body is None:
            self._session.refuse(f"Cannot be saved: {checked.first_fault}")
            return False
        if stored is not None and self._form == self._start:
            self._session.refuse(f"No changes to save; type {CANCEL} to leave")
            return False
        if not await self._confirmed(body, checked.calendar):
            self._session.say(f"Your answers are kept. Type {SAVE} again, or {CANCEL} to leave")
            return False
        try:
            if stored is None:
                await self._session.ask(portfolios.create_portfolio, body)
                self._session.done(f"Created {spoken(body.name)}")
            else:
                _, change = await self._session.ask(undo.update_portfolio, stored.id, body)
                self._session.done(f"Saved {spoken(body.name)}", (change, f"the edit of {body.name}"))
        except Refusal as refusal:
            self._session.refuse_all(refusal)
            self._take(await self._session.ask(portfolio_queries.portfolio_draft, stored.id if stored else None))
            return False
        return True

    async def _confirmed(self, body: PortfolioBody, calendar: CalendarCondition | None) -> bool:
        session, stored = self._session, self._draft.portfolio
        dates = await session.ask(portfolio_queries.next_dates, calendar) if calendar else ()
        session.write(weights_text(forms.weights_of(self._form)))
        session.write(read_lines(condition_lines(body.conditions, dates, body.cooldown_days, WIDE)))
        question = Question(f"Save {body.name}?", "Save", "It has no subscribers yet; saving sends nothing.")
        if stored is not None and self._draft.subscribers:
            impact = await session.ask(portfolio_queries.impact, stored.id, body)
            question = save_question(stored, body, impact, session.backend)
        return await session.confirm(question) is not None


async def new(session: Session, _text: str) -> None:
    """Create a portfolio."""
    await Editing(session, await session.ask(portfolio_queries.portfolio_draft, None)).run()


async def edit(session: Session, text: str) -> None:
    """Change the portfolio that `text` names."""
    row = await find_portfolio(session, text)
    if row.status == PortfolioStatus.INACTIVE:
        raise Invalid(f"{row.name} is inactive; the command activate reactivates it")
    draft = await session.ask(portfolio_queries.portfolio_draft, row.id)
    session.say(f"{row.name}, {count_text(draft.subscribers, 'subscriber')}")
    await Editing(session, draft).run()
