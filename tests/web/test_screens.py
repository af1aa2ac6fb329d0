"""The one program behind the page: reloads, a second tab, closed tabs, and programs that do not end by themselves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from rebal_tui.web import program as programs
from rebal_tui.web import screens as all_screens
from rebal_tui.web import server
from rebal_tui.web.screens import Reason, Screens
from tests.web.pages import FakePage, echo

IGNORES_ITS_END = "import time; time.sleep(60)"
NEEDS_KILLING = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); show(b'deaf'); time.sleep(60)"


def test_a_terminal_that_is_gone_does_not_keep_the_book_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_SIGNALS", (signal.SIGUSR1,))
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            os.kill(os.getpid(), signal.SIGUSR1)
        if len(said) > 2:
            raise OSError(5, "Input/output error")

    names = iter("abc")
    asyncio.run(server.serve(server.Options(echo(), "book.db", 0, lambda: next(names), report)))
    assert said[-1] == "Closing the book."


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def opened(screens: Screens) -> tuple[FakePage, int]:
    """A page that shows the program, and the id of its process."""
    page = FakePage()
    program = await screens.attach(page, 80, 24)
    await until(lambda: b"started" in page.shown or b"attach" in page.shown)
    assert program._process is not None
    return page, program._process.pid


def test_a_reload_finds_the_same_program() -> None:
    async def check() -> None:
        screens = Screens(echo(), lambda _line: None)
        first, process = await opened(screens)
        screens.detach(first)
        second, same = await opened(screens)
        assert same == process
        assert b'{"type": "attach", "width": 80, "height": 24}' in second.shown
        assert first.code == 0
        await screens.close()

    asyncio.run(check())


def test_a_second_tab_takes_the_screens_over() -> None:
    async def check() -> None:
        screens = Screens(echo(), lambda _line: None)
        first, process = await opened(screens)
        second, same = await opened(screens)
        assert (first.code, same) == (Reason.ELSEWHERE.value, process)
        screens.detach(first)
        await asyncio.sleep(0.05)
        assert second.code == 0
        await screens.close()
        assert second.code == Reason.STOPPED.value

    asyncio.run(check())


@pytest.mark.slow
def test_a_closed_tab_ends_the_program_and_the_next_one_waits_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_screens, "GRACE_SECONDS", 0.02)
    lines: list[str] = []

    async def check() -> None:
        screens = Screens(echo("import time; time.sleep(0.2)"), lines.append)
        first, process = await opened(screens)
        screens.detach(first)
        await asyncio.sleep(0.1)
        second, other = await opened(screens)
        assert other != process
        assert lines == ["The screens are open.", "The screens are closed.", "The screens are open."]
        assert second.code == 0
        await screens.close()

    asyncio.run(check())


@pytest.mark.parametrize(("code", "reason"), [(0, Reason.LEFT), (3, Reason.FAILED)])
def test_a_program_that_ends_closes_its_page(code: int, reason: Reason) -> None:
    lines: list[str] = []

    async def check() -> None:
        screens = Screens(echo(), lines.append)
        page, _ = await opened(screens)
        program = await screens.attach(page, 80, 24)
        page.code = 0
        await program.send_bytes(b"end%d" % code)
        await until(lambda: page.code != 0)
        assert page.code == reason.value
        assert ("exit code 3" in lines[-1]) == (code == 3)
        again, _ = await opened(screens)
        assert again.code == 0
        await screens.close()

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [IGNORES_ITS_END, NEEDS_KILLING])
def test_a_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, stubborn: str) -> None:
    monkeypatch.setattr(programs, "END_SECONDS", 0.2)

    async def check() -> None:
        screens = Screens(echo(stubborn), lambda _line: None)
        await opened(screens)
        async with asyncio.timeout(10):
            await screens.close()
        assert screens._program is None

    asyncio.run(check())


def test_a_page_that_reads_nothing_does_not_hold_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_screens, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(all_screens, "GRACE_SECONDS", 0.05)

    class Stuck(FakePage):
        async def send_bytes(self, data: bytes) -> None:
            await asyncio.sleep(60)

    async def check() -> None:
        lines: list[str] = []
        screens = Screens(echo(), lines.append)
        await screens.attach(Stuck(), 80, 24)
        await until(lambda: "The screens are closed." in lines)

    asyncio.run(check())
