"""Errors for refused requests: where the fault is, what was found and what was expected. A refusal changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `location` is a path such as `portfolios[2].weights[0].percent`; empty for the input as a whole."""

    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class Refusal(Exception):
    """A request that was refused, and why: one or more faults. `status` is the matching HTTP status."""

    status = 422

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        self.faults = (Fault("", faults),) if isinstance(faults, str) else tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))

    def name_file(self, name: str) -> None:
        """Put the name of the file that was read before the location of every fault."""
        faults = [Fault(f"{name}, {f.location}" if f.location else name, f.message) for f in self.faults]
        Refusal.__init__(self, faults)


class Invalid(Refusal):
    """Malformed input, such as a missing field, a wrong type or a sum that is not 100."""

    status = 400


class Conflict(Refusal):
    """A valid request that the book's current state does not allow."""

    status = 422


class Forbidden(Conflict):
    """A request that is not allowed: the account is subscribed, blocked (R-40), or short of cash or shares."""

    status = 403


class Halt(StrEnum):
    """Why this process must not write to the book.

    This process only views the book, another process writes to the book, or the disk or the file has a fault.
    """

    VIEWING = "viewing"
    TAKEN_OVER = "taken_over"
    DISK_FULL = "disk_full"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"
    FILE_GONE = "file_gone"
    OVERWRITTEN = "overwritten"


FILE_LOST = frozenset({Halt.FILE_GONE, Halt.OVERWRITTEN})
"""The book's file no longer is the one that was opened; a program that wrote to it ends with exit code 1."""


class ReadOnly(Conflict):
    """This process cannot write to the book until the book is opened again.

    `halt` is the cause; `path` is the book's file, empty when unknown.
    """

    status = 503

    def __init__(self, halt: Halt, text: str, path: str = "") -> None:
        super().__init__(text)
        self.halt = halt
        self.path = path

    def again(self) -> ReadOnly:
        """A new error with the same cause and path, so that it can be raised once more."""
        return ReadOnly(self.halt, str(self), self.path)


class NotFound(Refusal):
    """No object has the id that the request names."""

    status = 404


class Unavailable(Refusal):
    """The broker did not answer. The caller must look up whether the request took effect before sending it again."""

    status = 503


class PlanChanged(Conflict):
    """A person approved a plan that has been recalculated since it was shown (R-27)."""


class BrokenInvariant(Exception):
    """An internal invariant does not hold: a bug, never a fault of the input."""


def require(condition: object, what: str) -> None:
    """Raise `BrokenInvariant` with the text `what` unless the condition holds. Works under `python -O`, too."""
    if not condition:
        raise BrokenInvariant(what)
