"""Fixtures of all screen tests."""

from __future__ import annotations

import asyncio

import pytest

from tests.services import factories
from tests.tui import textual_internals
from tests.tui.virtual_time import VirtualTime

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
