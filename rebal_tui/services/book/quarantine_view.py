"""What is in quarantine, in memory: the accounts that it pauses, and what is due for a retry (R-52)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quarantine import Quarantined, QuarantineKind

_WHAT = {
    QuarantineKind.ACCOUNT: "the broker's answers about it cannot be used",
    QuarantineKind.EVENT: "an event of it cannot be applied",
    QuarantineKind.PROCESSING: "it cannot be processed",
}


class Work(StrEnum):
    """Work of one account that is isolated from that of the others."""

    RUN = "run"
    WITHDRAWAL = "withdrawal"
    EVALUATION = "evaluation"
    RECHECK = "recheck"
    RECONCILIATION = "reconciliation"
    JOURNALS = "journals"


def work_name(account_id: str, what: Work) -> str:
    """The subject of some work of an account in quarantine."""
    return f"{account_id} {what}"


class QuarantineView:
    """Everything in quarantine: `rows` by key, oldest first, and `by_account` what pauses each account."""

    def __init__(self, rows: Mapping[int, Quarantined] | None = None) -> None:
        self.rows = dict(rows or {})
        self._by_name = {(one.kind, one.subject): one for one in self.rows.values()}
        self.by_account: dict[str, list[Quarantined]] = {}
        for one in self.rows.values():
            if one.account_id is not None:
                self.by_account.setdefault(one.account_id, []).append(one)

    def __contains__(self, name: tuple[QuarantineKind, str]) -> bool:
        return name in self._by_name

    def waits(self, kind: QuarantineKind, subject: str, now: datetime) -> bool:
        """Whether a thing is in quarantine and not due to be tried again."""
        one = self._by_name.get((kind, subject))
        return one is not None and now < one.next_at

    def work_waits(self, account_id: str, what: Work, now: datetime) -> bool:
        """Whether some work of an account failed and is not due to be tried again."""
        return self.waits(QuarantineKind.PROCESSING, work_name(account_id, what), now)

    def stops_work(self, account_id: str, what: Work, now: datetime) -> bool:
        """Whether the quarantine stops some work of an account: not when only that work itself is due again."""
        own = work_name(account_id, what)
        return any(one.subject != own or now < one.next_at for one in self.by_account.get(account_id, ()))

    def due(self, kind: QuarantineKind, now: datetime) -> list[Quarantined]:
        """The things of a kind that are to be tried again, oldest first."""
        return [one for one in self.rows.values() if one.kind is kind and now >= one.next_at]

    def reasons(self, account_id: str) -> list[str]:
        """Why an account is paused, oldest first."""
        return [pause_text(one) for one in self.by_account.get(account_id, ())]

    def assets(self) -> dict[str, Quarantined]:
        """The assets in quarantine, by id."""
        return {one.subject: one for one in self.rows.values() if one.kind is QuarantineKind.ASSET}

    def asset_reasons(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Why known assets are not traded, by label; `labels` are those of the book by id."""
        known = ((labels[identity], one.reason) for identity, one in self.assets().items() if identity in labels)
        return {label: f"the broker's row of {label} cannot be used: {reason}" for label, reason in known}


def pause_text(one: Quarantined) -> str:
    """Why a thing pauses its account, as a predicate without its end."""
    return f"{_WHAT[one.kind]}: {one.reason}"
