"""Results of the self-test's steps, without anything that identifies a client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_VISIBLE = 3
_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}([0-9a-fA-F]{12})")
_NUMBER = re.compile(r"(?<![0-9.])[0-9]{6,}(?![0-9.])", re.ASCII)
_KEY = re.compile(r"\b[PC]K[A-Z0-9]{10,}\b", re.ASCII)


class Outcome(StrEnum):
    """How a step ended.

    `WAITS`: the market must be open for the step, or for a step before it. `SKIPPED`: the step needs an
    earlier one, which failed or was skipped.
    """

    OK = "ok"
    FAILED = "FAILED"
    WAITS = "waits"
    SKIPPED = "skipped"


class Failed(Exception):
    """A step failed; the message names what was found and what is expected."""


class Waits(Exception):
    """A step cannot be done now; the message names what the step waits for."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step. `milliseconds` is its duration; `advice` is what to do, "" unless the step failed."""

    name: str
    outcome: Outcome
    text: str
    milliseconds: int
    advice: str = ""


class Redactor:
    """Removes client data from texts: of ids and account numbers, the last three characters remain; of names,
    nothing.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add_names(self, names: Iterable[str]) -> None:
        """Add names, and other texts about clients, to remove."""
        self._names.update(name for name in names if len(name) >= _VISIBLE)

    def clean(self, text: str) -> str:
        """The text without client data."""
        for name in sorted(self._names, key=len, reverse=True):
            text = re.sub(re.escape(name), "(client)", text, flags=re.IGNORECASE)
        text = _ID.sub(lambda match: f"…{match[1][-_VISIBLE:]}", _KEY.sub("(key)", text))
        return _NUMBER.sub(lambda match: masked(match[0]), text)


def masked(text: str) -> str:
    """An id or account number for display: `…` and its last three characters."""
    return f"…{text[-_VISIBLE:]}"
