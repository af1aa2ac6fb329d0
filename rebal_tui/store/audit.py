"""The append-only, hash-chained audit trail; an entry is written in the transaction that it records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rebal_tui.domain.text import fold
from rebal_tui.store.codec import dump, from_time, to_time
from rebal_tui.store.database import Database, Transaction

GENESIS = "0" * 64
_NAMED = (
    "OR EXISTS (SELECT 1 FROM json_each(?6) AS one WHERE subject = one.value OR instr(detail, json_quote(one.value)))"
)
"""Condition on entries that name one of the accounts in a JSON list."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An audit entry. `hash` covers every other field and the previous entry's hash; `detail` is JSON text."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    hash: str


def append(tx: Transaction, at: datetime, actor: str, action: str, subject: str, detail: Any = None) -> None:
    """Append an entry: an actor's action on a subject."""
    last = tx.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    text = dump(detail if detail is not None else {})
    digest = _digest(seq, to_time(at), actor, action, subject, text, previous)
    tx.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, to_time(at), actor, action, subject, text, previous, digest),
    )


def verify(database: Database, anchor: tuple[int, str] | None = None) -> list[str]:
    """Faults of the audit trail's hash chain, one message each; empty when it is intact.

    Edits, insertions and deletions inside the chain are always detected. A truncated end is detected with an `anchor`:
    the (seq, hash) of the last entry, recorded elsewhere, as in every export and backup.
    """
    previous, expected = GENESIS, 1
    heads: dict[int, str] = {0: GENESIS}
    for seq, at, actor, action, subject, detail, before, digest in database.connection.execute(
        "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit ORDER BY seq"
    ):
        if seq != expected:
            return [f"audit entry {expected} is missing"]
        if before != previous or digest != _digest(seq, at, actor, action, subject, detail, before):
            return [f"audit entry {seq} does not match its hash"]
        previous, expected = digest, seq + 1
        if anchor and seq == anchor[0]:
            heads[seq] = digest
    if anchor and heads.get(anchor[0]) != anchor[1]:
        return [f"the audit trail has no entry {anchor[0]} with the recorded hash"]
    return []


def began_at(database: Database) -> datetime | None:
    """When the first entry was written, None for an empty trail."""
    first = database.row("SELECT at FROM audit ORDER BY seq LIMIT 1")
    return from_time(first[0]) if first else None


def last_at(database: Database) -> datetime | None:
    """The latest timestamp of any audit entry, None for an empty trail."""
    last = database.row("SELECT max(at) FROM audit")
    return from_time(last[0]) if last and last[0] is not None else None


def head(database: Database) -> tuple[int, str]:
    """The last entry's `seq` and hash; (0, zeros) when the trail is empty."""
    last = database.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    return (last[0], last[1]) if last else (0, GENESIS)


def entries(
    database: Database, limit: int = 1_000, containing: str = "", after: int = 0, accounts: Sequence[str] = ()
) -> list[AuditEntry]:
    """Entries with a `seq` above `after` whose action, subject or detail contains the text `containing`, newest first.

    At most `limit` of them. Case and accents are ignored. Entries that name one of the `accounts` by its id are
    found, too.
    """
    folded = fold(containing)
    like = "%" + folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    # `fold` is slow, so that it reads only texts with other characters than ASCII.
    rows = database.rows(
        "SELECT seq, at, actor, action, subject, detail, hash FROM audit WHERE seq > ?5 "
        "AND (action LIKE ?1 ESCAPE '\\' OR subject LIKE ?1 ESCAPE '\\' OR detail LIKE ?1 ESCAPE '\\' "
        "OR (subject GLOB ?2 AND instr(fold(subject), ?3)) OR (detail GLOB ?2 AND instr(fold(detail), ?3)) "
        f"{_NAMED if accounts else ''}) ORDER BY seq DESC LIMIT ?4",
        (like, "*[^ -~]*", folded, limit, after, *((json.dumps(accounts),) if accounts else ())),
    )
    return [AuditEntry(r[0], from_time(r[1]), *r[2:]) for r in rows]


def subjects(database: Database, action: str) -> set[str]:
    """The subjects of all audit entries with an action."""
    return {subject for (subject,) in database.rows("SELECT DISTINCT subject FROM audit WHERE action = ?", (action,))}


def last_detail(database: Database, action: str, subject: str) -> dict[str, Any]:
    """The detail of the newest entry of an action about a subject; empty without such an entry."""
    query = "SELECT detail FROM audit WHERE action = ? AND subject = ? ORDER BY seq DESC LIMIT 1"
    row = database.row(query, (action, subject))
    found: dict[str, Any] = json.loads(row[0]) if row and row[0] else {}
    return found


def entries_after(database: Database, seq: int, limit: int, actions: Sequence[str]) -> list[AuditEntry]:
    """Entries of the given actions with a `seq` above the given one, oldest first, at most `limit`."""
    rows = database.rows(
        "SELECT seq, at, actor, action, subject, detail, hash FROM audit WHERE seq > ? "
        f"AND action IN ({', '.join('?' * len(actions))}) ORDER BY seq LIMIT ?",
        (seq, *actions, limit),
    )
    return [AuditEntry(r[0], from_time(r[1]), *r[2:]) for r in rows]


def last_before(database: Database, at: datetime) -> int:
    """The `seq` of the last entry earlier than `at`, 0 when there is none."""
    row = database.row("SELECT coalesce(max(seq), 0) FROM audit WHERE at < ?", (to_time(at),))
    return int(row[0]) if row else 0


def _digest(seq: int, at: int, actor: str, action: str, subject: str, detail: str, previous: str) -> str:
    return hashlib.sha256(dump([seq, at, actor, action, subject, detail, previous]).encode()).hexdigest()
