"""Every signal that ends a program by default ends the screens in order; before, they leave the terminal as it was."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from rebal_tui import stop_signals
from rebal_tui.systems import STOP_SIGNALS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
def test_all_signals_that_would_leave_the_terminal_raw_are_known() -> None:
    fatal = {"SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"}
    assert {number.name for number in STOP_SIGNALS} == fatal


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_screens_on_their_event_loop(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    before = {one: signal.getsignal(one) for one in STOP_SIGNALS}

    async def screens(request: stop_signals.StopRequest) -> bool:
        ended = asyncio.Event()
        request.attach(ended.set)
        signal.raise_signal(number)
        assert not ended.is_set(), "nothing runs inside the handler"
        await asyncio.wait_for(ended.wait(), 5)
        return True

    try:
        with stop_signals.listening(lambda: None) as request:
            assert asyncio.run(screens(request))
            assert request.number == number
        assert caplog.messages == [f"{number.name} received; the screens have ended"]
        assert {signal.getsignal(one) for one in STOP_SIGNALS} == {signal.SIG_IGN}, "cleaning up is not cut short"
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_without_a_signal_the_handlers_are_as_before() -> None:
    before = {one: signal.getsignal(one) for one in STOP_SIGNALS}
    with stop_signals.listening(lambda: None):
        assert {signal.getsignal(one) for one in STOP_SIGNALS} != set(before.values())
    assert {one: signal.getsignal(one) for one in STOP_SIGNALS} == before
