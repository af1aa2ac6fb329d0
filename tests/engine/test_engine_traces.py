"""Exact content of every trace step: check, verdict, rule and text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.engine.evaluation import Situation, evaluate
from tests.engine.support import at, band, calendar, situation

TODAY = date(2026, 3, 4)
CALM = (
    "window pass R-10 2026-03-04 12:00 New York is inside the window 09:30–15:30",
    "portfolio_status pass R-12.1 portfolio is active",
    "account pass R-12.2 account is ACTIVE and unrestricted",
    "open_orders pass R-12.3 no unfinished run and no open order of other origin",
    "quota pass R-11 no system run yet this session",
    "prices pass R-12.5 every price needed is present and fresh",
    "assets pass R-12.6 every asset of the portfolio is eligible",
)
"""The prerequisites if none of them blocks."""
OLD = (
    "first_rebalance no R-14.1 last rebalanced 2026-01-02",
    "in_cooldown no R-14.2 rebalanced 2026-01-02, cooldown of 0 days: ended 2026-01-02",
)
NO_CALENDAR, NO_BAND = "calendar no R-14.3 no calendar condition", "drift_band no R-14.4 no drift band"
RECENT = "first_rebalance no R-14.1 last rebalanced 2026-03-01"
FAR = {"SPY": "0.70", "TLT": "0.30"}
FAR_WORDS = "SPY 70.00 % for a target of 60 %: absolute drift 10.00 pp exceeds the band of 5 pp (200.0 % of the band)"


def days_ago(days: int) -> datetime:
    return at(TODAY - timedelta(days=days))


TRACES: dict[str, tuple[Situation, tuple[str, ...]]] = {
    "cash to invest": (
        situation(cash="100", reserved="50.5"),
        (*CALM, *OLD, NO_CALENDAR, NO_BAND,
         "invest_cash fires R-14.5 excess cash $44.50 reaches $10.00 (cash $100.00, to keep $5.00, $50.50 reserved)"),
    ),
    "first rebalance": (
        situation(cash="100", rebalanced=None),
        (*CALM, "first_rebalance fires R-14.1 never rebalanced since it was subscribed",
         "minimum_equity pass R-14 equity $100.00 is at least $1 for each of 2 assets"),
    ),
    "too small": (
        situation(cash="1", rebalanced=None),
        (*CALM, "first_rebalance fires R-14.1 never rebalanced since it was subscribed",
         "minimum_equity holds_back R-14 equity $1.00 is below $1 for each of 2 assets",
         "invest_cash no R-14.5 excess cash $0.95 does not reach $10.00 (cash $1.00, to keep $0.05)"),
    ),
    "day in the cooldown": (
        situation(cash="5", positions={"SPY": "0.60", "TLT": "0.35"}, cooldown_days=7, rebalanced=days_ago(3),
                  conditions=[band("absolute", "5"), calendar("monthly", "4")]),
        (*CALM, RECENT,
         "in_cooldown holds_back R-14.2 rebalanced 2026-03-01, cooldown of 7 days: no full rebalance before 2026-03-08",
         "calendar holds_back R-16 monthly on the 4th: today is the day, but it falls into the cooldown and is dropped",
         "drift_band no R-14.4 SPY 60.00 % for a target of 60 %: absolute drift 0.00 pp is within the band of 5 pp"
         " (0.0 % of the band)",
         "invest_cash no R-14.5 excess cash $0.00 does not reach $10.00 (cash $5.00, to keep $5.00)"),
    ),
    "drift": (
        situation(positions=FAR, conditions=[band("absolute", "5"), calendar("monthly", "5")], cooldown_days=1,
                  rebalanced=days_ago(3)),
        (*CALM, RECENT, "in_cooldown no R-14.2 rebalanced 2026-03-01, cooldown of 1 days: ended 2026-03-02",
         "calendar no R-14.3 monthly on the 5th: today is not the day", f"drift_band fires R-14.4 {FAR_WORDS}",
         "minimum_equity pass R-14 equity $100.00 is at least $1 for each of 2 assets"),
    ),
    "drift in the cooldown": (
        situation(positions=FAR, conditions=[band("absolute", "5")], cooldown_days=9, rebalanced=days_ago(3)),
        (*CALM, RECENT,
         "in_cooldown holds_back R-14.2 rebalanced 2026-03-01, cooldown of 9 days: no full rebalance before 2026-03-10",
         NO_CALENDAR, f"drift_band holds_back R-14.4 {FAR_WORDS}, but the cooldown holds it back",
         "invest_cash no R-14.5 excess cash -$5.00 does not reach $10.00 (cash $0.00, to keep $5.00)"),
    ),
    "no trigger": (
        situation(conditions=[band("absolute", "5")]),
        (*CALM, *OLD, NO_CALENDAR, "drift_band no R-14.4 no equity to compare with",
         "invest_cash no R-14.5 excess cash $0.00 does not reach $10.00 (cash $0.00, to keep $0.00)"),
    ),
    "unfinished run": (
        replace(situation(cash="100"), open_run="abcdefghijkl"),
        (*CALM[:3], "open_orders fail R-12.3 run abcdefgh is not finished"),
    ),
    "orders of others": (
        replace(situation(cash="100"), external_orders=2),
        (*CALM[:3], "open_orders fail R-12.3 2 open orders of other origin in the account"),
    ),
    "quota": (
        replace(situation(cash="100"), quota_run="abcdefghijkl"),
        (*CALM[:4], "quota fail R-11 system run abcdefgh was already made this session"),
    ),
    "no price": (
        situation(cash="100", prices={}),
        (*CALM[:5], "prices fail R-12.5 SPY has no price; TLT has no price"),
    ),
    "restricted": (
        situation(cash="100", restrictions=[Restriction.ACH_RETURN, Restriction.CRYPTO],
                  account_status=AccountStatus.DISABLED),
        (*CALM[:2], "account fail R-12.2 account_status: account status is DISABLED, not ACTIVE; ach_return: an ACH"
         " deposit was returned; crypto: restricted to liquidation for crypto trading"),
    ),
    "inactive": (
        situation(cash="100", portfolio_status=PortfolioStatus.INACTIVE),
        (*CALM[:1], "portfolio_status fail R-12.1 portfolio is inactive, not active"),
    ),
    "evaluated on a day without a session": (
        replace(situation(cash="100", conditions=[calendar("weekly", "Friday")]), session=None, ignore_window=True),
        ("window info R-10 looked at regardless of the window", *CALM[1:], *OLD,
         "calendar no R-14.3 weekly on Friday: today is no session", NO_BAND,
         "invest_cash fires R-14.5 excess cash $95.00 reaches $10.00 (cash $100.00, to keep $5.00)"),
    ),
    "no session": (
        replace(situation(cash="100"), session=None),
        ("window fail R-10 2026-03-04 is no session: the calendar does not know this day; no trading",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRACES)
def test_the_text_of_a_trace(name: str) -> None:
    state, expected = TRACES[name]
    decision = evaluate(state)
    assert tuple(f"{c.check} {c.verdict} {c.rule} {c.detail}" for c in decision.trace) == expected
    assert (decision.account_id, decision.portfolio_id, decision.subscription_id, decision.at) == (
        "account", "portfolio", "subscription", state.now,
    )  # fmt: skip
    assert decision.culprits == ()
