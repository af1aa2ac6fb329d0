"""Fixtures of all screen tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rebal_tui.services.backtest import histories
from rebal_tui.tui import key_order
from rebal_tui.tui.screens.lab import screen as lab
from tests.services import factories
from tests.tui import textual_internals
from tests.tui.virtual_time import VirtualTime

SHORT_SAMPLE_LINES = 506
"""The title and two years of sessions."""
CLIENTS = (
    "Adler, Miriam", "Brooks, Terence", "Castillo, Rosa", "Delgado Trust", "Ekström, Nils", "Fischer, Hanna",
    "Grant, Oliver", "Hughes, Pamela", "Iyer, Sunita", "Jensen, Mark", "Khan, Amira", "Larsen, Dag",
)  # fmt: skip
PICTURED = {
    **{chr(ord("a") + index): name for index, name in enumerate(CLIENTS)},
    **{f"N-{chr(ord('a') + index)}": f"500123{index + 1:02}" for index in range(len(CLIENTS))},
    "1000": "Stella Moore",
    "1001": "Peter Nguyen",
    "1002": "Kari Olsen",
    "1007": "Min Park",
    "SPY": "S&P 500 ETF",
    "TLT": "20+ Year Treasury ETF",
    "GLD": "Gold Trust",
}
"""Names of accounts, account numbers and assets in pictures, as a reader knows them."""


@pytest.fixture(autouse=True)
def names_of_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the accounts and assets of a picture names from life."""
    if "snap_compare" in request.fixturenames:
        for key, name in PICTURED.items():
            monkeypatch.setitem(factories.NAMES, key, name)


@pytest.fixture(scope="session")
def short_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab") / "sample.csv"
    path.write_text("\n".join(histories.SAMPLE_FILE.read_text().splitlines()[:SHORT_SAMPLE_LINES]) + "\n")
    return path


@pytest.fixture(autouse=True)
def short_backtests(short_sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the Lab computes at once: two years of the sample and few resampled histories are soon done."""
    monkeypatch.setattr(histories, "SAMPLE_FILE", short_sample)
    monkeypatch.setattr(lab, "FIRST_HISTORIES", 60)
    monkeypatch.setattr(lab, "MORE_HISTORIES", 80)


@pytest.fixture(autouse=True)
def virtual_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every event loop in virtual time, which skips idle waits."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", VirtualTime)
    textual_internals.use_loop_clock(monkeypatch)
    textual_internals.wait_for_the_loop(monkeypatch)
    textual_internals.read_styles_once(monkeypatch)
    textual_internals.remember_styles(monkeypatch)
    if request.node.get_closest_marker("every_frame") is None:
        textual_internals.draw_on_demand(monkeypatch)
    textual_internals.keep_cursors_visible(monkeypatch)


@pytest.fixture(autouse=True)
def patient_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the end of each key as long as it takes: a stall of the machine must not let the next one pass it."""
    monkeypatch.setattr(key_order, "LOST_AFTER_SECONDS", 600.0)
