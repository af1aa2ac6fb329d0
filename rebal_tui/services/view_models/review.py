"""Runs that wait for approval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.runs import RunRow


@dataclass(frozen=True, slots=True)
class ReviewSnapshot:
    """Runs that wait for approval, the oldest first. `everything` is whether the book asks for review of every run."""

    version: int
    rows: tuple[RunRow, ...]
    everything: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A run that waits, with the plan under the current prices. `changed` is whether that is another plan than the one
    stored with the run, `until` when the run expires."""

    row: RunRow
    preview: PreviewView
    changed: bool
    until: datetime | None
