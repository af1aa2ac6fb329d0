"""Runs of a pass that trade unusually much wait for review (R-57)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import Approval, Run, RunType
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.evaluation_pass.surge_guard import traded
from rebal_tui.services.queries.review import approve_all, review_snapshot
from rebal_tui.store import jobs
from tests.services.factories import (
    account,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    set_price,
)

NAMES = "abcdefgh"
ON_TARGET = {"SPY": "15", "TLT": "35"}
"""$10,000 with $500 of cash: 5/60/35 at $400 and $100."""


def guarded_book(names: str = NAMES, **guards: Any) -> Book:
    """Accounts of $10,000 on target, rebalanced in January. At the open, no run is due."""
    book = make_book("2026-03-02 09:30")
    fill_book(
        book,
        [account(name, "500", ON_TARGET) for name in names],
        [balanced()],
        dict.fromkeys(names, "balanced"),
        dict.fromkeys(names, new_york("2026-01-05 10:00")),
    )
    apply_guards(book, replace(book.settings.guards, surge_guard=True, **guards))
    return book


def waiting(book: Book) -> set[str]:
    return {run.account_id for run in all_runs(book) if run.approval is Approval.AWAITING}


def todays(book: Book) -> dict[str, Run]:
    return {run.account_id: run for run in all_runs(book)}


def shift(book: Book, spy: str = "250") -> None:
    """At $250 a share each account sells $787.50 of TLT and buys $900 of SPY: 21.774 % of its $7,750."""
    set_price(book, "SPY", spy)


def surge_alerts(book: Book) -> list[str]:
    return [alert.text for alert in jobs.open_alerts(book.database) if alert.kind == "surge"]


@pytest.mark.parametrize(("limit", "held"), [("2177", True), ("2178", False), ("0", False)])
def test_a_pass_that_trades_more_than_the_limit_waits_as_a_whole(limit: str, held: bool) -> None:
    book = guarded_book(surge_limit=Percent(int(limit)))
    shift(book)
    advance_to(book, "2026-03-02 09:45")
    assert waiting(book) == (set(NAMES) if held else set())
    assert len(all_runs(book)) == len(NAMES)
    if held:
        (text,) = surge_alerts(book)
        assert text.startswith("8 runs wait for review: surge guard: the automatic runs of this session would trade")
        assert all("surge guard" in (run.reason or "") for run in all_runs(book))
    else:
        assert surge_alerts(book) == []


def test_approving_them_is_one_action_and_the_approved_are_not_measured() -> None:
    book = guarded_book()
    shift(book)
    advance_to(book, "2026-03-02 09:45")
    plans = {run.id: plan_of(book.database, run) for run in all_runs(book)}
    results = approve_all(book, {run_id: plan for run_id, plan in plans.items() if plan is not None})
    assert [result.refusal for result in results] == [""] * len(NAMES)
    assert all(run.status.completed for run in all_runs(book))
    assert review_snapshot(book).rows == ()
    assert traded(book, book.today()) == 0


def test_what_the_session_already_traded_counts() -> None:
    book = guarded_book("abcd")
    for name in "efgh":
        fill_more(book, name, "300", ON_TARGET, cooling=True)
    shift(book)
    advance_to(book, "2026-03-02 09:45")
    assert {run.account_id for run in all_runs(book)} == set("abcd")
    assert waiting(book) == set()
    assert traded(book, book.today()) > 0
    with book.write() as tx:
        tx.execute("UPDATE subscriptions SET last_rebalanced_at = 0")
        tx.reload_portfolios()
    advance_to(book, "2026-03-02 10:00")
    assert waiting(book) == set("efgh")
    advance_to(book, "2026-03-03 09:30")
    assert traded(book, book.today()) == 0


def test_the_pass_is_measured_before_its_first_chunk_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 3)
    book = guarded_book()
    shift(book)
    chunks.begin_pass(book, book.now())
    assert chunks.evaluate_chunk(book) is None
    assert waiting(book) == set("abc")
    book.touch()
    set_price(book, "SPY", "299")
    assert chunks.evaluate_chunk(book) is None
    while chunks.evaluate_chunk(book) is None:
        pass
    assert waiting(book) == set(NAMES), "what is left of the pass is below the limit, but the pass is not"
    assert len(surge_alerts(book)) == 1


@pytest.mark.parametrize(
    ("guards", "reason"),
    [
        ({"surge_run_limit": parse_money("2000")}, "the run trades more than $2,000.00"),
        ({"surge_order_limit": parse_money("1000")}, "an order is larger than $1,000.00"),
    ],
)
def test_the_limits_of_a_run_and_of_an_order_hold_only_their_run(guards: dict[str, Any], reason: str) -> None:
    book = guarded_book(surge_limit=Percent(0), **guards)
    transfer = {"SPY": "60", "TLT": "140"}
    fill_more(book, "z", "2000", transfer)
    shift(book)
    advance_to(book, "2026-03-02 09:45")
    assert waiting(book) == {"z"}
    assert reason in (todays(book)["z"].reason or "")


def fill_more(book: Book, name: str, cash: str, held: dict[str, str], *, cooling: bool = False) -> None:
    """Add a subscribed account that was rebalanced before, in January or at the open."""
    last = book.now() if cooling else new_york("2026-01-05 10:00")
    fill_book(book, [account(name, cash, held)], [balanced()], {name: "balanced"}, {name: last})


def test_first_rebalances_and_invested_inflows_are_not_measured() -> None:
    book = guarded_book(surge_limit=Percent(100), surge_run_limit=parse_money("50"))
    for name in NAMES:
        deposit(book, name, parse_money("300"))
    fill_book(book, [account("new", "90000")], [balanced()], {"new": "balanced"})
    advance_to(book, "2026-03-02 09:45")
    runs = todays(book)
    assert {runs[name].type for name in NAMES} == {RunType.INVEST_CASH}
    assert runs["new"].type is RunType.FULL_REBALANCE
    assert waiting(book) == set()
    assert surge_alerts(book) == []


def test_cash_that_did_not_come_in_is_measured() -> None:
    book = guarded_book(surge_limit=Percent(0), surge_run_limit=parse_money("50"))
    with book.write() as tx:
        tx.execute("UPDATE accounts SET cash = cash + 200000000000 WHERE id = 'a'")
        tx.reload_accounts(["a"])
    chunks.evaluation_pass(book, explain=False)
    assert waiting(book) == {"a"}


def test_a_small_book_and_a_guard_that_is_off_measure_nothing() -> None:
    small = guarded_book("abcd")
    shift(small, "200")
    advance_to(small, "2026-03-02 09:45")
    assert waiting(small) == set()
    off = guarded_book()
    apply_guards(off, replace(off.settings.guards, surge_guard=False))
    shift(off, "200")
    advance_to(off, "2026-03-02 09:45")
    assert (waiting(off), len(all_runs(off))) == (set(), len(NAMES))
