"""Data of the Desk: the standing of every account, its reason, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import CENT, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.domain.trading_rules import Overrides
from rebal_tui.engine.trace_text import cash_target_note, money
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.portfolios import update_portfolio
from rebal_tui.services.advisory.trade_settings import set_overrides
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.accounts import account_row
from rebal_tui.services.queries.cash import preview_manual
from rebal_tui.services.queries.desk import account_view, desk_snapshot, preview
from rebal_tui.services.runs.manual import approve_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.standing import Tile, short_status
from rebal_tui.store import run_orders
from rebal_tui.tui.screens.shared.account_lines import account_lines
from tests.services.brokers import broker
from tests.services.factories import (
    SLOW,
    account,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    monthly,
    new_york,
    set_price,
    simple_book,
)

LONG_AGO, YESTERDAY = new_york("2026-02-02 10:00"), new_york("2026-02-27 10:00")
NEEDS_YOU, WILL_TRADE, WAITS, IN_RANGE = StatusKind


def drifted_book(spy: str, tlt: str, cash: str = "2500", *, last: object = LONG_AGO, at: str = "2026-03-02 10:00",
                  **model: object) -> Book:  # fmt: skip
    """Account `a` on 5 cash, 60 SPY, 35 TLT, with these shares at $400 and $100."""
    book = make_book(at)
    held = {symbol: qty for symbol, qty in (("SPY", spy), ("TLT", tlt)) if qty != "0"}
    fill_book(book, [account("a", cash, held)], [balanced(**model)], {"a": "balanced"}, {"a": last} if last else {})  # type: ignore[arg-type, dict-item]
    return book


def row(book: Book) -> DeskRow:
    (only,) = desk_snapshot(book).rows
    return only


def test_inside() -> None:
    found = row(drifted_book("75", "175"))
    assert (found.status, found.state, found.tiles) == (IN_RANGE, "in range", frozenset({Tile.ALL, Tile.IN_RANGE}))
    assert (found.drift_bp, found.band_used, found.exception) == (0, 0, False)


def test_near_from_eighty_percent_of_the_band_on() -> None:
    """±5 pp: 4 points are 80 % of the band, 3.99 are less."""
    book = drifted_book("80", "155", conditions=balanced().conditions[:1])
    at_80 = row(book)
    assert (at_80.band_used, at_80.status, at_80.state) == (800, IN_RANGE, "in range")
    assert Tile.NEAR in at_80.tiles
    assert account_view(book, "a").near
    book = drifted_book("79.9875", "155.05", conditions=balanced().conditions[:1])
    below = row(book)
    assert (below.status, Tile.NEAR in below.tiles) == (IN_RANGE, False)
    assert not account_view(book, "a").near


def test_at_the_band_is_near_and_beyond_it_outside() -> None:
    at_band = row(drifted_book("81.25", "150", conditions=balanced().conditions[:1]))
    assert (at_band.band_used, at_band.status, Tile.NEAR in at_band.tiles) == (1000, IN_RANGE, True)
    beyond = row(drifted_book("81.26", "149.96", conditions=balanced().conditions[:1]))
    assert (beyond.status, beyond.state) == (WILL_TRADE, "trades 10:15")
    assert Tile.OUTSIDE in beyond.tiles
    assert Tile.NEAR not in beyond.tiles
    assert (beyond.worst, beyond.drift_bp) == ("SPY", 501), "5.008 points"


def test_first() -> None:
    found = row(drifted_book("75", "175", last=None))
    assert (Tile.FIRST in found.tiles, found.state, found.last_rebalanced) == (True, "trades 10:15", None)


def test_in_cooldown_a_breach_waits_for_its_end() -> None:
    book = drifted_book("93.75", "100", last=YESTERDAY)
    found = row(book)
    assert {Tile.COOLDOWN, Tile.OUTSIDE} <= found.tiles
    assert (found.status, found.state) == (WAITS, "waits → 6 Mar")
    now = account_view(book, "a").decision_now
    assert now is not None
    assert now.status is not None
    why = f"{now.status.sentence} The cooldown ends Fri 6 Mar. If you rebalanced now:"
    assert preview(book, "a").why == why, "the reason of the account page, not that no rebalance is due"


def test_calendar_day() -> None:
    today = row(drifted_book("76", "171", conditions=[monthly("2")]))
    assert (Tile.CALENDAR in today.tiles, today.state, today.status) == (True, "trades 10:15", WILL_TRADE)
    on_target = row(drifted_book("75", "175", conditions=[monthly("2")]))
    assert (on_target.state, on_target.status) == ("next 2 Apr", IN_RANGE)
    assert today.band_used is None
    cooling = row(drifted_book("76", "171", conditions=[monthly("2")], last=YESTERDAY))
    assert (Tile.CALENDAR in cooling.tiles, cooling.state) == (False, "next 2 Apr")
    banded = row(drifted_book("75", "175", conditions=[balanced().conditions[0], monthly("2")]))
    assert banded.state == "in range", "its band may make a run on any day"
    own = drifted_book("75", "175", conditions=[balanced().conditions[0], monthly("2")])
    set_overrides(own, own.subscriptions["a"].id, Overrides(conditions=(monthly("2"),)))
    assert (row(own).state, account_row(own, "a").state) == ("next 2 Apr", "next 2 Apr"), "its own has no band"
    other = row(drifted_book("75", "175", conditions=[monthly("3")]))
    assert (Tile.CALENDAR in other.tiles, other.state) == (False, "next 3 Mar")


def test_excess_cash_of_ten_dollars() -> None:
    assert Tile.CASH not in row(drifted_book("75", "175", "2510.51")).tiles
    found = row(drifted_book("75", "175", "2510.53"))
    assert (Tile.CASH in found.tiles, found.state) == (True, "trades 10:15")


def test_blocked_names_the_reason_and_is_an_exception() -> None:
    book = drifted_book("75", "175")
    broker(book).return_deposit("a", parse_money("1"), book.now())
    scheduler.advance_market(book, book.now())
    found = row(book)
    assert (found.status, found.state, found.exception) == (NEEDS_YOU, "ACH return", True)
    assert Tile.NEEDS_YOU in found.tiles
    assert account_view(book, "a").restrictions == ("an ACH deposit was returned",)
    shown = preview(book, "a")
    assert shown.why == "Blocked: an ACH deposit was returned. If you rebalanced now:"
    assert not shown.startable, "a manual run would be refused"


def test_what_stops_automatic_runs_only_is_no_block() -> None:
    """After the system's run of the session, a manual run can still start."""
    book = simple_book()
    scheduler.tick(book)
    deposit(book, "a", parse_money("1000"))
    shown = preview(book, "a")
    assert shown.startable
    assert shown.why.startswith("No automatic run now: already traded today")
    assert shown.why.endswith(". If you rebalanced now:")


@pytest.mark.parametrize(("at", "following"), [("2026-03-06 10:00", "10:15"), ("2026-03-06 15:45", "09 Mar 09:30")])
def test_the_next_evaluation_of_another_day_has_its_date(at: str, following: str) -> None:
    firm = desk_snapshot(drifted_book("75", "175", at=at)).firm
    assert firm is not None
    assert firm.next_evaluation == following


def test_a_portfolio_that_needs_adjustment_blocks() -> None:
    book = drifted_book("75", "175")
    broker(book).set_asset("TLT", book.now(), tradable=False)
    advance_to(book, "2026-03-02 10:15")
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    assert (row(book).status, row(book).state) == (NEEDS_YOU, "needs adjusting")


def test_unable_with_a_stale_price_while_the_market_is_open() -> None:
    book = drifted_book("75", "175")
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
    book.feed = None
    advance_to(book, "2026-03-02 10:01")
    assert Tile.UNABLE not in row(book).tiles, "sixty seconds are allowed"
    advance_to(book, "2026-03-02 10:02")
    found = row(book)
    assert (found.status, found.exception, Tile.UNABLE in found.tiles) == (IN_RANGE, False, True)
    advance_to(book, "2026-03-02 16:30")
    assert Tile.UNABLE not in row(book).tiles, "nothing is asked of prices when nothing trades"


def test_a_run_in_progress_is_shown_as_the_state() -> None:
    book = simple_book(cash="0", held={"SPY": "100"}, model=SLOW)
    scheduler.tick(book)
    assert row(book).state == "selling"
    assert "is selling; no other run starts" in account_view(book, "a").next_step
    review = make_book()
    fill_book(review, [account("a", "50000")], [balanced(review=True)], {"a": "balanced"})
    scheduler.tick(review)
    assert row(review).state == "in review"
    done = simple_book()
    scheduler.tick(done)
    assert row(done).state == "traded today"


def test_the_drift_history_marks_a_reviewed_run_only_once_it_trades() -> None:
    book = simple_book(cash="0", held={"SPY": "100"}, follows=balanced(review=True), model=SLOW)
    scheduler.tick(book)
    advance_to(book, "2026-03-02 10:00")
    assert not any(point.run for point in account_view(book, "a").history)
    advance_to(book, "2026-03-02 10:07")
    run = all_runs(book)[0]
    plan = plan_of(book.database, run)
    assert plan is not None
    approve_run(book, run.id, plan)
    advance_to(book, "2026-03-02 10:30")
    assert [point.run for point in account_view(book, "a").history][-1]


def test_the_drift_history_ends_with_the_band_usage_of_the_row() -> None:
    book = drifted_book("93.75", "100", last=YESTERDAY)
    scheduler.tick(book)
    stored = account_view(book, "a").history
    set_price(book, "SPY", "800")
    (row,), history = desk_snapshot(book).rows, account_view(book, "a").history
    assert history[:-1] == stored
    assert history[-1].band_used == row.band_used != stored[-1].band_used


def test_a_date_in_the_list_has_its_year_only_from_a_year_ahead() -> None:
    now = new_york("2026-11-30 08:00")
    texts = [
        short_status(IN_RANGE, None, new_york(at), now, traded=False, banded=False)
        for at in ("2027-03-15 09:30", "2027-11-29 09:30", "2027-11-30 09:30")
    ]
    assert texts == ["next 15 Mar", "next 29 Nov", "next 30 Nov 2027"]


def test_tiles_count_the_rows() -> None:
    snapshot = desk_snapshot(drifted_book("93.75", "100", last=YESTERDAY))
    assert dict(snapshot.tiles) == {
        tile: int(tile in (Tile.ALL, Tile.WAITS, Tile.OUTSIDE, Tile.COOLDOWN)) for tile in Tile
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda b: None, "Evaluation at 10:15."),
        (lambda b: deposit(b, "a", parse_money("500")), "At 10:15 the evaluation creates this invest cash run."),
        (
            lambda b: set_price(b, "SPY", "800"),
            "At 10:15 the evaluation creates this full rebalance run, unless prices move back.",
        ),
        (lambda b: scheduler.pause(b), "The scheduler is paused"),
        (lambda b: advance_to(b, "2026-03-02 15:30"), "Evaluation at Tue 03 Mar 09:30."),
        (
            lambda b: broker(b).set_account_status("a", "DISABLED", b.now()),
            "Evaluation at 10:15; nothing trades until the broker opens the account again.",
        ),
    ],
)
def test_the_next_step_is_one_sentence(prepare: Callable[[Book], None], sentence: str) -> None:
    book = drifted_book("75", "175")
    prepare(book)
    scheduler.advance_market(book, book.now())
    assert sentence in account_view(book, "a").next_step


@pytest.mark.parametrize("scope", ["book", "portfolio", "subscription"])
def test_under_review_an_account_proposes_and_does_not_trade(scope: str) -> None:
    """The list, the sentence and the next step of an account whose run will wait for approval."""
    book = drifted_book("93.75", "100")
    if scope == "book":
        set_review(book, True)
    elif scope == "portfolio":
        model = book.portfolios["balanced"]
        update_portfolio(book, "balanced", replace(PortfolioBody.of(model), review=True))
    else:
        set_overrides(book, book.subscriptions["a"].id, Overrides(review=True))
    view = account_view(book, "a")
    assert view.decision_now is not None
    assert view.decision_now.status is not None
    assert view.decision_now.status.sentence.startswith("Will propose a run for review at 10:15. SPY is ")
    assert view.next_step == (
        "At 10:15 the evaluation proposes this full rebalance run, which waits for your approval, "
        "unless prices move back."
    )
    assert (row(book).state, account_row(book, "a").state) == ("proposes 10:15", "proposes 10:15")
    advance_to(book, "2026-03-02 10:15")
    assert row(book).state == "in review"
    stored = account_view(book, "a").last_decision
    assert stored is not None
    assert stored.status is not None
    assert stored.status.sentence.startswith("Will propose a run for review at 10:15. SPY is ")


def test_an_account_that_needs_no_review_of_its_own_trades() -> None:
    book = drifted_book("93.75", "100")
    set_review(book, True)
    set_overrides(book, book.subscriptions["a"].id, Overrides(review=False))
    assert row(book).state == "trades 10:15"
    assert "creates this full rebalance run" in account_view(book, "a").next_step


def test_an_unsubscribed_account_and_an_unknown_one() -> None:
    book = make_book()
    fill_book(book, [account("a", "100", {"SPY": "1"})], [], {})
    view = account_view(book, "a")
    assert (view.portfolio, view.decision_now) == ("not subscribed", None)
    assert "follows no portfolio" in view.next_step
    assert len(desk_snapshot(book).rows) == 0
    with pytest.raises(NotFound):
        account_view(book, "b")
    with pytest.raises(Conflict, match="not subscribed"):
        preview(book, "a")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_execution_does_what_the_preview_shows(seed: int) -> None:
    random = Random(seed)
    book = make_book("2026-03-02 09:20")
    held = {s: f"{random.randint(0, 300)}.{random.randint(1, 999):03d}" for s in ("SPY", "TLT", "GLD")}
    one = account("a", f"{random.randint(0, 90_000)}.{random.randint(0, 99):02d}", held)
    fill_book(book, [one], [balanced()], {"a": "balanced"}, {"a": LONG_AGO} if seed % 3 else {})
    changes = book.database.connection.total_changes
    shown = preview(book, "a")
    assert book.database.connection.total_changes == changes
    assert broker(book).open_orders("a") == []
    advance_to(book, "2026-03-02 09:30")
    made = all_runs(book)
    if not made:
        assert shown.why == "No rebalance is due. If you rebalanced now:"
        return
    assert shown.plan.type is RunType(made[0].type)
    assert plan_of(book.database, made[0]) == shown.plan
    sent = [(o.symbol, o.side, o.notional, o.qty) for _, o, _ in run_orders.of_run(book.database, made[0].id)]
    planned = [(x.symbol, x.side, x.notional, x.qty) for x in (*shown.plan.sells, *shown.plan.buys)]
    assert sorted(map(str, sent)) == sorted(map(str, planned))
    assert abs(book.accounts["a"].cash - shown.plan.cash_after) < len(sent) + 1, "to a billionth an order"
    assert abs(shown.plan.cash_after - shown.cash_after) <= CENT * (len(sent) + 2) // 2, "printed, to half a cent each"


def test_percentages_before_and_after_sum_to_100() -> None:
    book = drifted_book("93.75", "100")
    shown = preview(book, "a")
    assert sum(share for _, share in shown.before) in range(9_997, 10_001)
    after = dict(shown.after)
    assert after["SPY"] in (5_999, 6_000)
    assert after["TLT"] in (3_499, 3_500)
    assert after["cash"] in (500, 501)


def test_a_cash_target_above_the_weight_says_where_it_comes_from() -> None:
    """SPY at half its price: the weight of cash is less than the cash target of the run of the day before."""
    book = simple_book()
    scheduler.tick(book)
    advance_to(book, "2026-03-02 10:00")
    assert account_view(book, "a").cash_kept is None
    advance_to(book, "2026-03-03 09:30")
    set_price(book, "SPY", "200.00")
    deposit(book, "a", parse_money("100"))
    view = account_view(book, "a")
    plan = preview_manual(book, "a", RunType.INVEST_CASH).plan
    assert view.cash_kept == plan.cash_target == parse_money("2500") > view.cash_target
    note = f"by its weight it would be {money(view.cash_target)}; the last completed run's cash target was more"
    assert cash_target_note(plan) == note
    assert cash_target_note(preview_manual(book, "a", RunType.FULL_REBALANCE).plan) == ""


def test_cash_is_the_last_of_the_holdings_with_its_target() -> None:
    book = drifted_book("60", "100", cash="16000")
    cash = account_view(book, "a").cash_line
    assert cash is not None
    assert (cash.symbol, cash.value, cash.target, cash.actual_bp, cash.drift_bp) == (
        "cash", parse_money("16000"), 500, 3200, 2700,
    )  # fmt: skip
    shown = ["".join(text for text, _ in line) for line in account_lines(account_view(book, "a"))(80, 40)]
    start = next(number for number, text in enumerate(shown) if text.startswith("Holdings"))
    assert [text.split()[:4] for text in shown[start + 2 : start + 5]][-1] == ["cash", "5.00", "32.00", "+27.00"]
