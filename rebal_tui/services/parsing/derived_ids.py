"""Deterministic ids of what a BOOK.json lists without one."""

from __future__ import annotations

import uuid

_IDS = uuid.UUID("5a5c2e0e-8d0c-5f0b-9a35-0b1f6b0c7d11")


def derived_id(kind: str, name: str) -> str:
    """A deterministic id for an object without one in the file: the same file gives the same id."""
    return str(uuid.uuid5(_IDS, f"{kind}:{name}"))
