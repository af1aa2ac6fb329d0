"""The audit trail indexed by the ids that its entries name, read once for a report."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from rebal_tui.store import audit
from rebal_tui.store.audit import AuditEntry
from rebal_tui.store.database import Database

_ALL = 2**62


class AuditIndex:
    """Audit entries by their subject and by every text in their detail, such as ids."""

    def __init__(self, database: Database) -> None:
        self._by_id: dict[str, list[AuditEntry]] = defaultdict(list)
        for entry in reversed(audit.entries(database, _ALL)):
            for named in {entry.subject, *_texts(json.loads(entry.detail))}:
                self._by_id[named].append(entry)

    def about(self, ids: Iterable[str]) -> list[AuditEntry]:
        """The entries that name one of the ids, oldest first, without repetition."""
        found = {entry.seq: entry for identifier in ids for entry in self._by_id.get(identifier, ())}
        return [found[seq] for seq in sorted(found)]


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
