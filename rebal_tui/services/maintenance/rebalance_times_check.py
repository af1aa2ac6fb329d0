"""Check of the date of last rebalance of subscriptions: it must match their runs and decisions (R-25)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from rebal_tui.domain.errors import Fault
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.store.database import Database

_DECIDED = (
    "SELECT d.subscription, c.at, d.last_rebalanced_at FROM decisions d JOIN contexts c ON c.key = d.context "
    "ORDER BY d.subscription, c.at"
)


@dataclass(slots=True)
class _Rebalances:
    """Ends of the full rebalances of one subscription, ascending, in microseconds.

    `ends` are all of them; `counted` are those that surely count, because they succeeded with an order.
    """

    ends: list[int] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)

    def explains(self, value: int | None, before: int | None, at: int | None) -> bool:
        """Whether `value` can be the date of last rebalance at the time `at`, None for now; all are in microseconds.

        `before` is the date with which the subscription began. A run that ended exactly at `at` may be the last
        rebalance or not.
        """
        counted = [end for end in self.counted if at is None or end < at]
        if value is not None and value in self.ends:
            return (at is None or value <= at) and (not counted or value >= counted[-1])
        return value == before and not counted


def rebalance_time_faults(database: Database) -> Iterator[Fault]:
    """Subscriptions and decisions whose date of last rebalance is neither the end of a run nor the initial date.

    A subscription may begin with an earlier date, from an import or a subscription that it continues. Its first
    decision has that date; later decisions and the subscription itself must have the same date until a run ends.
    """
    rebalances = _read(database)
    first: dict[int, int | None] = {}
    none = _Rebalances()
    faulty = set[int]()
    row = database.row("SELECT at FROM audit ORDER BY seq LIMIT 1")
    began = row[0] if row else 0
    for subscription, at, value in database.connection.execute(_DECIDED):
        known = rebalances.get(subscription, none)
        if subscription not in first:
            first[subscription] = None if value in known.ends else value
        if not known.explains(value, first[subscription], at):
            faulty.add(subscription)
    for key, identity, created_at, value in database.rows(
        "SELECT key, id, created_at, last_rebalanced_at FROM subscriptions"
    ):
        if key in faulty:
            yield Fault(f"subscription {identity}", "a decision has another last rebalance than the runs before it")
        early = value if value is None or value <= max(created_at, began) else None
        if not rebalances.get(key, none).explains(value, first.get(key, early), None):
            yield Fault(f"subscription {identity}", "its last rebalance is not the end of a run that counts")


def _read(database: Database) -> dict[int, _Rebalances]:
    found: dict[int, _Rebalances] = defaultdict(_Rebalances)
    for subscription, status, end, placed in database.rows(
        "SELECT subscription, status, coalesce(completed_at, canceled_at), "
        "EXISTS (SELECT 1 FROM orders WHERE run = runs.key) FROM runs "
        "WHERE type = ? AND subscription IS NOT NULL AND coalesce(completed_at, canceled_at) IS NOT NULL "
        "ORDER BY coalesce(completed_at, canceled_at)",
        (RunType.FULL_REBALANCE.value,),
    ):
        found[subscription].ends.append(end)
        if status == RunStatus.COMPLETED_SUCCESS and placed:
            found[subscription].counted.append(end)
    return found
