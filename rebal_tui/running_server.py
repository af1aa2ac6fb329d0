"""How commands on this machine find the server of a book: a file next to the book that only its owner can read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The address of a book's server on this machine, and a key of the scope `admin` that is valid while it runs."""

    url: str
    key_id: str
    secret: str = field(repr=False)


@contextmanager
def announced(path: Path, server: RunningServer) -> Iterator[None]:
    """Context manager: write the file by which commands find a book's server, and remove it when the block ends.

    The caller holds the book's lock.
    """
    file = _file(path)
    with suppress(FileNotFoundError):
        file.unlink()  # Left by a server that was killed.
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        json.dump(asdict(server), written)
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()


def find_server(path: Path) -> RunningServer | None:
    """The server that has the book at `path` open, according to its file; None without such a file.

    A killed server leaves its file, so the server may no longer run.
    """
    try:
        return RunningServer(**json.loads(_file(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _file(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(real.name + ".serve")
