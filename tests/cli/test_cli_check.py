"""`check --anchor`: a truncated or rewritten audit trail does not match its anchor."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.books import book, call, written


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "clients.db"
    assert call("import", written(tmp_path, book()), "--db", path).code == 0
    assert call("evaluate", "--db", path).code == 0
    return path


def noted(db: Path, method: str) -> str:
    """The anchor of the last entry."""
    folder = db.parent
    if method == "backup":
        assert call("backup", folder / "copy.db", "--db", db).code == 0
        return str(folder / "copy.db")
    if method == "export":
        (folder / "runs.json").write_text(call("export", "runs", "--format", "json", "--db", db).out)
        return str(folder / "runs.json")
    if method == "json":
        head = call("check", "--json", "--db", db).json["audit_head"]
        return f"{head['seq']}:{head['hash']}"
    noted_head = re.search(r"ends with entry ([0-9]+, [0-9a-f]{64})\n", call("check", "--db", db).out)
    assert noted_head is not None
    return noted_head[1]


def cut(db: Path) -> None:
    """Remove the last entry of the trail without a trace."""
    connection = sqlite3.connect(db)
    connection.execute("DROP TRIGGER audit_no_delete")
    connection.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    connection.commit()
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["message", "json", "backup", "export"])
def test_a_truncated_trail_is_found_with_its_noted_anchor(db: Path, method: str) -> None:
    anchor = noted(db, method)
    assert call("check", "--anchor", anchor, "--db", db).code == 0
    cut(db)
    assert "has no entry" not in call("check", "--db", db).err
    result = call("check", "--anchor", anchor, "--db", db)
    assert result.code == 1
    assert "audit: the audit trail has no entry" in result.err


@pytest.mark.slow
def test_an_earlier_anchor_is_found_in_a_longer_trail(db: Path) -> None:
    anchor = noted(db, "backup")
    assert call("restore", anchor, "--db", db).code == 0
    assert noted(db, "message") != anchor
    assert call("check", "--anchor", anchor, "--db", db).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, "", "{}", '{"audit_head": 1}', "12,abc", "a note"])
def test_an_anchor_that_names_no_entry_is_refused_with_a_message(db: Path, content: str | None) -> None:
    anchor = db.parent / "anchor"
    if content is not None:
        anchor.write_text(content)
    result = call("check", "--anchor", anchor, "--db", db)
    assert (result.code, result.out) == (1, "")
    assert "anchor" in result.err


@pytest.mark.slow
def test_the_summary_counts_what_is_in_quarantine(db: Path) -> None:
    connection = sqlite3.connect(db)
    connection.execute(
        "INSERT INTO quarantine (kind, subject, reason, since, tried_at, tries, next_at) "
        "VALUES ('event', '7', 'order: expected an object', 0, 0, 1, 1)"
    )
    connection.commit()
    connection.close()
    result = call("check", "--db", db)
    assert result.code == 0
    assert "1 quarantined" in result.out
    assert call("check", "--json", "--db", db).json["exceptions"]["quarantined"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE portfolio_conditions SET percent = percent + 1",
        "DELETE FROM portfolio_conditions",
        "UPDATE portfolio_weights SET percent = percent + iif(asset = (SELECT min(key) FROM assets), 1, -1)",
        "UPDATE portfolios SET cooldown_days = cooldown_days + 1",
    ],
)
def test_a_portfolio_changed_outside_the_program_is_reported(db: Path, edit: str) -> None:
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute(edit).rowcount > 0
        connection.commit()
    result = call("check", "--db", db)
    assert (result.code, "is not as its version 1 recorded it" in result.err) == (1, True), result.err


@pytest.mark.slow
@pytest.mark.parametrize("edit", ["UPDATE meta SET value = value || 'x'", "UPDATE sessions SET day = day || 'x'"])
def test_a_stored_value_that_cannot_be_read_is_no_traceback(db: Path, edit: str) -> None:
    assert call("evaluate", "--db", db).code == 0
    with closing(sqlite3.connect(db)) as connection:
        where = " WHERE name IN ('clock', 'walk')" if "meta" in edit else ""
        assert connection.execute(edit + where).rowcount > 0
        connection.commit()
    for command in (
        ("check",), ("evaluate",), ("evaluate", "--dry-run"), ("export", "runs", "--format", "csv"),
        ("report", "--book"),
    ):  # fmt: skip
        result = call(*command, "--db", db)
        assert (result.code, str(db) in result.err, "damaged" in result.err) == (1, True, True), (command, result.err)
