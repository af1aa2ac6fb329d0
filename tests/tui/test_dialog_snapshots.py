"""Pictures of dialogs that have none among the flows of their sections."""

from __future__ import annotations

from typing import Any

import pytest

from rebal_tui.domain.quantities import Percent
from rebal_tui.services.simulation import simulator
from tests.tui.simulated import SIZES, market_book, shows

DIALOGS: dict[str, tuple[str, ...]] = {
    "palette": ("1", "ctrl+p", *"kill"),
    "kill-switch": ("1", "f9"),
    "discard": ("2", "P", "x", "escape"),
    "open-file": ("2", "P", "ctrl+o"),
    "restriction": ("3", "R", "n", *"no sell", "tab", *"SPY"),
    "restriction-asked": ("3", "R", "n", *"lock", "tab", *"SPY", "tab", "tab", "tab", "tab", *"gift", "enter"),
    "unsubscribe": ("3", "U"),
    "move": ("3", "m"),
    "journal-in": ("5", "i", *"adler", "tab", *"250"),
    "journal-out": ("5", "o", *"adler", "tab", *"x"),
    "corporate-action": ("6", "c", *"split", "tab", *"2"),
    "shock": ("6", "o", "minus", "9"),
    "halt": ("6", "h"),
    "pause-scheduler": ("8", "p"),
    "run-job": ("8", "v"),
}
"""By name: the key of the section, then the keys that open the dialog."""


@pytest.mark.slow
@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.samples(4)
def test_a_dialog(snap_compare: Any, dialog: str, size: str) -> None:
    keys = tuple("space" if key == " " else key for key in DIALOGS[dialog])
    shows(snap_compare, market_book(), keys, SIZES[size])


@pytest.mark.slow
@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_question_before_an_evaluation_lists_the_runs_that_are_due(snap_compare: Any, size: str) -> None:
    book = market_book()
    simulator.shock(book, "SPY", Percent(3000))
    shows(snap_compare, book, ("1", "v"), SIZES[size])
