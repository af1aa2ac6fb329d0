"""The services behind the screens: every call runs on the book's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.errors import ReadOnly
from rebal_tui.services import desk, exports, run_views, runs, scheduler, simulator, status, viewing
from rebal_tui.services.book import Book
from rebal_tui.services.book_thread import BookThread
from rebal_tui.services.views.desk import AccountView, DeskSnapshot, PreviewView
from rebal_tui.services.views.portfolios import PortfolioRow
from rebal_tui.services.views.runs import RunsSnapshot, RunView
from rebal_tui.services.views.status import JobView, StatusLine

T = TypeVar("T")


class BookBackend:
    """`Backend` over a `BookThread`."""

    def __init__(self, thread: BookThread) -> None:
        self._thread = thread

    async def ask(self, work: Callable[[Book], T]) -> T:
        return await self._thread.ask(work)

    async def tick(self) -> None:
        await self._thread.ask(viewing.beat)

    @property
    def halted(self) -> ReadOnly | None:
        return self._thread.halted

    async def write_again(self) -> None:
        await self._thread.write_again()

    async def desk(self) -> DeskSnapshot:
        return await self._thread.ask(desk.desk_snapshot)

    async def status(self) -> StatusLine:
        return await self._thread.ask(status.status_line)

    async def account(self, account_id: str) -> AccountView:
        return await self._thread.ask(lambda book: desk.account_view(book, account_id))

    async def preview(self, account_id: str) -> PreviewView:
        return await self._thread.ask(lambda book: desk.preview(book, account_id))

    async def runs(self) -> RunsSnapshot:
        return await self._thread.ask(run_views.runs_snapshot)

    async def run(self, run_id: str) -> RunView:
        return await self._thread.ask(lambda book: run_views.run_view(book, run_id))

    async def jobs(self) -> tuple[JobView, ...]:
        return await self._thread.ask(status.job_views)

    async def portfolios(self) -> tuple[PortfolioRow, ...]:
        return await self._thread.ask(run_views.portfolio_rows)

    async def cancel_run(self, run_id: str) -> str:
        return (await self._thread.ask(lambda book: runs.cancel_run(book, run_id))).status

    async def approve_run(self, run_id: str, shown: Plan) -> str:
        return (await self._thread.ask(lambda book: runs.approve_run(book, run_id, shown))).status

    async def reject_run(self, run_id: str, note: str) -> str:
        return (await self._thread.ask(lambda book: runs.reject_run(book, run_id, note))).status

    async def run_now(self, job: str) -> str:
        return await self._thread.ask(lambda book: scheduler.run_now(book, job))

    async def pause(self) -> None:
        await self._thread.ask(scheduler.pause)

    async def resume(self) -> None:
        await self._thread.ask(scheduler.resume)

    async def export(self, what: str, fmt: str) -> str:
        return await self._thread.ask(lambda book: exports.export_text(book, what, fmt))

    async def set_speed(self, speed: int) -> None:
        await self._thread.ask(lambda book: simulator.set_speed(book, speed))

    async def pause_market(self) -> None:
        await self._thread.ask(simulator.pause_market)

    async def resume_market(self) -> None:
        await self._thread.ask(simulator.resume_market)

    async def step_day(self) -> None:
        await self._thread.ask(simulator.step_day)
