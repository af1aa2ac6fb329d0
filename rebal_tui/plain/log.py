"""Commands on the scheduler's jobs and the audit trail."""

from __future__ import annotations

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text
from rebal_tui.plain.acting import make
from rebal_tui.plain.session import Session, chosen
from rebal_tui.plain.speech import WIDE, label, read_lines, sentence, spoken, when
from rebal_tui.services.view_models.archives import ArchivePreview, ArchiveView
from rebal_tui.services.view_models.status import JobView
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import archive_pages, log_pages, log_queries, scheduler
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.log.archive import archive_lines, archive_question, archived_text, year_state
from rebal_tui.tui.screens.log.lines import PAUSE_TEXT, run_job_text
from rebal_tui.tui.screens.shared.list_screen import MANUAL_JOB_BUDGET_SECONDS

NEWEST = 200
"""Audit entries that a list has."""


async def jobs(session: Session, _text: str) -> None:
    """List the jobs of the scheduler with the times of their next and last start."""
    found = (await session.ask(log_pages.log_snapshot, limit=0)).jobs
    session.jobs = [job.name for job in found]
    session.write_list(count_text(len(found), "job"), len(found), lambda at: f"{at + 1}. {_job_text(found[at])}")


def _job_text(job: JobView) -> str:
    state = "off" if job.never else "paused" if job.paused else "failed" if job.failed else "on"
    none = f"never starts, {job.never}" if job.never else "no next time"
    following = f"next {when(job.next_at)}" if job.next_at else none
    last = f"Last {when(job.last_at)}, {job.last_result}" if job.last_at else "It has not run yet"
    counts = f"{job.missed:,} missed, {job.failed:,} failed" if job.missed or job.failed else ""
    parts = (f"{spoken(job.title)}: {state}, {following}", last, counts)
    return " ".join(filter(None, map(sentence, parts)))


async def run_job(session: Session, text: str) -> None:
    """Run now the job whose number in the last list of jobs is `text`."""
    name = chosen(session.jobs, text, "Type jobs first, then run job and a number of that list")
    job = next(job for job in (await session.ask(log_pages.log_snapshot, limit=0)).jobs if job.name == name)

    async def do() -> str:
        return await session.ask(scheduler.run_now, job.name, MANUAL_JOB_BUDGET_SECONDS)

    await make(session, Question(f"Run {job.title} now?", "Run", run_job_text(job), sends=True), do, "Done")


async def pause(session: Session, _text: str) -> None:
    """Pause the scheduler: no job starts by itself."""

    async def do() -> None:
        await session.ask(scheduler.pause)

    await make(session, Question("Pause the scheduler?", "Pause", PAUSE_TEXT, sends=True), do, "Scheduler paused")


async def resume(session: Session, _text: str) -> None:
    """Resume the scheduler."""
    await session.ask(scheduler.resume)
    session.done("Scheduler resumed")


async def audit(session: Session, text: str) -> None:
    """List the newest entries of the audit trail that contain `text`, or the newest of all if it is empty."""
    snapshot = await session.ask(log_pages.log_snapshot, text, NEWEST)
    found = snapshot.audit

    def line_of(at: int) -> str:
        entry = found[at]
        by = f"{formats.words(entry.actor)}. " if entry.actor else ""
        return f"Entry {entry.seq:,}, {when(entry.at)}, {by}{sentence(entry.sentence)}"

    session.write_list(f"{len(found):,} of {snapshot.entries:,} audit entries", len(found), line_of)


async def verify(session: Session, _text: str) -> None:
    """Verify the audit trail from its first entry."""
    check = await session.ask(log_queries.verify_audit)
    if not check.intact:
        raise Invalid(f"The audit trail has been tampered with: {check.text}")
    session.say(f"The audit trail is intact: {check.text}")


async def archive(session: Session, text: str) -> None:
    """Write which years are archived. If `text` is a year, move records of that and earlier years to the archive."""
    if text:
        await _move(session, await session.ask(archive_pages.preview, text))
        return
    view: ArchiveView = await session.ask(archive_pages.archive_view)
    session.write(read_lines(archive_lines(view.archive, "")(WIDE, 0)))
    for one in view.years:
        counts = f"{count_text(one.runs, 'run')}, {count_text(one.decisions, 'decision')}"
        session.write([label(one.year, f"{counts}, {year_state(one, view.archive)}")])


async def _move(session: Session, view: ArchivePreview) -> None:
    """Move years after a question, while no heartbeat runs."""
    if await session.confirm(archive_question(view)) is None:
        return
    doing = ""
    async with session.heartbeats_held():
        moving = await session.ask(archive_pages.Archiving, view.through)
        try:
            while step := await session.ask(archive_pages.advance, moving):
                if step != doing:
                    session.say(step)
                doing = step
        finally:
            await session.ask(archive_pages.close, moving)
    session.done(archived_text(view))
