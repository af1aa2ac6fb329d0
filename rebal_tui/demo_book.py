"""Creating the demonstration book with its history in a new file."""

from __future__ import annotations

import os
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict
from rebal_tui.market.clock import ClockState
from rebal_tui.services.book.market_state import load_clock, store_clock
from rebal_tui.services.simulation.demonstration import history, setup
from rebal_tui.store.database import Database


def create_demo_with_history(path: Path, *, speed: float = bootstrap.DEFAULT_SPEED) -> Database:
    """Create the demonstration book with a history of 60 sessions in a new file, to be opened by `open_simulation`.

    If this Python has no LZMA, the book has no history. Raises `Conflict` for a file that exists.
    """
    content = history.book_file()
    if content is None:
        return bootstrap.create_demo(path, speed=speed)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} already exists; the demonstration needs a new file") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    database = bootstrap.open_database(path)
    try:
        with database.write() as tx:
            state = load_clock(database)
            store_clock(tx, ClockState(state.at if state else setup.DEFAULT_START, speed, paused=False))
    except BaseException:
        database.close()
        raise
    return database
