"""Refusals: what was wrong, where, and what is expected. A refusal changes nothing (rules, section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `location` is a path such as `portfolios[2].weights[0].percent`; empty for the whole."""

    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class Refusal(Exception):
    """A request that was not carried out. `status` is the HTTP status that says the same."""

    status = 422

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        self.faults = (Fault("", faults),) if isinstance(faults, str) else tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


class Invalid(Refusal):
    """Malformed input: a missing field, a wrong type, a sum that is not 100."""

    status = 400


class Conflict(Refusal):
    """Well formed, but the state of things does not allow it."""

    status = 422


class Forbidden(Conflict):
    """Understood and refused for good: the account may not, or has not got what it takes."""

    status = 403


class Halt(StrEnum):
    """Why nothing is written to a book here."""

    VIEWING = "viewing"
    TAKEN_OVER = "taken_over"
    DISK_FULL = "disk_full"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"


class ReadOnly(Conflict):
    """Nothing can be written to the book here, until it is opened anew."""

    def __init__(self, halt: Halt, text: str) -> None:
        super().__init__(text)
        self.halt = halt


class NotFound(Refusal):
    """No such id."""

    status = 404


class Unavailable(Refusal):
    """The broker gave no answer: whether it happened is to be looked up before asking again."""

    status = 503


class PlanChanged(Conflict):
    """Approval was bound to a plan that is no longer the plan (R-27)."""


class BrokenInvariant(Exception):
    """Something that the program takes for granted is not so: a fault of ours, never of the input."""


def require(condition: object, what: str) -> None:
    """Raise `BrokenInvariant` unless the condition holds. Unlike `assert` it is never compiled away."""
    if not condition:
        raise BrokenInvariant(what)
