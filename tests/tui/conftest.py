"""What holds for every test of the screens."""

from __future__ import annotations

import pytest

from rebal_tui.tui import app


@pytest.fixture(autouse=True)
def messages_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message goes away in real time: a slow machine's picture would be another one."""
    for severity in app.TOAST_SECONDS:
        monkeypatch.setitem(app.TOAST_SECONDS, severity, 600)
