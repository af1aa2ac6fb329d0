"""Backtest section: key-driven flows with the real services."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from rebal_tui import bootstrap
from rebal_tui.domain.portfolios import Destination
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.policies import Policy
from rebal_tui.services.backtest import comparison, histories
from rebal_tui.tui.screens.lab.heat_map import HeatMapScreen
from rebal_tui.tui.screens.lab.screen import LabScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import SIZES, market_book, run, write

pytestmark = pytest.mark.slow

FIVE = Policy(absolute=Percent(500))
FEW = (
    Policy(),
    FIVE,
    replace(FIVE, cooldown_days=31),
    replace(FIVE, look=21),
    replace(FIVE, destination=Destination.EDGE),
)


@pytest.fixture(autouse=True)
def few_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "default_grid", lambda own: tuple(dict.fromkeys((own, *FEW))))


async def computed(pilot: Any, app: Any, kind: type[Screen[Any]] = LabScreen) -> None:
    assert isinstance(app.screen, kind)
    for _ in range(600):
        await pilot.pause(0.05)
        if "Computing" not in screen_text(app) and "Reading" not in screen_text(app):
            break
    await settle(pilot)


def test_a_book_without_enough_prices_shows_the_sample_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real, threads = comparison.subject, list[str]()

    def read(*arguments: Any) -> comparison.Subject:
        threads.append(threading.current_thread().name)
        return real(*arguments)

    monkeypatch.setattr(comparison, "subject", read)

    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        text = screen_text(app)
        assert "Turnover: some differ." in text
        assert "Which costs less?    " in text
        assert "All 6 policies against the sample's" in text
        assert "Prices: sample history of invented assets" in text
        assert 'Tested: a sample portfolio, not "Balanced", which has too few prices.' in text
        assert "sessions, 250 are needed; o opens a file" in text
        assert "◆ ±5/20 % 7 d sample" in text
        assert "vs sample, bp" in text
        assert "◆ sample " in text
        assert "yours" not in text
        assert "Differ beyond luck?  Return: " in text
        assert "cash earns nothing" in text
        await press(pilot, "down", "down", "down")
        assert "checked every 21 sessions. Return" in screen_text(app), "the row under the cursor in words"
        assert "^ On an edge: at ±4" in screen_text(app), "what ^ means"
        await press(pilot, "d")
        assert " shown (d): one listed has " in screen_text(app)
        assert threads
        assert not any(name.startswith("book") for name in threads), "heartbeats need the book's thread"

    run(flow, market_book(), "7", SIZES["120x40"])


def test_enter_shows_one_policy_and_v_verifies_it() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        await press(pilot, "v")
        for _ in range(1200):
            await pilot.pause(0.05)
            if any("Verified" in text for text in shown_messages(app)):
                break
        assert any(text.startswith("Verified by the engine: 1 policy, ") for text in shown_messages(app))
        await press(pilot, "enter")
        assert isinstance(app.screen, ReadScreen)
        text = screen_text(app)
        assert "Weights over time" in text
        assert "Verified by the engine: 1 policy" in text
        assert "outside sample's bands" in text
        assert re.search(r"longest time outside +1 session ", text)
        await pilot.resize_terminal(80, 60)
        await press(pilot)
        text = screen_text(app)
        neighbors = r"With ±4/20 %, ±5/19 %, ±6/20 % and ±5/21 % instead: return [^…]* %/y\."
        assert re.search(neighbors, " ".join(text.split()))
        assert "┃ rebalances" in text

    run(flow, market_book(), "7", SIZES["120x40"], open_replay=bootstrap.replay_book)


def test_a_file_of_closes_is_used_for_the_books_portfolios(tmp_path: Path) -> None:
    path = tmp_path / "closes.csv"
    path.write_text(histories.SAMPLE_FILE.read_text().replace("X-STOCKS", "SPY").replace("X-BONDS", "TLT"))

    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        await press(pilot, "o")
        await write(pilot, str(tmp_path / "missing.csv"))
        await press(pilot, "enter")
        await computed(pilot, app)
        assert any("missing.csv" in text for text in shown_messages(app))
        await press(pilot, "o")
        await write(pilot, str(path))
        await press(pilot, "enter")
        await computed(pilot, app)
        assert 'Tested: "Balanced".' in screen_text(app)
        assert re.search(r"◆ .* yours ", screen_text(app))
        assert "vs yours, bp" in screen_text(app)
        assert "Prices: closes.csv" in screen_text(app)
        assert "SPY TLT cash" in screen_text(app)

    run(flow, market_book(), "7", SIZES["120x40"])


def test_a_computation_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    real = comparison.compare

    def slow(*arguments: Any) -> Any:
        subject, step, canceled = arguments
        step(1, 10)
        for _ in range(1_000):
            if canceled():
                break
            time.sleep(0.01)
        return real(subject, step, canceled)

    monkeypatch.setattr(comparison, "compare", slow)

    async def flow(pilot: Any, app: Any) -> None:
        await pilot.press("7")
        for _ in range(100):
            await asyncio.sleep(0.05)
            await pilot.pause()
            if "1 of 10 policies" in screen_text(app):
                break
        assert "1 of 10 policies" in screen_text(app)
        await pilot.press("escape")
        await computed(pilot, app)
        assert "Stopped. The next portfolio (p) is this one again." in screen_text(app)

    run(flow, market_book(), "1", SIZES["80x24"])


def test_h_shows_every_pair_of_bands_and_follows_the_keys() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await computed(pilot, app)
        await press(pilot, "h")
        await computed(pilot, app, HeatMapScreen)
        text = screen_text(app)
        assert "turnover, % a year" in text
        assert "  ·░▒▓█  " in text, "the lowest values have a shade, too"
        assert "±5.0" in text
        assert "cooldown 0 d" in text
        below = [line for line in text.splitlines()[-4:-1] if not line.strip()]
        assert len(below) == 1, "no row but a blank one is left below the map"
        assert re.search(r"  return \d+\.\d\d\s", text), "the last figure under the cursor is not cut"
        await press(pilot, "right", "right", "f")
        assert "rms deviation, points" in screen_text(app)
        assert "±5.0" not in screen_text(app)
        await press(pilot, "c")
        await computed(pilot, app, HeatMapScreen)
        assert "cooldown 7 d" in screen_text(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, LabScreen)

    run(flow, market_book(), "7", SIZES["120x40"])
