"""How many examples a property is tried on; a profile makes them fewer where a run is repeated thousands of times."""

from __future__ import annotations

from hypothesis import settings

_DEFAULT = 100


def examples(count: int) -> settings:
    """So many in the usual run, and in proportion under a profile whose own count is not the usual 100."""
    return settings(max_examples=max(1, count * settings().max_examples // _DEFAULT), deadline=None)
