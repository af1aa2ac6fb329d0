"""What a reconciliation finds that cannot be explained."""

from __future__ import annotations


class ReconciliationReport:
    """What cannot be explained, by account; `permanent` are those with something that no event can explain later."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}
        self.permanent: set[str] = set()

    def add(self, account_id: str, reason: str, *, temporary: bool = False) -> None:
        """Note a reason; it is `temporary` where an event that is still on its way may be all there is to it."""
        if not temporary:
            self.permanent.add(account_id)
        known = self.reasons.setdefault(account_id, [])
        if reason not in known:
            known.append(reason)
