"""Starting the screens; imports that the first paint does not need run on the book thread."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui import paths, stop_signals
from rebal_tui.domain.errors import Conflict, Halt
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.host import FirstSteps
from rebal_tui.tui.settings import read_settings

if TYPE_CHECKING:
    from rebal_tui.market.closes import Closes
    from rebal_tui.services.book.book import Book

THREAD_SWITCH_SECONDS = 0.0005
"""How long, in seconds, the book thread may hold the GIL while the screens wait for it. One key press takes about 25
turns of the event loop, each of which releases the GIL: at Python's default of 5 ms a busy book delays it by 125 ms."""


def run(
    path: Path,
    prepare: Callable[[], None] | None = None,
    settings_path: Path | None = None,
    *,
    viewing: bool = False,
) -> int:
    """Run the screens on a file until the user quits; returns the exit code. The caller holds the file's lock.

    With `viewing` another process holds it, and the book is shown read-only as that process writes it. `prepare`
    creates the file first, on the book thread, while the screens already paint. Settings are read from
    `settings_path`, by default from the user's configuration folder.
    """
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    log_path = _log_to_file()
    settings = read_settings(settings_path or paths.settings_path())
    loading = LoadProgress()

    def open_book() -> Book:
        from rebal_tui import opening

        with _gc_paused():
            return opening.open_book(path, prepare, settings.settings.rules_over, loading.update)

    def view_book() -> Book:
        from rebal_tui import opening

        with _gc_paused():
            return opening.view_book(path)

    def advice(why: Halt) -> str:
        return f"{path}: {paths.restore_advice(path)}." if why is Halt.DAMAGED else str(path)

    thread = BookThread(view_book if viewing else open_book, view_book)
    backend = BookBackend(thread)
    first_run = None if viewing else first_steps(thread, path)

    def close() -> None:
        loading.stop()
        backend.heartbeat.stop()
        thread.close()

    with stop_signals.listening(close) as stop:
        app = RebalApp(
            backend,
            first_run=first_run,
            log_path=log_path,
            settings=settings,
            advice=advice,
            loading=loading,
            attach_stop=stop.attach,
            open_replay=_open_replay,
        )
        try:
            app.run()
        finally:
            stop.ended()
            close()
    if thread.open_error:
        raise Conflict(f"the book cannot be opened: {thread.open_error}")
    return app.return_code or 0


def _open_replay(closes: Closes, first: date, last: date) -> Book:
    """Open a book in memory that replays closes, to verify backtests."""
    from rebal_tui import bootstrap

    return bootstrap.replay_book(closes, first, last)


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Disable the cyclic garbage collector while long-lived objects are created, then freeze them.

    Collections that scan them would stop the screens for a tenth of a second each.
    """
    gc.unfreeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def first_steps(thread: BookThread, path: Path) -> FirstSteps:
    """The actions that an empty book offers."""

    async def open_demo() -> str:
        from rebal_tui import opening

        return await thread.reopen(lambda: opening.replace_with_demo(path))

    async def import_file(source: Path) -> str:
        from rebal_tui import opening

        return await thread.reopen(lambda: opening.replace_with_import(path, source))

    return FirstSteps(open_demo=open_demo, import_file=import_file)


def _log_to_file() -> Path:
    """Log warnings and errors to a file that only its owner can read, never to the screen."""
    folder = paths.log_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "rebal-tui.log"
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    logging.basicConfig(
        filename=path, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    return path
