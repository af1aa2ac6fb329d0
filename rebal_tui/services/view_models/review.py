"""Runs that await approval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.runs import RunRow


@dataclass(frozen=True, slots=True)
class ReviewSnapshot:
    """Runs that await approval, oldest first; `everything` is whether every automatic run of the book requires
    approval. `waits_for_list` is whether an approved order is on no trade list yet; False in other books than a files
    book.
    """

    version: int
    rows: tuple[RunRow, ...]
    everything: bool
    waits_for_list: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A run that awaits approval, with its plan at current prices.

    `changed` is whether that plan differs from the one stored with the run. `until` is when the run expires, None when
    it does not (R-73).
    """

    row: RunRow
    preview: PreviewView
    changed: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewScope:
    """Which automatic runs of a book wait for approval.

    `everything` is whether all do, `fixed` whether that cannot be changed, as in a files book. `portfolios` counts the
    active portfolios and `own` those of them with review; `exempt` counts the accounts whose subscription has the
    override *no review*, `required` those with the override *review*; an override takes precedence over portfolio and
    book.
    """

    everything: bool
    fixed: bool
    portfolios: int
    own: int
    exempt: int
    required: int
