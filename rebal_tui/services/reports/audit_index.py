"""The audit trail indexed by the ids that its entries name, read once for a report."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from rebal_tui.store import audit
from rebal_tui.store.audit import AuditEntry
from rebal_tui.store.audit_digests import QUEUED, STARTED
from rebal_tui.store.database import Database

_ALL = 2**62


class AuditIndex:
    """The audit entries of a book, found by their subject and by every text in their detail, such as ids."""

    def __init__(self, database: Database) -> None:
        self._by_id: dict[str, list[AuditEntry]] = defaultdict(list)
        self._of_runs: dict[str, list[tuple[int, int, AuditEntry]]] = {QUEUED: [], STARTED: []}
        for entry in reversed(audit.entries(database, _ALL)):
            detail = json.loads(entry.detail)
            for named in {entry.subject, *_texts(detail)}:
                self._by_id[named].append(entry)
            if entry.action in self._of_runs:
                self._of_runs[entry.action] += [(first, last, entry) for first, last in detail["runs"]]
        for ranges in self._of_runs.values():
            ranges.sort(key=_first_key)

    def about(self, ids: Iterable[str]) -> list[AuditEntry]:
        """The audit entries that name one of the ids, oldest first, each once."""
        found = {entry.seq: entry for identifier in ids for entry in self._by_id.get(identifier, ())}
        return [found[seq] for seq in sorted(found)]

    def of_run(self, action: str, key: int) -> AuditEntry | None:
        """The entry that recorded the creation or the start of a run, alone or with other runs; None without one.

        `action` is `QUEUED` for the creation and `STARTED` for the start; `key` is the run's key in the file.
        """
        ranges = self._of_runs[action]
        at = bisect_right(ranges, key, key=_first_key) - 1
        return ranges[at][2] if at >= 0 and key <= ranges[at][1] else None

    def first(self, named: str, *actions: str) -> AuditEntry | None:
        """The oldest entry that names an id and has one of the actions; None without one."""
        return next((entry for entry in self._by_id.get(named, ()) if entry.action in actions), None)


def _first_key(keys: tuple[int, int, AuditEntry]) -> int:
    return keys[0]


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, content in value.items():
            yield key
            yield from _texts(content)
    elif isinstance(value, list):
        for content in value:
            yield from _texts(content)
