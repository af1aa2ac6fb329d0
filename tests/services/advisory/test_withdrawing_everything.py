"""A withdrawal of everything, and withdrawals while a price is missing (R-32)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import JournalStatus, Owner, OwnerKind, WithdrawalStage
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import parse_money, parse_qty
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.withdrawals import cancel_withdrawal, request_withdrawal, retry_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import reload_from_broker
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.queries.cash import cash_snapshot, preview_withdrawal, withdrawal_history
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import cash as store
from rebal_tui.store import reservations, run_orders
from tests.services.brokers import Refusing, broker, reopen
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

UNPRICED = "NEWCO"


def holding(cash: str, held: dict[str, str], path: Path | str = ":memory:", *, slow: bool = False) -> Book:
    """Account `a` with these holdings, subscribed to Balanced; `NEWCO` has no price. It is 10:00."""
    book = make_book("2026-03-02 10:00", path=path, model=SLOW if slow else None)
    assert book.sandbox is not None
    book.sandbox.add_asset(Asset("id-NEWCO", UNPRICED, UNPRICED, "ARCA", AssetStatus.ACTIVE, True, True))
    fill_book(book, [account("a", cash, held)], [balanced()], {"a": "balanced"})
    return book


def stage(book: Book) -> WithdrawalStage:
    return store.withdrawals(book.database)[0].stage


def journaled(book: Book) -> list[int]:
    return [j.amount for j in store.journals(book.database) if j.status is JournalStatus.EXECUTED]


def sound(book: Book) -> None:
    assert broker(book).invariants() == []
    assert check_book(book.database, broker(book)).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("slow", [False, True], ids=["immediate", "slow"])
def test_every_position_is_closed_to_the_last_unit_and_what_settles_is_journaled(slow: bool) -> None:
    held = {"SPY": "12.345678901", "TLT": "0.000000007", "GLD": "3.000000001"}
    book = holding("1234.567890123", held, slow=slow)
    request_withdrawal(book, "a", None)
    scheduler.tick(book)
    assert "a" not in book.subscriptions
    advance_to(book, "2026-03-02 10:05")
    for _ in range(30):
        advance(book, 1)
    (sold,) = all_runs(book)
    assert (sold.type, sold.status) == (RunType.FULL_REBALANCE, RunStatus.COMPLETED_SUCCESS)
    assert book.accounts["a"].positions == ()
    assert stage(book) is WithdrawalStage.SETTLING
    assert book.reserved("a") == book.accounts["a"].cash
    advance_to(book, "2026-03-03 09:30")
    for _ in range(30):
        advance(book, 1)
    assert stage(book) is WithdrawalStage.COMPLETED
    assert 0 <= book.accounts["a"].cash < parse_money("0.01")
    (paid,) = journaled(book)
    assert paid % 10_000_000 == 0
    assert store.withdrawals(book.database)[0].amount == paid
    assert (book.reserved("a"), dict(book.subscriptions)) == (0, {})
    advance_to(book, "2026-03-05 10:00")
    assert len(all_runs(book)) == 1
    sound(book)


def test_cash_alone_is_withdrawn_the_same_day_without_a_run() -> None:
    book = holding("500", {})
    request_withdrawal(book, "a", None)
    assert (stage(book), all_runs(book), journaled(book)) == (WithdrawalStage.COMPLETED, [], [parse_money("500")])
    assert "a" not in book.subscriptions


def test_everything_is_refused_while_another_owner_has_reserved_cash_and_names_it() -> None:
    book = simple_book()
    scheduler.tick(book)
    run = create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("1000"))
    with pytest.raises(Conflict, match=rf"while cash is reserved: \$1,000\.00 by run {run.id[:8]}"):
        request_withdrawal(book, "a", None)
    assert store.withdrawals(book.database) == []
    assert "a" in book.subscriptions


def test_an_account_without_anything_is_refused() -> None:
    book = holding("0", {})
    with pytest.raises(Conflict, match="nothing to withdraw"):
        request_withdrawal(book, "a", None)


def test_what_cannot_be_traded_stays_and_is_named() -> None:
    book = holding("100", {"SPY": "1", "TLT": "2", "GLD": "3.5", UNPRICED: "4"})
    broker(book).set_asset("TLT", book.now(), status=AssetStatus.INACTIVE)
    broker(book).set_asset("GLD", book.now(), fractionable=False)
    reload_from_broker(book)
    view = preview_withdrawal(book, "a", None)
    stays = "GLD 0.5 (a fraction of a share cannot be sold), NEWCO 4 (no price), TLT 2 (the asset is inactive)"
    assert view.stays == stays
    request_withdrawal(book, "a", None)
    scheduler.tick(book)
    assert {p.symbol: p.qty for p in book.accounts["a"].positions} == {
        "TLT": parse_qty("2"), "GLD": parse_qty("0.5"), UNPRICED: parse_qty("4"),
    }  # fmt: skip
    advance_to(book, "2026-03-03 09:30")
    done = store.withdrawals(book.database)[0]
    assert (done.stage, journaled(book)) == (WithdrawalStage.COMPLETED, [parse_money("1040")])
    last = withdrawal_history(book, done.id)[-1]
    assert (last.what, last.detail) == ("completed", f"cannot be sold and stays: {stays}")
    sound(book)


def test_sells_that_are_refused_are_sent_again_and_then_stop_the_withdrawal() -> None:
    book = holding("0", {"SPY": "1", "TLT": "2"})
    refusing = Refusing(book, "TLT")
    request_withdrawal(book, "a", None)
    scheduler.tick(book)
    for _ in range(5):
        advance(book, 1)
    stopped = store.withdrawals(book.database)[0]
    assert (stopped.stage, len(all_runs(book))) == (WithdrawalStage.UNSUBSCRIBED, 2)
    assert "no order could be filled" in str(stopped.stopped)
    book.broker = refusing.inner
    retry_withdrawal(book, stopped.id)
    scheduler.tick(book)
    advance_to(book, "2026-03-03 09:30")
    assert (stage(book), book.accounts["a"].positions) == (WithdrawalStage.COMPLETED, ())


@pytest.mark.slow
def test_a_run_ended_by_the_close_is_repeated_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    book = holding("0", {"SPY": "1", "TLT": "2"}, tmp_path / "book.db", slow=True)
    broker(book).halt("SPY", True, book.now())
    request_withdrawal(book, "a", None)
    advance(book, 5)
    advance_to(book, "2026-03-02 16:00")
    assert [run.status for run in all_runs(book)] == [RunStatus.TIMEOUT, RunStatus.QUEUED]
    broker(book).halt("SPY", False, book.now())
    book = reopen(book, model=SLOW)
    advance_to(book, "2026-03-03 09:30")
    advance(book, 30)
    book = reopen(book, model=SLOW)
    advance_to(book, "2026-03-04 09:30")
    advance(book, 30)
    assert (stage(book), book.accounts["a"].positions, book.reserved("a")) == (WithdrawalStage.COMPLETED, (), 0)
    assert journaled(book) == [parse_money("600")]


def test_canceled_before_its_journal_the_account_follows_its_portfolio_again() -> None:
    book = simple_book()
    scheduler.tick(book)
    advance_to(book, "2026-03-02 10:00")
    last = book.subscriptions["a"].last_rebalanced_at
    made = request_withdrawal(book, "a", None)
    scheduler.tick(book)
    assert stage(book) is WithdrawalStage.SETTLING
    cancel_withdrawal(book, made.id)
    assert (book.subscriptions["a"].last_rebalanced_at, book.reserved("a")) == (last, 0)


def test_after_everything_left_an_advisor_may_subscribe_the_account_again() -> None:
    book = holding("500", {})
    request_withdrawal(book, "a", None)
    subscriptions.subscribe_manually(book, "a", "balanced")
    assert "a" in book.subscriptions


def test_the_screen_calls_it_everything_and_says_that_the_account_stays_unsubscribed() -> None:
    book = holding("100", {"SPY": "1"})
    request_withdrawal(book, "a", None)
    scheduler.tick(book)
    (view,) = cash_snapshot(book).withdrawals
    assert (view.everything, view.amount) == (True, parse_money("500"))
    assert view.steps[-1] == ("subscribe again", "waiting", "stays unsubscribed")


def test_with_a_missing_price_an_amount_that_settled_cash_covers_is_taken_from_that_cash_alone() -> None:
    book = holding("5000", {"SPY": "10", UNPRICED: "4"})
    preview = preview_withdrawal(book, "a", parse_money("4999"))
    assert preview.preview is None
    request_withdrawal(book, "a", parse_money("4999"))
    assert (stage(book), journaled(book)) == (WithdrawalStage.COMPLETED, [parse_money("4999")])
    assert all_runs(book) == []
    assert [p.symbol for p in book.accounts["a"].positions] == [UNPRICED, "SPY"]
    assert book.subscriptions["a"].portfolio_id == "balanced"
    assert book.reserved("a") == 0
    sound(book)


def test_with_a_missing_price_unsettled_or_reserved_cash_does_not_count() -> None:
    book = holding("5000", {"SPY": "10", UNPRICED: "4"})
    with book.write() as tx:
        reservations.add(tx, "a", Owner(OwnerKind.PERSON, "Ann"), parse_money("3000"), book.now())
        tx.reload_accounts(["a"])
    text = r"no price for NEWCO: the account cannot be valued, and only \$2,000\.00 of settled cash is not reserved"
    with pytest.raises(Conflict, match=text):
        request_withdrawal(book, "a", parse_money("2000.01"))
    assert store.withdrawals(book.database) == []
    request_withdrawal(book, "a", parse_money("2000"))
    assert journaled(book) == [parse_money("2000")]
    assert book.reserved("a") == parse_money("3000")


def test_a_price_that_falls_during_the_sale_changes_only_what_is_paid() -> None:
    book = holding("0", {"SPY": "10"}, slow=True)
    request_withdrawal(book, "a", None)
    scheduler.tick(book)
    set_price(book, "SPY", "100")
    advance(book, 30)
    advance_to(book, "2026-03-03 09:30")
    advance(book, 30)
    ((_, order, _),) = run_orders.of_run(book.database, all_runs(book)[0].id)
    assert order.filled_qty == parse_qty("10")
    (paid,) = journaled(book)
    assert parse_money("1000") <= paid < parse_money("4000")
    assert stage(book) is WithdrawalStage.COMPLETED
