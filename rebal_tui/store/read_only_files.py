"""Reading a SQLite file where nothing can be written, as on read-only media."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def reading_uri(path: Path) -> str:
    """The URI that opens a file read-only.

    A file with a write-ahead log needs a second file in its folder even for reading. Where none can be written, the
    file cannot change either, and is opened as immutable. Raises `sqlite3.OperationalError` when the file's log has
    commits, as these could not be read.
    """
    uri = f"{path.as_uri()}?mode=ro"
    if not path.is_file() or os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-shm").exists():
        return uri
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise sqlite3.OperationalError(f"{log.name} can only be read in a folder that can be written; copy both there")
    return f"{uri}&immutable=1"
