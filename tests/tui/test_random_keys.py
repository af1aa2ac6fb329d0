"""Random keys in all sections: no crash, and broker and audit invariants hold. `RANDOM_KEYS=5000` presses more keys."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.market.clock import SimulatedClock
from rebal_tui.store import audit
from rebal_tui.tui.action_table import ACTIONS
from tests.tui.simulated import market_book, run, sound

pytestmark = pytest.mark.slow

KEYS = int(os.environ.get("RANDOM_KEYS", "150"))
LEAVES = {"q", "ctrl+q", "ctrl+c"}
OTHERS = ("enter", "escape", "tab", "shift+tab", "space", "up", "down", "pageup", "pagedown", "home", "end", "j", "k")
TYPED = ("1", "5", "0", "full_stop", "S", "P", "Y", "a", "backspace")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.samples(1)
def test_random_keys_in_every_section_break_nothing(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    book = market_book(6, immediate=False)
    assert isinstance(book.clock, SimulatedClock)
    clock = book.clock
    bound = [key for action in ACTIONS for key in action.keys.split(",") if key not in LEAVES]
    dice = random.Random(seed)

    async def flow(pilot: Any, app: Any) -> None:
        for step in range(KEYS):
            pool = dice.choice((bound, bound, OTHERS, TYPED))
            await pilot.press(dice.choice(pool))
            if step % 20 == 19:
                clock.pause()
                clock.jump(clock.state().at + timedelta(minutes=dice.choice((1, 7, 90))))
                await app.run_heartbeat()
        await app.workers.wait_for_complete()
        assert app.is_running

    run(flow, book, "1")
    sound(book)
    assert audit.verify(book.database) == []
