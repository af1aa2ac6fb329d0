"""The migration to restrictions that one run overrides (R-61)."""

from __future__ import annotations

RUN_OVERRIDES = """
CREATE TABLE run_overrides (
  run INTEGER NOT NULL REFERENCES runs, restriction INTEGER NOT NULL REFERENCES trade_restrictions,
  note TEXT NOT NULL CHECK (note <> ''), made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
  PRIMARY KEY (run, restriction)
) STRICT, WITHOUT ROWID
"""
