"""A new book's file that appears whole or not at all: it is built beside its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict, Fault, ReadOnly, Refusal
from rebal_tui.domain.side_files import SQLITE_SUFFIXES
from rebal_tui.systems import move_new, sync_folder


@contextmanager
def built_beside(path: Path) -> Iterator[Path]:
    """The name under which the block builds the file, which has its own name after the block; a link is followed.

    The caller holds the book's lock, and closes the file in the block. When the block raises, nothing is left of the
    file; what is left after the process was killed is replaced by the next attempt. Refusals name the file itself.
    Raises `Conflict` when there is a file at `path` by then, or when the disk does not take the file.
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
