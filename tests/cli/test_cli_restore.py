"""`restore`: a verified backup replaces a book atomically; messages for a damaged book (G17)."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from rebal_tui import bootstrap, paths
from rebal_tui.domain.errors import Conflict
from rebal_tui.store import audit, book_settings, restore
from rebal_tui.store.backup import back_up
from rebal_tui.store.database import Database
from tests.cli.books import book, call, spawn, written


def a_book(folder: Path) -> Path:
    path = folder / "clients.db"
    assert call("import", written(folder, book()), "--db", path).code == 0
    return path


def noted(path: Path, value: str) -> Path:
    """Store a value in the book that identifies it."""
    database = bootstrap.open_database(path)
    with database.write() as tx:
        book_settings.put(tx, "mark", value)
    database.close()
    return path


def mark(path: Path) -> str:
    database = Database(path, read_only=True)
    found = book_settings.get(database, "mark")
    database.close()
    return found


def damage(path: Path) -> None:
    """Flip bits in the file's pages after the first."""
    raw = bytearray(path.read_bytes())
    for offset in range(4096, len(raw), 4096 * 2):
        raw[offset : offset + 16] = b"\xff" * 16
    path.write_bytes(raw)


def test_a_restore_replaces_the_book_and_keeps_the_old_file(tmp_path: Path) -> None:
    db = noted(a_book(tmp_path), "old")
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    noted(db, "newer")

    result = call("restore", tmp_path / "copy.db", "--db", db)

    assert result.code == 0, result.err
    assert "restored and verified" in result.out
    assert mark(db) == "old"
    (replaced,) = tmp_path.glob("clients-replaced-*.db")
    assert (mark(replaced), str(replaced) in result.out) == ("newer", True)
    assert stat.S_IMODE(db.stat().st_mode) == 0o600
    assert call("check", "--db", db).code == 0
    database = Database(db, read_only=True)
    assert audit.entries(database, 1)[0].action == "book.restored"


@pytest.mark.parametrize("damaged", [True, False])
def test_a_refused_backup_is_not_told_to_be_restored_from_a_backup_of_its_own(tmp_path: Path, damaged: bool) -> None:
    db = a_book(tmp_path)
    backup = tmp_path / "copy.db"
    assert call("backup", backup, "--db", db).code == 0
    if damaged:
        damage(backup)
    else:
        backup.write_bytes(b"SQLite format 3\0" + b"x" * 9000)

    result = call("restore", backup, "--db", db)

    assert (result.code, str(backup) in result.err) == (1, True)
    assert "there is no backup of it" not in result.err


def test_a_missing_book_is_restored(tmp_path: Path) -> None:
    db = noted(a_book(tmp_path), "only")
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    db.unlink()

    assert call("restore", tmp_path / "copy.db", "--db", db).code == 0
    assert mark(db) == "only"


def test_commits_that_are_only_in_the_log_are_kept(tmp_path: Path) -> None:
    db = a_book(tmp_path)
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    _killed_after_a_commit(db, "in the log")

    assert call("restore", tmp_path / "copy.db", "--db", db).code == 0
    (replaced,) = tmp_path.glob("clients-replaced-*.db")
    assert (mark(replaced), mark(db)) == ("in the log", "")


def test_a_trail_shorter_than_when_checked_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = noted(a_book(tmp_path), "mine")
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    sync = restore._sync

    def cut(path: Path) -> None:
        sync(path)
        if path == db:
            connection = sqlite3.connect(path)
            connection.execute("DROP TRIGGER audit_no_delete")
            connection.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
            connection.commit()
            connection.close()

    monkeypatch.setattr(restore, "_sync", cut)
    result = call("restore", tmp_path / "copy.db", "--db", db)

    assert result.code == 1
    assert "the audit trail has no entry" in result.err


@pytest.mark.slow
def test_a_book_that_a_program_has_open_is_not_restored(tmp_path: Path) -> None:
    db = noted(a_book(tmp_path), "mine")
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    before = db.read_bytes()
    with paths.exclusive_lock(db):
        result = spawn("restore", tmp_path / "copy.db", "--db", db)
    assert (result.code, "is open in another rebal-tui" in result.err) == (1, True)
    assert db.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["pages", "trail", "ledger", "no book", "missing", "itself"])
def test_a_copy_that_does_not_verify_is_refused_and_nothing_changes(tmp_path: Path, fault: str) -> None:
    db, copy = noted(a_book(tmp_path), "mine"), tmp_path / "copy.db"
    assert call("backup", copy, "--db", db).code == 0
    if fault == "pages":
        damage(copy)
    elif fault == "trail":
        connection = sqlite3.connect(copy)
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET detail = '{}' WHERE seq = 1")
        connection.commit()
    elif fault == "ledger":
        connection = sqlite3.connect(copy)
        connection.execute("UPDATE accounts SET cash = cash + 1")
        connection.execute("UPDATE sim_accounts SET cash = cash + 2")
        connection.commit()
    elif fault == "no book":
        copy.write_bytes(b"nothing like a book" * 500)
    elif fault == "missing":
        copy.unlink()
    before = sorted(path.name for path in tmp_path.iterdir())
    content = db.read_bytes()

    result = call("restore", db if fault == "itself" else copy, "--db", db)

    assert (result.code, "Traceback" in result.err, bool(result.err)) == (1, False, True)
    assert ".restoring" not in result.err, "the user knows no such file"
    assert str(db if fault == "itself" else copy) in result.err
    assert db.read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == [
        name for name in before if not name.endswith(".lock")
    ]


def test_a_failed_restore_removes_its_files_and_their_journal(tmp_path: Path) -> None:
    """As after a full disk: SQLite's journal is next to the copy, which cannot be rolled back."""
    db, copy = noted(a_book(tmp_path), "mine"), tmp_path / "copy.db"
    assert call("backup", copy, "--db", db).code == 0
    before = sorted(path.name for path in tmp_path.iterdir())

    def fail(partial: Path) -> None:
        for side in ("-wal", "-shm", "-journal"):
            partial.with_name(partial.name + side).write_bytes(b"left")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Conflict, match="No space left"):
        restore.restore(copy, db, tmp_path / "kept.db", fail)

    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert mark(db) == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("reading", [False, True], ids=["idle", "reading"])
def test_a_book_that_is_shown_somewhere_is_not_restored(tmp_path: Path, reading: bool) -> None:
    """A viewer holds no lock of its own."""
    db = noted(a_book(tmp_path), "mine")
    assert call("backup", tmp_path / "copy.db", "--db", db).code == 0
    viewer = Database(db, read_only=True)
    viewer.row("SELECT count(*) FROM audit")
    if reading:
        viewer.connection.execute("BEGIN")
        viewer.row("SELECT count(*) FROM audit")
    with closing(viewer):
        result = call("restore", tmp_path / "copy.db", "--db", db)

    assert (result.code, "is open in another program" in result.err) == (1, True)
    assert not list(tmp_path.glob("*replaced*"))
    assert mark(db) == "mine"
    assert call("restore", tmp_path / "copy.db", "--db", db).code == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of open files are read from /proc")
def test_copies_are_on_the_disk_before_they_replace_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, copy = noted(a_book(tmp_path), "mine"), tmp_path / "copy.db"
    assert call("backup", copy, "--db", db).code == 0
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_sync(handle: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).name}")
        fsync(handle)

    def note_replace(source: Path, target: Path) -> None:
        done.append(f"replace {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    restore.restore(copy, db, tmp_path / "kept.db", lambda _copy: None)

    at = done.index("replace clients.db")
    assert {"sync clients.db.restoring", "sync kept.db", f"sync {tmp_path.name}"} <= set(done[:at])
    assert done[at + 1 :] == ["sync clients.db", f"sync {tmp_path.name}"]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["open", "rename", "unlink", "replace", "fsync"])
@pytest.mark.samples(2)
def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new_book(tmp_path: Path, step: str) -> None:
    """The old book has commits that are in its log only."""
    db, copy = noted(a_book(tmp_path), "old"), tmp_path / "copy.db"
    noted(Path(shutil.copy(db, copy)), "new")
    _killed_after_a_commit(db, "in the log")
    for number in range(1, 40):
        folder = tmp_path / f"{step}-{number}"
        folder.mkdir()
        path = folder / "clients.db"
        for side in ("", "-wal", "-shm"):
            shutil.copy(f"{db}{side}", f"{path}{side}")
        pid = os.fork()
        if pid == 0:
            _kill_at(step, number)
            restore.restore(copy, path, folder / "kept.db", lambda _copy: None)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert mark(path) in ("in the log", "new")
        if mark(path) == "new":
            assert mark(folder / "kept.db") == "in the log"
        if number == 1:
            assert call("check", "--db", path).code == 0
            assert call("restore", copy, "--db", path).code == 0
            assert mark(path) == "new"
        if not os.WIFSIGNALED(status):
            break
    assert not os.WIFSIGNALED(status), "every call of the step was tried"


def _killed_after_a_commit(db: Path, value: str) -> None:
    pid = os.fork()
    if pid == 0:
        database = bootstrap.open_database(db)
        with database.write() as tx:
            book_settings.put(tx, "mark", value)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def _kill_at(step: str, number: int) -> None:
    count, real = 0, getattr(os, step)

    def call_or_die(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    setattr(os, step, call_or_die)


def test_a_damaged_book_is_not_opened_and_the_last_backup_is_named(tmp_path: Path) -> None:
    db = a_book(tmp_path)
    database = bootstrap.open_database(db)
    backup = paths.backup_folder(db) / "2026-11-20.db"
    back_up(database, backup)
    database.close()
    damage(db)
    content = db.read_bytes()

    result = call("evaluate", "--db", db)

    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert f"rebal-tui restore {backup} --db {db}" in result.err
    assert db.read_bytes() == content
    assert call("check", "--db", db).code == 1
    assert call("restore", backup, "--db", db).code == 0
    assert call("check", "--db", db).code == 0


def test_a_damaged_book_without_a_backup_is_reported(tmp_path: Path) -> None:
    db = a_book(tmp_path)
    damage(db)
    assert "there is no backup of it" in call("evaluate", "--db", db).err
