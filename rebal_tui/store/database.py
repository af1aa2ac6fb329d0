"""The one connection to a book's SQLite file: private to the user, durable, every write `BEGIN IMMEDIATE`."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite_utils

SqlValue = str | int | bytes | None
Row = tuple[Any, ...]

MEMORY = ":memory:"


class Database:
    """A book's file, or memory. Owned by one thread; everyone else asks that thread."""

    def __init__(self, path: Path | str = MEMORY, *, read_only: bool = False) -> None:
        self.path = str(path)
        self.read_only = read_only
        if self.path == MEMORY:
            target, uri = MEMORY, False
        elif read_only:
            target, uri = f"{Path(path).resolve().as_uri()}?mode=ro", True
        else:
            _make_private(Path(path))
            target, uri = self.path, False
        self.connection = sqlite3.connect(
            target, uri=uri, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.execute("PRAGMA trusted_schema = OFF")
        if not read_only:
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
        self._depth = 0

    def close(self) -> None:
        self.connection.close()

    def rows(self, sql: str, parameters: Sequence[SqlValue] = ()) -> list[Row]:
        """Every row of a query."""
        return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[SqlValue] = ()) -> Row | None:
        """The first row of a query, None when there is none."""
        result: Row | None = self.connection.execute(sql, parameters).fetchone()
        return result

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One write transaction. Inside another it is a savepoint, undone alone when its block raises."""
        nested = self._depth > 0
        point = f"level_{self._depth}"
        self.connection.execute(f"SAVEPOINT {point}" if nested else "BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield self.connection
            self.connection.execute(f"RELEASE {point}" if nested else "COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                if nested:
                    self.connection.execute(f"ROLLBACK TO {point}")
                    self.connection.execute(f"RELEASE {point}")
                else:
                    self.connection.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    @property
    def utils(self) -> sqlite_utils.Database:
        """The same connection under sqlite-utils, for schema and migrations. Never hand it a `Decimal`."""
        wrapped: sqlite_utils.Database = import_sqlite_utils().Database(self.connection)
        return wrapped


def import_sqlite_utils() -> Any:
    """sqlite-utils without the pandas that it would load wherever that is installed (0.3 s at start)."""
    if "sqlite_utils" not in sys.modules and "pandas" not in sys.modules:
        sys.modules["pandas"] = None  # type: ignore[assignment]
        try:
            import sqlite_utils
        finally:
            del sys.modules["pandas"]
    else:
        import sqlite_utils
    return sqlite_utils


def _make_private(path: Path) -> None:
    """Create the file 0600, and its folder 0700 when it is new, before SQLite can create them wider."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
