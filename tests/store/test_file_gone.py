"""A book whose file is removed, moved or replaced while it is open: nothing more is written, and it can be copied."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly, Refusal
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.book_copy import save_copy
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import follower, scheduler
from rebal_tui.store import book_settings
from rebal_tui.store.backup import back_up
from rebal_tui.store.restore import restore


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    copy = Path(shutil.copy(path, path.with_name("other.db")))
    os.replace(copy, path)


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.slow
@pytest.mark.parametrize("lose", [remove, move, replace, remove_folder])
def test_nothing_more_is_written_and_a_copy_has_everything(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    path = tmp_path / "folder" / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    with book.write() as tx:
        book_settings.put(tx, "mark", "last")

    lose(path)
    left = path.read_bytes() if path.exists() else b""
    for write in (lambda: scheduler.tick(book), lambda: book.write().__enter__()):
        with pytest.raises(ReadOnly, match="removed, moved or replaced") as refused:
            write()
        assert refused.value.halt is Halt.FILE_GONE

    assert (path.read_bytes() if path.exists() else b"") == left
    copy = tmp_path / "copy.db"
    assert "rebal-tui --db" in save_copy(book, copy)
    with pytest.raises(Conflict, match="name another file"):
        save_copy(book, copy)
    book.close()
    with closing(bootstrap.open_database(copy)) as database:
        assert book_settings.get(database, "mark") == "last"
        assert check_book(database, bootstrap.read_only_broker(database)).faults == ()


def truncate(path: Path) -> None:
    path.write_bytes(b"")


def copy_another_book(path: Path) -> None:
    bootstrap.create_demo(path.with_name("other.db"), accounts=2).close()
    shutil.copyfile(path.with_name("other.db"), path)


def copy_an_earlier_state(path: Path) -> None:
    shutil.copyfile(path.with_name("earlier.db"), path)


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [truncate, copy_another_book, copy_an_earlier_state])
def test_a_book_that_is_written_over_in_place_is_left_as_it_is(
    tmp_path: Path, overwrite: Callable[[Path], None]
) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    shutil.copyfile(path, path.with_name("earlier.db"))
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    with book.write() as tx:
        book_settings.put(tx, "mark", "x" * 6_000_000)
    number = path.stat().st_ino

    overwrite(path)
    left = path.read_bytes()
    assert path.stat().st_ino == number
    for write in (lambda: scheduler.tick(book), lambda: book.write().__enter__()):
        with pytest.raises(ReadOnly, match="wrote over the book's file") as refused:
            write()
        assert refused.value.halt is Halt.OVERWRITTEN
    assert path.read_bytes() == left
    with suppress(Refusal):
        book.close()
    assert path.read_bytes() == left, "the log of the book is not written into the file of the other program"
    if overwrite is not truncate:
        bootstrap.open_database(path).close()


def test_a_touched_file_and_one_changed_by_sqlite_are_still_the_book(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    scheduler.tick(book)
    os.utime(path, (1, 1))
    scheduler.tick(book)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("INSERT INTO meta VALUES ('by hand', '1')")
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    scheduler.tick(book)
    assert book.database.halted is None
    book.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_a_checkpoint_by_another_program_is_no_change(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    with book.write() as tx:
        book_settings.put(tx, "mark", "x" * 300_000)
    before = path.stat().st_size
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert other.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0] == 0
    assert path.stat().st_size > before
    scheduler.tick(book)
    assert book.database.halted is None
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ReadOnly, match="wrote over the book's file"):
        scheduler.tick(book)
    with suppress(Refusal):
        book.close()


def test_a_viewer_notices_that_its_file_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    view = bootstrap.open_view(path)
    follower.heartbeat(view)
    replace(path)
    with pytest.raises(ReadOnly, match="removed, moved or replaced"):
        follower.heartbeat(view)
    follower.heartbeat(view)
    view.close()


@pytest.mark.slow
def test_the_log_of_a_replaced_book_is_not_mixed_into_the_new_file(tmp_path: Path) -> None:
    path, old = tmp_path / "book.db", tmp_path / "old.db"
    put_another(tmp_path / "new.db")
    other = (tmp_path / "new.db").read_bytes()
    book = open_with_log(path)
    path.rename(old)
    (tmp_path / "new.db").rename(path)
    with pytest.raises(ReadOnly, match="another file has its name now"):
        scheduler.tick(book)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["book.db", "old.db"]
    save_copy(book, tmp_path / "copy.db")
    book.close()
    assert path.read_bytes() == other
    for name in ("old.db", "copy.db"):
        assert mark_of(tmp_path / name) == "last", "the commits of the log are in the file itself"


@pytest.mark.slow
@pytest.mark.parametrize("how", [os.replace, shutil.copyfile])
def test_a_file_beside_the_log_of_another_one_is_not_opened(
    tmp_path: Path, how: Callable[[Path, Path], object]
) -> None:
    """The program was killed before it noticed, or the file was replaced afterward: the log and the note are left."""
    path, other = tmp_path / "book.db", tmp_path / "other.db"
    crashed = tmp_path / "crashed"
    book = open_with_log(path)
    shutil.copytree(tmp_path, crashed)
    book.close()
    for suffix in ("", "-wal", ".open"):
        shutil.copyfile(crashed / f"book.db{suffix}", f"{path}{suffix}")
    note = json.loads((tmp_path / "book.db.open").read_text())
    note["file"], note["log"] = path.stat().st_ino, (tmp_path / "book.db-wal").stat().st_ino
    (tmp_path / "book.db.open").write_text(json.dumps(note))
    put_another(other)
    content = other.read_bytes()
    how(other, path)
    for read_only in (False, True) if how is os.replace else (False,):
        with pytest.raises(Conflict, match=r"book\.db-wal, which holds the last changes of the earlier file"):
            bootstrap.open_database(path, read_only=read_only)
    assert path.read_bytes() == content
    log = (tmp_path / "book.db-wal").read_bytes()
    back_up(bootstrap.open_database(tmp_path / "good.db"), tmp_path / "backup.db")
    assert restore(tmp_path / "backup.db", path, tmp_path / "kept.db", lambda _copy: None)
    assert ((tmp_path / "kept.db").read_bytes(), (tmp_path / "kept.db-log").read_bytes()) == (content, log)
    assert not (tmp_path / "book.db-wal").exists()
    assert not (tmp_path / "book.db.open").exists()


@pytest.mark.slow
def test_a_book_of_a_killed_program_is_opened_also_under_another_name(tmp_path: Path) -> None:
    path, copied = tmp_path / "book.db", tmp_path / "copied"
    book = open_with_log(path)
    shutil.copytree(tmp_path, copied)
    for suffix in ("", "-wal", ".open"):
        shutil.copyfile(copied / f"book.db{suffix}", copied / f"other.db{suffix}")
    book.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["book.db", "copied"]
    assert (mark_of(copied / "book.db"), mark_of(copied / "other.db")) == ("last", "last")


def open_with_log(path: Path) -> Book:
    """An open book whose last commits are in its log only."""
    bootstrap.create_demo(path, accounts=3).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    with book.write() as tx:
        book_settings.put(tx, "mark", "last")
    return book


def put_another(path: Path) -> None:
    bootstrap.create_demo(path, accounts=2).close()


def mark_of(path: Path) -> str:
    with closing(bootstrap.open_database(path)) as database:
        assert check_book(database, bootstrap.read_only_broker(database)).faults == ()
        return book_settings.get(database, "mark")
