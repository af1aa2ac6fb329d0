"""Check of values that rows and audit entries share: ends of runs, evaluations of slots, times, reasons.

An audit entry is written in the same transaction as its row, so that both have the same time. In a book with a real
broker or custodians' files, the clock advances between the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Fault
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.store import book_settings
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import LISTED, Database, listed

_REAL_CLOCK_SLACK = timedelta(minutes=1)
_CANCELED = (RunStatus.CANCELED.value, RunStatus.CANCELED_MID_RUN.value)
_ACTIONS = (
    "evaluation", "portfolio.created", "runs.ended", "runs.canceled", "run.cancel_asked", "subscription.created",
    "subscription.ended", "withdrawal.stopped", "withdrawal.retried",
    *(f"withdrawal.{stage}" for stage in WithdrawalStage),
)  # fmt: skip


@dataclass(slots=True)
class _Recorded:
    """What audit entries record, by id or slot; times in microseconds.

    `stopped` has the reason of a withdrawal that waits for a person.
    """

    evaluations: dict[int, tuple[int, str]] = field(default_factory=dict)
    run_ends: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    cancel_asked: set[str] = field(default_factory=set)
    begun: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    requested: dict[str, tuple[int, bool]] = field(default_factory=dict)
    portfolios: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str | None] = field(default_factory=dict)


def clock_slack(database: Database) -> timedelta:
    """How far apart the times of a row and its audit entry may be: zero if only heartbeats move the book's clock."""
    return _REAL_CLOCK_SLACK if book_settings.get(database, book_settings.BROKER) else timedelta(0)


def trail_row_faults(database: Database) -> Iterator[Fault]:
    """Evaluations, ends of runs, portfolios, subscriptions and withdrawals that differ from their audit entries."""
    recorded = _read(database)
    slack = clock_slack(database) // timedelta(microseconds=1)
    for check in (_evaluations, _runs, _portfolios, _subscriptions, _withdrawals):
        yield from check(database, recorded, slack)


def _read(database: Database) -> _Recorded:
    found = _Recorded()
    for at, action, subject, text in database.connection.execute(
        f"SELECT at, action, subject, detail FROM audit WHERE action IN {LISTED} ORDER BY seq", (listed(_ACTIONS),)
    ):
        detail: Mapping[str, Any] = json.loads(text)
        if action == "evaluation":
            slot = to_time(datetime.fromisoformat(subject))
            found.evaluations[slot] = at, ", ".join(f"{detail[one]} {one}" for one in Outcome if detail.get(one))
        elif action == "runs.ended":
            found.run_ends.update({run: (at, reason) for run, _, reason in detail["runs"]})
        elif action == "runs.canceled":
            found.run_ends.update(dict.fromkeys(detail["runs"], (at, detail["reason"])))
        elif action == "run.cancel_asked":
            found.cancel_asked.add(subject)
        elif action == "portfolio.created":
            found.portfolios[subject] = at
        elif action == "subscription.created":
            found.begun.setdefault(subject, at)
            found.ended.pop(subject, None)
        elif action == "subscription.ended":
            found.ended[subject] = at
        elif action == "withdrawal.requested":
            found.requested[subject] = at, bool(detail.get("everything"))
        else:
            found.stopped[subject] = detail["why"] if action == "withdrawal.stopped" else None
    return found


def _evaluations(database: Database, recorded: _Recorded, slack: int) -> Iterator[Fault]:
    expected = dict(recorded.evaluations)
    for session, slot, at, detail in database.rows("SELECT session, slot, at, detail FROM evaluations"):
        location, known = f"evaluation {session} {from_time(slot):%H:%M} UTC", expected.pop(slot, None)
        if known is None:
            yield Fault(location, "is not in the audit trail")
        elif detail != known[1] or abs(at - known[0]) > slack:
            yield Fault(location, f"is {detail!r}, {known[1]!r} in the audit trail, or its time differs")
        # The session of a files book is that of its newest prices.
        if not slack and session != new_york_day(from_time(at)).isoformat():
            yield Fault(location, f"was made on {new_york_day(from_time(at))}")
    for slot, (at, _) in expected.items():
        # A pass outside a session leaves an entry only.
        day = new_york_day(from_time(at)).isoformat()
        if database.row("SELECT 1 FROM sessions WHERE day = ? AND ? BETWEEN open AND close", (day, at)):
            yield Fault(f"evaluation {day} {from_time(slot):%H:%M} UTC", "is in the audit trail but does not exist")


def _runs(database: Database, recorded: _Recorded, slack: int) -> Iterator[Fault]:
    for run, status, reason, completed_at, canceled_at, cancel_requested in database.rows(
        "SELECT id, status, reason, completed_at, canceled_at, cancel_requested FROM runs"
    ):
        at, other = (canceled_at, completed_at) if status in _CANCELED else (completed_at, canceled_at)
        end = recorded.run_ends.get(run)
        if other is not None or (at is None) != (end is None) or (end and abs(at - end[0]) > slack):
            yield Fault(f"run {run}", "the time of its end differs from the audit trail")
        if end and reason != end[1]:
            yield Fault(f"run {run}", f"ended because {reason or 'it was done'}, {end[1] or 'done'} in the audit trail")
        if run in recorded.cancel_asked and not cancel_requested:
            yield Fault(f"run {run}", "was to be canceled by the audit trail")


def _portfolios(database: Database, recorded: _Recorded, slack: int) -> Iterator[Fault]:
    for portfolio, name, created_at, changed_at, updated_at in database.rows(
        "SELECT id, name, created_at, changed_at, updated_at FROM portfolios"
    ):
        if abs(created_at - recorded.portfolios.get(portfolio, created_at)) > slack:
            yield Fault(f"portfolio {name}", "the time of its creation differs from the audit trail")
        if not created_at <= changed_at <= updated_at:
            yield Fault(f"portfolio {name}", "was changed before it was created, or after its last update")


def _subscriptions(database: Database, recorded: _Recorded, slack: int) -> Iterator[Fault]:
    for subscription, created_at, ended_at in database.rows("SELECT id, created_at, ended_at FROM subscriptions"):
        location = f"subscription {subscription}"
        if abs(created_at - recorded.begun.get(subscription, created_at)) > slack:
            yield Fault(location, "the time of its begin differs from the audit trail")
        if ended_at is not None and abs(ended_at - recorded.ended.get(subscription, ended_at)) > slack:
            yield Fault(location, "the time of its end differs from the audit trail")


def _withdrawals(database: Database, recorded: _Recorded, slack: int) -> Iterator[Fault]:
    for withdrawal, created_at, everything, stopped in database.rows(
        "SELECT id, created_at, everything, stopped FROM withdrawals"
    ):
        location = f"withdrawal {withdrawal}"
        at, all_of_it = recorded.requested.get(withdrawal, (created_at, bool(everything)))
        if abs(created_at - at) > slack or bool(everything) != all_of_it:
            yield Fault(location, "its request differs from the audit trail")
        if stopped != recorded.stopped.get(withdrawal):
            yield Fault(location, f"is stopped by {stopped!r}, {recorded.stopped.get(withdrawal)!r} in the audit trail")
    for withdrawal, what in database.rows(
        "SELECT w.id, 'run' FROM withdrawals w LEFT JOIN runs r ON r.id = w.run AND r.account = w.account "
        "WHERE w.run IS NOT NULL AND r.id IS NULL UNION ALL "
        "SELECT w.id, 'journal' FROM withdrawals w LEFT JOIN journals j ON j.id = w.journal AND j.account = w.account "
        "WHERE w.journal IS NOT NULL AND w.stage = 'completed' AND j.id IS NULL"
    ):
        yield Fault(f"withdrawal {withdrawal}", f"its {what} does not exist in its account")
    for (withdrawal,) in database.rows(
        "SELECT id FROM withdrawals w WHERE last_rebalanced_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM subscriptions "
        "WHERE account = w.account AND last_rebalanced_at = w.last_rebalanced_at)"
    ):
        yield Fault(f"withdrawal {withdrawal}", "its last rebalance is not that of a subscription of its account")
    for (run,) in database.rows(
        "SELECT t.run FROM terminal_runs t LEFT JOIN runs r ON r.id = t.run WHERE r.id IS NULL"
    ):
        yield Fault(f"run {run}", "was entered by hand but does not exist")
