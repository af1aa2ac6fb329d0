"""A frame with the changed cells makes the same screen as one drawn in full."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.events import Event, Key
from textual.pilot import Pilot
from textual.strip import Strip

from rebal_tui.tui import key_order
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.key_order import KeyOrder
from rebal_tui.tui.partial_frames import Piece
from rebal_tui.tui.widgets.list_foot import ListFoot
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, settle
from tests.tui.textual_internals import drawn, record_lost_frames, record_pieces

pytestmark = pytest.mark.every_frame


@pytest.mark.slow
def test_the_changes_of_each_key_make_the_whole_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = record_pieces(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        shown = drawn(app.screen)
        for key in ("down", "pagedown", "end", "s", "S", "slash", "a", "escape", "t", "question_mark", "escape"):
            pieces.clear()
            before = app.screen
            await pilot.press(key)
            await settle(pilot)
            if app.screen is not before:
                shown = drawn(app.screen)
            draw(shown, pieces)
            assert [line.text for line in shown] == [line.text for line in drawn(app.screen)], key
        table = app.screen.query_one(BookTable)
        assert table.has_focus

    drive(script, size=(120, 40))


@pytest.mark.slow
def test_a_section_that_opens_replaces_the_whole_screen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first layout is made while it is composed, during a batch update."""
    pieces, lost = record_pieces(monkeypatch), record_lost_frames(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        shown = drawn(app.screen)
        for key in ("4", "3", "2", "5", "1", "4"):
            title = app.screen.SECTION  # type: ignore[attr-defined]
            pieces.clear()
            await pilot.press(key)
            while title == app.screen.SECTION or not pieces:  # type: ignore[attr-defined]
                await pilot.pause(0.01)
            first = {y for _, y, _ in pieces}
            assert first == set(range(len(shown))), "the first frame has all lines"
            await settle(pilot)
            draw(shown, pieces)
            assert [line.text for line in shown] == [line.text for line in drawn(app.screen)], key
        assert not lost

    drive(script, size=(120, 40))


def test_what_is_laid_out_during_a_batch_update_is_drawn_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = record_pieces(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await settle(pilot)
        pieces.clear()
        with app.batch_update():
            app.screen.query_one(ListFoot).chip = "ruiz"
            app.screen._refresh_layout()
            await pilot.pause(0.05)
            assert not pieces
        await pilot.pause(0.05)
        shown = drawn(app.screen)
        assert {y for _, y, _ in pieces} == set(range(len(shown)))
        draw(blank := [line.crop(0, 0) for line in shown], pieces)
        assert [line.text for line in blank] == [line.text for line in shown]

    drive(script, size=(120, 40))


def draw(shown: list[Strip], pieces: list[Piece]) -> None:
    """Draw pieces over the lines of a screen, as a terminal does."""
    for x, y, strip in pieces:
        line = shown[y]
        shown[y] = Strip.join([line.crop(0, x), strip, line.crop(x + strip.cell_length)])


def test_a_move_of_the_cursor_draws_its_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the scroll bar next to them; the detail follows later."""
    pieces = record_pieces(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.query_one(BookTable)
        await pilot.press("down")
        await settle(pilot)
        pieces.clear()
        table.action_move(1)
        await pilot.pause()
        width = table.scrollable_content_region.width
        assert [(y - table.region.y, strip.cell_length) for _, y, strip in pieces] == [(2, width), (3, width)]

    drive(script, size=(120, 40))


def test_a_key_is_drawn_before_its_end_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking goes through the queues of every widget above the one with the focus."""
    looked: list[int] = []
    begin_round = KeyOrder._begin_round

    def recorded(order: KeyOrder, event: Event, left: int) -> None:
        looked.append(left)
        begin_round(order, event, left)

    monkeypatch.setattr(KeyOrder, "_begin_round", recorded)
    pieces = record_pieces(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        pieces.clear()
        looked.clear()
        with monkeypatch.context() as slow:
            # On a busy machine the time after which it is looked for passes before the frame.
            slow.setattr(key_order, "FOLLOW_SECONDS", 60.0)
            app.post_message(Key("down", None))
            for _ in range(5_000):
                await asyncio.sleep(0)
                if pieces:
                    break
        assert pieces
        assert not looked
        app.post_message(Key("up", None))
        app.post_message(Key("down", None))
        await settle(pilot)
        assert looked, "other keys wait"

    drive(script, size=(120, 40))
