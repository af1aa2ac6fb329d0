"""Random keys and texts in every section end nothing, raise nothing and break no invariant of broker and audit.

`LONG=1 RANDOM_KEYS=500` presses 500 keys in each of the ten sections.
"""

from __future__ import annotations

import logging
import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.widgets import Input, TextArea

from rebal_tui.market.clock import SimulatedClock
from rebal_tui.store import audit
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies
from rebal_tui.tui.sections import EXCEPTIONS, REVIEW, Section
from tests.tui.simulated import market_book, run, sound

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEYS = int(os.environ.get("RANDOM_KEYS", "50"))
RETURN_EVERY = 25
"""Keys after which the section is entered again: a key can open any other one."""
LEAVES = {"q", "ctrl+q", "ctrl+c"}
SECTIONS = {**{section.key: section for section in Section}, "9": REVIEW, "0": EXCEPTIONS}
FIELDS = ("slash", "x", "ctrl+p")
"""Keys that open a field in most sections: the filter, an export, the palette."""
OTHERS = ("enter", "escape", "tab", "shift+tab", "space", "up", "down", "pageup", "pagedown", "home", "end", "j", "k")
TYPED = ("1", "5", "0", "full_stop", "S", "P", "Y", "a", "backspace", "delete", "ctrl+u", "ctrl+w", "é")
TEXTS = (
    *("150,00", "1.500,00", "1,500.00", "-1", "1e9", "0", "12.5", "9" * 40, "１２", "∞", "nan", "100 %"),
    *("~nosuchuser/x.csv", "/proc/none/x.csv", "x" * 300, "'quoted.csv", "none/x.db", ".", "con.csv", "a\0b"),
    *("[@click=app.quit]x[/]", "'; DROP TABLE audit; --", "=1+1", "{0} %s", "\x1b[2J\x9b", "a\nb\tc", "\u202egnp"),
    *(
        "محمد بن سلمان",
        "علی\u200cرضا",
        "日本投資",
        "🙂" * 50,
        "\ud800",
        "drift>abc",
        "client:",
        "is:late",
        "2026-02-30",
    ),
    *("99:99", "2026-03-02 10:15", '{"name": 1}', "SPY", "balanced", "a", "every run", "Everything"),
)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.samples(2)
def test_random_keys_and_texts_in_a_section_break_nothing(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    book = market_book(6, immediate=False)
    assert isinstance(book.clock, SimulatedClock)
    clock = book.clock
    bound = [(key, action) for action in ACTIONS for key in action.keys.split(",") if key not in LEAVES]
    anywhere = [key for key, _action in bound]
    here = [key for key, action in bound if applies(action, str(SECTIONS[section])) and not key.isdecimal()]
    dice = random.Random(section)
    texts = 0

    async def press_or_type(pilot: Any, app: Any) -> None:
        nonlocal texts
        if isinstance(app.focused, Input | TextArea) and dice.random() < 0.5:
            app.post_message(Paste(dice.choice(TEXTS)))
            texts += 1
            await pilot.pause()
            await pilot.press(dice.choice(("enter", "tab", "enter", *TYPED)))
        else:
            await pilot.press(dice.choice(dice.choice((anywhere, here, here, FIELDS, OTHERS, TYPED))))

    async def flow(pilot: Any, app: Any) -> None:
        for step in range(KEYS):
            if step % RETURN_EVERY == 0:
                await pilot.press("escape", "escape", "escape", section)
            await press_or_type(pilot, app)
            if step % 20 == 19:
                clock.pause()
                clock.jump(clock.state().at + timedelta(minutes=dice.choice((1, 7, 90))))
                await app.run_heartbeat()
        await app.workers.wait_for_complete()
        assert app.is_running

    with caplog.at_level(logging.ERROR):
        run(flow, book, section)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert texts
    sound(book)
    assert audit.verify(book.database) == []
