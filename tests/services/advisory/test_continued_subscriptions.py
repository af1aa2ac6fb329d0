"""A withdrawal ends a subscription and continues it: what belongs to the subscription is as before (R-32)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.portfolios import Unfinished
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.trading_rules import Overrides
from rebal_tui.services.advisory.withdrawals import cancel_withdrawal, request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.store import cash, portfolios, trade_markers, trading_rules, unfinished
from tests.services.brokers import broker
from tests.services.factories import account, advance, advance_to, balanced, fill_book, make_book, unsubscribe_account

UNDONE = Unfinished(("OLD",), None, since="2026-02-27", tried_on=("2026-03-02",))
OVERRIDES = Overrides(cooldown_days=31)


def followed() -> Book:
    """On Monday at 09:30 the account is in cooldown, one sell of its last rebalance is undone, $10,000 are cash."""
    book = make_book("2026-03-02 09:29", prices={"SPY": "400", "TLT": "100", "OLD": "10"})
    model = balanced()
    held = {"SPY": "150", "TLT": "350"}
    last = {"a": book.now() - timedelta(days=3)}
    fill_book(book, [account("a", "10000", {**held, "OLD": "2"})], [model], {"a": model.id}, last)
    subscription = book.subscriptions["a"]
    with book.write() as tx:
        unfinished.put(tx, subscription.id, UNDONE)
        trading_rules.put_overrides(tx, [(subscription.id, OVERRIDES)])
        trade_markers.add(tx, subscription.id, "unsolicited")
        portfolios.set_proposals(tx, [replace(subscription, update_spent_at=book.now(), propose_on=date(2026, 3, 2))])
        tx.reload()
    return book


def withdrawn(book: Book) -> None:
    """Withdraw settled cash, which leaves the account at once when the market opens."""
    request_withdrawal(book, "a", parse_money("5000"))
    advance_to(book, "2026-03-02 09:31")
    advance(book, 5)
    assert cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED


def belongings(book: Book) -> object:
    subscription = book.subscriptions["a"]
    return (
        book.unfinished, book.rules_view.overrides, trade_markers.of(book.database, [subscription.id]).values(),
        subscription.last_rebalanced_at, subscription.update_spent_at, subscription.propose_on,
    )  # fmt: skip


def content(book: Book) -> str:
    return repr(belongings(book))


def test_after_a_withdrawal_the_subscription_is_as_before() -> None:
    book = followed()
    before, subscription = content(book), book.subscriptions["a"].id
    assert book.unfinished == {"a": UNDONE}
    withdrawn(book)
    assert book.subscriptions["a"].id != subscription
    assert content(book) == before
    book.reload()
    assert content(book) == before
    assert check_book(book.database, broker(book)).faults == ()


def test_after_a_canceled_withdrawal_too() -> None:
    book = followed()
    before = content(book)
    withdrawal = request_withdrawal(book, "a", parse_money("20000"))
    assert book.unfinished == {}
    cancel_withdrawal(book, withdrawal.id)
    assert content(book) == before


def test_the_undone_sell_is_tried_again_although_the_account_is_in_cooldown() -> None:
    book = followed()
    withdrawn(book)
    advance_to(book, "2026-03-03 09:30")
    advance(book, 5)
    assert latest_decisions(book.database, "a")[-1].reason == "1 sell of the last full rebalance left undone (OLD)"


def test_a_subscription_that_ended_before_the_withdrawal_is_not_continued() -> None:
    book = followed()
    unsubscribe_account(book, "a")
    advance_to(book, "2026-03-02 10:00")
    request_withdrawal(book, "a", parse_money("5000"))
    assert "a" not in book.subscriptions
    assert book.unfinished == {}
