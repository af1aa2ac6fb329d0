"""Audit-trail counts by covered objects: one entry may cover many runs or fills."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from rebal_tui.store.audit import AuditEntry


def audit_counts_of(entries: Iterable[AuditEntry]) -> Counter[str]:
    """The number of runs and fills reported, by action and, for ended runs, by status; other entries by action."""
    counts: Counter[str] = Counter()
    for entry in entries:
        detail = json.loads(entry.detail)
        if entry.action in ("runs.queued", "runs.started"):
            counts[entry.action] += sum(last - first + 1 for first, last in detail["runs"])
        elif entry.action == "runs.ended":
            counts.update(f"run.{status}" for _, status, _ in detail["runs"])
        elif entry.action == "runs.canceled":
            counts[entry.action] += len(detail["runs"])
        elif entry.action == "orders.filled":
            counts[entry.action] += len(detail["fills"])
        else:
            counts[entry.action] += 1
    return counts
