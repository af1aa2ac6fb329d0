"""Comparison of a book's executions, cash entries and journals with the simulated broker's, by column."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from rebal_tui.domain.errors import Fault
from rebal_tui.store.database import Database, SqlRow

_FILLS = (
    "SELECT f.execution_id, a.id, s.id, f.side, f.qty, f.price, f.amount, f.at, f.settles_on, f.client_order_id, "
    "f.broker_order_id FROM fills f JOIN accounts a ON a.key = f.account JOIN assets s ON s.key = f.asset"
)
_FILL_COLUMNS = (
    "account", "asset", "side", "quantity", "price", "amount", "time", "settlement day", "client order id", "order id",
)  # fmt: skip
_CASH = (
    "SELECT c.seq, a.id, c.at, c.kind, c.amount, c.settles_on, c.reference FROM cash_entries c "
    "JOIN accounts a ON a.key = c.account"
)
_CASH_COLUMNS = ("account", "time", "kind", "amount", "settlement day", "reference")
_AVERAGES = (
    "SELECT o.broker_id, o.filled_avg_price, s.filled_avg_price FROM orders o JOIN sim_orders s ON s.id = o.broker_id "
    "WHERE o.filled_qty = s.filled_qty AND o.filled_avg_price IS NOT s.filled_avg_price"
)
_JOURNALS = (
    "SELECT j.id, a.id, j.from_account, j.to_account, j.amount, j.status, j.description, j.reason, j.created_at, "
    "j.updated_at FROM journals j JOIN accounts a ON a.key = j.account"
)
_JOURNAL_COLUMNS = (
    "account", "sending account", "receiving account", "amount", "status", "description", "reason", "creation time",
    "time of the last change",
)  # fmt: skip
_KEYS = "SELECT j.id FROM journals j JOIN sim_journals s ON s.id = j.id WHERE j.idempotency_key <> s.idempotency_key"
_ORDER_TIMES = (
    "SELECT s.client_order_id FROM orders o JOIN sim_orders s ON s.id = o.broker_id WHERE o.sent <> 1 "
    "OR o.reject_reason IS NOT s.reason "
    "OR o.filled_at IS NOT iif(s.status = 'filled', s.updated_at, NULL) "
    "OR o.expired_at IS NOT iif(s.status = 'expired', s.updated_at, NULL) "
    "OR o.canceled_at IS NOT iif(s.status = 'canceled', s.updated_at, NULL) "
    "OR o.failed_at IS NOT iif(s.status = 'rejected', s.updated_at, NULL)"
)
_ASSETS = (
    "SELECT a.symbol FROM assets a LEFT JOIN sim_assets s ON s.id = a.id WHERE s.id IS NULL OR s.symbol <> a.symbol "
    "OR s.name <> a.name OR s.exchange <> a.exchange OR s.status <> a.status OR s.tradable <> a.tradable "
    "OR s.fractionable <> a.fractionable"
)


class BrokerRecords(Protocol):
    """Records of the simulated broker, as rows by id."""

    def recorded_fills(self) -> Mapping[str, SqlRow]:
        """Executions by id, each with the columns that are compared with the book."""

    def recorded_cash(self) -> Mapping[int, SqlRow]:
        """Cash entries by id, each with the columns that are compared with the book."""

    def recorded_journals(self) -> Mapping[str, SqlRow]:
        """Journals by id, each with the columns that are compared with the book."""


def record_faults(database: Database, broker: BrokerRecords) -> Iterator[Fault]:
    """Faults of records: those that the broker lacks or has with other values, and those that the book lacks.

    Cash entries that the book lacks are not looked for: the broker's entries may be older than the book, and the check
    of the audit trail finds the others.
    """
    yield from _compared(database, "fill", _FILLS, _FILL_COLUMNS, broker.recorded_fills(), complete=True)
    yield from _compared(database, "cash entry", _CASH, _CASH_COLUMNS, broker.recorded_cash(), complete=False)
    yield from _compared(database, "journal", _JOURNALS, _JOURNAL_COLUMNS, broker.recorded_journals(), complete=True)
    for order, mine, yours in database.connection.execute(_AVERAGES):
        yield Fault(f"order {order}", f"average price is {mine} in the book, {yours} at the broker")
    for (order,) in database.connection.execute(_ORDER_TIMES):
        yield Fault(f"order {order}", "its times or its reason differ from the broker's")
    for (journal,) in database.connection.execute(_KEYS):
        yield Fault(f"journal {journal}", "its idempotency key differs from the broker's")
    for (symbol,) in database.connection.execute(_ASSETS):
        yield Fault(f"asset {symbol}", "differs from the broker's, or is not listed there")
    yield from _decided_cash(database)


def _decided_cash(database: Database) -> Iterator[Fault]:
    """Check that the cash stored with a decision is the sum of the account's cash entries before it.

    Entries of the same time may be before or after the decision.
    """
    entries: dict[str, tuple[list[int], list[int]]] = {}
    for account, at, amount in database.connection.execute(
        "SELECT a.id, l.at, l.amount FROM sim_ledger l JOIN sim_accounts a ON a.n = l.account ORDER BY l.account, l.n"
    ):
        times, sums = entries.setdefault(account, ([], [0]))
        times.append(at)
        sums.append(sums[-1] + amount)
    for account, session, at, cash in database.connection.execute(
        "SELECT a.id, d.session, c.at, d.cash FROM decisions d JOIN accounts a ON a.key = d.account "
        "JOIN contexts c ON c.key = d.context"
    ):
        times, sums = entries.get(account, ([], [0]))
        if cash not in sums[bisect_left(times, at) : bisect_right(times, at) + 1]:
            yield Fault(f"account {account}", f"a decision of {session} found other cash than its entries sum to")


def _compared(
    database: Database, what: str, sql: str, columns: Sequence[str], theirs: Mapping[Any, SqlRow], *, complete: bool
) -> Iterator[Fault]:
    missing = set(theirs) if complete else set()
    for identity, *ours in database.connection.execute(sql):
        missing.discard(identity)
        known = theirs.get(identity)
        if known is None:
            yield Fault(f"{what} {identity}", "exists in the book but not at the broker")
        elif tuple(ours) != tuple(known):
            differs = [
                f"{name} is {mine} in the book, {yours} at the broker"
                for name, mine, yours in zip(columns, ours, known, strict=True)
                if mine != yours
            ]
            yield Fault(f"{what} {identity}", "; ".join(differs))
    for identity in sorted(missing):
        yield Fault(f"{what} {identity}", "exists at the broker but not in the book")
