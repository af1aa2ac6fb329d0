"""The audit chain detects changes, and with an anchor also truncation (G23)."""

from __future__ import annotations

import sqlite3

import pytest

from rebal_tui.store import audit
from rebal_tui.store.database import Database
from tests.store.books import START, new_file, with_trail


def unlocked(database: Database) -> sqlite3.Connection:
    """Write to the file as another program would."""
    for trigger in ("audit_no_update", "audit_no_delete"):
        database.connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    return database.connection


def test_an_unchanged_trail_verifies_with_its_head_as_the_anchor() -> None:
    database = with_trail(new_file())
    assert audit.verify(database) == []
    assert audit.verify(database, audit.head(database)) == []
    assert audit.verify(database, (7, audit.entries(database, 100)[-7].hash)) == []


def test_an_empty_trail_verifies_with_its_own_head() -> None:
    database = new_file()
    assert audit.head(database) == (0, audit.GENESIS)
    anchor = audit.head(database)
    assert audit.verify(database, anchor) == []
    with_trail(database)
    assert audit.verify(database, anchor) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'someone' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 20",
        "DELETE FROM audit",
        "UPDATE audit SET hash = hash",
    ],
)
def test_the_file_refuses_changes_to_the_trail(statement: str) -> None:
    database = with_trail(new_file())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.connection.execute(statement)
    assert audit.verify(database) == []


@pytest.mark.slow
@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail", "previous", "hash"])
@pytest.mark.parametrize("seq", [1, 11, 20])
def test_an_edit_of_any_field_of_any_entry_is_detected(column: str, seq: int) -> None:
    database = with_trail(new_file())
    value = "1" if column == "at" else "'edited'"
    unlocked(database).execute(f"UPDATE audit SET {column} = {value} WHERE seq = ?", (seq,))
    assert audit.verify(database) == [f"audit entry {seq} does not match its hash"]


def test_a_truncated_tail_is_found_with_an_anchor() -> None:
    database = with_trail(new_file())
    anchor = audit.head(database)
    unlocked(database).execute("DELETE FROM audit WHERE seq > 12")
    assert audit.verify(database) == []
    assert audit.verify(database, anchor) == ["the audit trail has no entry 20 with the recorded hash"]


def test_a_rewritten_tail_is_found_with_an_anchor() -> None:
    database = with_trail(new_file())
    anchor = audit.head(database)
    unlocked(database).execute("DELETE FROM audit WHERE seq > 15")
    with database.write() as tx:
        for number in range(5):
            audit.append(tx, START, "system", "action", f"other {number}")
    assert audit.head(database)[0] == 20
    assert audit.verify(database) == []
    assert audit.verify(database, anchor) != []


def test_an_entry_is_rolled_back_with_its_change() -> None:
    database = with_trail(new_file())

    def work() -> None:
        with database.write() as tx:
            audit.append(tx, START, "system", "run.queued", "run")
            raise LookupError

    with pytest.raises(LookupError):
        work()
    assert audit.head(database)[0] == 20
    with database.write() as tx:
        audit.append(tx, START, "system", "after", "it")
    assert audit.verify(database) == []


def test_entries_are_found_by_text_and_a_wildcard_is_only_a_character() -> None:
    database = new_file()
    with database.write() as tx:
        for subject in ("100%", "100 percent", "under_score", "underXscore", "back\\slash", "it's; DROP TABLE audit"):
            audit.append(tx, START, "system", "note", subject)
    for text in ("100%", "under_score", "back\\slash", "it's; DROP TABLE audit"):
        assert [entry.subject for entry in audit.entries(database, containing=text)] == [text]
    assert len(audit.entries(database, limit=2)) == 2


def test_entries_are_found_without_case_and_accents() -> None:
    database = new_file()
    with database.write() as tx:
        audit.append(tx, START, "system", "note", "Müller", {"why": "Ärger"})
        audit.append(tx, START, "system", "note", "plain")
    for text in ("muller", "MÜLL", "arger", "Ärg"):
        assert [entry.subject for entry in audit.entries(database, containing=text)] == ["Müller"]
    assert audit.entries(database, containing="müllerin") == []
