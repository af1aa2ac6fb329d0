"""The migration to archives: the tables in which a book records its archive and the runs that were moved to it."""

from __future__ import annotations

# `digest` is that of the archive's content (`archive_content`), `through` its last year. Until `removed` is 1 the book
# may still have rows that the archive has. The ids of runs that moved stay: their orders are still this book's.
ARCHIVES = """
CREATE TABLE archives (
  one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, digest TEXT NOT NULL CHECK (length(digest) = 64),
  through TEXT NOT NULL, at INTEGER NOT NULL, counts TEXT NOT NULL,
  removed INTEGER NOT NULL CHECK (removed IN (0, 1))
) STRICT;
CREATE TABLE archived_runs (id TEXT PRIMARY KEY, key INTEGER NOT NULL) STRICT, WITHOUT ROWID
"""
