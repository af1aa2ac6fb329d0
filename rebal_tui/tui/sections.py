"""Where a person can be: the eight places and Review; and where an action can belong: to one, to lists, everywhere."""

from __future__ import annotations

from enum import StrEnum


class Section(StrEnum):
    """The eight places, in the order of their keys."""

    DESK = "desk"
    PORTFOLIOS = "portfolios"
    ACCOUNTS = "accounts"
    RUNS = "runs"
    CASH = "cash"
    MARKET = "market"
    LAB = "lab"
    LOG = "log"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def key(self) -> str:
        return str(list(Section).index(self) + 1)


EVERYWHERE = "everywhere"
REVIEW = "review"
"""The queue of runs that wait for approval: reached from everywhere, beside the eight places."""
LISTS = "lists"
"""Places that are a list with a row under the cursor."""
LIST_SECTIONS = (
    Section.PORTFOLIOS,
    REVIEW,
    Section.MARKET,
    Section.LOG,
    Section.DESK,
    Section.ACCOUNTS,
    Section.CASH,
    Section.RUNS,
)
