"""Fixtures of all screen tests."""

from __future__ import annotations

import asyncio

import pytest

from rebal_tui.tui import robust_app
from tests.tui import textual_internals
from tests.tui.virtual_time import VirtualTime


@pytest.fixture(autouse=True)
def keep_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep messages for 600 s: they time out in real time, so on a slow machine a snapshot could miss them."""
    for severity in robust_app.TOAST_SECONDS:
        monkeypatch.setitem(robust_app.TOAST_SECONDS, severity, 600)


@pytest.fixture(autouse=True)
def virtual_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every event loop in virtual time, which skips idle waits."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", VirtualTime)
    textual_internals.use_loop_clock(monkeypatch)
    textual_internals.read_styles_once(monkeypatch)
    if request.node.get_closest_marker("every_frame") is None:
        textual_internals.draw_on_demand(monkeypatch)
    textual_internals.keep_cursors_visible(monkeypatch)
