"""What the screens ask of the services. Every call runs on the book's own thread and returns frozen values.

All of them may raise `Refusal`; `Backend` is all that the screens know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from rebal_tui.domain.errors import ReadOnly

if TYPE_CHECKING:
    from rebal_tui.domain.decisions import Plan
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.desk import AccountView, DeskSnapshot, PreviewView
    from rebal_tui.services.view_models.portfolios import PortfolioRow
    from rebal_tui.services.view_models.runs import RunsSnapshot, RunView
    from rebal_tui.services.view_models.status import JobView, StatusLine

T = TypeVar("T")


class Backend(Protocol):
    """The book as the screens see it."""

    async def ask(self, work: Callable[[Book], T]) -> T:
        """The result of a use case, run on the book's thread. What the places of their own need is asked this way."""

    async def tick(self) -> bool:
        """One heartbeat, or a slice of a long one: whatever is due happens; where nothing can be written, the file is
        read again. Whether more is to be done at once."""

    @property
    def halted(self) -> ReadOnly | None:
        """Why nothing is written to the book here, None while writing works. Known without asking the book."""

    async def write_again(self) -> None:
        """Go on writing after the disk failed; refused while it still does."""

    async def desk(self, seen: DeskSnapshot | None = None) -> DeskSnapshot:
        """Every subscribed account under the current prices; the rows are those `seen` while nothing has changed."""

    async def status(self) -> StatusLine:
        """The line on top."""

    async def account(self, account_id: str) -> AccountView:
        """One account with an evaluation made right now."""

    async def preview(self, account_id: str) -> PreviewView:
        """The run that would be made; refused, in words, when there would be none."""

    async def runs(self) -> RunsSnapshot:
        """The newest runs."""

    async def run(self, run_id: str) -> RunView:
        """One run with everything that belongs to it."""

    async def jobs(self) -> tuple[JobView, ...]:
        """The scheduler's jobs."""

    async def portfolios(self) -> tuple[PortfolioRow, ...]:
        """Every portfolio."""

    async def cancel_run(self, run_id: str) -> str:
        """Cancel a run; returns the status that it has then."""

    async def approve_run(self, run_id: str, shown: Plan) -> str:
        """Let a run that awaits review start, if its plan still is the one shown (R-27); returns its status."""

    async def reject_run(self, run_id: str, note: str) -> str:
        """Cancel a run that awaits review; returns its status."""

    async def run_now(self, job: str) -> str:
        """Run a job now; returns what came of it."""

    async def pause(self) -> None:
        """Stop the scheduler from starting anything new."""

    async def resume(self) -> None:
        """Let the scheduler start jobs again."""

    async def export(self, what: str, fmt: str, progress: Callable[[int, int], None]) -> str:
        """Runs, orders, decisions, accounts or the audit trail as CSV or JSON text; `progress` is told how many of how
        many are done. Other questions are answered meanwhile, and cancelling it leaves nothing behind."""

    async def set_speed(self, speed: int) -> None:
        """How many simulated seconds pass in one; refused where the market is not simulated."""

    async def pause_market(self) -> None:
        """Stop simulated time."""

    async def resume_market(self) -> None:
        """Let simulated time run."""

    async def step_day(self) -> None:
        """Take simulated time to the next day."""
