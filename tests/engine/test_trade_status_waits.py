"""What an account waits for, and when it could trade first (R-14, R-17, R-25, R-27, R-58, R-66, R-73)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.portfolios import PortfolioUpdate, Unfinished
from rebal_tui.domain.sessions import Session
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.domain.trading_rules import Stagger, TradingRules
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trade_status import Classified, StatusContext, described, trade_status
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from tests.engine.support import at, band, calendar, situation, weights
from tests.engine.test_trade_status import CASES

NEEDS_YOU, WILL_TRADE, WAITS, IN_RANGE = StatusKind
NYSE = TradingCalendar(build_sessions(date(2026, 1, 1), date(2026, 12, 31)))
DAY = date(2026, 3, 4)
NOON, NEXT = at(DAY), at(DAY, time(12, 15))
TOMORROW = at(date(2026, 3, 5), time(9, 30))
IN_BAND, OUT = {"SPY": "60", "TLT": "35"}, {"SPY": "66", "TLT": "29"}


def context(following: datetime | None = NEXT, stopped: WaitsFor | None = None) -> StatusContext:
    return StatusContext(Schedule(NYSE, lambda session: session.open), following, stopped)


def account(held: dict[str, str] = OUT, cash: str = "500", **given: Any) -> Situation:
    """$10,000 in Balanced (60/35/5) with a band of 5 points, rebalanced in January; OUT is outside the band."""
    of_state = {"open_run", "quota_run", "unfinished", "update_due", "proposed_again", "session", "rules"}
    own = {name: given.pop(name) for name in of_state & given.keys()}
    given.setdefault("conditions", [band("absolute", "5")])
    return replace(situation(positions=held, cash=cash, **given), **own)


def barred(one: Situation, symbol: str) -> Situation:
    """The account, where the asset `symbol` can neither be bought nor sold."""
    return replace(one, assets={**one.assets, symbol: replace(one.assets[symbol], status=AssetStatus.INACTIVE)})


def any_hour(days: int = 40) -> Session:
    """The session of a files book's newest prices, which is open at any hour."""
    return Session(DAY, NOON - timedelta(days=1), NOON + timedelta(days=days), date(2026, 3, 5), date(2026, 3, 5))


# A breach outside the window, in a book without evaluations, or in one that a person has stopped


@pytest.mark.parametrize(
    ("one", "when", "kind", "wait", "first"),
    [
        (account(), context(), WILL_TRADE, None, NEXT),
        (account(), context(TOMORROW), WAITS, WaitsFor.SESSION, TOMORROW),
        (account(), context(None), WAITS, WaitsFor.SESSION, None),
        (account(session=None), context(None), WAITS, WaitsFor.SESSION, None),
        (account(session=None), context(TOMORROW), WAITS, WaitsFor.SESSION, TOMORROW),
        (account(session=any_hour()), context(None), WAITS, WaitsFor.EVALUATION, None),
        (account(session=any_hour()), context(), WILL_TRADE, None, NEXT),
        (account(session=any_hour()), context(TOMORROW), WAITS, WaitsFor.SESSION, TOMORROW),
        (account(), context(NEXT, WaitsFor.KILL_SWITCH), WAITS, WaitsFor.KILL_SWITCH, None),
        (account(), context(NEXT, WaitsFor.SCHEDULER), WAITS, WaitsFor.SCHEDULER, None),
        (account(quota_run="q"), context(NEXT, WaitsFor.SCHEDULER), WAITS, WaitsFor.SCHEDULER, None),
        (account(IN_BAND), context(NEXT, WaitsFor.KILL_SWITCH), IN_RANGE, None, None),
    ],
)
def test_what_a_breach_waits_for(
    one: Situation, when: StatusContext, kind: StatusKind, wait: WaitsFor | None, first: datetime | None
) -> None:
    found = trade_status(one, when)
    assert (found.kind, found.waits_for, found.first_trade_at) == (kind, wait, first)


@pytest.mark.parametrize(
    ("one", "when", "first"),
    [
        (account(open_run="r"), context(), NOON),
        (account(open_run="r"), context(TOMORROW), NOON),
        (account(open_run="r", time_of_day=time(15, 45)), context(TOMORROW), TOMORROW),
        (account(open_run="r", time_of_day=time(9)), context(TOMORROW), TOMORROW),
        (account(open_run="r", session=None), context(TOMORROW), TOMORROW),
        (account(open_run="r", session=None), context(None), None),
        (account(open_run="r"), context(NEXT, WaitsFor.KILL_SWITCH), None),
        (account(open_run="r"), context(NEXT, WaitsFor.SCHEDULER), None),
    ],
)
def test_a_run_under_way_trades_now_in_the_window_and_else_at_the_next_evaluation(
    one: Situation, when: StatusContext, first: datetime | None
) -> None:
    found = trade_status(one, when)
    assert (found.kind, found.waits_for, found.first_trade_at) == (WILL_TRADE, None, first)


# What a person must look at


@pytest.mark.parametrize(
    ("cash", "kind", "first", "cash_run"),
    [("500", NEEDS_YOU, None, False), ("550", WILL_TRADE, NEXT, True)],
)
def test_a_breach_that_cannot_be_corrected_needs_a_person_unless_cash_is_invested(
    cash: str, kind: StatusKind, first: datetime | None, cash_run: bool
) -> None:
    """R-14, R-58: OLD, outside the portfolio, cannot be sold; the band of 8 points is breached by it alone."""
    held = {"SPY": "55", "TLT": "30.5", "OLD": "9"}
    prices = dict.fromkeys(("SPY", "TLT", "OLD"), "100")
    one = barred(account(held, cash, prices=prices, conditions=[band("absolute", "8")]), "OLD")
    found = trade_status(one, context())
    assert (found.kind, found.waits_for, found.first_trade_at, found.cash_run) == (kind, None, first, cash_run)


def test_a_run_that_corrects_what_it_can_needs_no_person() -> None:
    """R-14: the undone sell of OLD cannot be made, but the calendar day trades the other assets."""
    held = {"SPY": "70", "TLT": "10", "OLD": "15"}
    one = account(
        held, prices=dict.fromkeys(held, "100"), conditions=[calendar("weekly", "Wednesday")],
        unfinished=Unfinished(("OLD",), None),
    )  # fmt: skip
    found = trade_status(barred(one, "OLD"), context())
    assert (found.kind, found.first_trade_at) == (WILL_TRADE, NEXT)


# The end of the cooldown, and calendar days that are spread


@pytest.mark.parametrize(
    ("last", "traded", "first", "note"),
    [
        (date(2026, 3, 2), None, date(2026, 3, 9), "cooldown ends Mon 9 Mar"),
        (date(2026, 2, 27), date(2026, 3, 3), date(2026, 3, 10), "cooldown ends Tue 10 Mar"),
        (None, date(2026, 3, 3), date(2026, 3, 10), "cooldown ends Tue 10 Mar"),
    ],
)
def test_the_cooldown_after_undone_sells_counts_from_the_run_that_traded(
    last: date | None, traded: date | None, first: date, note: str
) -> None:
    """R-17, R-25: 7 days; the sells of OLD were left undone and are done now."""
    undone = Unfinished(("OLD",), None if traded is None else at(traded))
    one = account(cooldown_days=7, rebalanced=None if last is None else at(last), unfinished=undone)
    found = trade_status(one, context())
    assert (found.kind, found.waits_for, found.note) == (WAITS, WaitsFor.COOLDOWN, note)
    assert found.first_trade_at == at(first, time(9, 30))


def test_a_portfolio_change_in_the_cooldown_waits_for_its_end() -> None:
    changed = account(
        IN_BAND, conditions=[PortfolioUpdate()], update_due=True, cooldown_days=7, rebalanced=at(date(2026, 3, 2))
    )
    found = trade_status(changed, context())
    assert (found.kind, found.waits_for) == (WAITS, WaitsFor.COOLDOWN)
    assert found.first_trade_at == at(date(2026, 3, 9), time(9, 30))


@pytest.mark.parametrize(
    ("offset", "first"),
    [(None, date(2026, 3, 13)), (0, date(2026, 3, 13)), (1, date(2026, 3, 16)), (4, date(2026, 3, 19))],
)
def test_the_next_calendar_day_is_that_of_the_accounts_turn(offset: int | None, first: date) -> None:
    """R-66: the condition of the 15th, a Sunday, fires on Friday the 13th."""
    turn = None if offset is None else Stagger(offset, 5, date(2026, 2, 26), date(2026, 2, 27))
    one = account(IN_BAND, conditions=[calendar("monthly", "15")], rules=TradingRules(stagger=turn))
    found = trade_status(one, context())
    assert (found.kind, found.first_trade_at) == (IN_RANGE, at(first, time(9, 30)))


# Runs that a person reviews, and runs that only invest cash


@pytest.mark.parametrize("reviewed", [False, True])
def test_a_run_that_a_person_reviews_is_proposed(reviewed: bool) -> None:
    """R-27."""
    found = trade_status(account(), context(), reviewed=reviewed)
    assert (found.kind, found.reviewed, found.cash_run) == (WILL_TRADE, reviewed, False)
    assert found.sentence.startswith(
        "Will propose a run for review at 12:15. " if reviewed else "Will trade at 12:15. "
    )
    assert described(account(), Classified(WILL_TRADE, None, NEXT), reviewed=reviewed) == found


@pytest.mark.parametrize(
    ("held", "cash", "cash_run"),
    [(IN_BAND, "600", True), (IN_BAND, "500", False), (OUT, "500", False), (OUT, "600", False)],
)
def test_a_status_says_whether_the_run_only_invests_cash(held: dict[str, str], cash: str, cash_run: bool) -> None:
    """R-14.7: a breach makes a full rebalance, which invests the cash as well."""
    assert trade_status(account(held, cash), context()).cash_run is cash_run


def test_a_stored_run_under_way_is_not_said_to_be_stopped() -> None:
    one = account(open_run="r")
    stored = described(one, Classified(WILL_TRADE, None, NOON))
    assert (stored.sentence, stored.first_trade_at) == ("Run r is under way.", NOON)


def test_a_portfolio_change_after_a_run_of_today_is_not_said_to_be_proposed_again() -> None:
    """R-27: the run of today is the one that was proposed once more."""
    one = account(IN_BAND, conditions=[PortfolioUpdate()], update_due=True, quota_run="q", proposed_again=True)
    # The account is off its targets, so that the change makes a run.
    off = replace(one, portfolio=replace(one.portfolio, weights=weights("5", SPY="50", TLT="45")))
    found = trade_status(off, context())
    assert (found.kind, found.waits_for, found.first_trade_at) == (WAITS, WaitsFor.QUOTA, TOMORROW)
    assert found.sentence == (
        "Waits for the next session; already traded today. Weights or conditions changed 2026-01-02."
    )


# A decision that is there already


@pytest.mark.parametrize("one", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_a_decision_that_was_made_already_changes_no_status(one: Situation) -> None:
    """A window, an order, a quota or a stale price only delays; a decision that ended with it did not ask triggers."""
    kind, wait, first, sentence = next(case[2:6] for case in CASES if case[1] is one)
    for when in (context(), context(TOMORROW), context(None)):
        assert trade_status(one, when, decision=evaluate(one)) == trade_status(one, when)
    found = trade_status(one, context(), decision=evaluate(one))
    assert (found.kind, found.waits_for, found.first_trade_at, found.sentence) == (kind, wait, first, sentence)


@pytest.mark.parametrize(("hour", "first"), [(time(9), NEXT), (time(15, 45), None)])
def test_a_breach_before_or_after_the_window_is_seen_although_no_trigger_was_asked(
    hour: time, first: datetime | None
) -> None:
    one = account(time_of_day=hour)
    decision = evaluate(one)
    assert [step.check for step in decision.trace] == ["window"]
    found = trade_status(one, context(first), decision=decision)
    kind = WILL_TRADE if first is not None else WAITS
    assert (found.kind, found.waits_for, found.first_trade_at) == (kind, None if first else WaitsFor.SESSION, first)
