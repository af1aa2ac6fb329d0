"""Comparison of a book's executions, cash entries and journals with the simulated broker's, by column."""

from __future__ import annotations

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
    "SELECT j.id, a.id, j.from_account, j.to_account, j.amount, j.status, j.description FROM journals j "
    "JOIN accounts a ON a.key = j.account"
)
_JOURNAL_COLUMNS = ("account", "sending account", "receiving account", "amount", "status", "description")


class BrokerRecords(Protocol):
    """Records of a simulated broker, as rows by id."""

    def recorded_fills(self) -> Mapping[str, SqlRow]:
        """Executions, with the columns of `_FILL_COLUMNS`."""

    def recorded_cash(self) -> Mapping[int, SqlRow]:
        """Cash entries, with the columns of `_CASH_COLUMNS`."""

    def recorded_journals(self) -> Mapping[str, SqlRow]:
        """Journals, with the columns of `_JOURNAL_COLUMNS`."""


def record_faults(database: Database, broker: BrokerRecords) -> Iterator[Fault]:
    """Records of the book that the broker does not have or has otherwise, and executions and journals that the book
    lacks.

    Cash entries of the broker may be older than the book; the audit trail shows those that the book lacks.
    """
    yield from _compared(database, "fill", _FILLS, _FILL_COLUMNS, broker.recorded_fills(), complete=True)
    yield from _compared(database, "cash entry", _CASH, _CASH_COLUMNS, broker.recorded_cash(), complete=False)
    yield from _compared(database, "journal", _JOURNALS, _JOURNAL_COLUMNS, broker.recorded_journals(), complete=True)
    for order, mine, yours in database.connection.execute(_AVERAGES):
        yield Fault(f"order {order}", f"average price is {mine} in the book, {yours} at the broker")


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
