"""Portfolios section: pasting, copying and exporting JSON, driven by keys."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.services.advisory.portfolios import create_portfolio
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.portfolios.paste import PasteScreen
from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen
from tests.tui import simulated
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import run_heartbeat
from tests.tui.test_portfolios_flows import full_book, go_to_portfolio, named, on_the_list, run

GOOD = {
    "name": "Pasted",
    "weights": [{"type": "asset", "symbol": "SPY", "percent": "60"}, {"type": "cash", "percent": "40"}],
    "cooldown_days": 3,
    "rebalance_conditions": [{"type": "drift_band", "sub_type": "absolute", "percent": "5"}],
}


def test_valid_json_creates_a_portfolio() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        app.screen.post_message(Paste(json.dumps(GOOD, indent=2)))
        await settle(pilot)
        assert isinstance(app.screen, PasteScreen)
        assert "✓ Pasted: SPY. ctrl+s creates it." in screen_text(app)
        assert "^s Create" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, PortfoliosScreen)
        row = app.screen.table.cursor_row
        assert row is not None
        assert row.name == "Pasted"

    run(flow, book)
    assert named(book, "Pasted").weights.cash == 4000


@pytest.mark.slow
def test_a_pasted_portfolio_of_a_name_that_exists_is_asked_about() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        app.screen.focused.post_message(Paste(json.dumps({**GOOD, "name": "balanced"})))  # type: ignore[union-attr]
        await settle(pilot)
        assert "A portfolio named balanced exists" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert "Create another portfolio named balanced?" in screen_text(app)
        await press(pilot, "n")
        assert len(book.portfolios) == 3
        await press(pilot, "ctrl+s", "y")
        assert len(book.portfolios) == 4

    run(flow, book)


@pytest.mark.slow
def test_a_pasted_portfolio_that_a_refresh_has_shown_already_is_sorted_in_at_once() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        screen: Any = app.section
        await press(pilot, "P")
        made = create_portfolio(book, parse_portfolio({**GOOD, "name": "Aaa"}))
        await run_heartbeat(pilot, app)
        assert screen.table.rows[-1].name == "Aaa", "the order is kept for some time after a key"
        app.screen.dismiss(made.id)
        await settle(pilot)
        assert screen.table.rows[0].name == "Aaa"
        assert screen.table.cursor_row.name == "Aaa"

    run(flow, book)


@pytest.mark.slow
def test_bad_json_lists_its_faults_and_creates_nothing() -> None:
    book = full_book()
    bad = {**GOOD, "cooldown": 3, "weights": [{"type": "asset", "symbol": "spy", "percent": "0"}]}

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        assert "paste a portfolio" in " ".join(screen_text(app).split())
        await press(pilot, "ctrl+s")
        assert "Paste or type weights or JSON first." in shown_messages(app)
        app.screen.focused.post_message(Paste(json.dumps(bad)))  # type: ignore[union-attr]
        await settle(pilot)
        text = screen_text(app)
        assert "✗ 3 errors" in text
        for expected in ("weights[0].symbol", "weights[0].percent", 'unknown field "cooldown"; did you mean'):
            assert expected in text
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, PasteScreen)
        app.screen._area.text = '{"name": '
        await settle(pilot)
        assert "line 1, column" in screen_text(app)
        app.screen._area.text = json.dumps({**GOOD, "weights": [{"type": "asset", "symbol": "QQQ", "percent": "100"}]})
        await settle(pilot)
        assert "asset QQQ is unknown" in screen_text(app)
        await press(pilot, "escape")
        assert "Discard your changes?" in screen_text(app)
        await press(pilot, "y")
        assert on_the_list(app)

    run(flow, book)
    assert len(book.portfolios) == 3


@pytest.mark.slow
def test_the_bottom_line_says_what_ctrl_s_does_while_the_text_is_still_read() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P", *"SPY 60")
        assert "^s Continue" in screen_text(app)
        busy = asyncio.Event()
        ask = app.backend.ask

        async def ask_later(*args: Any) -> Any:
            await busy.wait()
            return await ask(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app.backend, "ask", ask_later)
            assert isinstance(app.screen, PasteScreen)
            app.screen._area.select_all()
            app.screen._area.post_message(Paste(json.dumps(GOOD)))
            await pilot.pause()
            assert '"Pasted"' in screen_text(app)
            assert "^s Create" in screen_text(app)
            assert "1 weight" not in screen_text(app), "that was in the former text"
            busy.set()
            await settle(pilot)
        assert "✓ Pasted: SPY. ctrl+s creates it." in screen_text(app)

    run(flow, full_book())


def test_a_file_name_in_the_text_names_the_key_that_opens_files() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        assert "ctrl+o opens a file" in screen_text(app)
        await press(pilot, *"model.json")
        assert "the name of a file: ctrl+o opens one" in " ".join(screen_text(app).split())

    run(flow, full_book())


@pytest.mark.slow
def test_a_portfolio_is_exported_as_json_edited_and_pasted(tmp_path: Path) -> None:
    book, path = full_book(), tmp_path / "portfolio-growth.json"

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "growth")
        await press(pilot, "x", "down", "down")
        text = screen_text(app)
        for expected in ("Report of Growth", "[Growth, to paste or edit]", "All portfolios, all fields", "Write"):
            assert expected in text
        assert "Name it .json. Only you can read the file." in text
        line = app.screen.query_one(Input)
        assert line.value.endswith("/portfolio-growth.json")
        line.value = str(path.with_suffix(".csv"))
        await press(pilot, "enter")
        assert "Name it .json." in screen_text(app)
        line.value = str(path)
        await press(pilot, "enter")
        assert f"Wrote portfolio Growth to {path}." in shown_messages(app)
        await press(pilot, "J", "y", "escape")
        assert path.read_text("utf-8") == f"{app.clipboard}\n"
        edited = json.loads(path.read_text("utf-8")) | {"name": "Faster"}
        path.write_text(json.dumps([edited]), "utf-8")
        await press(pilot, "P", "ctrl+o")
        app.screen.query_one(Input).value = str(path)
        await press(pilot, "enter", "ctrl+s")
        assert on_the_list(app)

    simulated.run(flow, book, "2", (80, 24), make_report=lambda _subject, _fmt: b"")
    assert replace(PortfolioBody.of(named(book, "Faster")), name="Growth") == PortfolioBody.of(named(book, "Growth"))


@pytest.mark.slow
def test_json_copy_export_and_navigation_to_the_desk(tmp_path: Path) -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "calm")
        await press(pilot, "J")
        assert '"sub_type": "monthly"' in screen_text(app).replace("  ", " ")
        assert "esc Back  y Copy" in screen_text(app).splitlines()[-1]
        await press(pilot, "y")
        assert json.loads(app.clipboard)["id"] == "calm"
        await press(pilot, "escape", "x", "up")
        app.screen.query_one("Input").value = str(tmp_path / "models.json")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        written = json.loads((tmp_path / "models.json").read_text())["portfolios"]
        assert {item["name"]: item["subscribers"] for item in written} == {"Balanced": 2, "Growth": 0, "Calm": 1}
        await press(pilot, "a")
        assert app.current_mode == "desk"
        assert "Client c" in screen_text(app)
        assert "Client a" not in screen_text(app)
        await press(pilot, "2")
        await go_to_portfolio(pilot, app, "growth")
        await press(pilot, "a", "p")
        assert app.current_mode == "portfolios"
        assert "Growth has no subscribers." in shown_messages(app)

    run(flow, full_book())
