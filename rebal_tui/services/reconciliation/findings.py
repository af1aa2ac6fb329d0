"""What a reconciliation finds that cannot be explained."""

from __future__ import annotations


class Findings:
    """What cannot be explained, by account; `lasting` are those with something that no event can explain later."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}
        self.lasting: set[str] = set()

    def add(self, account_id: str, reason: str, *, passing: bool = False) -> None:
        """Note a reason; it is `passing` where an event that is still on its way may be all there is to it."""
        if not passing:
            self.lasting.add(account_id)
        known = self.reasons.setdefault(account_id, [])
        if reason not in known:
            known.append(reason)
