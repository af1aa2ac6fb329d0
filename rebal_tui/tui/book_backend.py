"""The services behind the screens: every call runs on the book's own thread, and is imported there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rebal_tui.domain.errors import ReadOnly
from rebal_tui.services.schedule.book_thread import BookThread

if TYPE_CHECKING:
    from rebal_tui.domain.decisions import Plan
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.maintenance.export import Export
    from rebal_tui.services.view_models.desk import AccountView, DeskSnapshot, PreviewView
    from rebal_tui.services.view_models.portfolios import PortfolioRow
    from rebal_tui.services.view_models.runs import RunsSnapshot, RunView
    from rebal_tui.services.view_models.status import JobView, StatusLine

T = TypeVar("T")
MANUAL_JOB_BUDGET_SECONDS = 2.0
"""Seconds that a job run by hand may take before the heartbeats take on what is left of it."""


class BookBackend:
    """`Backend` over a `BookThread`."""

    def __init__(self, thread: BookThread) -> None:
        self._thread = thread

    async def ask(self, work: Callable[[Book], T]) -> T:
        return await self._thread.ask(work)

    async def tick(self) -> bool:
        def do(book: Book) -> bool:
            from rebal_tui.services.schedule.follower import heartbeat

            return heartbeat(book)

        return await self._thread.ask(do)

    @property
    def halted(self) -> ReadOnly | None:
        return self._thread.halted

    async def write_again(self) -> None:
        await self._thread.write_again()

    async def desk(self, seen: DeskSnapshot | None = None) -> DeskSnapshot:
        def do(book: Book) -> DeskSnapshot:
            from rebal_tui.services.queries.desk import desk_snapshot

            return desk_snapshot(book, seen)

        return await self._thread.ask(do)

    async def status(self) -> StatusLine:
        def do(book: Book) -> StatusLine:
            from rebal_tui.services.queries.status import status_line

            return status_line(book)

        return await self._thread.ask(do)

    async def account(self, account_id: str) -> AccountView:
        def do(book: Book) -> AccountView:
            from rebal_tui.services.queries.desk import account_view

            return account_view(book, account_id)

        return await self._thread.ask(do)

    async def preview(self, account_id: str) -> PreviewView:
        def do(book: Book) -> PreviewView:
            from rebal_tui.services.queries.desk import preview

            return preview(book, account_id)

        return await self._thread.ask(do)

    async def runs(self) -> RunsSnapshot:
        def do(book: Book) -> RunsSnapshot:
            from rebal_tui.services.queries.runs import runs_snapshot

            return runs_snapshot(book)

        return await self._thread.ask(do)

    async def run(self, run_id: str) -> RunView:
        def do(book: Book) -> RunView:
            from rebal_tui.services.queries.runs import run_view

            return run_view(book, run_id)

        return await self._thread.ask(do)

    async def jobs(self) -> tuple[JobView, ...]:
        def do(book: Book) -> tuple[JobView, ...]:
            from rebal_tui.services.queries.status import job_views

            return job_views(book)

        return await self._thread.ask(do)

    async def portfolios(self) -> tuple[PortfolioRow, ...]:
        def do(book: Book) -> tuple[PortfolioRow, ...]:
            from rebal_tui.services.queries.runs import portfolio_rows

            return portfolio_rows(book)

        return await self._thread.ask(do)

    async def cancel_run(self, run_id: str) -> str:
        def do(book: Book) -> str:
            from rebal_tui.services.runs.manual import cancel_run

            return cancel_run(book, run_id).status

        return await self._thread.ask(do)

    async def approve_run(self, run_id: str, shown: Plan) -> str:
        def do(book: Book) -> str:
            from rebal_tui.services.runs.manual import approve_run

            return approve_run(book, run_id, shown).status

        return await self._thread.ask(do)

    async def reject_run(self, run_id: str, note: str) -> str:
        def do(book: Book) -> str:
            from rebal_tui.services.runs.manual import reject_run

            return reject_run(book, run_id, note).status

        return await self._thread.ask(do)

    async def run_now(self, job: str) -> str:
        def do(book: Book) -> str:
            from rebal_tui.services.schedule.scheduler import run_now

            return run_now(book, job, MANUAL_JOB_BUDGET_SECONDS)

        return await self._thread.ask(do)

    async def pause(self) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.schedule.scheduler import pause

            pause(book)

        await self._thread.ask(do)

    async def resume(self) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.schedule.scheduler import resume

            resume(book)

        await self._thread.ask(do)

    async def export(self, what: str, fmt: str, progress: Callable[[int, int], None]) -> str:
        def begin(book: Book) -> Export:
            from rebal_tui.services.maintenance.export import Export

            return Export(book, what, fmt)

        export = await self._thread.ask(begin)
        while await self._thread.ask(lambda _book: export.advance()):
            progress(export.done, export.total)
        return await self._thread.ask(lambda _book: export.text())

    async def set_speed(self, speed: int) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.simulation.simulator import set_speed

            set_speed(book, speed)

        await self._thread.ask(do)

    async def pause_market(self) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.simulation.simulator import pause_market

            pause_market(book)

        await self._thread.ask(do)

    async def resume_market(self) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.simulation.simulator import resume_market

            resume_market(book)

        await self._thread.ask(do)

    async def step_day(self) -> None:
        def do(book: Book) -> None:
            from rebal_tui.services.simulation.simulator import step_day

            step_day(book)

        await self._thread.ask(do)
