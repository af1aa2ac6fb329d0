"""Unexpected errors while the screens run: a message and a log entry, and the program continues."""

from __future__ import annotations

import gc
import inspect
import logging
import warnings
from typing import Any

import pytest

from rebal_tui.tui.faults import Faults
from rebal_tui.tui.sections import Section
from tests.tui.driving import drive, make_app, press, shown_messages
from tests.tui.fakes import FakeBackend
from tests.tui.textual_internals import forget_errors


def test_an_error_in_a_handler_a_timer_or_a_callback_does_not_end_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("planted")

    async def script(pilot: Any, app: Any) -> None:
        with monkeypatch.context() as planted:
            planted.setattr(type(app), "action_help", fail)
            await press(pilot, "question_mark", "question_mark")
        app.call_later(fail)
        app.set_timer(0.01, fail)
        await pilot.pause(0.1)
        forget_errors(app)
        await press(pilot, "4")
        assert app.is_running
        assert app.current_mode == Section.RUNS
        assert "Key failed: ZeroDivisionError: planted" in shown_messages(app)

    with caplog.at_level(logging.ERROR):
        drive(script, make_app(FakeBackend()))
    traced = [record for record in caplog.records if record.exc_info]
    assert len([record for record in traced if record.getMessage() == "Key"]) == 1


@pytest.mark.slow
def test_a_path_that_cannot_be_used_keeps_the_dialog_open() -> None:
    async def script(pilot: Any, app: Any) -> None:
        await press(pilot, "x")
        for text, reason in (
            ("~nosuchuser/x.csv", "no such user"),
            ("/" + "x" * 300 + ".csv", "File name too long"),
            ("/proc/none/x.csv", "folder not found"),
            ("", "expected the path of a file"),
        ):
            app.screen.query_one("#export-path").value = text
            await press(pilot, "enter")
            shown = str(app.screen.query_one("#export-fault").content)
            assert reason in shown.replace("Folder", "folder").replace("Expected", "expected"), text
        await press(pilot, "escape")
        assert app.screen is app.section

    drive(script)


def test_an_error_that_recurs_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    faults = Faults(lambda: now)
    shown = 0
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            try:
                raise OSError("no folder")
            except OSError as error:
                shown += faults.record("heartbeat", error)
            now += 0.25
    assert [record.getMessage() for record in caplog.records] == [
        "heartbeat",
        "heartbeat: OSError, 10 times so far",
        "heartbeat: OSError, 100 times so far",
    ]
    assert shown == 1


@pytest.mark.slow
def test_work_that_is_canceled_before_it_begins_leaves_no_warning() -> None:
    """Python would write it to the terminal at the end, and wait there while nobody reads."""

    async def nothing() -> None:
        return

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        coroutine = nothing()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            app.work(coroutine, name="nothing").cancel()
            # The app refers to its last message, which names the worker, until the next one.
            await press(pilot, "down")
            gc.collect()
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED

    drive(script)
