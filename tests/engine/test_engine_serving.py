"""A trigger fires only when its plan serves it; on target; unfinished sells (R-14, R-15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import Check, Decision, Outcome, Verdict
from rebal_tui.domain.portfolios import Condition, PortfolioUpdate, Unfinished
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import Situation, proposed_again, update_due
from tests.engine.support import at, band, calendar, situation, weights

TODAY = date(2026, 3, 4)
WEDNESDAY = calendar("weekly", "Wednesday")
FIVE = band("absolute", "5")
PRICES = {"SPY": "100", "TLT": "100", "OLD": "10"}
SIXTY_FORTY = weights("0", SPY="60", TLT="40")


def check(decision: Decision, name: str) -> Check:
    return next(step for step in decision.trace if step.check == name)


def holding(
    positions: Mapping[str, str],
    *conditions: Condition,
    cash: str = "0",
    old: str = "active",
    cooldown_days: int = 0,
    rebalanced: datetime | None = at(TODAY - timedelta(days=30)),
) -> Situation:
    """A 60/40 account in assets of $100. OLD costs $10 and is active, closing only, inactive or in whole shares."""
    made = situation(
        cash=cash,
        positions=positions,
        prices=PRICES,
        target=SIXTY_FORTY,
        conditions=conditions,
        cooldown_days=cooldown_days,
        rebalanced=rebalanced,
    )
    changed = {
        "active": made.assets["OLD"],
        "closing only": replace(made.assets["OLD"], tradable=False),
        "inactive": replace(made.assets["OLD"], status=AssetStatus.INACTIVE),
        "whole shares": replace(made.assets["OLD"], fractionable=False),
    }
    return replace(made, assets={**made.assets, "OLD": changed[old]})


@pytest.mark.parametrize(
    ("old", "outcome"), [("active", "full_rebalance"), ("closing only", "full_rebalance"), ("inactive", "none")]
)
def test_a_breach_that_no_order_can_correct_makes_no_run(old: str, outcome: str) -> None:
    """OLD is 10 % of the account and outside the portfolio."""
    decision = evaluate(holding({"SPY": "5.4", "TLT": "3.6", "OLD": "10"}, band("absolute", "7"), old=old))
    assert decision.outcome == outcome
    if old == "inactive":
        found = check(decision, "drift_band")
        assert found.verdict is Verdict.CANNOT
        assert "; cannot be corrected: " in found.detail
        assert found.detail.endswith("OLD: the asset is inactive")
        assert decision.reason == found.detail


@pytest.mark.parametrize(("cash", "outcome"), [("0", Outcome.NONE), ("500", Outcome.INVEST_CASH)])
def test_cash_is_invested_while_a_breach_cannot_be_corrected(cash: str, outcome: Outcome) -> None:
    """OLD is 9.5 % or more of the account; the others are within the band, so orders on them do not serve it."""
    state = holding({"SPY": "54", "TLT": "36", "OLD": "100"}, band("absolute", "9"), old="inactive", cash=cash)
    decision = evaluate(state)
    assert (decision.outcome, check(decision, "drift_band").verdict) == (outcome, Verdict.CANNOT)


@pytest.mark.parametrize(("missing", "verdict"), [("0.99", Verdict.NO), ("1.00", Verdict.FIRES)])
def test_a_breach_worth_less_than_a_dollar_does_not_fire(missing: str, verdict: Verdict) -> None:
    """GLD has a target of $1 and a relative band of 20 %; it lacks the amount."""
    dollars = {"GLD": f"{1 - float(missing):.2f}", "SPY": f"{99 + float(missing):.2f}"}
    made = situation(
        positions={symbol: qty for symbol, qty in dollars.items() if float(qty)},
        prices={"SPY": "1", "GLD": "1"},
        target=weights("0", SPY="99", GLD="1"),
        conditions=[band("relative", "20")],
    )
    found = check(evaluate(made), "drift_band")
    assert found.verdict is verdict
    assert (verdict is Verdict.FIRES) or found.detail.endswith("no order of $1.00 or more would correct it")


def test_a_fraction_of_a_share_that_cannot_be_sold_neither_fires_nor_is_an_exception() -> None:
    decision = evaluate(
        holding({"SPY": "0.108", "TLT": "0.072", "OLD": "0.2"}, band("absolute", "8"), old="whole shares")
    )
    assert decision.outcome is Outcome.NONE
    assert check(decision, "drift_band").verdict is Verdict.NO


@pytest.mark.parametrize(
    ("spy", "verdict", "outcome"),
    [("6.01", Verdict.NO, Outcome.NONE), ("6.04", Verdict.FIRES, Outcome.FULL_REBALANCE)],
)
def test_a_calendar_day_with_every_asset_within_a_dollar_makes_no_run(
    spy: str, verdict: Verdict, outcome: Outcome
) -> None:
    """At $1,000 of equity, 6.01 shares are $1.00 above the target, 6.04 are $4."""
    decision = evaluate(holding({"SPY": spy, "TLT": f"{10 - float(spy):.2f}"}, WEDNESDAY))
    found = check(decision, "calendar")
    assert (decision.outcome, found.verdict) == (outcome, verdict)
    assert (verdict is Verdict.FIRES) or found.detail.endswith("every asset is within $1.00 of its target")


def test_a_calendar_day_on_which_nothing_can_be_placed_is_named() -> None:
    decision = evaluate(holding({"SPY": "5.4", "TLT": "3.6", "OLD": "10"}, WEDNESDAY, old="inactive"))
    assert decision.outcome is Outcome.NONE
    assert check(decision, "calendar").verdict is Verdict.CANNOT


def test_a_first_rebalance_on_target_is_a_run_without_orders() -> None:
    decision = evaluate(holding({"SPY": "6", "TLT": "4"}, rebalanced=None))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.reason == "first rebalance of this subscription; every asset is on its target"
    assert decision.plan is not None
    assert not decision.plan.sells + decision.plan.buys


@pytest.mark.parametrize(("lacking", "outcome"), [("0.0001", Outcome.FULL_REBALANCE), ("0.0002", Outcome.NONE)])
def test_a_first_rebalance_is_on_target_below_two_cents(lacking: str, outcome: Outcome) -> None:
    """SPY exceeds its target by the amount, a cent or two; no order is large enough to correct that."""
    spy, tlt = f"{6 + float(lacking):.4f}", f"{4 - float(lacking):.4f}"
    decision = evaluate(holding({"SPY": spy, "TLT": tlt}, rebalanced=None))
    expected = Verdict.FIRES if outcome is Outcome.FULL_REBALANCE else Verdict.CANNOT
    assert (decision.outcome, check(decision, "first_rebalance").verdict) == (outcome, expected)


def unfinished(*symbols: str, traded_days_ago: int | None = 1) -> Unfinished:
    traded = None if traded_days_ago is None else at(TODAY - timedelta(days=traded_days_ago))
    return Unfinished(symbols, traded)


def test_an_undone_sell_fires_whatever_the_cooldown() -> None:
    made = holding({"SPY": "5", "TLT": "3", "OLD": "20"}, cooldown_days=30, rebalanced=at(TODAY))
    decision = evaluate(replace(made, unfinished=unfinished("OLD")))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.reason == "1 sell of the last full rebalance left undone (OLD)"


def test_while_a_sell_is_undone_neither_a_band_nor_the_first_rebalance_is_asked() -> None:
    made = holding({"SPY": "9", "OLD": "10"}, FIVE, old="inactive", rebalanced=None)
    decision = evaluate(replace(made, unfinished=unfinished("OLD")))
    assert decision.outcome is Outcome.NONE
    assert check(decision, "unfinished").verdict is Verdict.CANNOT
    assert not {"drift_band", "first_rebalance"} & {step.check for step in decision.trace}


def test_undone_sells_that_are_done_date_the_rebalance_from_the_run_that_traded() -> None:
    made = holding({"SPY": "6", "TLT": "4"}, FIVE, cooldown_days=7, rebalanced=None)
    decision = evaluate(replace(made, unfinished=unfinished("OLD")))
    assert check(decision, "unfinished").verdict is Verdict.NO
    assert check(decision, "in_cooldown").verdict is Verdict.HOLDS_BACK
    assert check(decision, "first_rebalance").verdict is Verdict.NO
    untraded = evaluate(replace(made, unfinished=unfinished("OLD", traded_days_ago=None)))
    assert check(untraded, "first_rebalance").verdict is Verdict.FIRES


def test_a_changed_portfolio_rebalances_after_the_cooldown() -> None:
    made = holding({"SPY": "5", "TLT": "5"}, PortfolioUpdate(), cooldown_days=7)
    assert evaluate(replace(made, update_due=True)).outcome is Outcome.FULL_REBALANCE
    assert evaluate(made).outcome is Outcome.NONE
    cooling = replace(made, subscription=replace(made.subscription, last_rebalanced_at=at(TODAY)), update_due=True)
    assert check(evaluate(cooling), "portfolio_update").verdict is Verdict.HOLDS_BACK
    on_target = holding({"SPY": "6", "TLT": "4"}, PortfolioUpdate())
    assert evaluate(replace(on_target, update_due=True)).outcome is Outcome.NONE


@pytest.mark.parametrize(
    ("last", "spent", "due"),
    [(10, None, True), (3, None, False), (10, 5, True), (10, 4, False), (10, 0, True), (10, 1, False)],
)
def test_a_change_is_due_until_a_rebalance_or_the_end_of_a_day_on_target(
    last: int, spent: int | None, due: bool
) -> None:
    """Days ago; the portfolio changed four days ago."""
    made = holding({}, PortfolioUpdate())
    ago = [made.now - timedelta(days=days) for days in range(21)]
    subscription = replace(
        made.subscription,
        created_at=ago[20],
        last_rebalanced_at=ago[last],
        update_spent_at=None if spent is None else ago[spent],
    )
    assert update_due(replace(made.portfolio, changed_at=ago[4]), subscription, made.now) is due


def test_a_proposal_that_nobody_approved_is_repeated_with_its_reason() -> None:
    again = "proposed once more, because nobody approved the run of the session before (R-27)"
    made = holding({"SPY": "5", "TLT": "5"}, calendar("monthly", "31"))
    assert evaluate(made).outcome is Outcome.NONE
    decision = evaluate(replace(made, proposed_again=True))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.reason == f"monthly on the 31st: {again}"
    updated = holding({"SPY": "5", "TLT": "5"}, PortfolioUpdate())
    decision = evaluate(replace(updated, update_due=True, proposed_again=True))
    assert decision.reason.endswith(f": {again}")
    assert evaluate(replace(holding({"SPY": "5", "TLT": "5"}), proposed_again=True)).outcome is Outcome.NONE


@pytest.mark.parametrize(("day", "last", "repeats"), [(0, 10, True), (1, 10, False), (-1, 10, False), (0, 0, False)])
def test_a_proposal_is_repeated_on_its_day_unless_a_rebalance_was_done(day: int, last: int, repeats: bool) -> None:
    """`last` is days ago."""
    made = holding({})
    subscription = replace(
        made.subscription, propose_on=TODAY + timedelta(days=day), last_rebalanced_at=made.now - timedelta(days=last)
    )
    assert proposed_again(subscription, made.now) is repeats
