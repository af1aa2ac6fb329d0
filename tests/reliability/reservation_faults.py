"""Planted faults in reserved cash (R-2, R-9, R-23)."""

from __future__ import annotations

from typing import Any

from rebal_tui.domain.cash import Owner, OwnerKind
from rebal_tui.domain.quantities import Money
from rebal_tui.services.runs import finishing
from rebal_tui.store import reservations
from tests.reliability.default_events import NEW_HOLDING

_RELEASE = reservations.release


def _release_all(tx: Any, account_id: str, owner: Owner) -> None:
    """With a withdrawal, release everything that the account has reserved."""
    for one in reservations.of_account(tx.database, account_id):
        if one.owner == owner or owner.kind is OwnerKind.WITHDRAWAL:
            _RELEASE(tx, account_id, one.owner)


def _only_free_cash(tx: Any, account_id: str, journal_id: str, amount: Money, at: Any, *, withdrawal_id: Any) -> None:
    reservations.add(tx, account_id, Owner(OwnerKind.JOURNAL, journal_id), amount, at)


def _forget_origins(tx: Any, account_id: str, journal_id: str) -> None:
    _RELEASE(tx, account_id, Owner(OwnerKind.JOURNAL, journal_id))


REPLACED: dict[str, tuple[Any, str, Any]] = {
    "a canceled withdrawal releases all": (reservations, "release", _release_all),
    "a journal leaves the cash of runs": (reservations, "take_over", _only_free_cash),
    "a failed journal forgets its owners": (reservations, "give_back", _forget_origins),
    "a failed journal stays reserved": (reservations, "give_back", lambda tx, account_id, journal_id: None),
    "what was asked is reserved": (finishing, "raised_cash", lambda book, run: run.amount or Money(0)),
}
"""By name: a module, its attribute, and what replaces it."""

NEEDED: dict[str, tuple[str, ...]] = {
    "a canceled withdrawal releases all": (NEW_HOLDING, "reservations", "withdrawals", "manual_runs", "moving"),
    "a journal leaves the cash of runs": ("reservations", "manual_runs"),
    "a failed journal forgets its owners": ("reservations", "manual_runs", "dense"),
    "a failed journal stays reserved": ("reservations",),
    "what was asked is reserved": (
        NEW_HOLDING,
        "reservations",
        "manual_runs",
        "halts",
        "rejects",
        "moving",
        "slow_fills",
    ),
}
"""What a seed must have for a fault to show."""

FIRST: dict[str, int] = {
    "a canceled withdrawal releases all": 1,
    "a journal leaves the cash of runs": 9,
    "a failed journal forgets its owners": 6,
    "a failed journal stays reserved": 2,
    "what was asked is reserved": 13,
}
"""A seed that shows a fault."""
