"""The status of one account or of every account of a book, and the inputs that all statuses share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.sessions import Session
from rebal_tui.domain.trade_status import TradeStatus, WaitsFor
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trade_status import StatusContext, trade_status
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import days_before
from rebal_tui.services.book.slots import next_slot
from rebal_tui.services.evaluation.review_rule import account_needs_review

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.day_context import DayContext
    from rebal_tui.engine.arrays.frame import BookFrame
    from rebal_tui.engine.arrays.statuses import Statuses


@lru_cache(maxsize=4)
def _schedule(
    calendar: TradingCalendar, slots: Callable[[Session], list[datetime]], quarterly_months: frozenset[int]
) -> Schedule:
    return Schedule(
        calendar,
        lambda session: next(iter(slots(session)), None),
        quarterly_months,
        lambda: days_before(calendar.known_from)[::-1],
    )


def status_context(book: Book, stopped: WaitsFor | None = None) -> StatusContext:
    """The shared inputs of account statuses between evaluations: schedule, next evaluation, and `stopped`.

    `stopped` is why evaluations have no effect at present (kill switch, scheduler paused), None if they have.
    """
    settings = book.settings
    schedule = _schedule(book.calendar, settings.slots, settings.quarterly_months)
    return StatusContext(schedule, next_slot(book, book.now()), stopped)


def evaluation_context(book: Book) -> StatusContext:
    """The shared inputs of the statuses that an evaluation stores.

    Inside the window, the next evaluation is the current one.
    """
    context, now = status_context(book), book.now()
    session = book.session(now)
    inside = session is not None and session.in_window(now)
    return StatusContext(context.schedule, now, None) if inside else context


def account_status(book: Book, situation: Situation, context: StatusContext, decision: Decision) -> TradeStatus:
    """The status of an account; `decision` is the outcome of evaluating `situation`."""
    account_id = situation.account.id
    run, reviewed = book.open_runs.get(account_id), account_needs_review(book, account_id)
    awaiting = run is not None and run.awaits_approval
    return trade_status(situation, context, awaiting=awaiting, reviewed=reviewed, decision=decision)


def book_statuses(book: Book, frame: BookFrame, day_context: DayContext, context: StatusContext) -> Statuses:
    """The status of every account, in the order of the frame's rows."""
    from rebal_tui.engine.arrays.statuses import statuses

    row_of = book.account_table.row_of
    awaiting = [row_of[account] for account, run in book.open_runs.items() if run.awaits_approval]
    return statuses(frame, day_context, context, awaiting)
