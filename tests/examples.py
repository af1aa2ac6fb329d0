"""The number of examples of a property; a profile reduces it when a run is repeated thousands of times."""

from __future__ import annotations

from hypothesis import settings

_DEFAULT = 100


def examples(count: int) -> settings:
    """`count` under the default profile, scaled in proportion when a profile's own number is not the default 100."""
    return settings(max_examples=max(1, count * settings().max_examples // _DEFAULT), deadline=None)
