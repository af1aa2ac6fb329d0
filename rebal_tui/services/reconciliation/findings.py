"""What a reconciliation finds that cannot be explained."""

from __future__ import annotations


class Findings:
    """What cannot be explained, by account."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}

    def add(self, account_id: str, reason: str) -> None:
        known = self.reasons.setdefault(account_id, [])
        if reason not in known:
            known.append(reason)
