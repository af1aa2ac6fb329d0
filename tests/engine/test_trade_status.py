"""The status of an account, its sentence and the date of its first possible trade."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.portfolios import PortfolioStatus, PortfolioUpdate, Unfinished
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.domain.trading_rules import RestrictionKind, RestrictionScope, TradeRestriction, TradingRules
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trade_status import Classified, StatusContext, described, trade_status
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from tests.engine.support import asset, at, band, calendar, situation, weights

NEEDS_YOU, WILL_TRADE, WAITS, IN_RANGE = StatusKind
SCHEDULE = Schedule(TradingCalendar(build_sessions(date(2026, 1, 1), date(2027, 12, 31))), lambda session: session.open)
DAY = date(2026, 3, 4)
NEXT = at(DAY, time(12, 15))
TOMORROW = at(date(2026, 3, 5), time(9, 30))
HELD = {"SPY": "60", "TLT": "35"}
OUT = {"SPY": "66", "TLT": "29"}
"""SPY at 66 % for 60 %, against a band of 5 points: 120 % of it."""


def account(held: dict[str, str] | None = None, cash: str = "500", **changes: Any) -> Situation:
    """$10,000 in Balanced (60/35/5) with a band of 5 points, rebalanced in January."""
    own = {name: changes.pop(name) for name in ("open_run", "quota_run", "external_orders") if name in changes}
    changes.setdefault("conditions", [band("absolute", "5")])
    return replace(situation(positions=HELD if held is None else held, cash=cash, **changes), **own)


def stale(one: Situation) -> Situation:
    """The account with a price of SPY that is 90 seconds old."""
    old = asset("SPY", "100", at(DAY, time(11, 58, 30)))
    return replace(one, assets={**one.assets, "SPY": old})


def unpriced(one: Situation) -> Situation:
    return replace(one, assets={**one.assets, "SPY": asset("SPY", None)})


USAGE = "SPY is 66.00 % (target 60 %, 120 % of its band)."
CALM = "SPY is 60.00 % (target 60 %, 0 % of its band)."
COOLING: dict[str, Any] = {"cooldown_days": 7, "rebalanced": at(date(2026, 3, 2))}

CASES: list[tuple[str, Situation, StatusKind, WaitsFor | None, datetime | None, str, str]] = [
    ("in range", account(), IN_RANGE, None, None, f"In range. {CALM}", ""),
    (
        "usage is rounded to the nearest percent", account({"SPY": "64.88", "TLT": "30.12"}), IN_RANGE, None, None,
        "In range. SPY is 64.88 % (target 60 %, 98 % of its band).", "",
    ),
    (
        "usage that rounds to 100 has decimals", account({"SPY": "64.98", "TLT": "30.02"}), IN_RANGE, None, None,
        "In range. SPY is 64.98 % (target 60 %, 99.60 % of its band).", "",
    ),
    ("a band is breached", account(OUT), WILL_TRADE, None, NEXT, f"Will trade at 12:15. {USAGE}", ""),
    (
        "in cooldown", account(OUT, **COOLING), WAITS, WaitsFor.COOLDOWN, at(date(2026, 3, 9), time(9, 30)),
        f"Waits for the cooldown. {USAGE}", "cooldown ends Mon 9 Mar",
    ),
    (
        "a cooldown that ends on a weekend", account(OUT, cooldown_days=5, rebalanced=at(date(2026, 3, 2))), WAITS,
        WaitsFor.COOLDOWN, at(date(2026, 3, 9), time(9, 30)), f"Waits for the cooldown. {USAGE}",
        "cooldown ends Sat 7 Mar, a weekend",
    ),
    (
        "a cooldown that ends on a holiday", account(OUT, cooldown_days=30, rebalanced=at(date(2026, 3, 4))), WAITS,
        WaitsFor.COOLDOWN, at(date(2026, 4, 6), time(9, 30)), f"Waits for the cooldown. {USAGE}",
        "cooldown ends Fri 3 Apr, a holiday",
    ),
    ("in cooldown, nothing held", account(**COOLING), IN_RANGE, None, None, f"In range. {CALM}", ""),
    (
        "traded today, drifted again", account(OUT, quota_run="q"), WAITS, WaitsFor.QUOTA, TOMORROW,
        f"Waits for the next session; already traded today. {USAGE}", "one automatic run a session",
    ),
    ("traded today", account(quota_run="q"), IN_RANGE, None, None, f"In range, traded today. {CALM}", ""),
    (
        "a calendar day served today", account({"SPY": "61", "TLT": "34"}, conditions=[calendar("monthly", "4")],
        quota_run="q"), IN_RANGE, None, at(date(2026, 4, 2), time(9, 30)), "In range, traded today.", "",
    ),
    (
        "a calendar day", account({"SPY": "61", "TLT": "34"}, conditions=[calendar("monthly", "4")]), WILL_TRADE, None,
        NEXT, "Will trade at 12:15. Monthly on the 4th: due today.", "",
    ),
    (
        "a later calendar day", account(conditions=[calendar("monthly", "15")]), IN_RANGE, None,
        at(date(2026, 3, 13), time(9, 30)), "In range.", "",
    ),
    (
        "a calendar day after the cooldown", account(conditions=[calendar("weekly", "Friday")], **COOLING), IN_RANGE,
        None, at(date(2026, 3, 13), time(9, 30)), "In range.", "",
    ),
    (
        "an asset outside the portfolio, without a condition",
        account(target=weights("40", SPY="60"), conditions=[]), IN_RANGE, None, None,
        "In range. Not in the portfolio: TLT 35.00 %; only a manual run sells that.", "",
    ),
    (
        "an asset outside the portfolio, with a calendar",
        account(target=weights("40", SPY="60"), conditions=[calendar("monthly", "15")]), IN_RANGE, None,
        at(date(2026, 3, 13), time(9, 30)), "In range.", "",
    ),
    (
        "an asset outside the portfolio, which the next update sells",
        account(target=weights("40", SPY="60"), conditions=[PortfolioUpdate()]), IN_RANGE, None, None, "In range.", "",
    ),
    ("no other asset, no condition", account(OUT, conditions=[]), IN_RANGE, None, None, "In range.", ""),
    (
        "an external order", account(OUT, external_orders=1), WAITS, WaitsFor.EXTERNAL_ORDERS, None,
        f"Waits for open orders placed outside rebal-tui. {USAGE}", "",
    ),
    (
        "a stale price", stale(account(OUT)), WAITS, WaitsFor.PRICES, NEXT,
        f"Waits for a fresh price: the price of SPY is 90 s old (limit 60 s). {USAGE}", "",
    ),
    ("a stale price in range", stale(account()), IN_RANGE, None, None, f"In range. {CALM}", ""),
    ("no price", unpriced(account(OUT)), NEEDS_YOU, None, None, "Needs you: SPY has no price.",
     "every asset has a price"),
    (
        "a restriction", account(OUT, restrictions=[Restriction.TRADING_BLOCKED]), NEEDS_YOU, None, None,
        "Needs you: trading is blocked; ask the broker to lift the block.", "the broker lifts the block",
    ),
    (
        "cash to invest", account(cash="600"), WILL_TRADE, None, NEXT, "Will trade at 12:15. $95.00 of cash to invest.",
        "",
    ),
    (
        "a calendar day that the cooldown drops, with cash", account(cash="600", conditions=[calendar("monthly", "4")],
        **COOLING), WILL_TRADE, None, NEXT, "Will trade at 12:15. $95.00 of cash to invest.", "",
    ),
    (
        "traded today, drifted again in cooldown, with cash",
        account({"SPY": "70", "TLT": "30"}, cash="600", quota_run="q", cooldown_days=7, rebalanced=at(DAY, time(10))),
        WAITS, WaitsFor.QUOTA, TOMORROW,
        "Waits for the next session; already traded today. $70.00 of cash to invest; "
        "a rebalance waits for the cooldown.",
        "one automatic run a session",
    ),
    (
        "too little equity", account({}, cash="1.5", rebalanced=None, target=weights("0", SPY="60", TLT="40")), WAITS,
        WaitsFor.MINIMUM_EQUITY, None,
        "Waits for equity of at least $1 for each asset. First rebalance of this subscription.", "",
    ),
    (
        "the rest of an adjusted run",
        replace(account(OUT, quota_run="q"), unfinished=Unfinished(("SPY",), at(DAY, time(11)))), WAITS,
        WaitsFor.QUOTA, TOMORROW,
        "Waits for the next session; already traded today. 1 sell of the last full rebalance left undone (SPY).",
        "one automatic run a session",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "kind", "wait", "first", "sentence", "note"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_status_of_an_account(
    one: Situation, kind: StatusKind, wait: WaitsFor | None, first: datetime | None, sentence: str, note: str
) -> None:
    found = trade_status(one, StatusContext(SCHEDULE, NEXT))
    assert (found.kind, found.waits_for, found.sentence, found.note) == (kind, wait, sentence, note)
    assert found.first_trade_at == first


def test_a_run_that_awaits_approval_needs_a_person_whatever_else_holds() -> None:
    one = account(OUT, open_run="r", **COOLING)
    found = trade_status(one, StatusContext(SCHEDULE, NEXT), awaiting=True)
    assert (found.kind, found.first_trade_at) == (NEEDS_YOU, None)
    assert (found.sentence, found.note) == ("Needs you: run r awaits approval.", "you approve or reject the run")


HOLD = TradeRestriction("h", RestrictionScope.ACCOUNT, RestrictionKind.HOLD, "divorce")


@pytest.mark.parametrize(
    ("changes", "act"),
    [
        ({"unreconciled": "QUARANTINE"}, "you release the account"),
        ({"rules": TradingRules((HOLD,))}, "you end the hold"),
    ],
)
def test_what_needs_a_person_names_the_act_and_who_does_it(changes: dict[str, Any], act: str) -> None:
    found = trade_status(replace(account(OUT), **changes), StatusContext(SCHEDULE, NEXT))
    assert (found.kind, found.note) == (NEEDS_YOU, act)


def test_that_a_limit_stops_all_runs_is_said_once() -> None:
    found = trade_status(account(OUT, restrictions=[Restriction.CRYPTO]), StatusContext(SCHEDULE, NEXT))
    assert found.note == "the broker lifts the limit"
    assert found.sentence.endswith("; ask the broker to lift the limit, which stops all runs of the account.")


def test_an_account_or_portfolio_that_is_not_active_names_who_activates_it() -> None:
    one = account(OUT)
    closed = replace(one, account=replace(one.account, status=AccountStatus.ACCOUNT_CLOSED))
    assert trade_status(closed, StatusContext(SCHEDULE, NEXT)).note == "the broker opens the account again"
    barred = replace(one, assets={**one.assets, "SPY": asset("SPY", "100", tradable=False)})
    for given, status, act in (
        (one, PortfolioStatus.INACTIVE, "you reactivate the portfolio"),
        (one, PortfolioStatus.NEEDS_ADJUSTMENT, "you reactivate the portfolio"),
        (
            barred, PortfolioStatus.NEEDS_ADJUSTMENT,
            "you replace the assets that cannot be bought, which reactivates the portfolio",
        ),
    ):  # fmt: skip
        stopped = replace(given, portfolio=replace(given.portfolio, status=status))
        assert trade_status(stopped, StatusContext(SCHEDULE, NEXT)).note == act


def test_a_working_run_trades_now_and_an_exception_comes_first() -> None:
    found = trade_status(account(open_run="r"), StatusContext(SCHEDULE, NEXT))
    assert (found.kind, found.first_trade_at) == (WILL_TRADE, at(DAY))
    assert found.sentence == "Run r is under way."
    halted = trade_status(account(open_run="r"), StatusContext(SCHEDULE, NEXT, WaitsFor.KILL_SWITCH))
    assert halted.sentence == "Run r is under way; the kill switch stops its new orders."
    stopped = account(open_run="r", restrictions=[Restriction.TRADING_BLOCKED])
    assert trade_status(stopped, StatusContext(SCHEDULE, NEXT)).kind is NEEDS_YOU


def test_after_the_window_a_breach_waits_for_the_next_session() -> None:
    late = account(OUT, time_of_day=time(15, 45))
    found = trade_status(late, StatusContext(SCHEDULE, TOMORROW))
    assert (found.waits_for, found.first_trade_at) == (WaitsFor.SESSION, TOMORROW)


@pytest.mark.parametrize("stopped", [WaitsFor.KILL_SWITCH, WaitsFor.SCHEDULER])
@pytest.mark.parametrize(
    "one", [account(OUT), account(OUT, **COOLING), account(conditions=[calendar("monthly", "15")])]
)
def test_no_date_is_known_while_a_person_has_stopped_the_book(stopped: WaitsFor, one: Situation) -> None:
    assert trade_status(one, StatusContext(SCHEDULE, NEXT, stopped)).first_trade_at is None


def test_a_stored_status_has_its_sentence_again() -> None:
    for _, one, *_rest in CASES:
        found = trade_status(one, StatusContext(SCHEDULE, NEXT))
        stored = Classified(found.kind, found.waits_for, found.first_trade_at)
        assert described(one, stored, SCHEDULE) == found
