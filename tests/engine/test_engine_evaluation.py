"""The ordered evaluation and its trace (R-10 to R-18, R-40)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, AccountStatus, Restriction
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import Check, Decision, Outcome, Verdict
from rebal_tui.domain.portfolios import Condition, PortfolioStatus
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import Situation, calendar_day, cash_target_of, excess_cash
from rebal_tui.market.sessions import build_sessions
from tests.engine.support import asset, at, band, calendar, session_on, situation, weights

TODAY = date(2026, 3, 4)
ON_TARGET = {"SPY": "6", "TLT": "3.5"}
NEAR_TARGET = {"SPY": "6.1", "TLT": "3.4"}
OFF_TARGET = {"SPY": "6.6", "TLT": "2.9"}
PREREQUISITES = ["window", "portfolio_status", "account", "open_orders", "quota", "prices", "assets"]


def check(decision: Decision, name: str) -> Check:
    return next(check for check in decision.trace if check.check == name)


def blocked_by(state: Situation) -> Check:
    decision = evaluate(state)
    assert decision.outcome is Outcome.BLOCKED
    assert decision.plan is None
    last = decision.trace[-1]
    assert last.verdict is Verdict.FAIL
    assert [step.check for step in decision.trace] == PREREQUISITES[: len(decision.trace)]
    assert decision.reason == last.detail
    return last


def drifting(**changes: object) -> Situation:
    return replace(situation(cash="50", positions=OFF_TARGET, conditions=[band("absolute", "5")]), **changes)  # type: ignore[arg-type]


def test_a_breached_band_rebalances_and_is_named() -> None:
    decision = evaluate(drifting())
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.plan is not None
    assert decision.session == "2026-03-04"
    assert [step.check for step in decision.trace] == [
        *PREREQUISITES,
        *("first_rebalance", "in_cooldown", "calendar", "drift_band", "minimum_equity"),
    ]
    assert check(decision, "drift_band").rule == "R-14.5"
    assert decision.reason == "SPY drifted to 66.00 % (target 60.00 %, band ±5 pp, 120.00 % used)"


#


@pytest.mark.parametrize(
    ("time_of_day", "inside"),
    [(time(9, 29, 59), False), (time(9, 30), True), (time(15, 30), True), (time(15, 30, 1), False), (time(20), False)],
)
def test_the_window(time_of_day: time, inside: bool) -> None:
    decision = evaluate(
        situation(cash="50", positions=OFF_TARGET, conditions=[band("absolute", "5")], time_of_day=time_of_day)
    )
    assert (decision.outcome is Outcome.FULL_REBALANCE) is inside
    if not inside:
        assert decision.outcome is Outcome.NONE
        assert [step.check for step in decision.trace] == ["window"]
        assert "is outside the rebalancing window 09:30–15:30" in decision.reason


def test_the_window_of_the_day_after_thanksgiving_ends_at_half_past_twelve() -> None:
    session, following = build_sessions(date(2026, 11, 27), date(2026, 11, 30))
    assert following.day == date(2026, 11, 30)
    base = situation(cash="50", positions=OFF_TARGET, conditions=[band("absolute", "5")], day=session.day)
    for time_of_day, outcome in ((time(12, 30), Outcome.FULL_REBALANCE), (time(12, 31), Outcome.NONE)):
        now = at(session.day, time_of_day)
        assets = {symbol: replace(a, price_at=now) for symbol, a in base.assets.items()}
        decision = evaluate(replace(base, session=session, now=now, assets=assets))
        assert decision.outcome is outcome
        assert "09:30–12:30" in decision.trace[0].detail


def test_no_session_means_no_trading_with_a_message() -> None:
    closed = evaluate(drifting(session=None, closed_reason="holiday"))
    assert closed.outcome is Outcome.NONE
    assert closed.reason == "2026-03-04 is not a session (holiday)"
    unknown = evaluate(drifting(session=None))
    assert "the day is not in the calendar" in unknown.reason
    end_of_calendar = evaluate(drifting(session=replace(session_on(TODAY), next_day=None)))
    assert end_of_calendar.outcome is Outcome.NONE


def test_an_evaluation_outside_the_window_can_be_requested() -> None:
    state = situation(cash="50", positions=OFF_TARGET, conditions=[band("absolute", "5")], time_of_day=time(20))
    decision = evaluate(replace(state, ignore_window=True))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.trace[0].verdict is Verdict.INFO


#


@pytest.mark.parametrize("status", [PortfolioStatus.INACTIVE, PortfolioStatus.NEEDS_ADJUSTMENT])
def test_only_an_active_portfolio_is_evaluated(status: PortfolioStatus) -> None:
    state = drifting()
    failed = blocked_by(replace(state, portfolio=replace(state.portfolio, status=status)))
    assert (failed.check, failed.rule) == ("portfolio_status", "R-12.1")
    assert status.value.replace("_", " ").removeprefix("needs ") in failed.detail


@pytest.mark.parametrize("status", [status for status in AccountStatus if status is not AccountStatus.ACTIVE])
def test_only_an_active_account_is_evaluated(status: AccountStatus) -> None:
    failed = blocked_by(situation(cash="100", account_status=status))
    assert failed.check == "account"
    assert f"account status is {status.value}, not ACTIVE" in failed.detail


@pytest.mark.parametrize("restriction", list(Restriction))
def test_every_restriction_stops_the_account_and_is_named(restriction: Restriction) -> None:
    failed = blocked_by(situation(cash="100", restrictions=[restriction]))
    assert (failed.check, failed.rule) == ("account", "R-12.2")
    assert failed.detail == RESTRICTION_TEXTS[restriction]


def test_several_restrictions_are_all_named() -> None:
    failed = blocked_by(situation(cash="100", restrictions=[Restriction.ACH_RETURN, Restriction.TRADING_BLOCKED]))
    assert failed.detail == "trading is blocked; an ACH deposit was returned"


@pytest.mark.parametrize(
    ("cash", "stopped"),
    [("-500", False), ("-500.000000001", True), ("-499.99", False), ("-600", True), ("-700", True), ("0", False)],
)
def test_positions_above_six_times_equity_stop_the_account(cash: str, stopped: bool) -> None:
    decision = evaluate(situation(cash=cash, positions={"SPY": "6"}))
    assert (decision.outcome is Outcome.BLOCKED) is stopped
    if stopped:
        assert decision.trace[-1].detail == "positions exceed 6 × equity"


def test_an_open_run_or_external_orders_block_a_run() -> None:
    running = blocked_by(drifting(open_run="r-1", quota_run="r-0"))
    assert (running.check, running.rule) == ("open_orders", "R-12.3")
    assert "r-1" in running.detail
    foreign = blocked_by(drifting(external_orders=2))
    assert "2 open orders placed outside rebal-tui" in foreign.detail


def test_one_system_run_per_session() -> None:
    failed = blocked_by(drifting(quota_run="r-7"))
    assert (failed.check, failed.rule) == ("quota", "R-11")
    assert "r-7" in failed.detail


def test_every_price_must_be_known_and_fresh() -> None:
    state = drifting()
    missing = {**state.assets, "TLT": asset("TLT", None)}
    assert blocked_by(replace(state, assets=missing)).detail == "TLT has no price"
    for age, fresh in ((60, True), (61, False), (-30, True), (-31, False)):
        aged = {**state.assets, "TLT": asset("TLT", "100", state.now - timedelta(seconds=age))}
        assert (evaluate(replace(state, assets=aged)).outcome is not Outcome.BLOCKED) is fresh
        assert evaluate(replace(state, assets=aged, price_max_age=None)).outcome is not Outcome.BLOCKED
    undated = {**state.assets, "TLT": asset("TLT", "100", None)}
    assert "unknown age" in blocked_by(replace(state, assets=undated)).detail


def test_a_price_that_is_too_old_says_how_old() -> None:
    state = drifting()
    aged = {
        "SPY": asset("SPY", "100", state.now - timedelta(seconds=75.9)),
        "TLT": asset("TLT", "100", None),
    }
    assert blocked_by(replace(state, assets=aged)).detail == (
        "the price of SPY is 75 s old (limit 60 s); the price of TLT is of unknown age (limit 60 s)"
    )


def test_a_price_from_the_future_says_by_how_much() -> None:
    state = drifting()
    early = {**state.assets, "SPY": asset("SPY", "100", state.now + timedelta(minutes=35))}
    assert blocked_by(replace(state, assets=early)).detail == (
        "the price of SPY is 2100 s newer than this computer's clock (limit 30 s)"
    )


def test_equity_is_not_checked_without_every_price() -> None:
    """Without a price of XYZ the account looks strained, but this is unknown."""
    failed = blocked_by(situation(cash="-600", positions={"SPY": "6", "XYZ": "1"}))
    assert (failed.check, failed.detail) == ("prices", "XYZ has no price")


def test_an_account_whose_figures_are_not_the_brokers_is_stopped_after_its_restrictions() -> None:
    decision = evaluate(drifting(unreconciled="cash: ours 50, the broker's 60", open_run="r-1"))
    assert decision.outcome is Outcome.BLOCKED
    assert [step.check for step in decision.trace] == [*PREREQUISITES[:3], "reconciliation"]
    assert decision.trace[-1] == Check("reconciliation", Verdict.FAIL, "cash: ours 50, the broker's 60", "R-12")


def test_the_price_of_a_holding_outside_the_portfolio_is_needed_too() -> None:
    failed = blocked_by(situation(cash="100", positions={"XYZ": "1"}))
    assert (failed.check, failed.detail) == ("prices", "XYZ has no price")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tradable": False}, "not tradable"),
        ({"fractionable": False}, "not fractionable"),
        ({"status": AssetStatus.INACTIVE}, "inactive"),
    ],
)
def test_an_ineligible_asset_of_the_portfolio_is_named(changes: dict[str, bool | AssetStatus], why: str) -> None:
    state = drifting()
    bad = {**state.assets, "TLT": asset("TLT", "100", state.now, **changes)}
    decision = evaluate(replace(state, assets=bad))
    assert decision.culprits == ("TLT",)
    assert blocked_by(replace(state, assets=bad)).detail == f"TLT is {why}; the portfolio needs adjustment"


def test_every_ineligible_asset_is_named() -> None:
    state = drifting()
    bad = {symbol: asset(symbol, "100", state.now, tradable=False) for symbol in ("SPY", "TLT")}
    decision = evaluate(replace(state, assets=bad))
    assert decision.culprits == ("SPY", "TLT")
    assert decision.trace[-1].detail == "SPY is not tradable; TLT is not tradable; the portfolio needs adjustment"


def test_an_ineligible_holding_outside_the_portfolio_is_not_named() -> None:
    state = situation(
        cash="50",
        positions={**OFF_TARGET, "XYZ": "0.1"},
        prices={"SPY": "100", "TLT": "100", "XYZ": "1"},
        conditions=[band("absolute", "5")],
    )
    assets = {**state.assets, "XYZ": asset("XYZ", "1", state.now, tradable=False)}
    decision = evaluate(replace(state, assets=assets))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.culprits == ()


def test_prerequisites_are_checked_in_the_order_of_the_rules() -> None:
    """With every check failing, each fix reveals the next failing check."""
    good = drifting()
    no_price = {**good.assets, "TLT": asset("TLT", None, tradable=False)}
    state = replace(
        good,
        now=at(TODAY, time(8)),
        portfolio=replace(good.portfolio, status=PortfolioStatus.INACTIVE),
        account=replace(good.account, status=AccountStatus.DISABLED),
        open_run="r",
        quota_run="q",
        assets=no_price,
    )
    fixes = [
        ("window", {"now": good.now}),
        ("portfolio_status", {"portfolio": good.portfolio}),
        ("account", {"account": good.account}),
        ("open_orders", {"open_run": None}),
        ("quota", {"quota_run": None}),
        ("prices", {"assets": {**good.assets, "TLT": asset("TLT", "100", good.now, tradable=False)}}),
        ("assets", {"assets": good.assets}),
    ]
    for name, fix in fixes:
        decision = evaluate(state)
        assert decision.trace[-1].check == name
        assert decision.trace[-1].verdict is Verdict.FAIL
        assert all(step.verdict is Verdict.PASS for step in decision.trace[:-1])
        state = replace(state, **fix)  # type: ignore[arg-type]
    assert evaluate(state).outcome is Outcome.FULL_REBALANCE


#


def test_a_first_rebalance_needs_no_condition() -> None:
    decision = evaluate(situation(cash="50", positions=NEAR_TARGET, rebalanced=None, cooldown_days=99))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.reason == "first rebalance of this subscription"
    assert "in_cooldown" not in [step.check for step in decision.trace]


@pytest.mark.parametrize(("cash", "outcome"), [("2", "full_rebalance"), ("1.999999999", "none")])
def test_a_full_rebalance_needs_a_dollar_for_each_asset(cash: str, outcome: str) -> None:
    decision = evaluate(situation(cash=cash, rebalanced=None))
    assert decision.outcome.value == outcome


def test_equity_below_the_minimum_falls_through_to_invest_cash() -> None:
    target = weights("0", **{f"S{n:02d}": "9.09" for n in range(10)}, S10="9.1")
    state = situation(cash="10", target=target, prices={f"S{n:02d}": "20" for n in range(11)}, rebalanced=None)
    decision = evaluate(state)
    assert decision.outcome is Outcome.INVEST_CASH
    minimum = check(decision, "minimum_equity")
    assert minimum.verdict is Verdict.HOLDS_BACK
    assert minimum.detail == "equity $10.00 is below the minimum $11.00 ($1 for each asset)"
    assert decision.reason.startswith("excess cash $10.00 reaches the minimum $10.00 (")
    assert decision.plan is not None
    assert len(decision.plan.buys) == 10


def test_equity_too_small_is_the_stated_reason() -> None:
    decision = evaluate(situation(cash="1.5", rebalanced=None))
    assert decision.outcome is Outcome.NONE
    assert decision.reason == "equity $1.50 is below the minimum $2.00 ($1 for each asset)"


def test_zero_equity_causes_no_decision_and_no_error() -> None:
    decision = evaluate(situation(cash="0", conditions=[band("absolute", "5")]))
    assert decision.outcome is Outcome.NONE
    assert check(decision, "drift_band").detail == "no equity to measure drift against"
    assert evaluate(situation(cash="0", rebalanced=None)).outcome is Outcome.NONE


@pytest.mark.parametrize(("days_ago", "outcome"), [(6, Outcome.NONE), (7, Outcome.FULL_REBALANCE)])
def test_the_cooldown_suppresses_a_breached_band(days_ago: int, outcome: Outcome) -> None:
    decision = evaluate(
        situation(
            cash="50",
            positions=OFF_TARGET,
            conditions=[band("absolute", "5")],
            cooldown_days=7,
            rebalanced=at(TODAY - timedelta(days=days_ago), time(15, 59)),
            time_of_day=time(9, 30),
        )
    )
    assert decision.outcome is outcome
    if outcome is Outcome.NONE:
        assert check(decision, "in_cooldown").verdict is Verdict.HOLDS_BACK
        held = check(decision, "drift_band")
        assert held.verdict is Verdict.HOLDS_BACK
        assert "held back by the cooldown" in held.detail
        assert "cooldown" in decision.reason


def test_a_cooldown_suppresses_nothing_without_a_breached_band() -> None:
    decision = evaluate(
        situation(
            cash="50", positions=ON_TARGET, conditions=[band("absolute", "5")], cooldown_days=7, rebalanced=at(TODAY)
        )
    )
    assert check(decision, "drift_band").verdict is Verdict.NO
    assert decision.reason == "in cooldown until 2026-03-11 (7 days after the rebalance of 2026-03-04)"


def test_cash_is_invested_during_a_cooldown() -> None:
    decision = evaluate(
        situation(
            cash="200", positions=OFF_TARGET, conditions=[band("absolute", "5")], cooldown_days=7, rebalanced=at(TODAY)
        )
    )
    assert decision.outcome is Outcome.INVEST_CASH
    assert decision.plan is not None
    assert not decision.plan.sells


def test_a_calendar_day_rebalances_without_drift() -> None:
    decision = evaluate(situation(cash="50", positions=NEAR_TARGET, conditions=[calendar("weekly", "Wednesday")]))
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert decision.reason == "weekly on Wednesday: due today"
    other = evaluate(situation(cash="50", positions=NEAR_TARGET, conditions=[calendar("weekly", "Tuesday")]))
    assert other.outcome is Outcome.NONE
    assert check(other, "calendar").detail == "weekly on Tuesday: not due today"


@pytest.mark.parametrize(("months", "fires"), [({3, 6, 9, 12}, True), ({1, 4, 7, 10}, False), ({1, 3}, True)])
def test_quarterly_days_are_in_the_months_that_were_set(months: set[int], fires: bool) -> None:
    state = situation(cash="50", positions=NEAR_TARGET, conditions=[calendar("quarterly", "4")])
    state = replace(state, quarterly_months=frozenset(months))
    assert calendar_day(state) is fires
    decision = evaluate(state)
    assert (decision.outcome is Outcome.FULL_REBALANCE) is fires
    calendar_check = check(decision, "calendar")
    assert (calendar_check.verdict, calendar_check.rule) == (Verdict.FIRES if fires else Verdict.NO, "R-14.4")


@pytest.mark.parametrize(
    ("changes", "is_the_day"),
    [
        ({}, True),
        ({"session": None}, False),
        ({"session": replace(session_on(TODAY), next_day=None)}, False),
        ({"session": session_on(TODAY + timedelta(days=1))}, False),
        ({"session": session_on(TODAY - timedelta(days=2), TODAY)}, False),
        ({"session": session_on(TODAY - timedelta(days=2), TODAY + timedelta(days=1))}, True),
    ],
)
def test_the_day_of_a_calendar_condition_is_known_without_an_evaluation(
    changes: dict[str, Session | None], is_the_day: bool
) -> None:
    state = situation(conditions=[band("absolute", "5"), calendar("weekly", "Wednesday")])
    assert calendar_day(replace(state, **changes)) is is_the_day  # type: ignore[arg-type]
    assert not calendar_day(situation(conditions=[band("absolute", "5")]))


def test_a_moved_calendar_day_names_the_nominal_date() -> None:
    decision = evaluate(
        situation(
            cash="50",
            positions=NEAR_TARGET,
            conditions=[calendar("weekly", "Friday")],
            day=date(2026, 4, 2),
            next_day=date(2026, 4, 6),
        )
    )
    assert decision.outcome is Outcome.FULL_REBALANCE
    assert "(for 2026-04-03, not a session)" in decision.reason


def test_a_calendar_day_in_the_cooldown_is_dropped_and_traced() -> None:
    conditions = [calendar("weekly", "Wednesday")]
    state = situation(cash="50", positions=OFF_TARGET, conditions=conditions, cooldown_days=7, rebalanced=at(TODAY))
    decision = evaluate(state)
    assert decision.outcome is Outcome.NONE
    dropped = check(decision, "calendar")
    assert (dropped.verdict, dropped.rule) == (Verdict.HOLDS_BACK, "R-16")
    assert "dropped because of the cooldown" in dropped.detail
    tomorrow = situation(
        cash="50",
        positions=OFF_TARGET,
        conditions=conditions,
        cooldown_days=1,
        rebalanced=at(TODAY),
        day=TODAY + timedelta(days=1),
    )
    assert evaluate(tomorrow).outcome is Outcome.NONE


def test_conditions_are_ored() -> None:
    conditions: list[Condition] = [calendar("weekly", "Tuesday"), band("absolute", "50"), band("relative", "9")]
    drifted = evaluate(situation(cash="50", positions=OFF_TARGET, conditions=conditions))
    assert drifted.reason == "TLT drifted to 29.00 % (target 35.00 %, band ±9 %, 190.48 % used)"
    assert evaluate(situation(cash="50", positions=ON_TARGET, conditions=conditions)).outcome is Outcome.NONE


def test_a_portfolio_without_conditions_still_invests_cash_and_nothing_else() -> None:
    assert evaluate(situation(cash="50", positions=OFF_TARGET)).outcome is Outcome.NONE
    assert evaluate(situation(cash="90", positions=OFF_TARGET)).outcome is Outcome.INVEST_CASH


def test_target_ten_with_two_points_and_ten_percent() -> None:
    """The seed's example: 2 points fire below 8 and above 12, 10 percent of 10 below 9 and above 11."""
    for held, absolute, relative in (
        ("9", False, False),
        ("8.99", False, True),
        ("8", False, True),
        ("7.99", True, True),
    ):
        rest = parse_money("100") - parse_money(held)
        positions = {"A": held, "B": f"{rest // 10**9}.{rest % 10**9:09d}"}
        for condition, fires in ((band("absolute", "2"), absolute), (band("relative", "10"), relative)):
            decision = evaluate(
                situation(
                    cash="0",
                    positions=positions,
                    prices={"A": "1", "B": "1"},
                    target=weights("0", A="10", B="90"),
                    conditions=[condition],
                )
            )
            assert (decision.outcome is Outcome.FULL_REBALANCE) is fires, (held, condition)


#


@pytest.mark.parametrize(
    ("cash", "outcome"), [("10", "invest_cash"), ("9.999999999", "none"), ("10.01", "invest_cash")]
)
def test_excess_cash_of_exactly_ten_dollars_is_enough(cash: str, outcome: str) -> None:
    state = situation(cash=cash, positions={"SPY": "6", "TLT": "4"}, target=weights("0", SPY="60", TLT="40"))
    decision = evaluate(state)
    assert decision.outcome.value == outcome
    relation = "reaches" if outcome == "invest_cash" else "is below"
    assert f" {relation} the minimum $10.00" in decision.trace[-1].detail


def test_a_deposit_of_ten_dollars_is_invested_by_its_cash_weight() -> None:
    """5 % of a deposit stays cash, so ten dollars over the target need a deposit of 10.53."""
    assert evaluate(situation(cash="60.52", positions=ON_TARGET)).outcome is Outcome.NONE
    assert evaluate(situation(cash="60.53", positions=ON_TARGET)).outcome is Outcome.INVEST_CASH


def test_the_cash_target_is_the_larger_of_weight_and_last_target() -> None:
    fallen = situation(cash="100", positions={"SPY": "6", "TLT": "3.5"}, cash_floor="95")
    assert cash_target_of(fallen) == parse_money("95")
    assert evaluate(fallen).outcome is Outcome.NONE
    assert evaluate(replace(fallen, cash_floor=parse_money("90"))).outcome is Outcome.INVEST_CASH
    risen = replace(fallen, cash_floor=parse_money("1"))
    assert cash_target_of(risen) == parse_money("52.50")


def test_reserved_cash_is_not_excess_cash() -> None:
    state = situation(cash="100", positions=ON_TARGET, reserved="40")
    assert excess_cash(state) == (100 - 40) * 10**18 - (1050 - 40) * 10**18 * 5 // 100
    assert evaluate(replace(state, reserved=parse_money("39"))).outcome is Outcome.INVEST_CASH
    decision = evaluate(state)
    assert decision.outcome is Outcome.NONE
    assert "reserved $40.00" in decision.trace[-1].detail


def test_a_decision_without_a_trigger_states_the_distance_to_each() -> None:
    decision = evaluate(
        situation(
            cash="50",
            positions=ON_TARGET,
            conditions=[band("absolute", "5"), calendar("monthly", "1")],
            cooldown_days=7,
        )
    )
    assert decision.outcome is Outcome.NONE
    assert decision.reason == "no rebalance condition is met"
    assert [step.check for step in decision.trace[len(PREREQUISITES) :]] == [
        *("first_rebalance", "in_cooldown", "calendar", "drift_band", "invest_cash")
    ]
    assert "0.00 % used" in check(decision, "drift_band").detail
    assert "excess cash $0.00 is below the minimum $10.00" in decision.trace[-1].detail
    assert check(decision, "in_cooldown").detail.startswith("cooldown ended 2026-01-09")
