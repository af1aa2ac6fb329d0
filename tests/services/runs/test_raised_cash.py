"""A partial_liquidation reserves what it raised, not what was requested (R-23)."""

from __future__ import annotations

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import CENT, Money, parse_money
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.reservation_check import reservation_faults
from rebal_tui.services.queries.cash import withdrawal_history
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import cash, fills
from tests.services.brokers import Refusing, broker
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    set_price,
    simple_book,
)


def liquidate(book: Book, amount: str) -> Run:
    return create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money(amount))


def rebalanced(book: Book) -> Book:
    """Account `a` at its targets: $30,000 SPY at 400, $17,500 TLT at 100, $2,500 cash, which is its cash target."""
    scheduler.tick(book)
    advance(book, 20)
    assert [run.status for run in all_runs(book)] == [RunStatus.COMPLETED_SUCCESS]
    return book


def brought(book: Book, run: Run) -> Money:
    return Money(sum(fill.amount for fill in fills.of_run(book.database, run.id)))


def test_a_refused_sell_leaves_less_reserved_than_was_asked_for() -> None:
    book = rebalanced(simple_book())
    Refusing(book, "TLT")
    run = liquidate(book, "9000")
    excess = parse_money("450")
    raised = excess + brought(book, run)
    assert parse_money("5800") < raised < parse_money("5900")
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert run.reason == "$5,850.00 of $9,000.00 raised and reserved; 1 order not filled, 0 skipped"
    assert book.reserved("a") == raised == parse_money("5850")
    assert run_view(book, run.id).raised == "Raised $5,850.00: $5,400.00 sold and $450.00 from cash."


def test_cash_alone_is_reserved_when_every_sell_is_refused() -> None:
    book = rebalanced(simple_book())
    Refusing(book, "SPY", "TLT")
    run = liquidate(book, "9000")
    assert (run.status, book.reserved("a")) == (RunStatus.COMPLETED_ADJUSTED, parse_money("450"))
    assert str(run.reason).startswith("$450.00 of $9,000.00 raised")


def test_a_run_that_raises_nothing_ends_in_error_and_reserves_nothing() -> None:
    book = make_book()
    fill_book(book, [account("a", "0", {"SPY": "1"})], [balanced(weights={"SPY": "100"}, cash="0")], {})
    Refusing(book, "SPY")
    weights = balanced(weights={"SPY": "100"}, cash="0").weights
    run = create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("100"), weights=weights)
    assert (run.status, book.reserved("a")) == (RunStatus.ERROR, 0)


def test_a_price_that_falls_before_the_sale_leaves_less_and_one_that_rises_the_amount() -> None:
    fallen, risen = rebalanced(simple_book(model=SLOW)), rebalanced(simple_book(model=SLOW))
    for book, price in ((fallen, "360"), (risen, "440")):
        run = liquidate(book, "9000")
        set_price(book, "SPY", price)
        advance(book, 30)
        done = all_runs(book)[-1]
        total = parse_money("450") + brought(book, run)
        assert book.reserved("a") == min(total, parse_money("9000"))
        assert (done.status, book.reserved("a") < parse_money("9000")) == (
            (RunStatus.COMPLETED_ADJUSTED, True) if price == "360" else (RunStatus.COMPLETED_SUCCESS, False)
        )
        why = "all orders filled, but they brought less than planned; $8,"
        assert str(done.reason).startswith(why) == (price == "360")
        assert ("of $9,000.00 raised and reserved" in str(done.reason)) == (price == "360")


def test_what_a_run_raised_before_the_close_is_reserved() -> None:
    book = rebalanced(simple_book(model=SLOW))
    broker(book).halt("SPY", True, book.now())
    run = liquidate(book, "9000")
    advance_to(book, "2026-03-02 16:00")
    ended = all_runs(book)[-1]
    raised = parse_money("450") + brought(book, run)
    assert (ended.status, book.reserved("a")) == (RunStatus.TIMEOUT, raised)
    assert str(ended.reason).endswith("of $9,000.00 raised and reserved")


def test_a_run_canceled_by_a_person_reserves_nothing() -> None:
    book = rebalanced(simple_book(model=SLOW))
    run = liquidate(book, "9000")
    cancel_run(book, run.id)
    advance(book, 30)
    assert (all_runs(book)[-1].status, book.reserved("a")) == (RunStatus.CANCELED_MID_RUN, 0)


def test_cash_of_the_cash_target_counts_when_assets_cannot_raise_the_amount() -> None:
    book = rebalanced(simple_book())
    broker(book).set_asset("SPY", book.now(), status=AssetStatus.INACTIVE)
    scheduler.tick(book)
    run = liquidate(book, "20000")
    assert (run.status, book.reserved("a")) == (RunStatus.COMPLETED_ADJUSTED, parse_money("20000"))


def test_cash_reserved_by_others_is_named_in_the_refusal() -> None:
    book = rebalanced(simple_book())
    liquidate(book, "9000")
    with pytest.raises(Conflict, match=r"at most \$41,000\.00, besides \$9,000\.00 that is reserved"):
        liquidate(book, "41000.01")


def test_a_later_round_of_a_withdrawal_names_the_whole_amount_that_can_be_raised() -> None:
    """The first round raises a part, and prices fall: what it has reserved counts in the refusal."""
    book = rebalanced(simple_book(model=SLOW))
    request_withdrawal(book, "a", parse_money("40000"))
    scheduler.tick(book)
    set_price(book, "SPY", "100")
    set_price(book, "TLT", "10")
    advance(book, 60)
    stopped = cash.withdrawals(book.database)[0].stopped
    worth = book.accounts["a"].cash + sum(
        position.qty * (book.assets[position.symbol].price or 0) // 10**9 for position in book.accounts["a"].positions
    )
    assert stopped == f"amount too large: the account can raise at most ${worth / 10**9:,.2f}"


def test_what_is_left_of_a_withdrawal_is_raised_by_one_more_run_though_the_price_falls_again() -> None:
    book = make_book(model=SLOW)
    weights = {"SPY": "60", "TLT": "40"}
    fill_book(book, [account("a", "50000")], [balanced(weights=weights, cash="0")], {"a": "balanced"})
    scheduler.tick(book)
    advance(book, 20)
    withdrawal = request_withdrawal(book, "a", parse_money("5000"))
    scheduler.tick(book)
    set_price(book, "SPY", "399.77")
    advance(book, 2)
    advance(book, 1, step_seconds=60)
    assert all_runs(book)[-1].status is RunStatus.IN_PROGRESS
    set_price(book, "TLT", "99.98")
    advance(book, 3)
    first, second = all_runs(book)[1:]
    missing = parse_money("5000") - brought(book, first)
    assert missing % CENT, "the rest has a part of a cent"
    assert (first.status, str(first.reason)) == (
        RunStatus.COMPLETED_ADJUSTED,
        "all orders filled, but they brought less than planned; $4,998.28 of $5,000.00 raised and reserved",
    )
    assert (second.status, second.reason, second.amount) == (RunStatus.COMPLETED_SUCCESS, None, parse_money("1.73"))
    assert missing < brought(book, second) < parse_money("1.73"), "the price has fallen again"
    assert book.reserved("a") == withdrawal.amount
    assert list(reservation_faults(book.database)) == []
    history = withdrawal_history(book, withdrawal.id)
    assert [event.detail for event in history if event.what == "settling"] == [
        "$4,998.28 of $5,000.00 raised and reserved; the account's other cash is to pay $1.72, and if it cannot, more "
        "is sold",
        "",
    ]
    events = [event.what for event in history]
    assert events == ["requested", "unsubscribed", "selling", "settling", "to sell again", "selling", "settling"]
    assert [run_view(book, run.id).raised for run in (first, second)] == [
        "Raised $4,998.28: $4,998.28 sold.",
        "Raised $1.73: $1.73 sold.",
    ]
    advance_to(book, "2026-03-03 09:30")
    paid = next(event for event in withdrawal_history(book, withdrawal.id) if event.what == "journaling")
    assert paid.detail == "pays $5,000.00: $5,000.00 reserved by its runs"


def test_a_withdrawal_says_that_other_cash_pays_what_its_run_did_not_raise() -> None:
    book = rebalanced(simple_book(model=SLOW))
    withdrawal = request_withdrawal(book, "a", parse_money("5000"))
    scheduler.tick(book)
    run = all_runs(book)[-1]
    assert run_view(book, run.id).raised == "Planned $5,000.00: $4,750.00 sold and $250.00 from cash."
    set_price(book, "SPY", "399.00")
    advance(book, 20)
    sold = withdrawal_history(book, withdrawal.id)[-1]
    said = "$4,992.50 of $5,000.00 raised and reserved; the account's other cash is to pay $7.50, and if it cannot, "
    assert (sold.what, sold.detail) == ("settling", f"{said}more is sold")
    advance_to(book, "2026-03-03 09:30")
    paid = next(event for event in withdrawal_history(book, withdrawal.id) if event.what == "journaling")
    assert paid.detail == ("pays $5,000.00: $4,992.50 reserved by its runs and $7.50 from the account's other cash")
