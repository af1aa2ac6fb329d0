"""Scopes of API keys: what the holder of a key may do."""

from __future__ import annotations

from enum import StrEnum

MAX_OVERLAP_HOURS = 24 * 31
"""Longest time for which a rotated key stays valid after its rotation."""


class KeyScope(StrEnum):
    """What an API key allows: READ reads everything, TRADE also changes the book, ADMIN also manages keys."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"

    def includes(self, other: KeyScope) -> bool:
        """Whether a key of this scope may make a request that requires the scope `other`."""
        order = list(KeyScope)
        return order.index(self) >= order.index(other)
