"""A book whose file is removed, moved or replaced while it is open: nothing more is written, and it can be copied."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly, Refusal
from rebal_tui.services.maintenance.book_copy import save_copy
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import follower, scheduler
from rebal_tui.store import book_settings


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
