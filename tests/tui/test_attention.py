"""Notifications of the terminal: off by default, for new alerts only, never text that a terminal acts on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.settings import Notify, Settings, SettingsFile
from rebal_tui.tui.terminal.attention import BELL, MAX_CHARACTERS, attention
from tests.tui.driving import drive, make_app, press
from tests.tui.fakes import FakeBackend


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "\x1b]9;2 new alerts\a"),
        ({"TERM": "xterm-kitty"}, "\x1b]99;;2 new alerts\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;rebal-tui;2 new alerts\x1b\\"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, BELL),
        ({"TERM": "xterm-kitty", "TMUX": "1"}, BELL),
        ({"TERM": "xterm-256color"}, BELL),
        ({}, BELL),
    ],
)
def test_each_terminal_gets_its_own_notification_or_the_bell(environment: dict[str, str], shown: str) -> None:
    assert attention("2 new alerts", environment) == shown


def test_a_name_cannot_end_the_notification_and_begin_a_command() -> None:
    hostile = "book\x1b\\\x1b]52;c;cm0=\a\x07" + "x" * 500
    shown = attention(hostile, {"TERM": "xterm-kitty"})
    inner = shown.removeprefix("\x1b]99;;").removesuffix("\x1b\\")
    assert len(inner) <= MAX_CHARACTERS
    assert not any(ord(character) < 32 or character in "\x7f\x9b\x9d;" for character in inner)


@pytest.mark.slow
@pytest.mark.parametrize(("notify", "written"), [(Notify.OFF, []), (Notify.ALERTS, [BELL])])
def test_new_alerts_are_announced_once_if_the_settings_ask_for_it(
    notify: Notify, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "TERM_PROGRAM", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    backend, said = FakeBackend(), list[str]()

    async def script(pilot: Any, app: RebalApp) -> None:
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", said.append)
        for alerts in (2, 2, 1):
            backend.line = replace(backend.line, alerts=alerts)
            backend.version += 1
            await app.run_heartbeat()
        await press(pilot, "3")

    backend.line = replace(backend.line, alerts=1)
    drive(script, make_app(backend, settings=SettingsFile(None, Settings(notify=notify))))
    assert [text for text in said if not text.startswith("\x1b]22;")] == written  # the shape of the pointer
