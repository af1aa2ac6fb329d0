"""What blocks an account: statuses and restrictions at the broker, and positions above 6 × equity (R-40)."""

from __future__ import annotations

from typing import NamedTuple

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, Account, AccountStatus, Restriction
from rebal_tui.engine.drift import Valuation

MAX_POSITION_TO_EQUITY = 6
_LIMITS = {Restriction.CRYPTO, Restriction.OPTIONS}
"""Restrictions that stop an account although none of its assets is of that class (R-40)."""


class Remedy(NamedTuple):
    """What ends the block of an account: `event` is worded to follow "until", `request` is what a person does."""

    event: str
    request: str


def exceeds_position_ratio(valuation: Valuation) -> bool:
    """Whether positions are worth more than 6 × equity, or there are positions and equity is 0 or less (R-40)."""
    invested = valuation.position_market_value
    # With equity of 0 or less the product is 0 or less, so any position exceeds it.
    return invested > 0 and invested > MAX_POSITION_TO_EQUITY * valuation.equity


def remedy(account: Account) -> Remedy:
    """What ends the block of a blocked account."""
    if account.status is not AccountStatus.ACTIVE:
        return Remedy("the broker opens the account again", "ask the broker to open the account again")
    if not account.restrictions:
        return Remedy("cash is deposited", "deposit cash")
    if account.restrictions <= _LIMITS:
        request = "ask the broker to lift the limit, which stops all runs of the account"
        return Remedy("the broker lifts the limit", request)
    return Remedy("the broker lifts the block", "ask the broker to lift the block")


def blocking_reasons(account: Account, valuation: Valuation | None) -> list[tuple[str, str]]:
    """Every reason for which an account is blocked, as (name, text); empty when it is not blocked (R-40).

    Without a valuation, positions above 6 × equity block the account only when the broker reports them.
    """
    found: list[tuple[str, str]] = []
    if account.status is not AccountStatus.ACTIVE:
        found.append(("account_status", f"the account status is {account.status}, not ACTIVE"))
    restrictions = set(account.restrictions)
    if valuation is not None and exceeds_position_ratio(valuation):
        restrictions.add(Restriction.POSITION_TO_EQUITY_RATIO)
    found.extend((r.value, RESTRICTION_TEXTS[r]) for r in Restriction if r in restrictions)
    return found
