"""Check of the reservations of a book: each has an owner that still needs it (R-2, R-9)."""

from __future__ import annotations

from collections.abc import Iterator

from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.errors import Fault
from rebal_tui.domain.quantities import money_text
from rebal_tui.domain.runs import RunStatus
from rebal_tui.store.database import Database

_ENDED = ", ".join(f"'{s}'" for s in (RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED, RunStatus.TIMEOUT))
_UNDER_WAY = ", ".join(f"'{status}'" for status in JournalStatus if not status.final)
# What runs have reserved now, and what journals in progress hold from them.
_OF_RUNS = """
SELECT account, owner AS id, amount FROM reservations WHERE owner_kind = 'run'
UNION ALL SELECT account, origin, amount FROM reservations WHERE origin_kind = 'run'
"""


def reservation_faults(database: Database) -> Iterator[Fault]:
    """Reservations whose owner does not exist, has ended or needs less, and open journals out of an account whose
    amount is not reserved.
    """
    for run, amount, most in database.rows(
        f"SELECT o.id, sum(o.amount), max(r.amount) FROM ({_OF_RUNS}) o LEFT JOIN runs r ON r.id = o.id "
        f"AND r.account = o.account AND r.type = 'partial_liquidation' AND r.status IN ({_ENDED}) "
        "GROUP BY o.id, o.account HAVING r.id IS NULL OR sum(o.amount) > r.amount"
    ):
        text = f"reserves ${money_text(amount)}, but "
        yield Fault(
            f"run {run}", text + ("it raised no cash" if most is None else f"raised ${money_text(most)} at most")
        )
    for withdrawal, amount, most in database.rows(
        "SELECT o.owner, o.amount, w.amount FROM reservations o LEFT JOIN withdrawals w ON w.id = o.owner "
        "AND w.account = o.account AND w.stage NOT IN ('completed', 'canceled') WHERE o.owner_kind = 'withdrawal' "
        "AND (w.id IS NULL OR (o.amount > w.amount AND NOT w.everything))"
    ):
        why = "it is not in progress" if most is None else f"its amount is ${money_text(most)}"
        yield Fault(f"withdrawal {withdrawal}", f"reserves ${money_text(amount)}, but {why}")
    for journal, amount in database.rows(
        "SELECT r.owner, sum(r.amount) FROM reservations r LEFT JOIN journals j ON j.id = r.owner "
        f"AND j.account = r.account AND j.status IN ({_UNDER_WAY}) "
        "WHERE r.owner_kind = 'journal' AND j.id IS NULL GROUP BY r.owner, r.account"
    ):
        yield Fault(f"journal {journal}", f"reserves ${money_text(amount)}, but it is not under way")
    for journal, origin in database.rows(
        "SELECT r.owner, r.origin FROM reservations r LEFT JOIN withdrawals w ON w.id = r.origin "
        "AND w.account = r.account WHERE r.origin_kind = 'withdrawal' AND w.id IS NULL"
    ):
        yield Fault(f"journal {journal}", f"holds cash of withdrawal {origin}, which its account does not have")
    for journal, amount, reserved in database.rows(
        "SELECT j.id, j.amount, (SELECT coalesce(sum(amount), 0) FROM reservations r WHERE r.account = j.account "
        "AND r.owner_kind = 'journal' AND r.owner = j.id) AS reserved FROM journals j "
        "JOIN accounts a ON a.key = j.account AND a.id = j.from_account "
        f"WHERE j.status IN ({_UNDER_WAY}) AND reserved <> j.amount"
    ):
        yield Fault(
            f"journal {journal}", f"moves ${money_text(amount)} out, but ${money_text(reserved)} are reserved for it"
        )
