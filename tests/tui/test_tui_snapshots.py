"""Snapshots of the screens. Changed snapshots are reviewed manually."""

import os
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.services.view_models.status import ConnectionView
from tests.tui.driving import make_app, press, settle
from tests.tui.fakes import FakeBackend

pytestmark = pytest.mark.slow

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
KEYS = {
    "desk": (),
    "account": ("enter",),
    "preview": ("t", "t", "p"),
    "runs": ("4",),
    "run": ("4", "enter"),
    "help": ("question_mark",),
    "evaluate": ("v",),
}


def shows(snap_compare: Any, keys: tuple[str, ...], size: tuple[int, int], **options: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *keys)

    assert snap_compare(make_app(**options), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", ["desk", "account", "preview", "runs", "run"])
@pytest.mark.samples(5)
def test_at_every_size(snap_compare: Any, screen: str, size: str) -> None:
    shows(snap_compare, KEYS[screen], SIZES[size])


@pytest.mark.parametrize("screen", ["help", "evaluate"])
def test_other_screens(snap_compare: Any, screen: str) -> None:
    shows(snap_compare, KEYS[screen], SIZES["80x24"])


def test_a_live_book_whose_connection_has_faults(snap_compare: Any) -> None:
    backend = FakeBackend()
    down = ConnectionView(5, 3, ("trades", "activities"), 200, 187, 7, True)
    backend.line = replace(backend.line, mode="PAPER", connection=down)
    shows(snap_compare, (), SIZES["80x24"], backend=backend)


@pytest.mark.parametrize("theme", ["rebal-light", "rebal-safe", "ansi-dark"])
def test_in_every_theme(snap_compare: Any, theme: str) -> None:
    shows(snap_compare, (), SIZES["120x40"], theme=theme)


def test_without_color(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    shows(snap_compare, (), SIZES["120x40"])


def test_an_empty_book(snap_compare: Any) -> None:
    shows(snap_compare, (), SIZES["80x24"], backend=FakeBackend(0))
