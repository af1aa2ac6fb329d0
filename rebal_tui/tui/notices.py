"""Notices: short messages in the bottom line, and the history of those that were shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

KEPT_NOTICES = 200
"""How many notices the history keeps."""
SECONDS = 3.0
"""Minimum display time of a notice."""
CHARACTERS_PER_SECOND = 20
"""Reading speed: a longer text is shown longer."""
STYLES: dict[SeverityLevel, str] = {"information": "title", "warning": "warn", "error": "bad"}
"""Style of a notice by severity."""
MARKS: dict[SeverityLevel, str] = {"information": "·", "warning": "▲", "error": "■"}


class Lasts(Enum):
    """How long a notice is shown: for a time that depends on the length of its text (`ITS_TIME`); until the user leaves
    the screen or tab that it is about, but no longer than that time (`HERE`); or, as the result of an action or the
    name of a written file, for that time and then until the next key or click (`UNTIL_KEY`).
    """

    ITS_TIME = auto()
    HERE = auto()
    UNTIL_KEY = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice; `at` is the time of the book as displayed, empty while the book is being opened."""

    text: str
    severity: SeverityLevel
    at: str
    lasts: Lasts = Lasts.ITS_TIME

    @property
    def seconds(self) -> float:
        """For how many seconds the notice is shown."""
        return max(SECONDS, len(self.text) / CHARACTERS_PER_SECOND)


@runtime_checkable
class HasNotice(Protocol):
    """An app that shows notices in the bottom line."""

    notice: Notice | None
    """The notice to show, None without one."""

    def leave_notice(self, screen: object) -> None:
        """Remove the notice if it is about `screen`, which is being left, or about its tab."""

    def action_notices(self) -> None:
        """Show the history."""
