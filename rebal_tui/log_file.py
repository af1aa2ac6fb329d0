"""The program's log: warnings and errors, in files of bounded size that only their owner can read."""

from __future__ import annotations

import logging
import os
from io import BufferedWriter, FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rebal_tui.log_lines import LogLines

MAX_LOG_BYTES = 1_000_000
"""A log file larger than this is renamed, and a new one begins."""
OLD_LOGS = 2
"""Renamed files that are kept."""
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _PrivateRotatingHandler(RotatingFileHandler):
    """A log handler whose failures to write never reach the program or the screen."""

    def _open(self) -> TextIOWrapper:
        file = FileIO(self.baseFilename, "a", opener=_open_private)
        return TextIOWrapper(BufferedWriter(file), encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop a record that cannot be written."""


def log_to_file(folder: Path) -> Path | None:
    """Log warnings and errors to `folder/rebal-tui.log`, never to the screen; returns the path of the file.

    None, and nothing is logged, if no file can be written there.
    """
    path = folder / "rebal-tui.log"
    handler: logging.Handler
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _PrivateRotatingHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=OLD_LOGS)
        written = True
    except OSError:
        handler, written = logging.NullHandler(), False
    handler.setFormatter(LogLines(_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    return path if written else None
