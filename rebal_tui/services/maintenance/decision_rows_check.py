"""Check of what is stored with a decision besides its inputs: day, outcome, number of evaluations, runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Fault
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.store.codec import from_time
from rebal_tui.store.database import Database


def decision_row_faults(database: Database) -> Iterator[Fault]:
    """Decisions that contradict their evaluation pass or the runs that they name."""
    for check in (_kinds, _days, _counts, _runs):
        yield from check(database)


def _kinds(database: Database) -> Iterator[Fault]:
    for signature, outcome, deciding in database.rows("SELECT signature, outcome, deciding FROM decision_kinds"):
        decided, *reported = signature.split(":")
        if (outcome, deciding) != (decided, reported[-1] if reported else ""):
            yield Fault(f"decision kind {signature}", f"has outcome {outcome} by {deciding or 'no check'}")


def _days(database: Database) -> Iterator[Fault]:
    for session, at, count in database.rows(
        "SELECT d.session, c.at, count(*) FROM decisions d JOIN contexts c ON c.key = d.context GROUP BY 1, 2"
    ):
        if new_york_day(from_time(at)).isoformat() != session:
            yield Fault(f"decisions of {session}", f"{count} of them were made at {from_time(at)}")


def _counts(database: Database) -> Iterator[Fault]:
    """Check that a session has, for each outcome, as many decisions as its passes recorded in the audit trail.

    Where passes run in chunks there may be more: a pass that was stopped has decisions, but no audit entry.
    """
    expected: dict[str, Counter[str]] = {}
    row = database.row("SELECT count(*) FROM subscriptions")
    most = row[0] if row else 0
    for at, text in database.connection.execute("SELECT at, detail FROM audit WHERE action = 'evaluation'"):
        detail = json.loads(text)
        most = max(most, sum(detail.values()))
        expected.setdefault(new_york_day(from_time(at)).isoformat(), Counter()).update(detail)
    found: dict[str, Counter[str]] = {}
    for session, outcome, times in database.rows(
        "SELECT session, outcome, sum(times) FROM decisions JOIN decision_kinds k ON k.key = kind GROUP BY 1, 2"
    ):
        found.setdefault(session, Counter())[outcome] = times
    in_chunks = most > chunks.MAX_ACCOUNTS_PER_CHUNK
    for session in sorted(expected.keys() | found.keys()):
        ours, passes = found.get(session, Counter()), expected.get(session, Counter())
        for outcome in Outcome:
            if ours[outcome] < passes[outcome] or (ours[outcome] > passes[outcome] and not in_chunks):
                text = f"{ours[outcome]} with outcome {outcome}, {passes[outcome]} in the audit trail"
                yield Fault(f"decisions of {session}", text)


def _runs(database: Database) -> Iterator[Fault]:
    """Check the runs that a decision found open or counted in the quota of its account.

    A run may end at the time of the decision.
    """
    for account, session in database.rows(
        "SELECT DISTINCT a.id, d.session FROM decisions d JOIN accounts a ON a.key = d.account "
        "JOIN contexts c ON c.key = d.context LEFT JOIN runs o ON o.key = d.open_run "
        "LEFT JOIN runs q ON q.key = d.quota_run WHERE o.account <> d.account OR o.created_at > c.at "
        "OR coalesce(o.completed_at, o.canceled_at) < c.at OR q.account <> d.account OR q.session <> d.session "
        "OR q.created_at > c.at"
    ):
        yield Fault(f"account {account}", f"a decision of {session} names a run that it could not find")
    for account, session in database.rows(
        "SELECT DISTINCT a.id, d.session FROM decisions d JOIN accounts a ON a.key = d.account "
        "LEFT JOIN runs r ON r.key = d.run WHERE d.run > 0 AND (r.key IS NULL OR r.account <> d.account "
        "OR r.session <> d.session OR r.subscription <> d.subscription)"
    ):
        yield Fault(f"account {account}", f"a decision of {session} has the run of another one")
