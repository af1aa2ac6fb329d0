"""A full or failing disk (G5): a clean stop with its reason, the file intact, no acknowledged data lost."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from rebal_tui.domain.errors import Halt, ReadOnly
from rebal_tui.domain.free_space import MAX_NEEDED_BYTES, free_space
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.database import Database
from tests.services.factories import SLOW, account, advance, balanced, fill_book, make_book, only_run
from tests.store.books import new_file

pytestmark = pytest.mark.slow

WRITES = 12
POINTS = int(os.environ.get("DISK_FAULT_POINTS", "6"))
"""Number of disk sizes at which the rebalance is stopped; a longer run tries more."""


def fill_up(database: Database, acknowledged: Callable[[int], None], size: int = 3_000) -> ReadOnly | None:
    """Commit large values one after the other; returns why it stopped, or None."""
    for number in range(WRITES):
        try:
            with database.write() as tx:
                book_settings.put(tx, f"first {number}", "x" * size)
                book_settings.put(tx, f"second {number}", "y" * size)
        except ReadOnly as stopped:
            return stopped
        acknowledged(number)
    return None


def stored_numbers(path: Path) -> list[int]:
    """The numbers of the values in the file, each verified to be complete."""
    database = Database(path)
    assert integrity_faults(database.connection) == []
    numbers = [int(name.split()[1]) for (name,) in database.rows("SELECT name FROM meta WHERE name LIKE 'first %'")]
    halves = [int(name.split()[1]) for (name,) in database.rows("SELECT name FROM meta WHERE name LIKE 'second %'")]
    assert sorted(numbers) == sorted(halves)
    database.close()
    return sorted(numbers)


def limit_pages(database: Database, more: int) -> None:
    row = database.row("PRAGMA page_count")
    assert row is not None
    database.connection.execute(f"PRAGMA max_page_count = {row[0] + more}")


def test_a_disk_that_is_full_at_any_page_stops_writing_and_loses_nothing(tmp_path: Path) -> None:
    template = tmp_path / "template.db"
    new_file(template).close()
    stopped_at = set()
    for more in range(200):
        path = tmp_path / f"full-{more}.db"
        shutil.copy(template, path)
        database = Database(path)
        limit_pages(database, more)
        acknowledged: list[int] = []
        stopped = fill_up(database, acknowledged.append)
        if stopped is None:
            break
        assert stopped.halt is Halt.DISK_FULL
        assert "all saved data is intact" in str(stopped)
        assert [book_settings.get(database, f"first {number}") != "" for number in acknowledged] == [True] * len(
            acknowledged
        )
        with pytest.raises(ReadOnly, match="disk is full"), database.write() as tx:
            book_settings.put(tx, "a", "never")
        database.close()
        assert stored_numbers(path) == acknowledged
        stopped_at.add(len(acknowledged))
    else:
        pytest.fail("the disk was never large enough")
    assert stopped_at == set(range(WRITES))


def test_a_file_that_cannot_grow_at_any_size_stops_writing_and_loses_nothing(tmp_path: Path) -> None:
    """The write of a log page fails midway, as with a short write or an I/O error."""
    template = tmp_path / "template.db"
    new_file(template).close()
    stopped_at = set()
    for size in range(template.stat().st_size, template.stat().st_size + 2_000_000, 22_000):
        path = tmp_path / f"limit-{size}.db"
        shutil.copy(template, path)
        commit_log = tmp_path / f"told-{size}"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                stopped = fill_up(Database(path), partial(_log_commit, commit_log), 30_000)
                code = 0 if stopped is None else 2 if stopped.halt in (Halt.IO_ERROR, Halt.DISK_FULL) else 1
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, 2)
        acknowledged = list(commit_log.read_bytes()) if commit_log.exists() else []
        assert stored_numbers(path)[: len(acknowledged)] == acknowledged
        assert len(stored_numbers(path)) <= len(acknowledged) + 1
        stopped_at.add(len(acknowledged))
        if code == 0:
            break
    else:
        pytest.fail("the file could never grow enough")
    assert len(stopped_at) > WRITES // 2


def _log_commit(path: Path, number: int) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(bytes([number]))


def test_after_space_is_freed_writing_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new_file(tmp_path / "book.db")
    limit_pages(database, 4)
    assert fill_up(database, lambda _number: None) is not None
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=100, total=6_000_000))
        with pytest.raises(ReadOnly, match=r"the disk is full; .* \(100 bytes free, 375,000 needed\)"):
            database.resume_writing()
    with pytest.raises(ReadOnly), database.write():
        pytest.fail("never reached")
    database.connection.execute("PRAGMA max_page_count = 100000")
    database.resume_writing()
    assert fill_up(database, lambda _number: None) is None


def test_a_full_disk_names_what_it_needs_and_a_small_one_needs_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=4_096, total=10_000_000))
    database = new_file(tmp_path / "book.db")
    limit_pages(database, 4)
    stopped = fill_up(database, lambda _number: None)
    assert "all saved data is intact (database or disk is full; 4,096 bytes free, 625,000 needed)" in str(stopped)
    assert free_space(0, 10**12).needed == MAX_NEEDED_BYTES


def test_the_log_of_a_small_disk_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=10**6, total=6_000_000))
    path = tmp_path / "book.db"
    database = new_file(path)
    for number in range(100):
        with database.write() as tx:
            book_settings.put(tx, "again", str(number) * 10_000)
    assert path.with_name("book.db-wal").stat().st_size < 500_000
    database.close()


def test_the_log_is_emptied_where_its_space_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.db"
    database, log = new_file(path), path.with_name("book.db-wal")
    for _ in range(20):
        with database.write() as tx:
            book_settings.put(tx, "again", "x" * 30_000)
    logged = log.stat().st_size
    assert logged > 400_000

    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=logged - log.stat().st_size, total=6_000_000)

    monkeypatch.setattr("shutil.disk_usage", usage)
    database.halt(Halt.DISK_FULL)
    database.resume_writing()
    with database.write() as tx:
        book_settings.put(tx, "again", "y")
    database.close()
    assert integrity_faults(Database(path).connection) == []


def test_a_superseded_or_read_only_database_never_writes_again(tmp_path: Path) -> None:
    new_file(tmp_path / "book.db").close()
    database = Database(tmp_path / "book.db", read_only=True)
    with pytest.raises(ReadOnly, match="read-only"):
        database.resume_writing()


def a_book(path: Path) -> Book:
    book = make_book("2026-03-02 09:30", path=path, model=SLOW)
    fill_book(book, [account("a", "1000", {"SPY": "100", "GLD": "20"})], [balanced()], {"a": "balanced"})
    return book


def state(book: Book) -> list[object]:
    assert integrity_faults(book.database.connection) == []
    return [
        only_run(book).status,
        book.database.rows("SELECT line, side, notional, qty, status, filled_qty FROM orders ORDER BY line"),
        book.database.rows("SELECT execution_id, qty, amount FROM fills ORDER BY execution_id"),
        book.database.rows("SELECT client_order_id, filled_qty FROM sim_orders ORDER BY client_order_id"),
        (book.accounts["a"].cash, book.accounts["a"].positions),
    ]


def test_a_rebalance_with_a_disk_fault_anywhere_ends_as_undisturbed_once_there_is_space(tmp_path: Path) -> None:
    template = tmp_path / "template.db"
    a_book(template).database.close()
    path = tmp_path / "calm.db"
    shutil.copy(template, path)
    calm = make_book("2026-03-02 09:30", path=path, model=SLOW)
    start = calm.now()
    advance(calm, 12)
    expected, written = state(calm), path.with_name("calm.db-wal").stat().st_size
    calm.database.close()
    first = template.stat().st_size
    assert written > first
    for point in range(POINTS):
        path = tmp_path / f"fault-{point}.db"
        shutil.copy(template, path)
        heartbeats = tmp_path / f"beats-{point}"
        size = first + (written - first) * point // POINTS
        assert _run_with_disk_limit(size, path, heartbeats), f"nothing failed on a disk of {size} bytes"
        again = make_book(start + timedelta(seconds=30 * heartbeats.stat().st_size), path=path, model=SLOW)
        scheduler.tick(again)
        advance(again, 12)
        assert state(again) == expected, f"a fault on a disk of {size} bytes"
        again.database.close()


def _run_with_disk_limit(size: int, path: Path, heartbeats: Path) -> bool:
    """Simulate 12 minutes in a process with a file size limit; returns whether the limit stopped it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            with heartbeats.open("ab", buffering=0) as file:
                book = make_book("2026-03-02 09:30", path=path, model=SLOW)
                for _ in range(24):
                    file.write(b".")
                    _half_a_minute(book)
        except ReadOnly as halt:
            code = 2 if halt.halt in (Halt.IO_ERROR, Halt.DISK_FULL) else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2


def _half_a_minute(book: Book) -> None:
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(seconds=30))
    scheduler.tick(book)
