"""The folder for the books of these tests: in memory if the system has a folder for that."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="rebal-", dir=parent) as folder:
        yield Path(folder)
