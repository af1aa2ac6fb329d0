"""A price jump that nothing explains puts the asset on hold for all accounts concerned, until it is released (R-55)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.quantities import parse_money, parse_price
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.engine.arrays.decide import CHECKS, OUTCOMES
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.history import latest_decisions, plan_of
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.runs import manual
from rebal_tui.services.runs.asset_holds import explain_move, release
from rebal_tui.store import jobs
from tests.services.brokers import reopen
from tests.services.factories import (
    account,
    advance_to,
    all_runs,
    balanced,
    entries,
    fill_book,
    make_book,
    only_run,
    review_book,
    set_price,
    simple_book,
)


def guarded(book: Book) -> Book:
    apply_guards(book, replace(book.settings.guards, jump_guard=True))
    return book


def three_accounts() -> Book:
    """`spy` targets SPY, `gld` holds it outside its portfolio, `tlt` has nothing to do with it. Guarded."""
    book = make_book()
    only_tlt = balanced("only", {"TLT": "95"})
    fill_book(
        book,
        [account("spy", "10000"), account("gld", "10000", {"SPY": "1"}), account("tlt", "10000")],
        [balanced(), only_tlt],
        {"spy": "balanced", "gld": "only", "tlt": "only"},
    )
    return guarded(book)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("price", "held", "resembles"),
    [
        ("200", True, "2-for-1 split"),
        ("40", True, "10-for-1 split"),
        ("800", True, "1-for-2 reverse split"),
        ("267", True, "3-for-2 split"),
        ("259.99", True, ""),
        ("540.01", True, ""),
        ("280", False, ""),
        ("540", False, ""),
        ("400", False, ""),
    ],
)
def test_a_jump_against_the_last_close_puts_the_asset_on_hold(price: str, held: bool, resembles: str) -> None:
    book = guarded(simple_book())
    set_price(book, "SPY", "400")
    advance_to(book, "2026-03-02 15:50")
    set_price(book, "SPY", price)
    advance_to(book, "2026-03-03 09:30")
    assert list(book.asset_holds) == (["SPY"] if held else [])
    if held:
        hold = book.asset_holds["SPY"]
        assert (hold.last_close, hold.price, hold.looks_like) == (parse_price("400"), parse_price(price), resembles)
        assert [(a.kind, a.subject) for a in jobs.open_alerts(book.database)] == [("asset_hold", "SPY")]


def test_nothing_is_decided_with_the_price_and_all_accounts_concerned_wait() -> None:
    book = three_accounts()
    set_price(book, "SPY", "40")
    advance_to(book, "2026-03-02 09:45")
    assert [run.account_id for run in all_runs(book)] == ["tlt"]
    assert "SPY is on hold: its price moved $400.00 → $40.00 (× 0.10, as after a 10-for-1 split)" in (
        evaluate_account(book, "gld").reason
    )
    made = decide_book(book).made
    rows = [book.account_table.row_of[one] for one in ("spy", "gld")]
    assert {OUTCOMES[made.outcome[row]].value for row in rows} == {"blocked"}
    assert {CHECKS[made.check[row]] for row in rows} == {"reconciliation"}
    assert {row.account_id: row.state for row in desk_snapshot(book).rows if row.state == "asset on hold"}.keys() == {
        "spy", "gld",
    }  # fmt: skip
    (stored,) = latest_decisions(book.database, "spy")
    assert stored.reason == book.asset_holds["SPY"].reason


def test_a_release_counts_for_all_accounts_until_the_next_jump() -> None:
    book = three_accounts()
    set_price(book, "SPY", "200")
    advance_to(book, "2026-03-02 09:45")
    with book.acting_as("Ann"):
        release(book, "SPY")
    assert jobs.open_alerts(book.database) == []
    assert [entry[:2] for entry in entries(book, "asset.hold_released")] == [("SPY", "Ann")]
    set_price(book, "SPY", "201")
    advance_to(book, "2026-03-02 10:00")
    assert {run.account_id for run in all_runs(book)} == {"spy", "gld", "tlt"}
    set_price(book, "SPY", "100")
    advance_to(book, "2026-03-02 10:15")
    assert list(book.asset_holds) == ["SPY"]
    with pytest.raises(Conflict, match="TLT is not on hold"):
        release(book, "TLT")
    with pytest.raises(NotFound):
        release(book, "NONE")


def test_a_hold_outlives_a_restart_and_the_last_close_does_too(tmp_path: Path) -> None:
    book = guarded(simple_book(path=tmp_path / "book.db"))
    advance_to(book, "2026-03-02 15:50")
    assert book.feed is not None
    again = guarded(reopen(book))
    set_price(again, "TLT", "50")
    advance_to(again, "2026-03-03 09:30")
    assert list(again.asset_holds) == ["TLT"]
    assert list(reopen(again).asset_holds) == ["TLT"]


@pytest.mark.parametrize(("price", "held"), [("36", True), ("65", False), ("59", True)])
def test_the_first_price_after_a_reopening_is_compared_with_the_last_close(
    tmp_path: Path, price: str, held: bool
) -> None:
    """Also when the book has a price of the same day, which is not the close."""
    book = guarded(simple_book(path=tmp_path / "book.db"))
    set_price(book, "TLT", "100")
    advance_to(book, "2026-03-02 15:50")
    advance_to(book, "2026-03-03 09:31")
    set_price(book, "TLT", "70")
    advance_to(book, "2026-03-03 09:40")
    assert not book.asset_holds
    again = guarded(reopen(book))
    set_price(again, "TLT", price)
    assert list(again.asset_holds) == (["TLT"] if held else [])


def test_a_release_counts_after_a_reopening(tmp_path: Path) -> None:
    book = guarded(simple_book(path=tmp_path / "book.db"))
    set_price(book, "SPY", "200")
    release(book, "SPY")
    again = guarded(reopen(book))
    set_price(again, "SPY", "201")
    assert not again.asset_holds
    advance_to(again, "2026-03-03 09:31")
    assert not again.asset_holds
    set_price(again, "SPY", "100")
    assert list(again.asset_holds) == ["SPY"]


def test_prices_from_before_the_guard_was_off_are_not_compared() -> None:
    book = guarded(simple_book())
    set_price(book, "SPY", "400")
    apply_guards(book, replace(book.settings.guards, jump_guard=False))
    advance_to(book, "2026-03-03 09:31")
    set_price(book, "SPY", "200")
    advance_to(book, "2026-03-04 09:31")
    guarded(book)
    set_price(book, "SPY", "201")
    assert not book.asset_holds


def test_a_queued_system_run_does_not_start() -> None:
    book = guarded(review_book())
    run = only_run(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    set_halt(book, True)
    manual.approve_run(book, run.id, plan)
    set_price(book, "SPY", "40")
    set_halt(book, False)
    advance_to(book, "2026-03-02 09:45")
    assert only_run(book).status is RunStatus.QUEUED
    release(book, "SPY")
    advance_to(book, "2026-03-02 09:50")
    assert only_run(book).status.completed


def test_a_manual_run_is_not_stopped() -> None:
    book = three_accounts()
    set_price(book, "SPY", "40")
    advance_to(book, "2026-03-02 09:45")
    manual.create_run(book, "spy", RunType.FULL_REBALANCE)
    advance_to(book, "2026-03-02 09:46")
    assert {run.account_id for run in all_runs(book)} == {"spy", "tlt"}


def test_a_corporate_action_explains_the_move() -> None:
    book = three_accounts()
    set_price(book, "SPY", "200")
    advance_to(book, "2026-03-02 09:45")
    explain_move(book, "SPY", book.today(), close=parse_price("200"))
    assert book.asset_holds == {}
    set_price(book, "SPY", "210")
    explain_move(book, "TLT", book.today())
    set_price(book, "TLT", "10")
    advance_to(book, "2026-03-02 10:00")
    assert book.asset_holds == {}
    advance_to(book, "2026-03-03 09:45")
    set_price(book, "TLT", "100")
    advance_to(book, "2026-03-03 10:00")
    assert list(book.asset_holds) == ["TLT"]


def test_the_guard_is_off_unless_it_is_switched_on() -> None:
    book = simple_book()
    set_price(book, "SPY", "40")
    deposit(book, "a", parse_money("100"))
    advance_to(book, "2026-03-02 09:45")
    assert book.asset_holds == {}
    assert len(all_runs(book)) == 1


def test_arrays_and_exact_form_agree_while_assets_are_on_hold() -> None:
    book = three_accounts()
    set_price(book, "SPY", "40")
    advance_to(book, "2026-03-02 09:45")
    advance_to(book, "2026-03-03 09:30")
    decided = decide_book(book)
    exact = [evaluate_account(book, one).outcome for one in book.account_table.ids]
    assert [OUTCOMES[code] for code in decided.made.outcome.tolist()] == exact
    assert np.count_nonzero(decided.made.outcome == OUTCOMES.index(exact[0])) == 2
