"""Any tampering is detected with the last anchor; without it, all but a rewritten tail (G23)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from random import Random

import pytest

from rebal_tui.store import audit
from rebal_tui.store.database import Database, Transaction
from tests.store.books import START, new_file, with_trail

ENTRIES = 8
TAMPERED = 10_000
COLUMNS = ("seq", "at", "actor", "action", "subject", "detail", "previous", "hash")
ROWS = "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit ORDER BY seq"
Tamper = Callable[[Database, Random], None]


def entry(random: Random) -> int:
    return random.randint(1, ENTRIES)


def renumber(connection: sqlite3.Connection, first: int, by: int) -> None:
    """Shift the numbers of all entries from `first` by `by`."""
    later = [seq for (seq,) in connection.execute("SELECT seq FROM audit WHERE seq >= ? ORDER BY seq", (first,))]
    for seq in reversed(later) if by > 0 else later:
        connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (seq + by, seq))


def other_text(text: str, random: Random) -> str:
    """A text that is almost equal or looks equal."""
    at = random.randrange(len(text))
    return random.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + random.choice("0aZ{\"' \t\n\0\u200b\u0430é") + text[at + random.randint(0, 1) :],
            text.swapcase(),
            text + random.choice((" ", "\0", "\u200b")),
            text[::-1],
            "",
        )
    )


def edit(database: Database, random: Random) -> None:
    """Change one field of one entry slightly."""
    seq, column = entry(random), random.choice(COLUMNS)
    (value,) = database.connection.execute(f"SELECT {column} FROM audit WHERE seq = ?", (seq,)).fetchone()
    new = value + random.choice((-1, 1, 60_000_000, 1 << 40)) if isinstance(value, int) else other_text(value, random)
    database.connection.execute(f"UPDATE OR IGNORE audit SET {column} = ? WHERE seq = ?", (new, seq))


def shift(database: Database, random: Random) -> None:
    """Move the border between two fields, so that their concatenation is unchanged."""
    position = random.randint(2, 4)
    left, right = COLUMNS[position : position + 2]
    database.connection.execute(
        f"UPDATE audit SET {left} = substr({left}, 1, length({left}) - 1), {right} = substr({left}, -1) || {right} "
        "WHERE seq = ?",
        (entry(random),),
    )


def edit_hashed(database: Database, random: Random) -> None:
    """Change one field and the entry's own hash to match; later entries are unchanged."""
    seq, column = random.randint(1, ENTRIES - 1), random.choice(COLUMNS[1:6])
    value = 7 if column == "at" else f"edited {random.random()}"
    database.connection.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (value, seq))
    *fields, _ = database.rows(ROWS)[seq - 1]
    database.connection.execute("UPDATE audit SET hash = ? WHERE seq = ?", (audit._digest(*fields), seq))


def insert(database: Database, random: Random) -> None:
    """Insert a forged or copied entry in the middle or at the end, with an invented or a correct hash."""
    seq = random.randint(1, ENTRIES + 1)
    renumber(database.connection, seq, 1)
    rows = database.rows(ROWS)
    previous = rows[seq - 2][7] if seq > 1 else audit.GENESIS
    fields = (seq, *random.choice(rows)[1:6], random.choice((previous, rows[0][7])))
    if random.random() < 0.5 and seq <= ENTRIES:
        digest = audit._digest(*fields)
    else:
        digest = hashlib.sha256(random.randbytes(8)).hexdigest()
    database.connection.execute("INSERT OR IGNORE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, digest))


def delete(database: Database, random: Random) -> None:
    """Remove one or more entries, with or without a gap in the numbers."""
    first = random.randint(1, ENTRIES - 1)
    last = random.randint(first, ENTRIES - 1)
    database.connection.execute("DELETE FROM audit WHERE seq BETWEEN ? AND ?", (first, last))
    if random.random() < 0.7:
        renumber(database.connection, last + 1, first - last - 1)


def swap(database: Database, random: Random) -> None:
    """Swap the numbers of two entries, or one field of both."""
    first, second = random.sample(range(1, ENTRIES + 1), 2)
    column = random.choice(COLUMNS)
    if column == "seq":
        for before, after in ((first, 99), (second, first), (99, second)):
            database.connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (after, before))
        return
    values: dict[int, object] = dict(database.rows(f"SELECT seq, {column} FROM audit"))
    database.connection.execute(
        f"UPDATE audit SET {column} = 'aside' || seq WHERE seq = ? AND ? <> 'at'", (first, column)
    )
    for seq, other in ((second, first), (first, second)):
        database.connection.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (values[other], seq))


def cut(database: Database, random: Random) -> None:
    """Remove the tail, possibly all entries."""
    database.connection.execute("DELETE FROM audit WHERE seq > ?", (random.randint(0, ENTRIES - 1),))


def rewrite_tail(database: Database, random: Random) -> None:
    """Rewrite the tail with other content, chained correctly; it may be shorter, equal or longer."""
    cut(database, random)
    for number in range(random.randint(1, ENTRIES + 2)):
        audit.append(Transaction(database, []), START, "system", "action.0", f"anew {number}")


INSIDE: tuple[Tamper, ...] = (edit, shift, edit_hashed, insert, delete, swap)
TAIL: tuple[Tamper, ...] = (cut, rewrite_tail)


@pytest.mark.slow
def test_every_edit_insertion_deletion_swap_and_cut_is_found() -> None:
    database = with_trail(new_file(), ENTRIES)
    for trigger in ("audit_no_update", "audit_no_delete"):
        database.connection.execute(f"DROP TRIGGER {trigger}")
    anchor, whole = audit.head(database), database.rows(ROWS)
    done = seed = 0
    while done < TAMPERED:
        seed += 1
        random = Random(seed)
        tamper = random.choice(INSIDE + TAIL)
        database.connection.execute("SAVEPOINT whole")
        tamper(database, random)
        if database.rows(ROWS) != whole:
            done += 1
            assert audit.verify(database, anchor), (tamper.__name__, seed)
            assert tamper in TAIL or audit.verify(database), (tamper.__name__, seed)
        database.connection.execute("ROLLBACK TO whole")
        database.connection.execute("RELEASE whole")
    assert done > seed * 0.9
    assert audit.verify(database, anchor) == []
