"""Marks that several sections show alike."""

from __future__ import annotations

HELD = "⊘"
"""Marks what a restriction holds, and the runs that override one (R-60, R-61)."""


def held_text(detail: str) -> str:
    """`no sell (low basis)` from `no_sell (low basis)`."""
    kind, space, rest = detail.partition(" ")
    return kind.replace("_", " ") + space + rest
