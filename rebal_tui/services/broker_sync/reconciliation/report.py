"""Unexplained differences found by a reconciliation."""

from __future__ import annotations


class ReconciliationReport:
    """Unexplained differences as texts by account id.

    `permanent` has the accounts with a difference that no later event can explain.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}
        self.permanent: set[str] = set()

    def add(self, account_id: str, reason: str, *, temporary: bool = False) -> None:
        """Add a difference to an account; `temporary` if a later event may explain it."""
        if not temporary:
            self.permanent.add(account_id)
        known = self.reasons.setdefault(account_id, [])
        if reason not in known:
            known.append(reason)
