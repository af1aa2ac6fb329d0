"""The demonstration in a real browser without a window: `BROWSER=1`, with playwright and chromium installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap, paths

pytestmark = pytest.mark.skipif(not os.environ.get("BROWSER"), reason="a long mode: BROWSER=1")
_CONTROL = re.compile(rb"\x1b(\[[0-9;?$]*[a-zA-Z]|\][^\x07]*\x07)")


class Tab:
    """A tab of the browser, with what its websocket received and what it loaded."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.drawn = b""
        self.requests: list[Any] = []
        self.problems: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._draw))
        page.on("request", lambda request: self.requests.append(request))
        page.on("requestfailed", lambda request: self.problems.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda entry: self.problems.append(entry.text) if entry.type == "error" else None)

    def _draw(self, payload: str | bytes) -> None:
        self.drawn += payload if isinstance(payload, bytes) else b""

    def until_drawn(self, text: str) -> None:
        """Wait until a text was drawn since the last key."""
        self.until(lambda: text in _CONTROL.sub(b"", self.drawn).decode(errors="replace"), text)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, what
            self.page.wait_for_timeout(50)

    def press(self, key: str, text: str) -> None:
        """Press a key, and wait for a text that is drawn then."""
        self.drawn = b""
        self.page.keyboard.press(key)
        self.until_drawn(text)

    def until_said(self, text: str) -> None:
        """Wait until the page itself shows a text over the screens."""
        said = self.page.locator("#ended-text")
        self.until(lambda: said.is_visible() and text in said.inner_text(), text)


class Running:
    """`rebal-tui` with `--web` in a process, and what it printed."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "rebal_tui", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.output.readline()
        self.url = self.output.readline().strip()

    def until_printed(self, text: str) -> None:
        for line in self.output:
            if text in line:
                return
        raise AssertionError(text)

    def screens(self) -> list[int]:
        """The ids of the programs of the screens that it has started."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in found.split()]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        # The screens are drawn with WebGL, here in software; root needs --no-sandbox.
        options = ["--no-sandbox", "--enable-unsafe-swiftshader"]
        found = playwright.chromium.launch(executable_path=chromium, args=options)
        yield found
        found.close()


@pytest.fixture
def context(browser: Any) -> Any:
    return browser.new_context(viewport={"width": 1200, "height": 800})


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=10).close()
    return path


@pytest.fixture
def running(book: Path) -> Iterator[Running]:
    program = Running("--db", str(book), "--web")
    yield program
    program.process.kill()
    program.process.wait()


def test_the_demonstration_in_a_browser(context: Any) -> None:
    demo = Running("demo", "--web")
    tab = Tab(context.new_page())
    tab.page.goto(demo.url)
    tab.until_drawn("Needs you")
    tab.press("3", "Unsubscribed")
    tab.press("2", "Balanced 60/40")
    tab.press("Enter", "Subscribers")
    tab.press("Escape", "5 Cash")
    tab.press("?", "Help · Portfolios")
    tab.press("Escape", "5 Cash")
    tab.press("1", "Needs you")

    # The picture has colors: text and bars were drawn, not only received.
    assert len(tab.page.screenshot()) > 40_000
    origin = demo.url.partition("?")[0]
    assert {request.url[: len(origin)] for request in tab.requests} == {origin}
    assert not any(request.headers.get("referer") for request in tab.requests)
    assert "token" not in tab.page.url
    assert tab.problems == []
    assert tab.page.evaluate("document.cookie") == ""

    tab.page.keyboard.press("q")
    tab.until_said("the book is closed")
    assert demo.end() == 0


def test_reload_second_tab_and_closed_tab(context: Any, running: Running, book: Path) -> None:
    tab = Tab(context.new_page())
    tab.page.goto(running.url)
    tab.until_drawn("Needs you")
    tab.press("3", "Unsubscribed")
    screens = running.screens()

    tab.drawn = b""
    tab.page.reload()
    tab.until_drawn("Unsubscribed")
    assert running.screens() == screens

    second = Tab(context.new_page())
    second.page.goto(tab.page.url)
    second.until_drawn("Unsubscribed")
    tab.until_said("another tab")
    assert running.screens() == screens

    second.page.close()
    running.until_printed("The screens are closed.")
    assert running.screens() == []
    with paths.exclusive_lock(book):
        bootstrap.open_database(book, read_only=True).close()

    tab.page.get_by_role("button").click()
    tab.until_drawn("Needs you")
    assert running.end() == 0
    tab.until_said("rebal-tui has ended")


def test_the_address_works_in_one_browser_only(browser: Any, context: Any, running: Running) -> None:
    tab = Tab(context.new_page())
    tab.page.goto(running.url)
    tab.until_drawn("Needs you")
    other = browser.new_context().new_page()
    assert other.goto(running.url).status == 403
    assert other.goto(tab.page.url).status == 403


def test_a_page_of_another_server_of_this_machine_gets_nothing(context: Any, running: Running, tmp_path: Path) -> None:
    tab = Tab(context.new_page())
    tab.page.goto(running.url)
    tab.until_drawn("Needs you")
    folder = tab.page.url
    other = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout is not None
        found = re.search(r"http://\S+?(?=/? ?\))", other.stdout.readline())
        assert found is not None
        page = context.new_page()
        page.goto(found.group())
        script = """(url) => new Promise((done) => {
            const socket = new WebSocket(url);
            socket.onopen = () => done("open");
            socket.onerror = () => done("refused");
        })"""
        assert page.evaluate(script, f"{folder.replace('http', 'ws')}ws?width=80&height=24") == "refused"
        read = "(url) => fetch(url, {credentials: 'include'}).then((answer) => answer.text(), () => 'refused')"
        assert page.evaluate(read, folder) == "refused"
        assert page.evaluate("() => document.cookie") == ""
    finally:
        other.kill()
        other.wait()


def test_a_killed_server_leaves_no_program(context: Any, running: Running, book: Path) -> None:
    tab = Tab(context.new_page())
    tab.page.goto(running.url)
    tab.until_drawn("Needs you")
    (screens,) = running.screens()
    running.process.kill()
    tab.until_said("has ended")
    tab.until(lambda: not Path(f"/proc/{screens}").exists(), "the screens ended")
    with paths.exclusive_lock(book):
        bootstrap.open_database(book, read_only=True).close()
