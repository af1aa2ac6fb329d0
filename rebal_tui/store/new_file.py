"""Creating a book's file so that it appears whole or not at all: it is built under another name in the same folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict, Fault, ReadOnly, Refusal
from rebal_tui.domain.side_files import SQLITE_SUFFIXES
from rebal_tui.systems import move_new, sync_folder


@contextmanager
def built_beside(path: Path) -> Iterator[Path]:
    """Give the block a temporary name under which to build a file, and move the file to `path` when the block ends.

    The caller holds the book's lock, and closes the file in the block. A symbolic link at `path` is followed. When the
    block raises, nothing is left of the file; what a killed process left is removed by the next attempt. Error messages
    name `path`, not the temporary name. Raises `Conflict` when `path` exists by then, or when the file cannot be
    written.
    """
    path = path.resolve()
    partial = path.with_name(path.name + ".partial")
    _remove(partial)
    try:
        yield partial
        move_new(partial, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise Conflict(f"{path} already exists") from None
    except OSError as error:
        raise Conflict(f"{path} cannot be created: {error.strerror or error}") from error
    except ReadOnly as stopped:
        raise ReadOnly(stopped.halt, str(stopped).replace(str(partial), str(path)), str(path)) from stopped
    except Refusal as refusal:
        faults = [(fault.location, fault.message.replace(str(partial), str(path))) for fault in refusal.faults]
        raise Conflict(Fault(location, message) for location, message in faults) from refusal
    finally:
        with suppress(OSError):
            _remove(partial)


def _remove(partial: Path) -> None:
    for suffix in (*SQLITE_SUFFIXES, ""):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)
