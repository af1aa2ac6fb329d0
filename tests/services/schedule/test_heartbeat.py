"""The end of the heartbeat timer: a heartbeat in progress is awaited, and no cancellation is reported as an error."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from rebal_tui.services.schedule import heartbeat as timer
from rebal_tui.services.schedule.heartbeat import Heartbeat


def run_and_stop(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, turns: int, hangs: bool) -> str:
    """Stop the timer after `turns` turns of the loop after a heartbeat is due; returns what it did."""
    monkeypatch.setattr(timer, "INTERVAL_SECONDS", 0.01)
    happened: list[str] = []

    async def beat() -> None:
        happened.append("begun")
        await (asyncio.Event().wait() if hangs else asyncio.sleep(0.02))
        happened.append("ended")

    async def main() -> None:
        heartbeat = Heartbeat(beat, happened.append)
        heartbeat.start()
        time.sleep(0.02)
        heartbeat._scheduler.wakeup()
        # In the first turn the scheduler submits the heartbeat that is due, in the second one it begins.
        for _ in range(turns):
            await asyncio.sleep(0)
        await heartbeat.stop(0.02 if hangs else 5)
        happened.append("stopped")

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert caplog.records == []
    return " ".join(happened)


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_heartbeat_that_was_submitted_runs_to_its_end(
    turns: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_and_stop(caplog, monkeypatch, turns=turns, hangs=False) == "begun ended stopped"


def test_a_heartbeat_that_does_not_end_is_canceled_without_an_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_and_stop(caplog, monkeypatch, turns=2, hangs=True) == "begun stopped"
