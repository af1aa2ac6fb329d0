"""Marks that several sections show in the same way."""

from __future__ import annotations

HELD = "⊘"
"""Marks assets that a restriction keeps from trading, and runs that override a restriction (R-60, R-61)."""
STOPPED = "■"
"""Stands before the reason why an account, portfolio or withdrawal is stopped until a person acts."""
