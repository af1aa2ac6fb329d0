"""Fixtures of all screen tests."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui import textual_internals
from tests.tui.virtual_time import VirtualTime


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
