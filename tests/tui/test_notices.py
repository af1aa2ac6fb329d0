"""Notices in the bottom line and their history, the line of the kill switch, and titled panes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.notices import SECONDS, Lasts, Notice
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.tui.driving import drive, make_app, press, screen_text, settle
from tests.tui.fakes import FakeBackend

LONG = "This sentence has more words than fit into one line of a terminal with eighty columns, and all are shown."
CROWDED = f"{LONG[:-1]}, so the keys do not fit."


def lines(app: RebalApp) -> list[str]:
    return screen_text(app).splitlines()


@pytest.mark.slow
def test_a_notice_stands_in_the_bottom_line_for_three_seconds_and_stays_in_the_history() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        before = lines(app)
        app.say("No account selected.")
        await settle(pilot)
        assert lines(app)[-1].startswith(" · No account selected.  ")
        assert "  p Preview run  r Show runs  " in lines(app)[-1], "the keys stay in view"
        assert lines(app)[-1].endswith("  ^p Find")
        assert lines(app)[:-1] == before[:-1], "no data is covered"
        await pilot.pause(SECONDS)
        assert lines(app) == before
        app.say("The disk is full.", "error")
        await press(pilot, "4")
        assert lines(app)[-1].startswith(" ■ The disk is full.  "), "it follows to another section"
        app.say("40 rows written.")
        await press(pilot, "3")
        assert "40 rows written." not in screen_text(app), "what is no fault is left with its section"
        await press(pilot, "N")
        history = screen_text(app)
        assert history.index("The disk is full.") < history.index("No account selected.")
        assert "10:42:15" in history

    drive(script)


def test_a_notice_about_a_list_ends_with_its_tab_and_its_section() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        for key in ("t", "4", "enter"):
            app.say("40 rows loaded; these are all.", lasts=Lasts.HERE)
            await settle(pilot)
            assert "40 rows loaded" in screen_text(app)
            await press(pilot, key)
            assert "40 rows loaded" not in screen_text(app), key

    drive(script)


def test_the_result_of_an_action_stays_until_a_key_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notice, "seconds", 0.01)

    async def done() -> str:
        return "40 accounts"

    async def script(pilot: Any, app: RebalApp) -> None:
        await app.change(done, "Subscribed")
        await pilot.pause(0.05)
        assert "Subscribed: 40 accounts." in screen_text(app)
        await press(pilot, "down")
        assert "Subscribed" not in screen_text(app)
        app.say("No account selected.")
        await pilot.pause(0.05)
        assert "No account selected." not in screen_text(app)

    drive(script)


def test_a_long_notice_is_shown_whole_and_for_longer() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        app.say(LONG, "warning")
        await settle(pilot)
        shown = " ".join(part for line in lines(app)[-2:] for part in line.split())
        assert shown == f"▲ {LONG} p Preview run r Show runs ? More ^p Find"
        app.say(CROWDED)
        await settle(pilot)
        assert lines(app)[-2].startswith("   eighty columns"), "the last words"
        assert lines(app)[-1].strip().startswith("p Preview run"), "the keys have a line of their own"
        app.say(LONG, "warning")
        await pilot.pause(SECONDS)
        assert "▲ This sentence" in screen_text(app)

    assert Notice(LONG, "warning", "").seconds > SECONDS
    drive(script, size=(80, 24))


def test_notices_of_dialogs_are_shown_below_them() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "x")
        app.say("Choose a file.", "warning")
        await settle(pilot)
        shown = app.screen_stack[0].query_one(KeyBar).notice
        assert shown is not None
        assert shown.text == "Choose a file."

    drive(script)


def test_the_kill_switch_is_a_line_of_its_own() -> None:
    backend = FakeBackend()

    async def script(pilot: Any, app: RebalApp) -> None:
        rows = lines(app)
        backend.line = replace(backend.line, halted=True)
        app.pull_soon()
        await settle(pilot)
        assert lines(app)[1].strip().startswith("■ HALTED: no new order is sent")
        assert lines(app)[2] == rows[1]
        backend.line = replace(backend.line, halted=False)
        app.pull_soon()
        await settle(pilot)
        assert lines(app) == rows

    drive(script, make_app(backend), (80, 24))


def test_panes_have_titles_and_the_focused_one_is_lit() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        def titles() -> tuple[str, str]:
            line = next(line for line in lines(app) if "Desk" in line and "Account" in line and "2" not in line)
            return line[0], line[-1]

        assert titles() == ("━", "─")
        await press(pilot, "tab")
        assert titles() == ("─", "━")

    drive(script)


@pytest.mark.slow
def test_the_help_key_says_that_there_are_more_keys_than_fit() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        assert "? Help" in lines(app)[-1]
        await press(pilot, "3")
        assert "? More" in lines(app)[-1]

    drive(script, size=(96, 24))


def test_the_keys_of_a_screen_are_not_shown_while_a_dialog_is_above_it() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        bar = app.screen.query_one(KeyBar)
        keys = bar.render_line(0).text
        assert "p Preview run" in keys
        await press(pilot, "f9")
        assert bar.render_line(0).text.strip() == ""
        app.say("Still shown.")
        await press(pilot)
        assert "Still shown." in bar.render_line(0).text
        await press(pilot, "escape")
        app.dismiss_notice()
        await press(pilot)
        assert bar.render_line(0).text == keys

    drive(script)
