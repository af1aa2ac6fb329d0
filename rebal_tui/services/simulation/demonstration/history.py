"""The demonstration book after 60 sessions, shipped as data so that it opens at once.

`python -m tests.demo_history` creates the file, with the engine and the simulated broker; a test creates it again and
compares.
"""

from __future__ import annotations

from importlib import resources

SEED, ACCOUNTS = "1", 60
"""The arguments of the demonstration that has a history."""
SESSIONS = 60
FILE = "history.db.xz"


def book_file() -> bytes | None:
    """The content of the demonstration book's SQLite file; None where Python has no LZMA."""
    try:
        import lzma
    except ImportError:
        return None
    packed = resources.files("rebal_tui.services.simulation.demonstration").joinpath(FILE).read_bytes()
    return lzma.decompress(packed)
