"""A book that cannot be opened: the reason stays on the screen, said once, and the program ends with code 1."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rebal_tui import bootstrap, opening
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.screens.cannot_open import CannotOpenScreen
from rebal_tui.tui.widgets.status import StatusBar
from tests.tui.driving import press, screen_text, settle, shown_messages


def test_the_reason_stays_and_the_program_ends_with_code_1(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = bootstrap.create_demo(path, accounts=2)
    database.connection.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('book', '9999_new')")
    database.close()
    opened = 0

    def open_book() -> Any:
        nonlocal opened
        opened += 1
        return opening.open_book(path)

    thread = BookThread(open_book)
    loading = LoadProgress()
    loading.update(0, 2)
    app = RebalApp(BookBackend(thread), heartbeat=False, loading=loading)

    async def main() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await settle(pilot)
            for _ in range(3):
                await app.run_heartbeat()
                await settle(pilot)
            assert isinstance(app.screen, CannotOpenScreen)
            assert len(app.screen_stack) == 2
            shown = " ".join(screen_text(app).split())
            assert "made by a newer version of rebal-tui" in shown
            assert len(shown_messages(app)) <= 1
            assert app.section is not None
            line = app.section.query_one(StatusBar).render_line(0).text
            assert ("not open" in line, "opening" in line) == (True, False)
            await press(pilot, "q")

    asyncio.run(main())
    thread.close()
    assert app.return_code == 1
    assert opened == 1
