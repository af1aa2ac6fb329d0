"""The migration to keys that end in real time.

Keys of a simulated book that had ended by its clock, which may be ahead, stay ended. A book without a clock of its own
has had real times before.
"""

from __future__ import annotations

_NOW = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
_BOOK_NOW = """(
  SELECT MAX(json_extract(value, '$[0]'), COALESCE((SELECT at FROM audit ORDER BY seq DESC LIMIT 1), 0))
  FROM meta WHERE name = 'clock'
)"""

KEY_TIMES = f"""
UPDATE api_keys SET revoked_at = MIN(revoked_at, {_NOW}) WHERE revoked_at <= {_BOOK_NOW};
UPDATE api_keys SET expires_at = MIN(expires_at, {_NOW}) WHERE expires_at <= {_BOOK_NOW}
"""
