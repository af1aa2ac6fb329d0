"""What needs a person although no condition fires (R-58)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rebal_tui.services.view_models.log import AlertView


class ExceptionKind(StrEnum):
    """Kinds of exceptions, in the order in which they are listed, the most urgent first.

    First come kinds in which an amount of money may be wrong, then those that stop several accounts, then those of
    single accounts: what a person can resolve before what the broker must resolve. Last come kinds that stop nothing.
    """

    UNEXPLAINED_DIFFERENCE = "unexplained_difference"
    QUARANTINED = "quarantined"
    CASH_BELOW_ZERO = "cash_below_zero"
    ASSET_ON_HOLD = "asset_on_hold"
    PORTFOLIO_NEEDS_ADJUSTMENT = "portfolio_needs_adjustment"
    ASSET_INELIGIBLE = "asset_ineligible"
    RESTRICTIONS_CONFLICT = "restrictions_conflict"
    CANNOT_BE_CORRECTED = "cannot_be_corrected"
    HOLDING_WITHOUT_PRICE = "holding_without_price"
    ACCOUNT_NOT_ACTIVE = "account_not_active"
    ACCOUNT_RESTRICTED = "account_restricted"
    UNFINISHED = "unfinished"
    RUN_FAILED = "run_failed"


BLOCKS = {
    ExceptionKind.UNEXPLAINED_DIFFERENCE: "all runs of the account",
    ExceptionKind.QUARANTINED: "all runs of its account, or automatic runs of the accounts of its asset",
    ExceptionKind.CASH_BELOW_ZERO: "buys of the account",
    ExceptionKind.ASSET_ON_HOLD: "automatic runs of all accounts that hold or target the asset",
    ExceptionKind.HOLDING_WITHOUT_PRICE: "all runs of the account",
    ExceptionKind.ACCOUNT_NOT_ACTIVE: "all runs of the account",
    ExceptionKind.ACCOUNT_RESTRICTED: "all runs of the account",
    ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT: "automatic runs of all accounts of the portfolio",
    ExceptionKind.ASSET_INELIGIBLE: "buys of the asset; at the next evaluation that needs it, the whole portfolio",
    ExceptionKind.RESTRICTIONS_CONFLICT: "all runs of the account",
    ExceptionKind.CANNOT_BE_CORRECTED: "the rebalance that the condition asks for",
    ExceptionKind.UNFINISHED: "nothing; what was not sold stays as it is",
    ExceptionKind.RUN_FAILED: "nothing; the next evaluation decides again",
}
REMEDIES = {
    ExceptionKind.UNEXPLAINED_DIFFERENCE: "review the differences and release the account with the broker's figures",
    ExceptionKind.QUARANTINED: "it is tried again by itself; ask the broker for the cause, or release the account",
    ExceptionKind.CASH_BELOW_ZERO: "deposit cash, or sell by a manual run",
    ExceptionKind.ASSET_ON_HOLD: "find the cause of the price, then release the asset or enter the corporate action",
    ExceptionKind.HOLDING_WITHOUT_PRICE: "ask the broker why the asset has no price",
    ExceptionKind.ACCOUNT_NOT_ACTIVE: "have the broker open the account again, or end its subscription",
    ExceptionKind.ACCOUNT_RESTRICTED: "have the broker lift its block",
    ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT: "replace the assets that cannot be bought; saving reactivates it",
    ExceptionKind.ASSET_INELIGIBLE: "replace the asset in the portfolio, or wait until it can be bought again",
    ExceptionKind.RESTRICTIONS_CONFLICT: "lift or change one of the restrictions named",
    ExceptionKind.CANNOT_BE_CORRECTED: "preview its run: each line says what stops its asset; remove those causes",
    ExceptionKind.UNFINISHED: "sell the remaining holdings with a manual run, or accept them",
    ExceptionKind.RUN_FAILED: "read the run, then acknowledge its alert",
}
REACTIVATE = "reactivate the portfolio"
"""What to do about a portfolio that needs adjustment although all its assets are eligible again."""


@dataclass(frozen=True, slots=True)
class ExceptionView:
    """An exception with its subject, its beginning and its text; the ids that do not apply are None.

    `accounts` is the number of accounts that the exception affects. `number` is the account number that the text has
    after the client's name, empty if it has none. `short` is a short form of the text for lists;
    empty if there is none. `over`: the cause has ended, and only an act of a person is missing.
    """

    kind: ExceptionKind
    account_id: str | None
    symbol: str | None
    portfolio_id: str | None
    run_id: str | None
    accounts: int
    since: datetime
    text: str
    number: str = ""
    short: str = ""
    over: bool = False

    @property
    def brief(self) -> str:
        """The exception's text for a list: short, without the account number and the final period."""
        if self.short:
            return self.short
        text = self.text.removesuffix(".")
        return text.replace(f" ({self.number})", "", 1) if self.number else text

    @property
    def blocks(self) -> str:
        """What the program does not do while the exception lasts."""
        return BLOCKS[self.kind]

    @property
    def remedy(self) -> str:
        """What a person can do about the exception."""
        return REACTIVATE if self.over else REMEDIES[self.kind]


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """Exceptions in their stable order, and the key of the last one; None on the last page.

    The next page is requested with this key.
    """

    items: tuple[ExceptionView, ...]
    next_key: int | None


ExceptionCounts = Mapping[ExceptionKind, int]
"""The number of exceptions of each kind that occurs."""


@dataclass(frozen=True, slots=True)
class ExceptionList:
    """The data of the Exceptions screen. Equal stamps mean equal data.

    `total` counts all exceptions, also those that are not in `items`. `alerts` are those that nobody has acknowledged.
    """

    stamp: tuple[int, int]
    items: tuple[ExceptionView, ...]
    total: int
    alerts: tuple[AlertView, ...]
