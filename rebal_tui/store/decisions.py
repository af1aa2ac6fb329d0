"""Decisions with their traces: for each session the latest of every kind of outcome an account had."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rebal_tui.domain.decisions import Decision, Outcome, Verdict
from rebal_tui.store.codec import from_time, from_trace, to_time, to_trace
from rebal_tui.store.database import Database


def signature(decision: Decision) -> str:
    """What makes two decisions of a session the same kind: the outcome and which checks fired, failed or held back."""
    told = [c.check for c in decision.trace if c.verdict in (Verdict.FIRES, Verdict.FAIL, Verdict.HOLDS_BACK)]
    return ":".join([decision.outcome.value, *told])


def save(database: Database, decisions: Iterable[tuple[Decision, str | None]]) -> None:
    """Store decisions with the id of the run each led to; a repeated kind replaces the one before and counts up."""
    database.connection.executemany(
        "INSERT INTO decisions (account, portfolio, subscription, session, signature, outcome, reason, trace, "
        "first_at, at, times, run) "
        "SELECT a.key, p.key, s.key, ?, ?, ?, ?, ?, ?, ?, 1, (SELECT key FROM runs WHERE id = ?) "
        "FROM accounts a, portfolios p, subscriptions s WHERE a.id = ? AND p.id = ? AND s.id = ? "
        "ON CONFLICT (account, session, portfolio, signature) DO UPDATE SET reason = excluded.reason, "
        "trace = excluded.trace, at = excluded.at, times = times + 1, run = coalesce(excluded.run, run)",
        (
            (
                d.session, signature(d), d.outcome.value, d.reason, to_trace(d.trace), to_time(d.at), to_time(d.at),
                run_id, d.account_id, d.portfolio_id, d.subscription_id,
            )
            for d, run_id in decisions
        ),
    )  # fmt: skip


_COLUMNS = (
    "SELECT a.id, p.id, s.id, d.at, d.session, d.outcome, d.reason, d.trace FROM decisions d "
    "JOIN accounts a ON a.key = d.account JOIN portfolios p ON p.key = d.portfolio "
    "JOIN subscriptions s ON s.key = d.subscription"
)


def latest(database: Database, account_id: str, limit: int = 1) -> list[Decision]:
    """An account's newest decisions first."""
    rows = database.rows(f"{_COLUMNS} WHERE a.id = ? ORDER BY d.at DESC, d.key DESC LIMIT ?", (account_id, limit))
    return [_decision(row) for row in rows]


def of_run(database: Database, run_id: str) -> Decision | None:
    """The decision that caused a run, None for a manual one."""
    row = database.row(f"{_COLUMNS} WHERE d.run = (SELECT key FROM runs WHERE id = ?)", (run_id,))
    return _decision(row) if row else None


def _decision(row: tuple[object, ...]) -> Decision:
    account, portfolio, subscription, at, session, outcome, reason, trace = row
    return Decision(
        str(account), str(portfolio), str(subscription), from_time(int(str(at))), str(session), Outcome(str(outcome)),
        str(reason), from_trace(str(trace)),
    )  # fmt: skip


def add_history(database: Database, at: datetime, used: Iterable[tuple[str, int]]) -> None:
    """Record how much of its bands each account uses, in tenths of a percent."""
    database.connection.executemany(
        "INSERT OR REPLACE INTO drift_history SELECT key, ?, ? FROM accounts WHERE id = ?",
        ((to_time(at), band_used, account_id) for account_id, band_used in used),
    )


def history(database: Database, account_id: str, limit: int = 120) -> list[tuple[datetime, int]]:
    """The latest points of an account's drift history, oldest first."""
    rows = database.rows(
        "SELECT at, band_used FROM drift_history WHERE account = (SELECT key FROM accounts WHERE id = ?) "
        "ORDER BY at DESC LIMIT ?",
        (account_id, limit),
    )
    return [(from_time(at), used) for at, used in reversed(rows)]


def prune_history(database: Database, before: datetime) -> None:
    database.connection.execute("DELETE FROM drift_history WHERE at < ?", (to_time(before),))


def outcomes(database: Database) -> dict[str, int]:
    """How many decisions there were of each outcome."""
    rows = database.rows("SELECT outcome, sum(times) FROM decisions GROUP BY outcome ORDER BY outcome")
    return dict(rows)
