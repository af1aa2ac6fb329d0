"""One program writes a book (G15, G16): the last to open it for writing; only it checkpoints the log into the file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly
from rebal_tui.store import book_settings
from rebal_tui.store.backup import back_up
from rebal_tui.store.database import Database
from rebal_tui.store.write_ahead_log import WAL_LIMIT
from rebal_tui.typed_paths import require_output
from tests.store.books import new_file

pytestmark = pytest.mark.slow

TRIES = 1_000


def in_child(work: Callable[[], None]) -> int:
    """Run an action in its own process; returns the process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended_well(pid: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def refused_writes(database: Database, tries: int = TRIES) -> int:
    refused = 0
    for number in range(tries):
        try:
            with database.write() as tx:
                book_settings.put(tx, "zombie", str(number))
        except ReadOnly as refusal:
            refused += refusal.halt is Halt.TAKEN_OVER
    return refused


def test_a_superseded_writer_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    old = bootstrap.open_database(path)
    new = bootstrap.open_database(path)
    before = new.data_version()
    assert refused_writes(old) == TRIES
    assert (new.data_version(), book_settings.get(new, "zombie")) == (before, "")
    with new.write() as tx:
        book_settings.put(tx, "a", "works")
    assert book_settings.get(old, "a") == "works"


def test_a_suspended_process_that_wakes_up_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.open_database(path).close()
    ready = tmp_path / "ready"

    def suspended() -> None:
        database = bootstrap.open_database(path)
        ready.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
        assert refused_writes(database) == TRIES

    pid = in_child(suspended)
    os.waitpid(pid, os.WUNTRACED)
    assert ready.exists()
    database = bootstrap.open_database(path)
    before = database.data_version()
    os.kill(pid, signal.SIGCONT)
    assert ended_well(pid)
    assert (database.data_version(), book_settings.get(database, "zombie")) == (before, "")


def test_a_writer_superseded_inside_a_transaction_still_ends_it(tmp_path: Path) -> None:
    """The other program waits: a transaction begun by the current writer completes."""
    path = tmp_path / "book.db"
    go = tmp_path / "go"

    def claim_epoch() -> None:
        while not go.exists():
            time.sleep(0.01)
        bootstrap.open_database(path).close()

    pid = in_child(claim_epoch)
    old = bootstrap.open_database(path)
    with old.write() as tx:
        book_settings.put(tx, "a", "1")
        go.touch()
        time.sleep(0.3)
        book_settings.put(tx, "b", "2")
    assert ended_well(pid)
    assert (book_settings.get(old, "a"), book_settings.get(old, "b")) == ("1", "2")
    assert refused_writes(old, 1) == 1


def test_a_refused_transaction_leaves_nothing_open_and_a_nested_one_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    old = bootstrap.open_database(path)
    bootstrap.open_database(path).close()
    with pytest.raises(ReadOnly, match="took over the book"), old.write(), old.write():
        pytest.fail("never reached")
    assert not old.connection.in_transaction


def test_a_reader_never_moves_the_log_into_the_file(tmp_path: Path) -> None:
    """Also when it is the last to close the book, after the writer was killed."""
    path = tmp_path / "book.db"

    def killed() -> None:
        database = new_file(path)
        with database.write() as tx:
            book_settings.put(tx, "a", "x" * 100_000)
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(in_child(killed), 0)
    log = path.with_name("book.db-wal")
    before = path.read_bytes(), log.read_bytes()
    database = Database(path, read_only=True)
    assert len(book_settings.get(database, "a")) == 100_000
    with pytest.raises(sqlite3.OperationalError):
        database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert (path.read_bytes(), log.read_bytes()) == before
    Database(path).close()
    assert not log.exists()


def test_the_log_is_bounded_with_a_reader_open(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = new_file(path)
    reader = Database(path, read_only=True)
    sizes = []
    for number in range(300):
        with database.write() as tx:
            book_settings.put(tx, f"large {number}", "x" * 200_000)
        assert len(book_settings.get(reader, f"large {number}")) == 200_000
        sizes.append(path.with_name("book.db-wal").stat().st_size)
    assert max(sizes) <= 2 * WAL_LIMIT
    with database.write() as tx:
        book_settings.put(tx, "one large change", "x" * (3 * WAL_LIMIT))
    for number in range(4):
        with database.write() as tx:
            book_settings.put(tx, "small", str(number))
    assert path.with_name("book.db-wal").stat().st_size <= WAL_LIMIT


def test_writer_viewer_and_backup_together_never_get_a_busy_error(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.open_database(path).close()
    until = time.monotonic() + float(os.environ.get("BUSY_SECONDS", "2"))

    def write() -> None:
        database = bootstrap.open_database(path)
        number = 0
        while time.monotonic() < until:
            with database.write() as tx:
                number += 1
                book_settings.put(tx, f"value {number % 500}", str(number) * 50)

    def view() -> None:
        database = Database(path, read_only=True)
        while time.monotonic() < until:
            database.data_version()
            database.rows("SELECT * FROM meta ORDER BY value")

    def copy() -> None:
        number = 0
        while time.monotonic() < until:
            database = Database(path, read_only=True)
            back_up(database, tmp_path / f"copy-{(number := number + 1) % 3}.db")
            database.close()

    children = [in_child(work) for work in (write, view, view, copy)]
    assert [ended_well(pid) for pid in children] == [True] * 4


def commit(database: Database, _path: Path) -> None:
    with database.write() as tx:
        book_settings.put(tx, "looked", "after")


def ask_for_its_name(_database: Database, path: Path) -> None:
    with pytest.raises(Conflict, match="is a book"):
        require_output(path)


@pytest.mark.parametrize("act", [commit, ask_for_its_name])
def test_another_program_that_looks_leaves_the_log_of_an_open_book(
    tmp_path: Path, act: Callable[[Database, Path], None]
) -> None:
    # The last program to close a book removes its log. POSIX locks show that another has the book open; they end when
    # anything in the writing process closes the file.
    path = tmp_path / "book.db"
    database = bootstrap.open_database(path)
    database.claim_epoch()
    act(database, path)
    log = Path(f"{path}-wal").stat().st_ino
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM meta').fetchall(); c.close()"
    )

    subprocess.run([sys.executable, "-c", look, path], check=True)

    assert Path(f"{path}-wal").stat().st_ino == log
    with database.write() as tx:
        book_settings.put(tx, "last", "kept")
    database.close()
    assert book_settings.get(Database(path, read_only=True), "last") == "kept"
