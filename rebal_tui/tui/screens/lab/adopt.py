"""Fills the editor's form of the tested portfolio with a policy from the Lab."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rebal_tui.domain.portfolios import BandType, Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import percent_text
from rebal_tui.tui.screens.portfolios.form import NO_CALENDAR, PortfolioForm, form_of

if TYPE_CHECKING:
    from rebal_tui.lab.policies import Policy


def not_adoptable(policy: Policy) -> str:
    """Return why a portfolio cannot have this policy; empty if it can."""
    if policy.look > 1:
        return f"{policy.label}: the engine checks bands in every session; a portfolio cannot check them less often."
    if any(not band.percent for band in policy.bands):
        return f"{policy.label}: a band of 0 is not possible in a portfolio."
    return ""


def not_editable(portfolio: Portfolio) -> str:
    """Return why this portfolio cannot be edited; empty if it can."""
    if portfolio.status is PortfolioStatus.INACTIVE:
        return f"{portfolio.name} is inactive; reactivate it first in Portfolios."
    return ""


def adopted(portfolio: Portfolio, policy: Policy) -> PortfolioForm:
    """Return the form of a portfolio, with bands, calendar, cooldown, destination and scope (which assets trade) of a
    policy.
    """
    bands = ((BandType.ABSOLUTE, policy.absolute), (BandType.RELATIVE, policy.relative))
    calendar = policy.calendar
    return replace(
        form_of(portfolio),
        bands=tuple((kind, "" if percent is None else percent_text(percent)) for kind, percent in bands),
        calendar=NO_CALENDAR if calendar is None else calendar.sub_type.value,
        day="" if calendar is None else calendar.day,
        cooldown=str(policy.cooldown_days),
        rebalance_to=policy.destination,
        rebalance_scope=policy.scope,
    )
