"""Starting the screens. Modules that the first drawing does not need are imported on the book thread.

The book thread is the one thread that uses the open book.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui import paths, stop_signals
from rebal_tui.domain.errors import Halt
from rebal_tui.log_file import log_to_file
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.host import FirstSteps
from rebal_tui.tui.settings import read_settings

if TYPE_CHECKING:
    from rebal_tui.market.closes import Closes
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.report_subject import ReportSubject

THREAD_SWITCH_SECONDS = 0.0005
"""How long, in seconds, the book thread may hold the GIL while the screens wait for it. One key press takes about 25
turns of the event loop, each of which releases the GIL: at Python's default of 5 ms a busy book delays it by 125 ms."""


def run(
    path: Path,
    prepare: Callable[[], None] | None = None,
    settings_path: Path | None = None,
    *,
    viewing: str = "",
) -> int:
    """Run the screens on a book's file until the user quits; returns the exit code. The caller holds the file's lock.

    `viewing` is the reason why this process cannot write, empty when it can; the book is then shown read-only, also
    while another process writes it. `prepare` creates the file first, on the book thread, while the screens are already
    drawn. Settings are read from `settings_path`, by default from the user's configuration folder.
    """
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    log_path = log_to_file(paths.log_folder())
    files = OpenFiles(path)
    settings = read_settings(settings_path or paths.settings_path())
    loading = LoadProgress()

    def open_book() -> Book:
        from rebal_tui import opening

        with _gc_paused():
            return opening.open_book(path, prepare, loading.update)

    def view_book() -> Book:
        from rebal_tui import opening

        with _gc_paused():
            return opening.view_book(path, viewing)

    def advice(why: Halt) -> str:
        shown = files.path
        return f"{shown}: {paths.restore_advice(shown)}." if why in (Halt.DAMAGED, Halt.OVERWRITTEN) else str(shown)

    thread = BookThread(view_book if viewing else open_book, view_book)
    backend = BookBackend(thread)
    first_run = None if viewing else first_steps(thread, files)

    def make_report(subject: ReportSubject, fmt: str) -> bytes:
        from rebal_tui import reporting

        return reporting.report_file(files.path, subject, fmt)

    def close() -> None:
        loading.stop()
        backend.heartbeat.stop()
        thread.close()
        files.close()

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
            make_report=make_report,
        )
        try:
            app.run()
        finally:
            stop.ended()
            close()
    thread.require_ended_well()
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


class OpenFiles:
    """The book's file that the screens show: that of the advisor (`own`), or a demonstration book.

    A demonstration book is a separate file, which is deleted when the program ends.
    """

    def __init__(self, path: Path) -> None:
        self.own = path
        self.path = path
        self._folders = ExitStack()

    def add_demo(self) -> Path:
        """Create the demonstration book in a temporary folder, and return its path. The advisor's book is unchanged."""
        import tempfile

        from rebal_tui import demo_book

        folder = self._folders.enter_context(tempfile.TemporaryDirectory(prefix="rebal-tui-"))
        path = Path(folder) / "demo.db"
        demo_book.create_demo_with_history(path).close()
        self.path = path
        return path

    def close(self) -> None:
        """Delete the demonstration book, if there is one. The program must have closed it."""
        self._folders.close()


def first_steps(thread: BookThread, files: OpenFiles) -> FirstSteps:
    """The actions that the screens offer in an empty book, such as to open a demonstration book."""

    async def open_demo() -> str:
        from rebal_tui import opening

        await thread.reopen(
            files.add_demo, lambda: opening.open_book(files.path), lambda: opening.view_book(files.path)
        )
        return f"Demonstration opened; it is deleted when you quit. Your own book, {files.own}, is still empty."

    async def import_file(source: Path) -> str:
        from rebal_tui import opening

        return await thread.reopen(lambda: opening.replace_with_import(files.own, source))

    async def keep_files() -> str:
        from rebal_tui import opening

        return await thread.reopen(lambda: opening.replace_with_files_book(files.own))

    return FirstSteps(open_demo=open_demo, import_file=import_file, keep_files=keep_files)
