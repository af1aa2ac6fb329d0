"""Layout of the fields in the portfolio editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from rebal_tui.domain.portfolios import BandType, Destination, RebalanceScope
from rebal_tui.services.view_models.portfolios import AssetChoice
from rebal_tui.tui.screens.portfolios.fields import ChoiceBar, DayInput, Note, PercentInput, PlainInput
from rebal_tui.tui.screens.portfolios.form import CALENDARS, PortfolioForm
from rebal_tui.tui.screens.portfolios.lines import UPDATE_TEXT
from rebal_tui.tui.screens.portfolios.weight_rows import WeightRows
from rebal_tui.tui.text import ui_text

OFF, ON = "no review", "wait for review"
IGNORE, REBALANCE = "no run", "rebalance"
WHOLE, BREACHED = "all assets", "only those outside"
DESTINATIONS: dict[str, str] = {Destination.MIDDLE: "halfway to the edge", Destination.EDGE: "edge of band"}
_BANDS = tuple(BandType)
"""The order in which the editor shows the bands, whatever their order in the portfolio is."""
SCOPES = {WHOLE: RebalanceScope.WHOLE, BREACHED: RebalanceScope.BREACHED}


def compose_form(form: PortfolioForm, assets: Sequence[AssetChoice]) -> ComposeResult:
    """Yield all fields with their notes, filled from the form. `assets` are offered as completions of symbols."""
    yield from _field("Name", PlainInput(form.name, placeholder="portfolio name", id="name"))
    yield from _field("Description", PlainInput(form.description, placeholder="optional", id="description"))
    yield Static(ui_text("Weights in %"), classes="section", markup=False)
    yield WeightRows(form.lines, assets)
    with Horizontal(classes="weight"):
        yield Static(ui_text("cash"), classes="cash-label", markup=False)
        yield PercentInput(form.cash, placeholder="0.00", id="cash")
        yield Note(id="cash-note")
    yield Static(ui_text("Conditions"), classes="section", markup=False)
    for index, (kind, percent) in sorted(enumerate(form.bands), key=lambda item: _BANDS.index(item[1][0])):
        with Horizontal(classes="weight"):
            yield Static(ui_text(f"{kind} drift"), classes="band-label", markup=False)
            yield PercentInput(percent, placeholder="–", id=f"band-{index}", classes=f"band {kind}-band")
            yield Note(id=f"band-{index}-note")
    with Horizontal(classes="weight"):
        yield Static(ui_text("calendar"), classes="band-label", markup=False)
        yield ChoiceBar(CALENDARS, form.calendar, id="calendar")
    with Horizontal(classes="weight", id="day-row"):
        yield Static(ui_text("day"), classes="band-label", markup=False)
        yield DayInput(form.day, id="day", classes="band")
        yield Note(id="day-note")
    yield Note(id="dates", classes="")
    with Horizontal(classes="weight"):
        yield Static(ui_text("on update"), classes="band-label", markup=False)
        yield ChoiceBar((IGNORE, REBALANCE), REBALANCE if form.on_update else IGNORE, id="on-update")
        yield Static(ui_text(UPDATE_TEXT), classes="note", markup=False)
    with Horizontal(classes="weight"):
        yield Static(ui_text("cooldown"), classes="band-label", markup=False)
        yield PercentInput(form.cooldown, placeholder="0", id="cooldown", classes="band")
        yield Note(id="cooldown-note")
    with Horizontal(classes="weight"):
        yield Static(ui_text("automatic runs"), classes="band-label", markup=False)
        yield ChoiceBar((OFF, ON), ON if form.review else OFF, id="review")
        yield Note(id="review-note")
    yield Static(ui_text("Size of a rebalance"), classes="section", markup=False)
    with Horizontal(classes="weight"):
        yield Static(ui_text("drift runs end at"), classes="band-label", markup=False)
        yield ChoiceBar(tuple(Destination), form.rebalance_to, id="rebalance-to", labels=DESTINATIONS)
    with Horizontal(classes="weight"):
        yield Static(ui_text("and trade"), classes="band-label", markup=False)
        scope = WHOLE if form.rebalance_scope is RebalanceScope.WHOLE else BREACHED
        yield ChoiceBar((WHOLE, BREACHED), scope, id="rebalance-scope")
    with Horizontal(classes="weight"):
        yield Static(ui_text("minimum trade $"), classes="band-label", markup=False)
        yield PercentInput(form.least, placeholder="–", id="least", classes="band")
        yield Note(id="least-note")
    with Horizontal(classes="weight"):
        yield Static(ui_text("minimum trade %"), classes="band-label", markup=False)
        yield PercentInput(form.least_percent, placeholder="–", id="least-percent", classes="band")
        yield Note(id="least-percent-note")
    with Horizontal(classes="weight", id="stagger-row"):
        yield Static(ui_text("calendar sessions"), classes="band-label", markup=False)
        yield PercentInput(form.stagger, placeholder="1", id="stagger", classes="band")
        yield Note(id="stagger-note")


def read_form(screen: Screen[Any], form: PortfolioForm) -> PortfolioForm:
    """Return a form with the values that the fields of a screen have now. `form` is one from which they were filled."""

    def text(selector: str) -> str:
        return screen.query_one(selector, Input).value.strip()

    def choice(selector: str) -> str:
        return screen.query_one(selector, ChoiceBar).current

    return replace(
        form,
        name=text("#name"),
        description=text("#description"),
        lines=tuple(row.line for row in screen.query_one(WeightRows).rows),
        cash=text("#cash"),
        bands=tuple((kind, text(f"#band-{i}")) for i, (kind, _) in enumerate(form.bands)),
        calendar=choice("#calendar"),
        day=text("#day"),
        on_update=choice("#on-update") == REBALANCE,
        cooldown=text("#cooldown"),
        review=choice("#review") == ON,
        rebalance_to=Destination(choice("#rebalance-to")),
        rebalance_scope=SCOPES[choice("#rebalance-scope")],
        least=text("#least"),
        least_percent=text("#least-percent"),
        stagger=text("#stagger"),
    )


def _field(label: str, field: PlainInput) -> ComposeResult:
    """Yield a labeled field with its note below."""
    with Horizontal(classes="weight"):
        yield Static(ui_text(label), classes="label", markup=False)
        yield field
    yield Note(id=f"{field.id}-note", classes="note under")
