"""Storage of journals and withdrawals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.cash import Journal, JournalStatus, Withdrawal, WithdrawalStage
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.store.codec import from_time, from_time_or_none, to_time, to_time_or_none
from rebal_tui.store.database import LISTED, Database, SqlRow, SqlValue, Transaction, listed
from rebal_tui.store.rows import select_list


def save_journal(tx: Transaction, journal: Journal, account_id: str) -> None:
    """Insert a journal of an account, or update its status and reason."""
    tx.execute(
        "INSERT INTO journals (id, account, from_account, to_account, amount, status, description, reason, "
        "created_at, updated_at) SELECT ?, key, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason, "
        "updated_at = excluded.updated_at",
        (
            journal.id, journal.from_account, journal.to_account, journal.amount, journal.status.value,
            journal.description, journal.reason, to_time(journal.created_at), to_time(journal.updated_at), account_id,
        ),
    )  # fmt: skip


def journal(database: Database, journal_id: str) -> Journal | None:
    rows = _journals(database, "WHERE id = ?", (journal_id,))
    return rows[0] if rows else None


def set_journal_key(tx: Transaction, journal_id: str, key: str) -> None:
    """Store the idempotency key that a journal was requested with."""
    tx.execute("UPDATE journals SET idempotency_key = ? WHERE id = ?", (key, journal_id))


def has_journal_key(database: Database, key: str) -> bool:
    """Whether a journal was requested with this idempotency key."""
    return database.row("SELECT 1 FROM journals WHERE idempotency_key = ?", (key,)) is not None


def journal_with_key(database: Database, key: str) -> Journal | None:
    """The journal that was requested with this idempotency key, None when none is known."""
    rows = _journals(database, "WHERE idempotency_key = ?", (key,))
    return rows[0] if rows else None


def journals(database: Database, limit: int = 500) -> list[Journal]:
    """Journals, newest first, at most `limit`."""
    return _journals(database, "ORDER BY created_at DESC, id LIMIT ?", (limit,))


def journal_count(database: Database) -> int:
    row = database.row("SELECT count(*) FROM journals")
    return row[0] if row else 0


def find_journals(
    database: Database,
    *,
    after: datetime | None = None,
    before: datetime | None = None,
    status: JournalStatus | None = None,
    from_account: str | None = None,
    to_account: str | None = None,
    limit: int = 500,
) -> list[Journal]:
    """Journals that match every given filter, newest first; `after` and `before` are exclusive."""
    tests: list[tuple[str, str | int]] = []
    if after is not None:
        tests.append(("created_at > ?", to_time(after)))
    if before is not None:
        tests.append(("created_at < ?", to_time(before)))
    if status is not None:
        tests.append(("status = ?", status.value))
    if from_account is not None:
        tests.append(("from_account = ?", from_account))
    if to_account is not None:
        tests.append(("to_account = ?", to_account))
    where = " AND ".join(test for test, _ in tests)
    values = tuple(value for _, value in tests)
    return _journals(
        database, f"{'WHERE ' + where if where else ''} ORDER BY created_at DESC, id LIMIT ?", (*values, limit)
    )


def open_journals(database: Database) -> list[tuple[str, Journal]]:
    """Journals that are not final, each as (account id, journal)."""
    owners: dict[str, str] = dict(
        database.rows(
            "SELECT journals.id, accounts.id FROM journals JOIN accounts ON accounts.key = journals.account "
            "WHERE journals.status IN ('queued', 'sent_to_clearing', 'pending')"
        )
    )
    found = _journals(database, "WHERE status IN ('queued', 'sent_to_clearing', 'pending') ORDER BY created_at, id", ())
    return [(owners[journal.id], journal) for journal in found]


class _JournalRow(NamedTuple):
    """A journal as read: money in billionths of a dollar, times in microseconds."""

    id: str
    from_account: str
    to_account: str
    amount: int
    status: str
    description: str
    reason: str | None
    created_at: int
    updated_at: int


def _journals(database: Database, tail: str, parameters: Sequence[SqlValue]) -> list[Journal]:
    rows = database.rows(f"SELECT {select_list(_JournalRow)} FROM journals {tail}", parameters)
    return [
        Journal(
            found.id, found.from_account, found.to_account, Money(found.amount), JournalStatus(found.status),
            found.description, from_time(found.created_at), from_time(found.updated_at), found.reason,
        )
        for found in map(_JournalRow._make, rows)
    ]  # fmt: skip


def add_withdrawal(tx: Transaction, withdrawal: Withdrawal) -> None:
    tx.execute(
        "INSERT INTO withdrawals (id, account, portfolio, amount, stage, stopped, last_rebalanced_at, rounds, run, "
        "journal, created_at, updated_at, everything) "
        "SELECT ?, accounts.key, (SELECT key FROM portfolios WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
        "FROM accounts WHERE accounts.id = ?",
        (
            withdrawal.id, withdrawal.portfolio_id, withdrawal.amount, withdrawal.stage.value, withdrawal.stopped,
            to_time_or_none(withdrawal.last_rebalanced_at), withdrawal.rounds, withdrawal.run_id,
            withdrawal.journal_id, to_time(withdrawal.created_at), to_time(withdrawal.updated_at),
            int(withdrawal.everything), withdrawal.account_id,
        ),
    )  # fmt: skip


def update_withdrawal(tx: Transaction, withdrawal: Withdrawal) -> None:
    tx.execute(
        "UPDATE withdrawals SET stage = ?, stopped = ?, rounds = ?, run = ?, journal = ?, last_rebalanced_at = ?, "
        "portfolio = (SELECT key FROM portfolios WHERE id = ?), amount = ?, updated_at = ? WHERE id = ?",
        (
            withdrawal.stage.value, withdrawal.stopped, withdrawal.rounds, withdrawal.run_id, withdrawal.journal_id,
            to_time_or_none(withdrawal.last_rebalanced_at), withdrawal.portfolio_id, withdrawal.amount,
            to_time(withdrawal.updated_at), withdrawal.id,
        ),
    )  # fmt: skip


class _WithdrawalRow(NamedTuple):
    """A withdrawal as read, with the ids of its account and portfolio."""

    id: str
    account_id: str
    portfolio_id: str | None
    amount: int
    stage: str
    stopped: str | None
    last_rebalanced_at: int | None
    rounds: int
    run: str | None
    journal: str | None
    created_at: int
    updated_at: int
    everything: int


_WITHDRAWALS = (
    f"SELECT {select_list(_WithdrawalRow, {'account_id': 'accounts.id', 'portfolio_id': 'portfolios.id'}, 'w')} "
    "FROM withdrawals w JOIN accounts ON accounts.key = w.account LEFT JOIN portfolios ON portfolios.key = w.portfolio"
)


def withdrawal(database: Database, withdrawal_id: str) -> Withdrawal:
    """One withdrawal. Raises `NotFound` when it does not exist."""
    row = database.row(f"{_WITHDRAWALS} WHERE w.id = ?", (withdrawal_id,))
    if row is None:
        raise NotFound(f"no withdrawal {withdrawal_id}")
    return _withdrawal(row)


def withdrawals(database: Database, *, only_open: bool = False, limit: int = 500) -> list[Withdrawal]:
    """Withdrawals, newest first, at most `limit`; with `only_open`, all that have not ended, oldest first."""
    if only_open:
        rows = database.rows(f"{_WITHDRAWALS} WHERE w.stage NOT IN ('completed', 'canceled') ORDER BY w.key")
    else:
        rows = database.rows(f"{_WITHDRAWALS} ORDER BY w.key DESC LIMIT ?", (limit,))
    return [_withdrawal(row) for row in rows]


def withdrawal_of_run(database: Database, run_id: str, account_id: str, at: datetime) -> Withdrawal | None:
    """The withdrawal for which an account's run, created at `at`, sells; None for a run of no withdrawal."""
    return next((one for one in withdrawals_of_accounts(database, [account_id]) if one.made(run_id, at)), None)


def withdrawals_of_accounts(database: Database, account_ids: Sequence[str]) -> list[Withdrawal]:
    """Every withdrawal of these accounts, newest first."""
    rows = database.rows(f"{_WITHDRAWALS} WHERE accounts.id IN {LISTED} ORDER BY w.key DESC", (listed(account_ids),))
    return [_withdrawal(row) for row in rows]


def withdrawal_count(database: Database) -> int:
    row = database.row("SELECT count(*) FROM withdrawals")
    return row[0] if row else 0


def open_withdrawal(database: Database, account_id: str) -> Withdrawal | None:
    """The withdrawal of an account that has not ended, None when there is none."""
    row = database.row(
        f"{_WITHDRAWALS} WHERE accounts.id = ? AND w.stage NOT IN ('completed', 'canceled')", (account_id,)
    )
    return None if row is None else _withdrawal(row)


def _withdrawal(row: SqlRow) -> Withdrawal:
    found = _WithdrawalRow._make(row)
    return Withdrawal(
        found.id, found.account_id, found.portfolio_id, Money(found.amount), WithdrawalStage(found.stage),
        found.stopped, from_time_or_none(found.last_rebalanced_at), found.rounds, found.run, found.journal,
        from_time(found.created_at), from_time(found.updated_at), bool(found.everything),
    )  # fmt: skip


def inflows_since_last_run(database: Database, accounts: Sequence[int]) -> dict[int, int]:
    """Cash received since each account's last completed run (R-31), in billionths of a dollar, by account key.

    Each sum is at most 2**62, which is above any limit that it is compared with.
    """
    rows = database.rows(
        f"SELECT c.account, sum(c.amount / {NANO}), sum(c.amount % {NANO}) FROM cash_entries c "
        "WHERE c.account IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND c.amount > 0 "
        "AND c.kind NOT IN ('opening', 'buy', 'sell') AND c.at > "
        "coalesce((SELECT max(completed_at) FROM runs WHERE account = c.account AND status LIKE 'COMPLETED%'), 0) "
        "GROUP BY c.account",
        (listed(map(str, accounts)),),
    )
    return {int(account): min(int(dollars) * NANO + int(rest), 2**62) for account, dollars, rest in rows}
