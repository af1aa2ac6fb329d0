"""Subscriptions: who may subscribe to what, and the effect of an unsubscription on runs (R-6, section 6)."""

from __future__ import annotations

import sqlite3

import pytest

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory import portfolios
from rebal_tui.services.advisory.subscriptions import (
    move_many,
    subscribe,
    subscribe_many,
    unsubscribe,
    unsubscribe_many,
)
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import runs
from tests.services.brokers import broker
from tests.services.factories import (
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


def two_accounts() -> Book:
    book = make_book()
    fill_book(book, [account("a", "50000"), account("b", "50000")], [balanced(), balanced("other")], {})
    return book


def rows(book: Book) -> list[object]:
    return [book.database.rows(f"SELECT * FROM {table}") for table in ("subscriptions", "runs", "audit", "meta")]


@pytest.mark.slow
@pytest.mark.parametrize("status", [s for s in AccountStatus if s is not AccountStatus.ACTIVE])
def test_an_account_that_is_not_active_is_refused(status: AccountStatus) -> None:
    book = two_accounts()
    broker(book).set_account_status("a", status, book.now())
    scheduler.advance_market(book, book.now())
    before = rows(book)
    with pytest.raises(Conflict, match=f"account N-a is {status}, not ACTIVE"):
        subscribe(book, "a", "balanced")
    assert rows(book) == before


def test_an_account_follows_one_portfolio_at_most() -> None:
    book = two_accounts()
    subscribe(book, "a", "balanced")
    before = rows(book)
    for portfolio in ("balanced", "other"):
        with pytest.raises(Conflict, match="already exists"):
            subscribe(book, "a", portfolio)
    assert rows(book) == before


def test_an_inactive_portfolio_is_refused() -> None:
    book = two_accounts()
    portfolios.inactivate_portfolio(book, "other")
    with pytest.raises(Conflict, match="portfolio Other is inactive"):
        subscribe(book, "a", "other")


def test_an_account_with_open_orders_is_refused_until_they_are_gone() -> None:
    book = two_accounts()
    broker(book).halt("GLD", True, book.now())
    request = OrderRequest("a", "outside", "GLD", Side.BUY, notional=parse_money("5"))
    order = broker(book).place_external_order("a", request, book.now())
    with pytest.raises(Conflict, match="has open orders"):
        subscribe(book, "a", "balanced")
    broker(book).cancel_order("a", order.id)
    subscribe(book, "a", "balanced")


def test_unknown_names_are_not_found() -> None:
    book = two_accounts()
    with pytest.raises(NotFound, match="no account nobody"):
        subscribe(book, "nobody", "balanced")
    with pytest.raises(NotFound, match="no portfolio none"):
        subscribe(book, "a", "none")
    with pytest.raises(NotFound, match="no subscription nothing"):
        unsubscribe(book, "nothing")


def test_each_of_many_subscriptions_has_its_outcome_and_a_refusal_stops_no_other() -> None:
    book = two_accounts()
    broker(book).set_account_status("a", "DISABLED", book.now())
    scheduler.advance_market(book, book.now())
    outcomes = subscribe_many(book, ["a", "b", "nobody", "b"], "balanced")
    assert [(o.account_id, o.subscription is not None) for o in outcomes] == [
        ("a", False), ("b", True), ("nobody", False), ("b", False),
    ]  # fmt: skip
    messages = [str(o.refusal) for o in outcomes]
    assert "DISABLED" in messages[0]
    assert messages[1] == "None"
    assert "no account nobody" in messages[2]
    assert "account N-b is listed twice" in messages[3]
    assert set(book.subscriptions) == {"b"}


def test_many_accounts_move_at_once_and_their_queued_runs_are_canceled() -> None:
    book = make_book()
    models = [balanced(review=True), balanced("other")]
    clients = [account("a", "50000"), account("b", "50000"), account("c", "50000")]
    fill_book(book, clients, models, {"a": "balanced", "b": "other"})
    scheduler.tick(book)
    waiting = book.open_runs["a"].id
    outcomes = move_many(book, ["a", "b", "c", "nobody"], "other")
    assert [(o.account_id, o.refusal) for o in outcomes] == [
        ("a", None), ("b", "account N-b already follows this portfolio"), ("c", None), ("nobody", "no account nobody"),
    ]  # fmt: skip
    assert {one: book.subscriptions[one].portfolio_id for one in "abc"} == dict.fromkeys("abc", "other")
    assert book.subscriptions["a"].last_rebalanced_at is None
    ended = runs.get(book.database, waiting)
    assert (ended.status, ended.reason) == (RunStatus.CANCELED, "the subscription ended")
    assert "a" not in book.open_runs
    in_memory = dict(book.subscriptions)
    book.reload()
    assert dict(book.subscriptions) == in_memory


def test_a_failed_write_of_many_subscriptions_changes_none() -> None:
    book = make_book()
    fill_book(book, [account("a", "1"), account("b", "1")], [balanced()], {"a": "balanced", "b": "balanced"})
    before, in_memory = rows(book), dict(book.subscriptions)
    book.database.connection.execute(
        "CREATE TEMP TRIGGER fails BEFORE UPDATE ON subscriptions "
        f"WHEN NEW.id = '{in_memory['b'].id}' BEGIN SELECT RAISE(ABORT, 'the second cannot be written'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="the second cannot be written"):
        unsubscribe_many(book, ["a", "b"])
    assert (rows(book), dict(book.subscriptions)) == (before, in_memory)


def test_a_new_subscription_makes_the_first_rebalance_at_the_next_slot() -> None:
    book = two_accounts()
    scheduler.tick(book)
    made = subscribe(book, "a", "balanced")
    assert made.last_rebalanced_at is None
    advance_to(book, "2026-03-02 09:44")
    assert all_runs(book) == []
    advance_to(book, "2026-03-02 09:45")
    assert [r.subscription_id for r in all_runs(book)] == [made.id]


def test_the_end_of_a_subscription_cancels_its_queued_run() -> None:
    book = make_book()
    fill_book(book, [account("a", "50000")], [balanced(review=True)], {"a": "balanced"})
    scheduler.tick(book)
    unsubscribe(book, book.subscriptions["a"].id)
    run = all_runs(book)[0]
    assert (run.status, run.reason) == (RunStatus.CANCELED, "the subscription ended")
    assert book.open_runs == {}
    assert book.subscriptions == {}
    advance_to(book, "2026-03-03 10:00")
    assert len(all_runs(book)) == 1


def test_the_end_of_a_subscription_lets_a_run_in_progress_finish() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    ended = book.subscriptions["a"].id
    unsubscribe(book, ended)
    assert all_runs(book)[0].status is RunStatus.IN_PROGRESS
    advance(book, 20)
    assert all_runs(book)[0].status is RunStatus.COMPLETED_SUCCESS
    assert book.subscriptions == {}
    with pytest.raises(NotFound):
        unsubscribe(book, ended)
    again = subscribe(book, "a", "balanced")
    assert (again.id == ended, again.last_rebalanced_at) == (False, None)


def test_an_ended_subscription_stays_recorded() -> None:
    book = two_accounts()
    unsubscribe(book, subscribe(book, "a", "balanced").id)
    subscribe(book, "a", "other")
    assert book.database.rows("SELECT ended_at IS NULL FROM subscriptions ORDER BY key") == [(0,), (1,)]
