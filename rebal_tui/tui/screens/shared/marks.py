"""Marks that several sections show in the same way."""

from __future__ import annotations

HELD = "⊘"
"""Marks what a restriction bars from trading, and the runs that override one (R-60, R-61)."""
STOPPED = "■"
"""Before the reason why an account, a portfolio or a withdrawal does nothing until a person acts."""
