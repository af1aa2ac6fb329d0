"""The one connection to a book's SQLite file: private to the user, durable, every write `BEGIN IMMEDIATE`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rebal_tui.domain.errors import FILE_LOST, Halt, ReadOnly
from rebal_tui.domain.free_space import FreeSpace, free_space
from rebal_tui.domain.text import fold
from rebal_tui.store import open_note, write_ahead_log
from rebal_tui.store.file_mark import FileMark, FileWatch, same_content
from rebal_tui.store.open_note import LogOwner
from rebal_tui.store.read_only_files import reading_uri

if TYPE_CHECKING:
    import sqlite_utils

SqlValue = str | int | bytes | None
SqlRow = tuple[Any, ...]
"""A row as SQLite returns it, before conversion to a type of its own."""

MEMORY = ":memory:"
LISTED = "(SELECT value FROM json_each(?))"
"""The right side of `IN` for a parameter from `listed`.

With one placeholder per value, each number of values would be a statement of its own, and the statement cache holds
hundreds, of up to 120 kB each.
"""
EPOCH = "epoch"
"""Name of the setting that holds the fencing epoch: the number of openings for writing."""
_FAULTS = {
    sqlite3.SQLITE_FULL: Halt.DISK_FULL,
    sqlite3.SQLITE_IOERR: Halt.IO_ERROR,
    sqlite3.SQLITE_CANTOPEN: Halt.IO_ERROR,
    sqlite3.SQLITE_READONLY: Halt.IO_ERROR,
    sqlite3.SQLITE_PERM: Halt.IO_ERROR,
    sqlite3.SQLITE_CORRUPT: Halt.DAMAGED,
    sqlite3.SQLITE_NOTADB: Halt.DAMAGED,
}
_FREE_SPACE_HELPS = frozenset({Halt.DISK_FULL, Halt.IO_ERROR})
_HALT_TEXTS = {
    Halt.VIEWING: "the book is open read-only in this process",
    Halt.TAKEN_OVER: "another rebal-tui took over the book; this one no longer writes to it",
    Halt.DISK_FULL: "the disk is full; writing has stopped, and all saved data is intact",
    Halt.IO_ERROR: "the file cannot be written; writing has stopped, and all saved data is intact",
    Halt.DAMAGED: "the file is damaged; writing has stopped",
    Halt.FILE_GONE: "the book's file was removed, moved or replaced while it was open; writing has stopped",
    Halt.OVERWRITTEN: "another program wrote over the book's file while it was open; writing has stopped",
}


def listed(values: Iterable[str]) -> str:
    """Values as a JSON list, the single parameter of the SQL text `LISTED`."""
    return json.dumps(list(values))


class Transaction:
    """An open write transaction of a `Database`; the code that has it may write.

    In-memory state that depends on a write is updated through `after_commit`, so that a rollback drops the update.
    """

    def __init__(self, database: Database, effects: list[Callable[[], None]]) -> None:
        self.database = database
        self.effects = effects

    def execute(self, sql: str, parameters: Sequence[SqlValue] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.database.connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters."""
        return self.database.connection.executemany(sql, rows)

    def rows(self, sql: str, parameters: Sequence[SqlValue] = ()) -> list[SqlRow]:
        """Every row of a query, including this transaction's writes."""
        return self.database.rows(sql, parameters)

    def row(self, sql: str, parameters: Sequence[SqlValue] = ()) -> SqlRow | None:
        """The first row of a query, None when there is none."""
        return self.database.row(sql, parameters)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Call `effect` once this transaction is committed; if it is a savepoint, once that is released.

        The rest of the outer transaction then sees the effect.
        """
        self.effects.append(effect)


class Companion(Protocol):
    """Something that a `Database` closes when it is closed, such as an open archive."""

    def close(self) -> None:
        """Close the object and what it has open."""


class Database:
    """A book's file, or an in-memory database. Owned by one thread; other threads send their requests to it.

    A file has one connection that writes, and only it moves the write-ahead log into the file (a checkpoint). `halted`
    is the reason why writing has stopped, None while writing works. `on_undone` is called when a transaction is rolled
    back after a savepoint inside it succeeded: in-memory state from that savepoint is then invalid.

    `folder` is the folder of the file; for a copy in memory it is that of the copied file, for other databases in
    memory None. `archive` is the open archive of a book (`archives.past`). `listed` is an SQL condition on runs for
    lists of runs: an archive leaves out the runs that the book still has.
    """

    def __init__(self, path: Path | str = MEMORY, *, read_only: bool = False) -> None:
        self.path = str(path)
        self.halted: ReadOnly | None = None
        self.on_undone: Callable[[], None] | None = None
        self.folder = None if str(path) == MEMORY else Path(path).resolve().parent
        self.archive: Companion | None = None
        self.listed = "1"
        self._epoch: int | None = None
        self._watch: FileWatch | None = None
        self._mark: FileMark | None = None
        self._version_of_mark = 0
        self._log: LogOwner | None = None
        if self.path == MEMORY:
            target, uri = MEMORY, False
        elif read_only:
            open_note.require_own_log(str(Path(path).resolve()))
            target, uri = reading_uri(Path(path).resolve()), True
        else:
            # Through a dangling link SQLite would create the file with wider permissions.
            real = Path(path).resolve()
            _make_private(real)
            self._watch = open_note.watch_own_log(str(real))
            target, uri = str(real), False
        self.connection = sqlite3.connect(
            target, uri=uri, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self._real_path = self.path if self.path == MEMORY else str(Path(path).resolve())
        self._file_id = file_id(self._real_path)
        self.connection.create_function("fold", 1, fold, deterministic=True)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.execute("PRAGMA trusted_schema = OFF")
        if not read_only:
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            write_ahead_log.bound(self.connection, self.free_space())
        else:
            self.halt(Halt.VIEWING)
        self._depth = 0
        self._applied_inside = False

    @property
    def read_only(self) -> bool:
        return self.halted is not None

    def close(self) -> None:
        if self.archive is not None:
            self.archive.close()
            self.archive = None
        if self._log is not None and self.halted is not None and self.halted.halt is Halt.OVERWRITTEN:
            self._log.discard()
        self.connection.close()
        if self._log is not None:
            self._log.closed()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def claim_epoch(self) -> None:
        """Become the file's only writer: connections that became its writer earlier can no longer write."""
        with self.write() as tx:
            tx.execute(
                "INSERT INTO meta VALUES (?, '1') ON CONFLICT (name) "
                "DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
                (EPOCH,),
            )
            epoch = self._stored_epoch()
        self._epoch = epoch
        self._remember_file()

    def halt(self, why: Halt, detail: str = "") -> ReadOnly:
        """Stop writing on this connection; returns the error that every later write raises."""
        text = f"{_HALT_TEXTS[why]} ({detail})" if detail else _HALT_TEXTS[why]
        self.halted = ReadOnly(why, text, self.path)
        return self.halted

    def halt_on_error(self, error: sqlite3.Error) -> ReadOnly | None:
        """Stop writing when an error means that the file is damaged or cannot be written; None for any other error."""
        code = getattr(error, "sqlite_errorcode", None)
        why = _FAULTS.get(code & 0xFF) if code is not None else None
        if why is None:
            return None
        if self.halted is not None and self.halted.halt is not Halt.VIEWING:
            return self.halted
        space = None
        if why in _FREE_SPACE_HELPS:
            with suppress(OSError):
                space = self.free_space()
        lacks = space is not None and not space.is_enough
        return self.halt(why, f"{error}; {space}" if lacks else str(error))

    def resume_writing(self) -> None:
        """Resume writing after a disk failure.

        Raises `ReadOnly` when the disk still fails, or when writing stopped for any other reason.
        """
        if self.halted is None:
            return
        if self.halted.halt not in _FREE_SPACE_HELPS:
            raise self.halted.again()
        self.require_in_place()
        space = self.free_space()
        if space is not None and not space.is_enough:
            write_ahead_log.empty(self.connection)
            self._remember_file()
            space = self.free_space()
        if space is not None and not space.is_enough:
            raise self.halt(Halt.DISK_FULL, str(space))
        self.halted = None
        self.claim_epoch()

    def require_in_place(self) -> None:
        """Raise `ReadOnly`, and write nothing more, when the open file is no longer the book's.

        Another program may have moved, removed, replaced or overwritten it. SQLite does not notice. It would keep
        writing into a file without a name, which is lost when it is closed, or mix its pages with those of the other
        program.
        """
        if self.halted is not None and self.halted.halt in FILE_LOST:
            raise self.halted.again()
        if self._file_id is not None and (found := file_id(self._real_path)) != self._file_id:
            if self._log is not None:
                self._log.withdraw(self.connection)
            text = "no file has its name now" if found is None else "another file has its name now"
            raise self.halt(Halt.FILE_GONE, f"{self.path}: {text}")
        if self._watch is not None and self._mark is not None:
            self._require_unchanged(self._watch, self._mark)

    def _require_unchanged(self, watch: FileWatch, known: FileMark) -> None:
        """Raise `ReadOnly` when anything but SQLite changed the file: a commit changes `data_version` as well."""
        found = watch.mark(known)
        if found is known:
            return
        if (
            not same_content(found, known)
            and self.data_version() == self._version_of_mark
            and not watch.is_checkpointed(known)
        ):
            raise self.halt(Halt.OVERWRITTEN, self.path)
        self._remember_mark(found)

    def _remember_file(self) -> None:
        """Remember the file's mark after a commit, which may have contained a checkpoint."""
        if self._epoch is not None and self.path != MEMORY:
            self._watch = self._watch or FileWatch(self._real_path)
            self._remember_mark(self._watch.mark(self._mark))
            self._version_of_mark = self.data_version()

    def _remember_mark(self, found: FileMark | None) -> None:
        self._log = self._log or LogOwner(self._real_path)
        self._log.note(found, self._mark)
        self._mark = found

    def data_version(self) -> int:
        """A number that changes when another connection has committed to the file."""
        row = self.row("PRAGMA data_version")
        return int(row[0]) if row else 0

    def has_free_space(self) -> bool:
        """Whether the file's disk has as much free space as new work needs."""
        space = self.free_space()
        return space is None or space.is_enough

    def free_space(self) -> FreeSpace | None:
        """The free space of the file's disk, None in memory. Raises `OSError` when the file's folder is gone."""
        if self.path == MEMORY:
            return None
        usage = shutil.disk_usage(Path(self._real_path).parent)
        return free_space(usage.free, usage.total)

    def rows(self, sql: str, parameters: Sequence[SqlValue] = ()) -> list[SqlRow]:
        """Every row of a query."""
        return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[SqlValue] = ()) -> SqlRow | None:
        """The first row of a query, None when there is none."""
        result: SqlRow | None = self.connection.execute(sql, parameters).fetchone()
        return result

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction. Inside another it is a savepoint, rolled back alone when its block raises.

        Raises `ReadOnly` when the connection is read-only, when another program has claimed the book, and when the disk
        is full or fails: the transaction is then rolled back, and every later transaction is refused as well.
        """
        if self.halted is not None:
            raise self.halted.again()
        nested, point = self._depth > 0, f"level_{self._depth}"
        if not nested:
            self.require_in_place()
        effects: list[Callable[[], None]] = []
        self._depth += 1
        try:
            self.connection.execute(f"SAVEPOINT {point}" if nested else "BEGIN IMMEDIATE")
            if not nested and self._epoch is not None and self._stored_epoch() != self._epoch:
                raise self.halt(Halt.TAKEN_OVER)
            yield Transaction(self, effects)
            self.connection.execute(f"RELEASE {point}" if nested else "COMMIT")
            if not nested:
                self._remember_file()
        except BaseException as error:
            self._undo(point if nested else None)
            fault = self.halt_on_error(error) if isinstance(error, sqlite3.Error) else None
            self._end_level(undone=True)
            if fault is not None:
                raise fault from error
            raise
        self._end_level(undone=False)
        self._applied_inside = self._applied_inside or (nested and bool(effects))
        for effect in effects:
            effect()

    def _end_level(self, *, undone: bool) -> None:
        """Leave a level of nested transactions.

        When the outermost one is undone after savepoints inside it had effects, `on_undone` is called.
        """
        self._depth -= 1
        if self._depth == 0:
            stale, self._applied_inside = undone and self._applied_inside, False
            if stale and self.on_undone is not None:
                self.on_undone()

    def _undo(self, point: str | None) -> None:
        """Roll back the transaction, or to the savepoint `point`.

        After a disk failure SQLite may already have rolled back or be unable to; the file is unchanged either way.
        """
        if not self.connection.in_transaction:
            return
        with suppress(sqlite3.Error):
            if point is None:
                self.connection.execute("ROLLBACK")
            else:
                self.connection.execute(f"ROLLBACK TO {point}")
                self.connection.execute(f"RELEASE {point}")

    def _stored_epoch(self) -> int:
        row = self.row("SELECT value FROM meta WHERE name = ?", (EPOCH,))
        return int(row[0]) if row else 0

    @property
    def utils(self) -> sqlite_utils.Database:
        """The same connection under sqlite-utils, for schema and migrations. Never pass it a `Decimal`."""
        wrapped: sqlite_utils.Database = import_sqlite_utils().Database(self.connection)
        return wrapped


def import_sqlite_utils() -> Any:
    """Import sqlite-utils without pandas, which it loads wherever that is installed (0.3 s at start)."""
    if "sqlite_utils" not in sys.modules and "pandas" not in sys.modules:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # makes its import fail
        try:
            import sqlite_utils
        finally:
            del sys.modules["pandas"]
    else:
        import sqlite_utils
    return sqlite_utils


def file_id(path: str) -> tuple[int, int] | None:
    """What identifies a file whatever its name: device and number; None in memory and for a missing file."""
    if path == MEMORY:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> None:
    """Create the file with mode 0600, and a new folder with 0700, before SQLite creates them with wider permissions."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
