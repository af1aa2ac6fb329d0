"""Backups: verified, replaced atomically, private; a failed backup leaves the previous file unchanged."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.store import audit, backup, book_settings
from rebal_tui.store.backup import back_up, integrity_faults
from rebal_tui.store.database import Database
from tests.store.books import new_file, with_trail


def test_a_backup_is_a_complete_private_book(tmp_path: Path) -> None:
    database = with_trail(new_file(tmp_path / "book.db"))
    target = tmp_path / "backups" / "2026-03-02.db"
    back_up(database, target)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    copy = Database(target)
    assert integrity_faults(copy.connection) == []
    assert audit.verify(copy, audit.head(database)) == []
    copy.close()
    with database.write() as tx:
        book_settings.put(tx, "a", "still works")
    database.close()


def test_a_later_backup_replaces_the_earlier(tmp_path: Path) -> None:
    database = new_file(tmp_path / "book.db")
    target = tmp_path / "copy.db"
    back_up(database, target)
    with database.write() as tx:
        book_settings.put(tx, "a", "new")
    back_up(database, target)
    assert book_settings.get(Database(target, read_only=True), "a") == "new"


def test_a_copy_that_does_not_verify_leaves_the_earlier_file_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_file(tmp_path / "book.db")
    target = tmp_path / "copy.db"
    back_up(database, target)
    before = target.read_bytes()
    monkeypatch.setattr(backup, "integrity_faults", lambda _: ["row 7 missing from index"])
    with pytest.raises(Conflict, match="failed verification: row 7"):
        back_up(database, target)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_damaged_book_is_not_backed_up(tmp_path: Path) -> None:
    database = new_file(tmp_path / "book.db")
    database.connection.execute("PRAGMA foreign_keys = OFF")
    database.connection.execute("INSERT INTO positions VALUES (99, 99, 1, NULL)")
    with pytest.raises(Conflict, match="failed verification"):
        back_up(database, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("blocked", ["parent is a file", "target is a folder", "partial is a folder"])
def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, blocked: str) -> None:
    database = new_file(tmp_path / "book.db")
    target = tmp_path / "folder" / "copy.db"
    if blocked == "parent is a file":
        target.parent.write_text("in the way")
    elif blocked == "target is a folder":
        target.mkdir(parents=True)
    else:
        target.with_name("copy.db.partial").mkdir(parents=True)
    with pytest.raises(Conflict, match="could not be written"):
        back_up(database, target)
    assert not target.is_file()


def test_a_link_at_the_target_of_a_copy_is_replaced_and_never_followed(tmp_path: Path) -> None:
    database = new_file(tmp_path / "book.db")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (tmp_path / "copy.db.partial").symlink_to(elsewhere)
    back_up(database, tmp_path / "copy.db")
    assert elsewhere.read_text() == "not ours"
    assert not (tmp_path / "copy.db").is_symlink()


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["book.db", "./book.db", "folder/../book.db", "link.db"])
def test_the_book_is_never_its_own_backup(tmp_path: Path, spelling: str) -> None:
    database = with_trail(new_file(tmp_path / "book.db"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "book.db")
    with pytest.raises(Conflict, match="the book itself"):
        back_up(database, tmp_path / spelling)
    with database.write() as tx:
        book_settings.put(tx, "a", "kept")
    database.close()
    assert book_settings.get(Database(tmp_path / "book.db"), "a") == "kept"


@pytest.mark.slow
def test_flipped_bits_are_found(tmp_path: Path) -> None:
    database = with_trail(new_file(tmp_path / "book.db"), 2_000)
    back_up(database, tmp_path / "whole.db")
    raw = bytearray((tmp_path / "whole.db").read_bytes())
    page = int.from_bytes(raw[16:18], "big") or 65_536
    shutil.copy(tmp_path / "whole.db", tmp_path / "torn.db")
    for offset in range(page, len(raw), page * 3):
        raw[offset : offset + 8] = b"\xff" * 8
    (tmp_path / "torn.db").write_bytes(raw)
    try:
        faults = integrity_faults(sqlite3.connect(tmp_path / "torn.db"))
    except sqlite3.DatabaseError as error:
        faults = [str(error)]
    assert faults


def test_the_log_of_an_earlier_copy_is_never_read_with_a_later_copy(tmp_path: Path) -> None:
    book = with_trail(new_file(tmp_path / "book.db"))
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"copy.db.partial{suffix}").write_bytes(b"left by a kill" * 1_000)
    back_up(book, tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
    book.close()
