"""Full rebalances that do not count as done, and their further tries (R-11, R-25)."""

from __future__ import annotations

from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.runs.manual import cancel_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import jobs
from tests.services.brokers import broker
from tests.services.factories import (
    PRICES,
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    simple_book,
)

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")


def leaving_old() -> Book:
    """An account with $1,000 in OLD that follows 60/35/5; at the first session its sale is refused."""
    book = make_book("2026-03-02 09:29", prices={**PRICES, "OLD": "10.00"})
    model = balanced()
    fill_book(book, [account("a", "100", {"OLD": "100"})], [model], {"a": model.id})
    return book


def session(book: Book, day: str, *, refused: bool) -> None:
    """One session; the sale of OLD is refused when it is sent."""
    if refused:
        broker(book).reject_next("a", "OLD", "not today")
    advance_to(book, f"{day} 09:30")
    advance(book, 5)
    advance_to(book, f"{day} 16:01")


def texts(book: Book, kind: str) -> list[str]:
    return [alert.text for alert in jobs.open_alerts(book.database) if alert.kind == kind]


def test_a_refused_sell_is_tried_again_at_the_next_session_whatever_the_cooldown() -> None:
    book = leaving_old()
    session(book, DAYS[0], refused=True)
    (run,) = all_runs(book)
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert book.subscriptions["a"].last_rebalanced_at is None
    assert book.unfinished["a"].symbols == ("OLD",)
    assert texts(book, "run")[0].endswith(
        "not done: sell OLD (not today); the sells are tried again at the next session"
    )
    session(book, DAYS[1], refused=False)
    assert [run.status for run in all_runs(book)] == [RunStatus.COMPLETED_ADJUSTED, RunStatus.COMPLETED_SUCCESS]
    reason = latest_decisions(book.database, "a")[-1].reason
    assert reason == "1 sell of the last full rebalance left undone (OLD)"
    assert book.unfinished == {}
    assert book.subscriptions["a"].last_rebalanced_at == all_runs(book)[-1].completed_at


def test_after_three_more_sessions_it_is_given_up_and_the_rebalance_dated_from_the_last_run_that_traded() -> None:
    book = leaving_old()
    for day in DAYS[:4]:
        session(book, day, refused=True)
    made = all_runs(book)
    assert len(made) == 4
    assert book.unfinished["a"].tried_on == DAYS[1:4]
    session(book, DAYS[4], refused=True)
    assert len(all_runs(book)) == 4
    assert book.unfinished == {}
    assert book.given_up["a"].symbols == ("OLD",)
    assert book.subscriptions["a"].last_rebalanced_at == made[-1].completed_at
    assert texts(book, "unfinished") == [
        "1 sell of the last full rebalance of Client a undone after 3 more sessions (OLD)"
    ]
    book.reload()
    assert book.given_up["a"].symbols == ("OLD",)


def test_a_sell_that_cannot_be_placed_any_more_makes_no_run_but_counts_as_a_try() -> None:
    book = leaving_old()
    session(book, DAYS[0], refused=True)
    broker(book).set_asset("OLD", book.now(), status="inactive")
    for day in DAYS[1:4]:
        session(book, day, refused=False)
    assert len(all_runs(book)) == 1
    assert book.unfinished["a"].tried_on == DAYS[1:4]
    session(book, DAYS[4], refused=False)
    assert "a" in book.given_up


def test_undone_sells_that_are_not_needed_any_more_are_done() -> None:
    book = leaving_old()
    session(book, DAYS[0], refused=True)
    first = all_runs(book)[0]
    with book.write() as tx:
        tx.execute("DELETE FROM positions WHERE asset = (SELECT key FROM assets WHERE symbol = 'OLD')")
        tx.reload_accounts(["a"])
    scheduler.tick(book)
    advance_to(book, f"{DAYS[1]} 09:30")
    assert book.unfinished == {}
    assert book.subscriptions["a"].last_rebalanced_at == first.completed_at


def test_a_run_that_a_person_canceled_leaves_nothing_undone() -> None:
    book = simple_book(cash="0", held={"SPY": "10"}, follows=balanced(weights={"SPY": "40", "TLT": "55"}), model=SLOW)
    scheduler.tick(book)
    cancel_run(book, all_runs(book)[0].id)
    advance(book, 5)
    assert all_runs(book)[0].status is RunStatus.CANCELED_MID_RUN
    assert book.unfinished == {}
    assert book.subscriptions["a"].last_rebalanced_at is None


def test_a_sell_that_the_close_cut_off_is_undone() -> None:
    book = simple_book(
        "2026-03-02 15:30", "0", {"SPY": "10"}, follows=balanced(weights={"SPY": "40", "TLT": "55"}), model=SLOW
    )
    broker(book).halt("SPY", True, book.now())
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:00")
    assert all_runs(book)[0].status is RunStatus.TIMEOUT
    assert book.unfinished["a"].symbols == ("SPY",)


def test_a_first_rebalance_on_target_is_recorded_without_orders_and_starts_the_cooldown() -> None:
    book = simple_book(cash="50", held={"SPY": "1.5", "TLT": "3.5"})
    scheduler.tick(book)
    (run,) = all_runs(book)
    assert run.status is RunStatus.COMPLETED_SUCCESS
    assert book.subscriptions["a"].last_rebalanced_at == run.completed_at


def test_a_rebalance_with_a_failed_buy_only_counts_as_done() -> None:
    book = simple_book(model=SLOW)
    broker(book).reject_next("a", "SPY", "wash trade")
    scheduler.tick(book)
    advance(book, 20)
    (run,) = all_runs(book)
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert book.subscriptions["a"].last_rebalanced_at == run.completed_at
