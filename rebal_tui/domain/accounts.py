"""Accounts, their positions, and the reasons for which the broker blocks them (R-2, R-40)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quantities import Money, Price, Qty


class AccountStatus(StrEnum):
    INACTIVE = "INACTIVE"
    ONBOARDING = "ONBOARDING"
    SUBMITTED = "SUBMITTED"
    RESUBMITTED = "RESUBMITTED"
    SUBMISSION_FAILED = "SUBMISSION_FAILED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    EDITED = "EDITED"
    ACCOUNT_UPDATED = "ACCOUNT_UPDATED"
    APPROVAL_PENDING = "APPROVAL_PENDING"
    REAPPROVAL_PENDING = "REAPPROVAL_PENDING"
    SIGNED_UP = "SIGNED_UP"
    KYC_SUBMITTED = "KYC_SUBMITTED"
    LIMITED = "LIMITED"
    AML_REVIEW = "AML_REVIEW"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    DISABLE_PENDING = "DISABLE_PENDING"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    PAPER_ONLY = "PAPER_ONLY"


ENDED_STATUSES = {
    AccountStatus.ACCOUNT_CLOSED: "closed",
    AccountStatus.DISABLED: "disabled",
    AccountStatus.DISABLE_PENDING: "about to be disabled",
}
"""Statuses after which an account does not come back by itself, as predicates; each raises an alert (R-40)."""


class Restriction(StrEnum):
    """A reason for which the broker blocks an account (R-40); each stops all runs of the account.

    The API calls it a restriction; it is not a limit set by an advisor, which is a `TradeRestriction` (R-60).
    `POSITION_TO_EQUITY_RATIO` is reported by the broker, and also computed by this program from the account's figures.
    """

    TRADING_BLOCKED = "trading_blocked"
    ACCOUNT_BLOCKED = "account_blocked"
    PATTERN_DAY_TRADER = "pattern_day_trader"
    ACH_RETURN = "ach_return"
    POSITION_TO_EQUITY_RATIO = "position_to_equity_ratio"
    CRYPTO = "crypto"
    OPTIONS = "options"
    UNSPECIFIED = "unspecified"
    SHORT_POSITION = "short_position"
    CRYPTO_POSITION = "crypto_position"


RESTRICTION_TEXTS = {
    Restriction.TRADING_BLOCKED: "trading is blocked",
    Restriction.ACCOUNT_BLOCKED: "the account is blocked",
    Restriction.PATTERN_DAY_TRADER: "flagged as a pattern day trader",
    Restriction.ACH_RETURN: "an ACH deposit was returned",
    Restriction.POSITION_TO_EQUITY_RATIO: "positions exceed 6 × equity",
    Restriction.CRYPTO: "the broker limits crypto trading to liquidation",
    Restriction.OPTIONS: "the broker limits options trading to liquidation",
    Restriction.UNSPECIFIED: "blocked by the broker, which gives no reason",
    Restriction.SHORT_POSITION: "holds a short position",
    Restriction.CRYPTO_POSITION: "holds a crypto position",
}
"""The broker's reasons in words. "Restricted" is only said of what an advisor restricts (R-60)."""


@dataclass(frozen=True, slots=True)
class Position:
    """An account's holding of one asset. `qty` is above zero: a closed position is removed.

    `avg_entry_price` is None when unknown. `asset_id` is the asset's id, None when neither the broker nor the file
    gives one. `available` are the shares that no order or transfer reserves, None when the broker does not report them.
    `asset_id` and `available` are neither compared nor stored.
    """

    symbol: str
    qty: Qty
    avg_entry_price: Price | None = None
    asset_id: str | None = field(default=None, compare=False)
    available: Qty | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A client account as the broker reports it.

    `cash` changes with each fill. `unsettled` is the part of `cash` that comes from sells that have not settled yet
    (R-30).
    """

    id: str
    account_number: str
    name: str
    status: AccountStatus
    cash: Money
    unsettled: Money
    restrictions: frozenset[Restriction]
    positions: tuple[Position, ...]
    created_at: datetime

    def holding(self, symbol: str) -> Qty:
        """Shares held of a symbol, 0 without a position in it."""
        return next((p.qty for p in self.positions if p.symbol == symbol), Qty(0))

    @property
    def settled_cash(self) -> Money:
        """Cash less the proceeds that have not settled."""
        return Money(self.cash - self.unsettled)
