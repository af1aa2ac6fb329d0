"""f1 explains the field with the focus."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from rebal_tui.domain.trading_rules import AccountSettings, Concerned, Overrides
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.cash.forms import journal_form, withdrawal_form
from rebal_tui.tui.screens.files.by_hand import FORMS, hand_form
from rebal_tui.tui.screens.portfolios.fields import ChoiceBar
from rebal_tui.tui.screens.restrictions.account_settings import account_settings_form
from rebal_tui.tui.screens.settings.screen import SettingsScreen
from rebal_tui.tui.screens.shared.field_help import FORM_HELP, HELP, help_of
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.restriction_form import restriction_form
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import market_book, run

FORMS_SHOWN = (
    withdrawal_form(("a",), "", []),
    journal_form(("a",), "", [], incoming=True),
    restriction_form("Growth", Concerned(("a",)), ("SPY",)),
    account_settings_form("a", "Ruiz", (AccountSettings(), Overrides())),
    *(hand_form(form, (), ()) for form in FORMS.values()),
)


@pytest.mark.parametrize("form", FORMS_SHOWN)
def test_every_field_of_a_form_is_one_sentence(form: FormScreen) -> None:
    for field in form.fields:
        assert form.explain(field.key).endswith("."), field


def test_sentences_fit_into_three_lines_of_the_narrowest_terminal() -> None:
    for text in (*HELP.values(), *FORM_HELP.values()):
        assert text == text.strip()
        assert len(text) <= 140


def test_f1_is_named_only_while_a_field_has_the_focus() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "o")
        assert "f1 explains the field" in screen_text(app)
        await press(pilot, "tab")
        assert "f1 explains the field" not in screen_text(app)
        await press(pilot, "shift+tab")
        assert "f1 explains the field" in screen_text(app)

    run(flow, market_book(1), "6")


def test_the_explanation_of_a_form_is_whole_on_a_narrow_terminal_and_escape_ends_it() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", *"client", "space", "a", "tab", *"9000", "shift+tab")
        before = screen_text(app)
        await press(pilot, "f1")
        lines = [line.strip(" │") for line in screen_text(app).splitlines()]
        at = next(number for number, line in enumerate(lines) if line.startswith("The account: its client's name"))
        assert " ".join(lines[at : at + 2]) == FORM_HELP["account"]
        assert lines[at + 2].split("  ")[0] == "Cancel (esc)", "the buttons stay in view"
        assert any(line.startswith("Plan ") for line in lines), "as much of the preview as fits"
        await press(pilot, "escape")
        assert screen_text(app) == before
        await press(pilot, "f1", "tab")
        assert "The account:" not in screen_text(app)
        await press(pilot, "escape")
        assert app.screen is app.section

    run(flow, market_book(1), "5", (80, 24))


@pytest.mark.slow
def test_f1_shows_the_sentence_and_elsewhere_the_help() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "f1")
        assert "Help · Desk" in screen_text(app)
        await press(pilot, "escape", "comma")
        fields = [*app.screen.query(Input), *app.screen.query(Select)]
        assert [str(field.id) for field in fields if not help_of(field)] == []
        app.screen.query_one("#jump_limit").focus()
        await press(pilot, "f1")
        assert shown_messages(app)[-1] == HELP["jump_limit"]
        await press(pilot, "escape")
        assert app.notice is None
        assert isinstance(app.screen, SettingsScreen), "escape closes the explanation first"
        await press(pilot, "escape", "2", "n")
        named = [*app.screen.query(Input), *app.screen.query(ChoiceBar)]
        assert len(named) > 10
        assert [field for field in named if not help_of(field)] == []

    run(flow, market_book(1), "1")
