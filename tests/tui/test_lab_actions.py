"""Lab section: luck of the day, bootstrap, export, and a policy adopted by its portfolio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from rebal_tui.domain.portfolios import BandType, Destination
from rebal_tui.services.backtest import histories
from rebal_tui.tui.screens.lab.screen import LabScreen
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.export import ExportScreen
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import SIZES, market_book, run
from tests.tui.test_lab_flows import computed, few_policies

__all__ = ["few_policies"]

pytestmark = pytest.mark.slow


def test_luck_of_the_day_bootstrap_and_export_of_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"

    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        text = screen_text(app)
        assert "60 resampled" in text
        assert "Adopt policy" not in text, "a sample has no portfolio that could adopt it"
        await press(pilot, "a")
        assert any("o opens a file of closes for one" in text for text in shown_messages(app))
        await press(pilot, "l")
        assert isinstance(app.screen, ReadScreen)
        text = screen_text(app)
        assert "Start day: every session of the first year" in text
        assert "highest and lowest equity" in text
        await press(pilot, "l", "b", "escape", "b")
        await computed(pilot, app)
        assert "80 resampled" in screen_text(app)
        await press(pilot, "x", "down")
        assert isinstance(app.screen, ExportScreen)
        app.screen.query_one("#export-path", Input).value = str(path)
        await press(pilot, "enter")
        assert any(text.startswith("Wrote all 6 policies to ") for text in shown_messages(app))

    run(flow, market_book(), "7", SIZES["120x40"])
    written = json.loads(path.read_text())
    assert len(written["policies"]) == 6
    assert written["luck"]["sentence"].startswith("Return: ")
    assert len(written["start_days"]["returns"]) > 200


def test_a_policy_is_adopted_by_its_portfolio_after_its_impact_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "closes.csv"
    path.write_text(histories.SAMPLE_FILE.read_text().replace("X-STOCKS", "SPY").replace("X-BONDS", "TLT"))
    book = market_book()
    found: dict[str, Any] = {}

    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        await press(pilot, "o")
        app.screen.query_one("#lab-closes", Input).value = str(path)
        await press(pilot, "enter")
        await computed(pilot, app)
        screen = app.screen
        assert isinstance(screen, LabScreen)
        assert "Adopt policy" in screen_text(app)
        policies = {row.label: row.number for row in screen.table.rows}
        looks = next(number for label, number in policies.items() if "every" in label)
        screen.table.go_to(looks)
        await press(pilot, "a")
        assert any("cannot check them less often" in text for text in shown_messages(app))
        screen.table.go_to(policies["±5 pp→edge"])
        await press(pilot, "a")
        assert isinstance(app.screen, PortfolioEditor)
        text = screen_text(app)
        assert "4 subscribers" in text
        await press(pilot, "ctrl+s")
        await press(pilot, "y")
        await computed(pilot, app)
        found["own"] = screen._found.backtest.own.policy.label if screen._found else ""

    run(flow, book, "7", SIZES["120x40"])
    portfolio = book.portfolios["balanced"]
    assert found["own"] == "±5 pp→edge"
    assert portfolio.rebalance_to is Destination.EDGE
    assert [(band.sub_type, band.percent) for band in portfolio.bands] == [(BandType.ABSOLUTE, 500)]
    assert portfolio.cooldown_days == 0


def test_a_file_is_used_for_the_first_portfolio_that_it_covers(tmp_path: Path) -> None:
    path = tmp_path / "closes.csv"
    path.write_text("date,SPY,OTHER\n2024-01-02,1,2\n2024-01-03,1,2\n")

    async def opened(pilot: Any, app: Any) -> str:
        await press(pilot, "o")
        app.screen.query_one("#lab-closes", Input).value = str(path)
        await press(pilot, "enter")
        await computed(pilot, app)
        return screen_text(app)

    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        assert "closes.csv: TLT: no such column in the closes" in await opened(pilot, app)
        await press(pilot, "p")
        assert "closes.csv: GLD: no such column in the closes" in screen_text(app)
        assert "p tests the next portfolio, o opens another file of closes." in screen_text(app)
        await press(pilot, "p")
        path.write_text("date,SPY,GLD\n" + "".join(f"2024-01-{day:02},{100 + day},90\n" for day in range(2, 13)))
        assert "SPY GLD" in await opened(pilot, app)

    run(flow, market_book(), "7", SIZES["120x40"])
