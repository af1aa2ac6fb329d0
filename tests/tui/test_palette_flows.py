"""The command palette finds all actions and all named objects."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import CommandPalette

from rebal_tui.domain.quantities import Percent
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.simulation import simulator
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.palette import ActionProvider, DataProvider, score_of, title
from rebal_tui.tui.screens.settings.screen import SettingsScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.glossary import glossary_lines
from rebal_tui.tui.screens.shared.kill_switch import KillScreen
from rebal_tui.tui.sections import LISTS
from rebal_tui.tui.segments import line_width
from tests.services import factories
from tests.tui.driving import press, screen_text, settle
from tests.tui.simulated import at_time, market_book, run, run_heartbeat, write


async def find(pilot: Any, text: str) -> None:
    """Open the palette, type a text, and choose the first hit."""
    await press(pilot, "ctrl+p")
    await write(pilot, text)
    for _ in range(20):
        await settle(pilot)
        if pilot.app.screen.query_one("CommandList").option_count:
            break
    await press(pilot, "enter")


def test_every_action_of_every_section_is_found_by_name() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        provider = ActionProvider(app.screen)
        found = {str(hit.text) async for hit in provider.discover()}
        for action in ACTIONS:
            if action.scope != LISTS and action.id != "app.palette":
                assert title(action) in found, action.id

    run(flow, market_book(2), "1")


def test_whole_words_come_before_letters_within_them_and_scattered_letters_find_nothing() -> None:
    explained = score_of("plan", "Accounts: Manual run", "Start a manual run; shows its plan first.")
    assert score_of("plan", "Plan") > explained > score_of("plan", "Account Kaplan, Ida · 4092 · b8467bbb") > 0
    assert score_of("leave out", "Desk: Preview", "Preview the run, and leave a line out of it.") == explained
    assert score_of("line", "Lab: Worse", "Show or hide policies that are worse in everything.") == 0


@pytest.mark.slow
def test_the_glossary_is_found_and_read() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await find(pilot, "gloss")
        assert isinstance(app.screen, ReadScreen)
        assert "a client's account at the broker: cash, positions, restrictions" in screen_text(app)

    run(flow, market_book(2), "1")
    text = glossary_lines()
    for width in (60, 120):
        lines = text(width, 0)
        shown = ["".join(part for part, _ in line) for line in lines]
        assert not [line for line in shown if "|" in line or "`" in line]
        assert all(line_width(line) <= width for line in lines)


@pytest.mark.slow
def test_objects_of_every_type_are_found_by_name() -> None:
    book = market_book(3)
    assert book.sandbox is not None
    book.sandbox.open_account(factories.account("zoe", "10"))
    simulator.shock(book, "SPY", Percent(3000))
    at_time(book, "2026-03-02 10:15")

    async def flow(pilot: Any, app: Any) -> None:
        await run_heartbeat(pilot, app)
        provider = DataProvider(app.screen)
        await provider.startup()

        async def hits(text: str) -> list[str]:
            return [str(hit.text) async for hit in provider.search(text)]

        assert any("Client a" in text for text in await hits("account client a"))
        assert await hits("account Clíent A") == await hits("account client a")
        assert any("not subscribed" in text for text in await hits("zoe"))
        assert "Portfolio Gold" in await hits("gold")
        assert "Asset GLD" in await hits("gld")
        runs = [text for text in await hits("run client b") if text.startswith("Run ")]
        assert ["full rebalance", "Client b", "02 Mar 10:15", "success"] in [text.split(" · ")[1:] for text in runs]
        assert await hits("[/] [b]") == []

    run(flow, book, "1")


@pytest.mark.slow
def test_runs_and_accounts_are_found_as_they_are_now_not_as_their_sections_last_showed_them() -> None:
    book = market_book(2)
    simulator.shock(book, "SPY", Percent(3000))

    async def flow(pilot: Any, app: Any) -> None:
        assert app.screen.row_counts == (0, 0)
        await press(pilot, "1")
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        subscriptions.unsubscribe(book, book.subscriptions["a"].id)
        provider = DataProvider(app.screen)
        await provider.startup()
        assert {str(hit.text).split(" · ")[-1] async for hit in provider.search("run client")} == {"success"}
        found = {str(hit.text) async for hit in provider.search("account client")}
        assert [text.endswith("not subscribed") for text in sorted(found)] == [True, False]

    run(flow, book, "4")


@pytest.mark.slow
def test_a_search_hit_opens_its_object() -> None:
    book = market_book(3)

    async def flow(pilot: Any, app: Any) -> None:
        await find(pilot, "asset tlt")
        assert app.current_mode == "market"
        assert app.screen.table.cursor_key == "TLT"
        await find(pilot, "portfolio gold")
        assert app.current_mode in {"portfolios", "desk"}
        assert "Gold" in screen_text(app)
        await find(pilot, "account client b")
        assert app.current_mode == "desk"
        assert app.screen.table.cursor_key == "b"

    run(flow, book, "8")


@pytest.mark.slow
def test_an_action_of_another_section_opens_that_section_first() -> None:
    book = market_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        await find(pilot, "kill switch")
        assert isinstance(app.screen, KillScreen)
        await press(pilot, "y")
        assert halted(book)
        await find(pilot, "market: shock")
        assert app.current_mode == "market"
        await press(pilot, "escape")
        await find(pilot, "settings")
        assert isinstance(app.screen, SettingsScreen) or not isinstance(app.screen, CommandPalette)

    run(flow, book, "1")
