"""Coverage of order states by faults: the pairs that a simulation has tried, counted as it runs (G7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from rebal_tui.store.codec import parse_client_order_id
from rebal_tui.store.database import Database

Pair: TypeAlias = tuple[str, str]
"""An order's state as the book has it, and a fault."""

WAITING, UNRESOLVED, ACCEPTED = "waiting", "unknown", "new"
OPEN = (WAITING, UNRESOLVED, ACCEPTED, "partially_filled", "pending_cancel")
ENDED = ("filled", "canceled", "expired", "rejected")
STATES = OPEN + ENDED

ON_REQUESTS = ("lost_requests", "late_requests", "double_requests", "lost_replies")
ON_READS = ("lookup_lag", "failed_reads")
ON_EVENTS = ("late_events", "repeated_events", "shuffled_events", "slow_stream")
ON_PROCESS = ("kills", "restarts")
EXTERNAL_FAULTS = ("rejects", "halts", "dead_assets", "restrictions", "statuses", "price_freezes", "price_jumps")
KINDS = ON_REQUESTS + ON_READS + ON_EVENTS + ON_PROCESS + EXTERNAL_FAULTS

_STATE = (
    "CASE WHEN o.status <> 'pending_new' THEN o.status WHEN o.broker_id IS NOT NULL THEN 'new' "
    "WHEN o.sent = 1 THEN 'unknown' ELSE 'waiting' END FROM orders o JOIN runs ON runs.key = o.run "
)
_UNFINISHED = (
    "JOIN accounts ON accounts.key = runs.account JOIN assets ON assets.key = o.asset "
    "WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') AND coalesce(accounts.id = ?, 1) AND coalesce(assets.symbol = ?, 1)"
)


def _state(database: Database, client_order_id: str) -> str | None:
    """The state of an order of the program, None for any other order."""
    ours = parse_client_order_id(client_order_id)
    row = database.row(f"SELECT {_STATE} WHERE runs.id = ? AND o.line = ?", ours) if ours else None
    return None if row is None else str(row[0])


class FaultCoverage:
    """The covered pairs."""

    def __init__(self) -> None:
        self.pairs: set[Pair] = set()

    def orders(self, fault: str, database: Database, client_order_ids: Iterable[str]) -> None:
        """Record a connection fault that affects messages about some orders."""
        for name in client_order_ids:
            state = _state(database, name)
            if state is not None:
                self.pairs.add((state, fault))

    def is_unresolved(self, database: Database, client_order_id: str) -> bool:
        """Whether the outcome of an order that the book sent is unknown to it."""
        return _state(database, client_order_id) == UNRESOLVED

    def unfinished(
        self, fault: str, database: Database, account_id: str | None = None, symbol: str | None = None
    ) -> None:
        """Record a fault that affects every order of unfinished runs, or those of one account or asset."""
        rows = database.rows(f"SELECT DISTINCT {_STATE} {_UNFINISHED}", (account_id, symbol))
        self.pairs.update((state, fault) for (state,) in rows)


def _impossible() -> dict[Pair, str]:
    """The pairs that cannot exist, with the reason."""
    found: dict[Pair, str] = {}
    for fault in (*ON_REQUESTS, *ON_READS, *ON_EVENTS, "rejects"):
        found[WAITING, fault] = "the broker does not have it yet"
    for fault in ON_REQUESTS:
        found["pending_cancel", fault] = "neither the order nor its cancel is sent again"
        for state in ENDED:
            found[state, fault] = "no request is sent for an order that has ended"
    for state in (ACCEPTED, "partially_filled", "pending_cancel", *ENDED):
        found[state, "lookup_lag"] = "an order known from the broker is found"
    for state in ("partially_filled", "filled", "canceled", "expired"):
        found[state, "rejects"] = "the broker rejects only orders without fills that have not ended"
    return found


IMPOSSIBLE = _impossible()
POSSIBLE = frozenset((state, kind) for state in STATES for kind in KINDS) - IMPOSSIBLE.keys()
