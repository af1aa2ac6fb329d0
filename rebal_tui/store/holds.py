"""Why accounts are paused: one row for each cause."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from rebal_tui.store.codec import from_time, from_time_or_none, to_time, to_time_or_none
from rebal_tui.store.database import Database, Transaction


class HoldKind(StrEnum):
    """What paused an account.

    `DIFFERENCE`: figures that no event explains, which later events may explain (R-53). `UNKNOWN_ASSET`: an asset that
    the book does not know (R-51). `RECONCILIATION`: a difference found by a reconciliation. `CORPORATE_ACTION`: shares
    or cash that an action does not explain (R-54). `REPORTED`: something that the broker reported and a person must
    look at. `FILES`: a difference between two imports (R-70).
    """

    RECONCILIATION = "reconciliation"
    REPORTED = "reported"
    CORPORATE_ACTION = "corporate_action"
    UNKNOWN_ASSET = "unknown_asset"
    FILES = "files"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class HoldCause:
    """One cause of a pause, as text for display, and its time.

    `baseline` (the pause baseline) is recorded when later events may account for the difference, so that they can be
    replayed against it; it is None when only a person can resolve it. Until `waiting_until`, the account waits for the
    events that explain the difference: it is not traded, and nobody is alerted yet.
    """

    kind: HoldKind
    reason: str
    at: datetime
    baseline: str | None = None
    waiting_until: datetime | None = None


@dataclass(frozen=True)
class Hold:
    """Every cause for which an account is paused, at least one; causes of the kind `DIFFERENCE` come last."""

    causes: tuple[HoldCause, ...]

    @cached_property
    def reason(self) -> str:
        """All causes of the pause as one text for display."""
        return "; ".join(cause.reason for cause in self.causes)

    @property
    def at(self) -> datetime:
        """The time of the earliest cause of the pause."""
        return min(cause.at for cause in self.causes)

    @property
    def waits(self) -> bool:
        """Whether the account waits for events that may explain its difference, and nothing else pauses it."""
        return all(cause.waiting_until is not None for cause in self.causes)

    def of(self, kind: HoldKind) -> tuple[HoldCause, ...]:
        """The causes of one kind, in order; empty when there is none."""
        return tuple(cause for cause in self.causes if cause.kind is kind)


def first_of(hold: Hold | None, kind: HoldKind) -> HoldCause | None:
    """The first cause of a kind, None when no such cause pauses the account."""
    return next(iter(hold.of(kind)), None) if hold is not None else None


_COLUMNS = "kind, reason, at, baseline, waiting_until"
_ORDER = "kind = 'difference', hold_causes.key"


def of_account(database: Database, account_id: str) -> Hold | None:
    """The causes for which an account is paused (R-53), uncommitted changes included; None when it is not paused."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM hold_causes JOIN accounts ON accounts.key = account WHERE accounts.id = ? "
        f"ORDER BY {_ORDER}",
        (account_id,),
    )
    return Hold(tuple(_cause(*row) for row in rows)) if rows else None


def load(database: Database) -> dict[str, Hold]:
    """Every paused account by id, with the causes of its pause."""
    causes: dict[str, list[HoldCause]] = {}
    for account_id, *row in database.rows(
        f"SELECT accounts.id, {_COLUMNS} FROM hold_causes JOIN accounts ON accounts.key = account "
        f"ORDER BY account, {_ORDER}"
    ):
        causes.setdefault(account_id, []).append(_cause(*row))
    return {account_id: Hold(tuple(some)) for account_id, some in causes.items()}


def _cause(kind: str, reason: str, at: int, baseline: str | None, waiting: int | None) -> HoldCause:
    return HoldCause(HoldKind(kind), reason, from_time(at), baseline, from_time_or_none(waiting))


def add(tx: Transaction, account_id: str, cause: HoldCause) -> bool:
    """Pause an account for a cause. False when it was already paused for a cause of this kind and reason."""
    added = tx.execute(
        "INSERT OR IGNORE INTO hold_causes (account, kind, reason, at, baseline, waiting_until) "
        "SELECT key, ?, ?, ?, ?, ? FROM accounts WHERE id = ?",
        (
            cause.kind.value, cause.reason, to_time(cause.at), cause.baseline, to_time_or_none(cause.waiting_until),
            account_id,
        ),
    )  # fmt: skip
    return added.rowcount > 0


def replace_kind(tx: Transaction, account_id: str, kind: HoldKind, causes: Iterable[HoldCause]) -> None:
    """Replace all causes of one kind that pause an account by `causes`, which are of that kind."""
    remove(tx, account_id, kind)
    for cause in causes:
        add(tx, account_id, cause)


def relabel(tx: Transaction, labels: Mapping[str, str]) -> None:
    """Replace labels of assets in the holdings of pause baselines; `labels` maps old labels to new ones (R-50)."""
    for key, text in tx.rows("SELECT key, baseline FROM hold_causes WHERE baseline IS NOT NULL"):
        baseline = json.loads(text)
        held = {labels.get(symbol, symbol): qty for symbol, qty in baseline["held"].items()}
        if held != baseline["held"]:
            tx.execute(
                "UPDATE hold_causes SET baseline = ? WHERE key = ?", (json.dumps({**baseline, "held": held}), key)
            )


def remove(tx: Transaction, account_id: str, kind: HoldKind | None = None) -> None:
    """Remove the causes of one kind, or all of them, that pause an account."""
    tx.execute(
        "DELETE FROM hold_causes WHERE account = (SELECT key FROM accounts WHERE id = ?) AND kind = coalesce(?, kind)",
        (account_id, kind.value if kind else None),
    )
