"""Exact content of every trace step: check, verdict, rule and text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import NANO, Value, parse_money
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation
from rebal_tui.engine.trace_text import difference
from tests.engine.support import at, band, calendar, situation, weights

TODAY = date(2026, 3, 4)
CALM = (
    "window pass R-10 2026-03-04 12:00 New York is inside the rebalancing window 09:30–15:30",
    "portfolio_status pass R-12.1 the portfolio is active",
    "account pass R-12.2 the account is ACTIVE and not blocked",
    "open_orders pass R-12.3 no unfinished run and no open orders placed outside rebal-tui",
    "quota pass R-11 no automatic run yet today",
    "prices pass R-12.5 all prices are present and fresh",
    "assets pass R-12.6 all assets of the portfolio can be bought",
)
"""The prerequisites if none of them blocks."""
OLD = (
    "first_rebalance no R-14.2 last rebalanced 2026-01-02",
    "in_cooldown no R-14.3 cooldown ended 2026-01-02 (0 days after the rebalance of 2026-01-02)",
)
NO_CALENDAR, NO_BAND = "calendar no R-14.4 no calendar condition", "drift_band no R-14.5 no drift band"
RECENT = "first_rebalance no R-14.2 last rebalanced 2026-03-01"
FAR = {"SPY": "0.70", "TLT": "0.30"}
FAR_WORDS = "SPY drifted to 70.00 % (target 60.00 %, band ±5 pp, 200.00 % used)"


def days_ago(days: int) -> datetime:
    return at(TODAY - timedelta(days=days))


TRACES: dict[str, tuple[Situation, tuple[str, ...]]] = {
    "cash to invest": (
        situation(cash="100", reserved="50.5"),
        (*CALM, *OLD, NO_CALENDAR, NO_BAND,
         "invest_cash fires R-14.7 excess cash $47.02 reaches the minimum $10.00"
         " (cash $100.00, reserved $50.50, cash target $2.48)"),
    ),
    "first rebalance": (
        situation(cash="100", rebalanced=None),
        (*CALM, "first_rebalance fires R-14.2 first rebalance of this subscription",
         "minimum_equity pass R-14 equity $100.00 is at least the minimum $2.00 ($1 for each asset)"),
    ),
    "too small": (
        situation(cash="1", rebalanced=None),
        (*CALM, "first_rebalance fires R-14.2 first rebalance of this subscription",
         "minimum_equity holds_back R-14 equity $1.00 is below the minimum $2.00 ($1 for each asset)",
         "invest_cash no R-14.7 excess cash $0.95 is below the minimum $10.00 (cash $1.00, cash target $0.05)"),
    ),
    "day in the cooldown": (
        situation(cash="5", positions={"SPY": "0.60", "TLT": "0.35"}, cooldown_days=7, rebalanced=days_ago(3),
                  conditions=[band("absolute", "5"), calendar("monthly", "4")]),
        (*CALM, RECENT,
         "in_cooldown holds_back R-14.3 in cooldown until 2026-03-08 (7 days after the rebalance of 2026-03-01)",
         "calendar holds_back R-16 monthly on the 4th: due today, but dropped because of the cooldown",
         "drift_band no R-14.5 SPY is at 60.00 % (target 60.00 %, band ±5 pp, 0.00 % used)",
         "invest_cash no R-14.7 excess cash $0.00 is below the minimum $10.00 (cash $5.00, cash target $5.00)"),
    ),
    "drift": (
        situation(positions=FAR, conditions=[band("absolute", "5"), calendar("monthly", "5")], cooldown_days=1,
                  rebalanced=days_ago(3)),
        (*CALM, RECENT, "in_cooldown no R-14.3 cooldown ended 2026-03-02 (1 day after the rebalance of 2026-03-01)",
         "calendar no R-14.4 monthly on the 5th: not due today", f"drift_band fires R-14.5 {FAR_WORDS}",
         "minimum_equity pass R-14 equity $100.00 is at least the minimum $2.00 ($1 for each asset)"),
    ),
    "drift in the cooldown": (
        situation(positions=FAR, conditions=[band("absolute", "5")], cooldown_days=9, rebalanced=days_ago(3)),
        (*CALM, RECENT,
         "in_cooldown holds_back R-14.3 in cooldown until 2026-03-10 (9 days after the rebalance of 2026-03-01)",
         NO_CALENDAR, f"drift_band holds_back R-14.5 {FAR_WORDS}; held back by the cooldown",
         "invest_cash no R-14.7 no excess cash: $5.00 below the cash target (cash $0.00, cash target $5.00)"),
    ),
    "cash below the cash target of the last run": (
        replace(situation(cash="7"), cash_floor=parse_money("9")),
        (*CALM, *OLD, NO_CALENDAR, NO_BAND,
         "invest_cash no R-14.7 no excess cash: $2.00 below the cash target"
         " (cash $7.00, cash target $9.00, that of the last completed run)"),
    ),
    "no trigger": (
        situation(conditions=[band("absolute", "5")]),
        (*CALM, *OLD, NO_CALENDAR, "drift_band no R-14.5 no equity to measure drift against",
         "invest_cash no R-14.7 excess cash $0.00 is below the minimum $10.00 (cash $0.00, cash target $0.00)"),
    ),
    "unfinished run": (
        replace(situation(cash="100"), open_run="abcdefghijkl"),
        (*CALM[:3], "open_orders fail R-12.3 run abcdefgh is under way; one run at a time"),
    ),
    "run in review": (
        replace(situation(cash="100"), open_run="abcdefghijkl", open_run_awaits=True),
        (*CALM[:3], "open_orders fail R-12.3 run abcdefgh awaits approval; one run at a time"),
    ),
    "orders of others": (
        replace(situation(cash="100"), external_orders=2),
        (*CALM[:3], "open_orders fail R-12.3 2 open orders placed outside rebal-tui"),
    ),
    "one order of others": (
        replace(situation(cash="100"), external_orders=1),
        (*CALM[:3], "open_orders fail R-12.3 1 open order placed outside rebal-tui"),
    ),
    "quota": (
        replace(situation(cash="100"), quota_run="abcdefghijkl"),
        (*CALM[:4], "quota fail R-11 already traded today (run abcdefgh; one automatic run a session)"),
    ),
    "no price": (
        situation(cash="100", prices={}),
        (*CALM[:5], "prices fail R-12.5 SPY has no price; TLT has no price"),
    ),
    "restricted": (
        situation(cash="100", restrictions=[Restriction.ACH_RETURN, Restriction.CRYPTO],
                  account_status=AccountStatus.DISABLED),
        (*CALM[:2], "account fail R-12.2 the account status is DISABLED, not ACTIVE; an ACH deposit was returned;"
         " the broker limits crypto trading to liquidation"),
    ),
    "inactive": (
        situation(cash="100", portfolio_status=PortfolioStatus.INACTIVE),
        (*CALM[:1], "portfolio_status fail R-12.1 the portfolio is inactive"),
    ),
    "needs adjustment": (
        situation(cash="100", portfolio_status=PortfolioStatus.NEEDS_ADJUSTMENT),
        (*CALM[:1], "portfolio_status fail R-12.1 the portfolio needs adjustment"),
    ),
    "no band applies": (
        situation(cash="5", target=weights("100"), conditions=[band("relative", "5")], positions={"SPY": "0.01"}),
        (*CALM, *OLD, NO_CALENDAR, "drift_band no R-14.5 no asset that a band applies to",
         "invest_cash no R-14.7 no excess cash: $1.00 below the cash target (cash $5.00, cash target $6.00)"),
    ),
    "nothing to buy": (
        situation(cash="100", target=weights("50")),
        (*CALM, *OLD, NO_CALENDAR, NO_BAND,
         "invest_cash no R-14.7 excess cash $50.00 reaches the minimum $10.00, but the portfolio has no assets to buy"
         " (cash $100.00, cash target $50.00)"),
    ),
    "evaluated on a day without a session": (
        replace(situation(cash="100", conditions=[calendar("weekly", "Friday")]), session=None, ignore_window=True),
        ("window info R-10 evaluated regardless of the rebalancing window", *CALM[1:], *OLD,
         "calendar no R-14.4 weekly on Friday: no session today", NO_BAND,
         "invest_cash fires R-14.7 excess cash $95.00 reaches the minimum $10.00 (cash $100.00, cash target $5.00)"),
    ),
    "no session": (
        replace(situation(cash="100"), session=None),
        ("window fail R-10 2026-03-04 is not a session (the day is not in the calendar)",),
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


@pytest.mark.parametrize(
    ("start", "less", "shown"),
    [
        ("100", ["2.475", "50.5"], "$47.02"),
        ("11351.8825", ["7031.0499"], "$4,320.83"),
        ("100.004", ["90.009"], "$9.99"),
        ("100.009", ["90"], "$10.01"),
        ("100.004", ["90.006"], "$9.99"),
        ("5", ["5"], "$0.00"),
        ("5.001", ["5.009"], "-$0.01"),
        ("0", ["5.009"], "-$5.01"),
        ("5.001", ["5.004"], "-$0.003"),
    ],
)
def test_a_difference_is_that_of_the_printed_amounts_on_its_side_of_the_limit(
    start: str, less: list[str], shown: str
) -> None:
    exact = parse_money(start) - sum(map(parse_money, less))
    text = difference(Value(exact * NANO), parse_money(start), [*map(parse_money, less)], MIN_INVEST_VALUE)
    assert text == shown
