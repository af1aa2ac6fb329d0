"""Versions of a portfolio, with their differences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two versions differ, as text; `before` or `after` is empty where the field has no value.

    `change` is the change of a weight in hundredths of a percentage point, 0 for other fields.
    """

    field: str
    before: str
    after: str
    change: int = 0


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a portfolio.

    `changes` are its differences from the version before, empty for the oldest. `to_return` is what would change if the
    portfolio returned to this version, empty if the portfolio's content now is that of this version.
    """

    number: int
    at: datetime
    actor: str
    changes: tuple[Difference, ...]
    to_return: tuple[Difference, ...]
    oldest: bool
