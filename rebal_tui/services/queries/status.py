"""Data of the status line above every screen, and of the scheduler's jobs."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import weekday_time_text
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.broker_sync.connection_watch import CLOCK_SKEW_ALERT_MIN, stream_fault
from rebal_tui.services.broker_sync.price_times import price_delay
from rebal_tui.services.queries.exception_list import exception_total
from rebal_tui.services.queries.files_status import files_text
from rebal_tui.services.runs.sending import sending_progress
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.jobs import jobs_of, never_starts
from rebal_tui.services.view_models.status import (
    NEW_MODE,
    PAUSED_MODE,
    TIME_STOPPED,
    ConnectionView,
    JobView,
    StatusLine,
    WorkView,
)
from rebal_tui.store import jobs


def status_line(book: Book) -> StatusLine:
    """The current state of the book and the market."""
    now = book.now()
    made = book.price_cache.newest
    return StatusLine(
        book=book.settings.name,
        mode=_mode(book, now),
        now=now,
        session=_session_text(book, now),
        next_evaluation=scheduler.next_evaluation(book),
        price_age_seconds=max(0, int((now - made).total_seconds())) if made and not book.settings.one_list else None,
        alerts=len(jobs.open_alerts(book.database)),
        exceptions=exception_total(book),
        halted=halted(book),
        read_only=book.database.read_only,
        stopped=book.database.halted.halt if book.database.halted else None,
        awaiting=sum(run.awaits_approval for run in book.open_runs.values()),
        pacing=sending_progress(book),
        work=_work(book),
        connection=_connection(book, now),
        stepping_to=book.clock.stepping_to if isinstance(book.clock, SimulatedClock) else None,
    )


def _connection(book: Book, now: datetime) -> ConnectionView | None:
    """The connection to a real broker, None for a simulated one."""
    if book.live is None:
        return None
    state = book.live.connection()
    delay = price_delay(book, now)
    return ConnectionView(
        streams=len(state.streams),
        up=sum(stream.connected_since is not None for stream in state.streams),
        down=tuple(stream.name for stream in state.streams if stream_fault(stream, now)),
        requests=state.requests,
        requests_left=state.requests_left,
        skew_seconds=None if state.skew is None else round(state.skew.total_seconds()),
        skew_alert=state.skew is not None and abs(state.skew) > CLOCK_SKEW_ALERT_MIN,
        price_delay=None if delay is None else int(delay.total_seconds()),
    )


def _work(book: Book) -> WorkView | None:
    """The remaining work of the current heartbeat, None when there is none."""
    work_queue, waiting, pass_in_progress = book.work_queue, book.rate_limiter.waiting, book.pass_in_progress
    if pass_in_progress is not None:
        return WorkView("accounts", pass_in_progress.done, pass_in_progress.total)
    if not work_queue.unfinished:
        return None
    left = sum(len(chunk) for chunk in work_queue.chunks)
    if left:
        return WorkView("runs", work_queue.taken - left, work_queue.taken)
    return WorkView("orders", waiting.total - len(waiting), waiting.total) if waiting else None


def job_views(book: Book) -> tuple[JobView, ...]:
    """Each job of the scheduler with its times and last result, in the order in which the scheduler checks them."""
    rows, now = jobs.jobs(book.database), book.now()
    everything_paused = rows[scheduler.PAUSE].paused
    return tuple(
        JobView(
            name=job.name,
            title=job.title,
            next_at=None if everything_paused or rows[job.name].paused else job.next_at(book, now),
            last_at=rows[job.name].last_at,
            last_result=rows[job.name].last_result,
            duration_ms=rows[job.name].duration_ms,
            missed=rows[job.name].missed,
            failed=rows[job.name].failed,
            paused=everything_paused or rows[job.name].paused,
            never=never_starts(book, job.name),
        )
        for job in jobs_of(book)
    )


def _mode(book: Book, now: datetime) -> str:
    if book.settings.mode is Mode.LIVE:
        return book.settings.environment or "LIVE"
    if book.settings.mode is Mode.FILES:
        return "FILES"
    if book.settings.mode is Mode.REPLAY:
        return f"REPLAY {now.astimezone(NEW_YORK):%Y-%m-%d}"
    if not len(book.account_table) and not book.portfolios:
        return NEW_MODE
    if isinstance(book.clock, SimulatedClock):
        held = TIME_STOPPED if book.clock.held else ""
        return PAUSED_MODE if book.clock.paused else f"SIMULATED ×{book.clock.speed:g}{held}"
    return "SIMULATED"


def _session_text(book: Book, now: datetime) -> str:
    """For example `OPEN · rebalancing until 15:30, 4 h 48 m left`, or why the market is closed and when it opens."""
    session = book.session(now)
    if session is None or session.next_day is None:
        day = now.astimezone(NEW_YORK).date()
        opening = book.calendar.next_open(now)
        until = f" · opens {weekday_time_text(opening)}" if opening else " · no trading"
        return f"CLOSED ({book.calendar.closed_reason(day) or 'unknown to the calendar'}){until}"
    if session.any_hour:
        return files_text(book, now)
    if now < session.open:
        return f"CLOSED · opens {session.open.astimezone(NEW_YORK):%H:%M}, in {_duration_text(session.open - now)}"
    if now >= session.close:
        opening = book.calendar.next_open(now)
        until = f" · opens {weekday_time_text(opening)}" if opening else ""
        return f"CLOSED{until}"
    half = "half day · " if session.half_day else ""
    end = session.window_end
    if now <= end and halted(book):
        return f"OPEN · {half}market closes {session.close.astimezone(NEW_YORK):%H:%M}"
    if now <= end:
        return f"OPEN · {half}rebalancing until {end.astimezone(NEW_YORK):%H:%M}, {_duration_text(end - now)} left"
    return f"OPEN · {half}rebalancing ended, market closes {session.close.astimezone(NEW_YORK):%H:%M}"


def _duration_text(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02d} m" if minutes >= 60 else f"{minutes} m"
