"""The oracle's rules of reserved cash: who may change a reservation, and that none is lost or doubled (R-2, R-9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.services.maintenance.reservation_check import reservation_faults
from rebal_tui.store.database import Database

Key: TypeAlias = tuple[str, str, str]
"""Account, owner kind and owner."""
RESERVES = (RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED, RunStatus.TIMEOUT)


class ReservationOracle:
    """Compares the reservations of a book before and after each event. `released` are accounts that a person released
    since the last check. `faults` are texts of what was wrong."""

    def __init__(self) -> None:
        self.released: set[str] = set()
        self._before: Counter[Key] = Counter()
        self._own: Counter[Key] = Counter()
        self._free: Counter[Key] = Counter()
        self._left: Counter[str] = Counter()
        self._outflow: dict[str, int] = {}

    def check(
        self,
        database: Database,
        runs: Iterable[Run],
        outflow: dict[str, int],
        cash: dict[str, int],
        behind: Callable[[str], bool],
    ) -> str | None:
        """What is wrong with the reservations, None when nothing is. Amounts are in billionths of a dollar.

        `outflow` is the cash that has left each account by other ways than the program's orders.
        """  # fmt: skip
        for account, total in outflow.items():
            self._left[account] += total - self._outflow.get(account, 0)
            self._outflow[account] = total
        now, own, free = _owned(database)
        by_id = {run.id: run for run in runs}
        fault = next((f"{one.location}: {one.message}" for one in reservation_faults(database)), None)
        for key in now.keys() | self._before.keys():
            account, kind, owner = key
            change = now[key] - self._before[key]
            if change > 0 and kind == "person":
                fault = fault or f"{key}: {change} is reserved although no person requested it"
            if change > 0 and kind == "run":
                fault = fault or _raised(by_id.get(owner), change)
            if change > 0 and not behind(account):
                before = sum(amount for known, amount in self._before.items() if known[0] == account)
                if now[key] > cash[account] and before + change > cash[account]:
                    fault = fault or f"{key}: {change} reserved, but the account has {cash[account]}"
            if change < 0 and kind == "run" and account not in self.released:
                # Only a journal that has left takes what a run reserved.
                if -change > self._left[account]:
                    fault = fault or f"{key}: {-change} is no longer reserved, {self._left[account]} has left"
                self._left[account] += change
        for account, _, journal in free.keys() - self._free.keys():
            runs_left = sum(min(amount, self._own[key]) for key, amount in own.items() if key[:2] == (account, "run"))
            if runs_left > 0:
                fault = fault or f"journal {journal} takes free cash while runs of {account} have {runs_left}"
        self._before, self._own, self._free = now, own, free
        self.released.clear()
        return fault


def reserved_for_others(database: Database, account_id: str, withdrawal_id: str | None) -> int:
    """What a new journal may not use: all but the withdrawal it is for; of a person, all but the cash of runs (R-9)."""
    rows = database.rows(
        "SELECT owner_kind, owner, amount FROM reservations WHERE owner_kind <> 'journal' "
        "AND account = (SELECT key FROM accounts WHERE id = ?)",
        (account_id,),
    )
    own = ("run",) if withdrawal_id is None else ()
    return sum(amount for kind, owner, amount in rows if kind not in own and owner != withdrawal_id)


def _owned(database: Database) -> tuple[Counter[Key], Counter[Key], Counter[Key]]:
    """What each owner has reserved, with what a journal under way would give back and without it; and what journals of
    persons have taken from free cash."""
    found: Counter[Key] = Counter()
    own: Counter[Key] = Counter()
    free: Counter[Key] = Counter()
    of_withdrawals = {name for (name,) in database.rows("SELECT id FROM journals WHERE description = 'withdrawal'")}
    for account, kind, owner, origin_kind, origin, amount in database.rows(
        "SELECT accounts.id, owner_kind, owner, origin_kind, origin, amount FROM reservations "
        "JOIN accounts ON accounts.key = reservations.account"
    ):
        if kind == "journal" and not origin_kind:
            if owner not in of_withdrawals:
                free[account, kind, owner] += amount
        else:
            found[(account, origin_kind, origin) if origin_kind else (account, kind, owner)] += amount
            own[account, kind, owner] += amount
    return found, own, free


def _raised(run: Run | None, change: int) -> str | None:
    """Why a run's reservation is wrong when it is made (R-23)."""
    if run is None or run.type is not RunType.PARTIAL_LIQUIDATION or run.status not in RESERVES:
        return f"{change} is reserved by {run}"
    amount = run.amount or 0
    if change > amount:
        return f"run {run.id} reserves {change} of {amount}"
    if change < amount and (run.status is RunStatus.COMPLETED_SUCCESS or "raised and reserved" not in str(run.reason)):
        return f"run {run.id} reserves {change} of {amount}, but ended {run.status}: {run.reason}"
    return None
