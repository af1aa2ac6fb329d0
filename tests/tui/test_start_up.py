"""Start-up: no heavy imports before the first paint, and responsive screens while the book opens."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.widgets.status import StatusBar
from tests.services.factories import simple_book

LATER = (
    *("numpy", "pydantic", "sqlite_utils", "apscheduler", "holidays", "pandas", "click_default_group"),
    *("httpx", "fastapi", "tenacity", "keyring", "tomlkit", "multiprocessing"),
    *("rebal_tui.domain.decisions", "rebal_tui.services.view_models.accounts", "rebal_tui.tui.screens.runs.screen"),
    *("rebal_tui.bootstrap", "rebal_tui.opening", "rebal_tui.services.book.book", "rebal_tui.services.queries.desk"),
    *("rebal_tui.engine.evaluation", "rebal_tui.engine.arrays", "rebal_tui.services.schedule.scheduler"),
    *(
        "rebal_tui.broker.protocol",
        "rebal_tui.store",
        "rebal_tui.tui.screens.accounts.screen",
        "rebal_tui.tui.screens.cash.screen",
    ),
    *(
        "rebal_tui.tui.screens.market.screen",
        "rebal_tui.tui.screens.portfolios.screen",
        "rebal_tui.tui.screens.settings.screen",
    ),
)
"""Modules that must not be imported before the first paint."""
SCRIPT = """
import asyncio, json, sys
from rebal_tui import launch
from rebal_tui.tui.app import RebalApp

async def main():
    app = RebalApp(launch.BookBackend(launch.BookThread(lambda: None)), heartbeat=False)
    async with app.run_test() as pilot:
        await pilot.pause()
        print(json.dumps(["Worst" in app.screen.table.render_line(0).text, sorted(set(sys.modules) & set({later}))]))

asyncio.run(main())
"""


@pytest.mark.slow
def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    script = SCRIPT.replace("{later}", repr(LATER)).replace("lambda: None", "__import__")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == [True, []]


@pytest.mark.slow
@pytest.mark.every_frame
def test_the_screens_respond_while_the_book_is_read() -> None:
    seconds = [0.0]
    loading, read_on = LoadProgress(lambda: seconds[0]), threading.Event()

    def open_slowly() -> Book:
        loading.update(43, 100)
        read_on.wait(30)
        return simple_book()

    async def main() -> None:
        thread = BookThread(open_slowly)
        app = RebalApp(BookBackend(thread), loading=loading)
        async with app.run_test(size=(80, 24)) as pilot:
            for _ in range(100):
                await pilot.pause(0.05)
                if loading.total:
                    break
            await pilot.pause(0.3)
            table = app.section.table  # type: ignore[union-attr]
            assert "43 % · 43 of 100 accounts" in table.render_line(2).text
            assert app.screen.query_one(StatusBar).reading == "43 %"
            seconds[0] = 3.9
            app._show_loading()
            assert app.screen.query_one(StatusBar).reading == "43 %, 3 s"
            await pilot.press("question_mark")
            await pilot.pause()
            assert type(app.screen).__name__ == "HelpScreen"
            await pilot.press("escape", "comma")
            await pilot.pause(0.1)
            assert app.screen is app.section, "settings wait for the book"
            read_on.set()
            for _ in range(100):
                await pilot.pause(0.05)
                if app.screen is not app.section:
                    break
            assert type(app.screen).__name__ == "SettingsScreen"
            await pilot.press("escape")
            for _ in range(100):
                await pilot.pause(0.05)
                if len(table.rows):
                    break
            assert len(table.rows) == 1
        thread.close()

    asyncio.run(main())


def test_the_progress_of_opening_has_no_percentage_where_it_would_stand_still() -> None:
    seconds = [0.0]
    loading = LoadProgress(lambda: seconds[0])
    texts = []
    for done, total, at in ((0, 0, 0.5), (0, 0, 1.0), (0, 60, 2.0), (45, 60, 2.0), (60, 60, 4.0)):
        loading.update(done, total)
        seconds[0] = at
        texts.append(loading.text)
    assert texts == ["", "1 s", "2 s", "75 %, 2 s", "4 s"]


def test_quitting_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=20).close()
    loading = LoadProgress()
    loading.stop()

    async def main() -> bool:
        from rebal_tui import opening
        from rebal_tui.services.schedule.loading import Stopped

        thread = BookThread(lambda: opening.open_book(path, progress=loading.update))
        try:
            await thread.ask(len)  # type: ignore[arg-type]
        except Stopped:
            return not thread.open_error
        finally:
            thread.close()
        return False

    assert asyncio.run(main())
    assert loading.done == 20
