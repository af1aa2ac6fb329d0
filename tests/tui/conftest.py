"""What holds for every test of the screens."""

from __future__ import annotations

import asyncio

import pytest

from rebal_tui.tui import app
from tests.tui import textual_internals
from tests.tui.virtual_time import VirtualTime


@pytest.fixture(autouse=True)
def keep_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message goes away in real time: a slow machine's picture would be another one."""
    for severity in app.TOAST_SECONDS:
        monkeypatch.setitem(app.TOAST_SECONDS, severity, 600)


@pytest.fixture(autouse=True)
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event loop of a test skips the time in which nothing happens."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", VirtualTime)
    textual_internals.use_loop_clock(monkeypatch)
    textual_internals.read_styles_once(monkeypatch)
