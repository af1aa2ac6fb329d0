"""The Log screen, and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.services.view_models.status import JobView


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The result of verifying the audit trail, as a sentence."""

    intact: bool
    text: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """A message for a person. `kind` is a code for what happened, such as `restricted`, `surge`, `run` or `job`.

    `subject` is the id of the object concerned, `named` its name for a person, such as the client of an account.
    """

    key: int
    at: datetime
    kind: str
    subject: str
    text: str
    named: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """An entry of the audit trail; `detail` is JSON, `sentence` the entry in words, without the actor.

    `found` is the word of the entry in which a search found its text, empty if the sentence contains the text.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    sentence: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class LogSnapshot:
    """The data of the Log screen; `entries` is the number of entries in the whole audit trail.

    `more` is whether older entries match the filter, too.
    """

    version: int
    jobs: tuple[JobView, ...]
    audit: tuple[AuditView, ...]
    entries: int
    more: bool = False
