"""The sections, Review and Exceptions, and the scopes of actions.

A section is a main screen that one of the keys 1 to 8 opens; 9 opens Review, 0 Exceptions.
"""

from __future__ import annotations

from enum import StrEnum


class Section(StrEnum):
    """The eight sections, in the order of their keys 1 to 8."""

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


def section_label(section: str) -> str:
    """The display name of a section, of Review or of Exceptions."""
    return section.capitalize() if section in QUEUES else Section(section).label


EVERYWHERE = "everywhere"
REVIEW = "review"
"""Section name of the queue of runs awaiting approval, in addition to the eight sections."""
EXCEPTIONS = "exceptions"
"""Section name of exceptions and alerts, in addition to the eight sections."""
QUEUES = (REVIEW, EXCEPTIONS)
LISTS = "lists"
"""Scope of actions available in every section of `LIST_SECTIONS`."""
LIST_SECTIONS = (
    Section.PORTFOLIOS,
    REVIEW,
    EXCEPTIONS,
    Section.MARKET,
    Section.LOG,
    Section.DESK,
    Section.ACCOUNTS,
    Section.CASH,
    Section.RUNS,
)
