"""Every screen shows the symbol that an asset has now, also while it is open (R-50)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.services.broker_sync.events import sync
from tests.services.asset_names import rename_assets
from tests.tui.driving import press, screen_text
from tests.tui.simulated import market_book, run, run_heartbeat, sound

pytestmark = pytest.mark.slow


def symbols_on(app: Any) -> set[str]:
    return set(re.findall(r"\b(?:SPY|SPYX|TLT|GLD)\b(?:#[a-zA-Z0-9-]+)?", screen_text(app)))


def test_a_rename_is_shown_by_the_open_screen_and_by_every_section() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        assert "SPY" in symbols_on(app)
        rename_assets(book, {book.assets["SPY"].id: "SPYX"})
        await run_heartbeat(pilot, app)
        shown = set()
        for section in "123467":
            await press(pilot, section)
            shown |= symbols_on(app)
            assert "SPY" not in symbols_on(app) or section == "7", section
        assert {"SPYX", "TLT", "GLD"} <= shown
        await press(pilot, "6", "slash", *"spyx", "enter", "enter")
        assert "Held by" in screen_text(app)
        assert "Client a" in screen_text(app)

    run(flow, book, "6")
    sound(book)


def test_a_held_namesake_has_a_part_of_its_id() -> None:
    book = market_book()
    assert book.sandbox is not None
    book.sandbox.set_asset("SPY", book.now(), status="inactive")
    book.sandbox.add_asset(Asset("another-1", "SPY", "Another company", "NYSE", AssetStatus.ACTIVE, True, True))
    sync(book)

    async def flow(pilot: Any, app: Any) -> None:
        assert {"SPY", "SPY#id-S"} <= symbols_on(app)
        await press(pilot, "slash", *"#id-s", "enter", "enter")
        assert "Client a" in screen_text(app)

    run(flow, book, "6")
    sound(book)
