"""A key of another section does what it means there, or the sections that have it are named."""

from __future__ import annotations

import string
from typing import Any

import pytest

from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies
from rebal_tui.tui.key_meanings import ON_ACCOUNTS, SAME_VERBS, elsewhere, here_instead, is_unknown, where_text
from rebal_tui.tui.keymap import BY_ID, MOVING
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.row_page import PageOfList
from rebal_tui.tui.sections import LISTS, QUEUES, REVIEW, Section
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import market_book, run


def test_every_letter_has_an_action_or_a_notice_in_every_section() -> None:
    for section in (*Section, *QUEUES):
        own = {key for action in ACTIONS if applies(action, section) for key in action.keys.split(",")}
        for letter in {*string.ascii_letters} - own - MOVING:
            found = elsewhere(letter, section, {}, "SIMULATED")
            assert found or is_unknown(letter, {}), (section, letter)


def test_a_notice_names_the_verb_and_its_sections() -> None:
    found = elsewhere("w", Section.MARKET, {}, "SIMULATED")
    text = "w is not for Market: How far runs go in Portfolios (2); Withdraw in Accounts (3)."
    assert where_text("w", Section.MARKET, found) == text
    tabs = where_text("t", REVIEW, elsewhere("t", REVIEW, {}, ""))
    assert tabs == "t is not for Review: Next tab in Desk (1), Portfolios (2) and 5 more."
    assert where_text("slash", Section.LAB, elsewhere("slash", Section.LAB, {}, "")).startswith(
        "/ is not for Lab: Filter"
    )


def test_keys_that_the_user_changed_are_followed_and_keys_of_another_kind_of_book_are_not_named() -> None:
    keymap = {"accounts.withdraw": "W"}
    assert [one.id for one in elsewhere("W", Section.CASH, keymap, "")] == ["accounts.withdraw"]
    assert "accounts.withdraw" not in [one.id for one in elsewhere("w", Section.CASH, keymap, "")]
    assert [one.id for one in elsewhere("h", Section.DESK, {}, "LIVE")] == ["lab.heat_map"]


def test_the_table_of_verbs_names_actions_of_its_sections() -> None:
    for section, verbs in SAME_VERBS.items():
        for there, here in verbs.items():
            assert BY_ID[here].scope == section != BY_ID[there].scope != LISTS
            assert here_instead(elsewhere(BY_ID[there].keys, section, {}, ""), section) is BY_ID[here]
    assert BY_ID.keys() >= ON_ACCOUNTS


@pytest.mark.slow
def test_keys_of_other_sections_do_what_they_mean_there() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        account = app.screen.table.cursor_key
        await press(pilot, "B")
        assert shown_messages(app)[-1] == "B has no action; ? shows the keys."
        await press(pilot, "e")
        assert shown_messages(app)[-1] == "e is not for Desk: Edit in Portfolios (2)."
        await press(pilot, "d")
        assert app.current_mode == Section.ACCOUNTS
        assert isinstance(app.screen_stack[-1], FormScreen)
        await press(pilot, "escape")
        assert (app.current_mode, app.screen.table.cursor_key) == (Section.DESK, account), "back where it was pressed"
        await press(pilot, "a")
        assert (app.current_mode, app.screen.table.cursor_key) == (Section.ACCOUNTS, account)
        await press(pilot, "5", "w")
        assert isinstance(app.screen_stack[-1], FormScreen)
        assert "withdrawal" in screen_text(app)
        await press(pilot, "escape", "2", "l")
        assert isinstance(app.screen, PageOfList)

    run(flow, market_book(), "1")
