"""The quarantine in memory: the accounts that it pauses, and what is due for a retry (R-52)."""

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
    """Kinds of work of one account whose failure does not stop the work of other accounts."""

    RUN = "run"
    WITHDRAWAL = "withdrawal"
    EVALUATION = "evaluation"
    RECHECK = "recheck"
    RECONCILIATION = "reconciliation"
    JOURNALS = "journals"


def work_name(account_id: str, what: Work) -> str:
    """The subject of the quarantine entry for one kind of work of an account."""
    return f"{account_id} {what}"


class QuarantineView:
    """Everything in quarantine.

    `rows` has the entries by their key in the file, oldest first; `by_account` the entries that pause each account, by
    account id.
    """

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
        """Whether a subject is in quarantine and not yet due for a retry at `now`."""
        one = self._by_name.get((kind, subject))
        return one is not None and now < one.next_at

    def work_waits(self, account_id: str, what: Work, now: datetime) -> bool:
        """Whether a kind of work of an account has failed and is not yet due for a retry at `now`."""
        return self.waits(QuarantineKind.PROCESSING, work_name(account_id, what), now)

    def stops_work(self, account_id: str, what: Work, now: datetime) -> bool:
        """Whether an entry of an account stops this kind of work at `now`.

        Every entry of the account does, except the entry of this work itself once its retry is due.
        """
        own = work_name(account_id, what)
        return any(one.subject != own or now < one.next_at for one in self.by_account.get(account_id, ()))

    def due(self, kind: QuarantineKind, now: datetime) -> list[Quarantined]:
        """The entries of a kind that are due for a retry, oldest first."""
        return [one for one in self.rows.values() if one.kind is kind and now >= one.next_at]

    def reasons(self, account_id: str) -> list[str]:
        """The reasons why the quarantine pauses an account, oldest first."""
        return [pause_text(one) for one in self.by_account.get(account_id, ())]

    def assets(self) -> dict[str, Quarantined]:
        """The assets in quarantine, by id."""
        return {one.subject: one for one in self.rows.values() if one.kind is QuarantineKind.ASSET}

    def asset_reasons(self, labels: Mapping[str, str]) -> dict[str, str]:
        """By label, why an asset in quarantine is not traded; `labels` maps the ids of the book's assets to labels."""
        known = ((labels[identity], one.reason) for identity, one in self.assets().items() if identity in labels)
        return {label: f"the broker's row of {label} cannot be used: {reason}" for label, reason in known}


def pause_text(one: Quarantined) -> str:
    """Why a quarantine entry pauses its account, as a clause without a period."""
    return f"{_WHAT[one.kind]}: {one.reason}"
