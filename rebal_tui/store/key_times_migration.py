"""The migration to API keys that expire and are revoked by the real clock, not by that of the simulation.

The clock of a simulated book may be ahead. Keys that had ended by that clock stay ended. Other books have stored real
times from the start.
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
