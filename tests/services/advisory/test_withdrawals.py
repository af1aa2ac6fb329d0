"""Withdrawals: one action for the advisor, a durable sequence for the system (R-32)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.cash import Journal, JournalStatus, Withdrawal, WithdrawalStage
from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import AssetWeight, PortfolioStatus, Weights
from rebal_tui.domain.quantities import Money, Percent, parse_money
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import portfolios as portfolio_service
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import cancel_withdrawal, request_withdrawal, retry_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, jobs, run_orders
from rebal_tui.store import cash as store
from tests.services.brokers import BrokerWrapper, Unreliable, broker, reopen
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    entries,
    fill_book,
    make_book,
    new_york,
    set_price,
    simple_book,
)

Stage = WithdrawalStage


def rebalanced(path: Path | str = ":memory:", model: Any = None) -> Book:
    """Account `a` with $50,000, rebalanced at 09:30; it is 10:00 on Monday, 2 March 2026."""
    book = simple_book(path=path, model=model)
    scheduler.tick(book)
    if model is not None:
        advance(book, 20)
    advance_to(book, "2026-03-02 10:00")
    assert all_runs(book)[0].status is RunStatus.COMPLETED_SUCCESS
    return book


def now(book: Book) -> Withdrawal:
    return store.withdrawals(book.database)[0]


def withdraw(book: Book, amount: str) -> None:
    request_withdrawal(book, "a", parse_money(amount))
    scheduler.tick(book)


def everything(book: Book) -> dict[str, Any]:
    """Every row of the tables that a refused request must not change."""
    tables = ("withdrawals", "runs", "subscriptions", "orders", "accounts", "positions", "audit", "alerts", "meta")
    return {table: book.database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


def test_the_withdrawal_lasts_until_the_next_settlement_day_and_keeps_last_rebalanced_at() -> None:
    book = rebalanced()
    last = book.subscriptions["a"].last_rebalanced_at
    subscription = book.subscriptions["a"].id
    withdraw(book, "9000")
    assert now(book).stage is Stage.SETTLING
    assert "a" not in book.subscriptions
    sold = all_runs(book)[1]
    assert (sold.type, sold.status) == (RunType.PARTIAL_LIQUIDATION, RunStatus.COMPLETED_SUCCESS)
    advance_to(book, "2026-03-02 15:59")
    assert now(book).stage is Stage.SETTLING
    advance_to(book, "2026-03-03 09:29")
    assert now(book).stage is Stage.SETTLING
    advance_to(book, "2026-03-03 09:30")
    done = now(book)
    assert (done.stage, done.stopped) == (Stage.COMPLETED, None)
    assert [(j.amount, j.status) for j in store.journals(book.database)] == [
        (parse_money("9000"), JournalStatus.EXECUTED)
    ]
    again = book.subscriptions["a"]
    assert again.id != subscription
    assert (again.portfolio_id, again.last_rebalanced_at) == ("balanced", last)
    assert book.extras["a"].reserve == 0
    assert broker(book).invariants() == []


def test_a_completed_withdrawal_neither_forces_a_rebalance_nor_clears_the_cooldown() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    for day in ("03", "04"):
        advance_to(book, f"2026-03-{day} 10:00")
    assert len(all_runs(book)) == 2
    set_price(book, "SPY", "800")
    advance_to(book, "2026-03-06 10:00")
    assert len(all_runs(book)) == 2
    advance_to(book, "2026-03-09 10:00")
    assert [r.type for r in all_runs(book)][2:] == [RunType.FULL_REBALANCE]


def test_after_a_completed_withdrawal_ten_dollars_are_invested() -> None:
    book = make_book()
    weights = {"SPY": "60", "TLT": "40"}
    fill_book(book, [account("a", "50000")], [balanced(weights=weights, cash="0")], {"a": "balanced"})
    scheduler.tick(book)
    withdraw(book, "9000")
    advance_to(book, "2026-03-03 10:00")
    assert now(book).stage is Stage.COMPLETED
    assert len(all_runs(book)) == 2
    deposit(book, "a", parse_money("10"))
    advance_to(book, "2026-03-04 10:00")
    assert [r.type for r in all_runs(book)][2:] == [RunType.INVEST_CASH]


def test_settled_cash_is_withdrawn_the_same_day_without_selling() -> None:
    book = rebalanced()
    deposit(book, "a", parse_money("9000"))
    withdraw(book, "9000")
    assert now(book).stage is Stage.COMPLETED
    assert run_orders.of_run(book.database, all_runs(book)[1].id) == []


@pytest.mark.parametrize("amount", ["0", "-5"])
def test_a_text_that_is_not_an_amount_is_invalid(amount: str) -> None:
    book = rebalanced()
    with pytest.raises(Invalid, match="amount"):
        request_withdrawal(book, "a", parse_money(amount))


def test_an_amount_that_the_account_cannot_raise_is_refused_and_nothing_changes() -> None:
    book = rebalanced()
    before = everything(book)
    with pytest.raises(Conflict, match=r"amount too large: the account can raise at most \$50,000\.00"):
        request_withdrawal(book, "a", parse_money("50000.01"))
    assert everything(book) == before
    assert "a" in book.subscriptions


def test_a_second_withdrawal_and_an_unknown_account_are_refused() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    with pytest.raises(Conflict, match="in progress"):
        withdraw(book, "1")
    with pytest.raises(NotFound):
        request_withdrawal(book, "nobody", parse_money("1"))
    with pytest.raises(NotFound):
        cancel_withdrawal(book, "nothing")


def test_during_a_withdrawal_the_account_cannot_be_subscribed_manually() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    outcome = subscriptions.subscribe_many(book, ["a"], "balanced")
    assert "withdrawal is in progress" in str(outcome[0].refusal)


def test_all_cash_can_be_withdrawn() -> None:
    book = rebalanced()
    withdraw(book, "50000")
    advance_to(book, "2026-03-03 09:30")
    assert now(book).stage is Stage.COMPLETED
    assert book.accounts["a"].positions == ()
    assert 0 <= book.accounts["a"].cash < parse_money("1")


def test_a_run_in_progress_finishes_first_and_its_rebalance_date_is_stored() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    assert all_runs(book)[0].status is RunStatus.IN_PROGRESS
    withdraw(book, "9000")
    assert now(book).stage is Stage.REQUESTED
    assert "a" in book.subscriptions
    advance(book, 40)
    first = all_runs(book)[0]
    assert first.status is RunStatus.COMPLETED_SUCCESS
    assert now(book).stage is Stage.SETTLING
    assert now(book).last_rebalanced_at == first.completed_at
    advance_to(book, "2026-03-03 09:30")
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED
    assert book.subscriptions["a"].last_rebalanced_at == first.completed_at


def test_a_run_that_waits_for_approval_is_canceled_by_a_withdrawal() -> None:
    book = simple_book(follows=balanced(review=True))
    scheduler.tick(book)
    withdraw(book, "9000")
    assert [r.status for r in all_runs(book)] == [RunStatus.CANCELED, RunStatus.COMPLETED_SUCCESS]


def stage_requested(book: Book) -> None:
    advance_to(book, "2026-03-02 10:05")
    deposit(book, "a", parse_money("100"))
    create_run(book, "a", RunType.INVEST_CASH)
    withdraw(book, "9000")


def stage_unsubscribed(book: Book) -> None:
    """The withdrawal stops in this stage because its run is canceled manually."""
    withdraw(book, "9000")
    cancel_run(book, all_runs(book)[-1].id)
    advance(book, 1)


def stage_selling_queued(book: Book) -> None:
    advance_to(book, "2026-03-02 16:30")
    withdraw(book, "9000")


def stage_settling(book: Book) -> None:
    withdraw(book, "9000")
    advance(book, 30)


CANCELABLE = {
    Stage.REQUESTED: stage_requested,
    Stage.UNSUBSCRIBED: stage_unsubscribed,
    Stage.SELLING: stage_selling_queued,
    Stage.SETTLING: stage_settling,
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", CANCELABLE, ids=str)
def test_canceled_at_any_stage_before_the_journal_the_account_follows_its_portfolio_again(stage: Stage) -> None:
    book = rebalanced(model=SLOW)
    last = book.subscriptions["a"].last_rebalanced_at
    CANCELABLE[stage](book)
    assert now(book).stage is stage
    canceled = cancel_withdrawal(book, now(book).id)
    assert canceled.stage is Stage.CANCELED
    advance(book, 30)
    assert book.subscriptions["a"].last_rebalanced_at == last
    assert book.extras["a"].reserve == 0
    assert book.open_runs == {}
    assert store.journals(book.database) == []
    with pytest.raises(Conflict, match="canceled"):
        cancel_withdrawal(book, canceled.id)
    with pytest.raises(Conflict, match="not stopped"):
        retry_withdrawal(book, canceled.id)
    advance_to(book, "2026-03-03 10:00")
    advance(book, 30)
    assert broker(book).invariants() == []


def test_sells_in_progress_are_not_canceled() -> None:
    book = rebalanced(model=SLOW)
    withdraw(book, "9000")
    assert now(book).stage is Stage.SELLING
    with pytest.raises(Conflict, match="in progress"):
        cancel_withdrawal(book, now(book).id)


def test_from_the_journal_on_a_withdrawal_cannot_be_canceled() -> None:
    book = rebalanced(model=SLOW)
    withdraw(book, "9000")
    advance(book, 30)
    advance_to(book, "2026-03-03 09:30")
    assert now(book).stage is Stage.JOURNALING
    with pytest.raises(Conflict, match="can no longer be canceled"):
        cancel_withdrawal(book, now(book).id)
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED
    with pytest.raises(Conflict, match="can no longer be canceled"):
        cancel_withdrawal(book, now(book).id)


def finished(book: Book) -> dict[str, Any]:
    """The end state, which must not depend on a restart."""
    assert broker(book).invariants() == []
    return {
        "withdrawals": book.database.rows("SELECT id, stage, stopped, amount FROM withdrawals"),
        "journals": book.database.rows("SELECT id, amount, status FROM journals"),
        "cash": book.database.rows("SELECT id, cash, unsettled FROM accounts"),
        "positions": book.database.rows("SELECT * FROM positions"),
        "runs": book.database.rows("SELECT id, type, status FROM runs"),
        "subscriptions": book.database.rows(
            "SELECT account, portfolio, last_rebalanced_at, ended_at IS NULL FROM subscriptions"
        ),
    }


def run_to_completion(book: Book, restart_at: Stage | None) -> dict[str, Any]:
    """A withdrawal requested during the first rebalance, with a restart at one stage; returns its end state."""
    scheduler.tick(book)
    request_withdrawal(book, "a", parse_money("9000"))
    restarted = False
    for start in ("2026-03-02 09:30", "2026-03-03 09:30"):
        advance_to(book, start)
        for _ in range(30):
            if now(book).stage is restart_at and not restarted:
                book, restarted = reopen(book, model=SLOW), True
                assert now(book).stage is restart_at
            advance(book, 1)
    assert restarted == (restart_at is not None)
    assert now(book).stage is Stage.COMPLETED
    end = finished(book)
    book.database.close()
    return end


@pytest.mark.slow
@pytest.mark.parametrize("stage", [Stage.REQUESTED, Stage.SELLING, Stage.SETTLING, Stage.JOURNALING], ids=str)
@pytest.mark.samples(2)
def test_a_restart_resumes_at_the_step_reached(stage: Stage, tmp_path: Path) -> None:
    undisturbed = run_to_completion(simple_book(path=tmp_path / "calm.db", model=SLOW), None)
    assert run_to_completion(simple_book(path=tmp_path / "restarted.db", model=SLOW), stage) == undisturbed


class Rejecting(BrokerWrapper):
    """It rejects outgoing journals while `on`."""

    on = True

    def create_journal(self, source: str, target: str, amount: Money, description: str, key: str) -> Journal:
        text = "/fixtures/status=rejected/fixtures/" if self.on else description
        journal: Journal = self.inner.create_journal(source, target, amount, text, key)
        return journal


def test_a_rejected_journal_stops_with_the_reason_and_a_retry_makes_another() -> None:
    book = rebalanced()
    clearing = Rejecting(book)
    withdraw(book, "9000")
    advance_to(book, "2026-03-03 09:30")
    stopped = now(book)
    assert "journal was rejected: rejected by a fixture in the description" in str(stopped.stopped)
    assert [a.kind for a in jobs.open_alerts(book.database)] == ["withdrawal"]
    assert book.accounts["a"].cash >= parse_money("9000")
    advance_to(book, "2026-03-03 10:00")
    assert len(store.journals(book.database)) == 1, "it stays stopped until someone retries"
    clearing.on = False
    retry_withdrawal(book, stopped.id)
    assert now(book).stage is Stage.COMPLETED
    assert [j.status for j in store.journals(book.database)].count(JournalStatus.EXECUTED) == 1
    assert "a" in book.subscriptions
    assert jobs.open_alerts(book.database) == []


def test_after_a_rejected_journal_the_withdrawal_can_be_canceled() -> None:
    book = rebalanced()
    Rejecting(book)
    withdraw(book, "9000")
    advance_to(book, "2026-03-03 09:30")
    cancel_withdrawal(book, now(book).id)
    assert "a" in book.subscriptions
    assert book.extras["a"].reserve == 0
    assert jobs.open_alerts(book.database) == []
    advance_to(book, "2026-03-04 09:30")
    assert [r.type for r in all_runs(book)][2:] == [RunType.INVEST_CASH]


def test_a_journal_refused_for_the_state_of_the_account_stops_and_can_be_retried() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    broker(book).set_account_status("a", "DISABLED", book.now())
    advance_to(book, "2026-03-03 09:30")
    assert "DISABLED, not ACTIVE" in str(now(book).stopped)
    broker(book).set_account_status("a", "ACTIVE", book.now())
    scheduler.tick(book)
    retry_withdrawal(book, now(book).id)
    assert now(book).stage is Stage.COMPLETED
    assert book.accounts["a"].status is AccountStatus.ACTIVE


@pytest.mark.slow
def test_cash_in_a_journal_made_at_the_broker_is_awaited_and_then_raised_again() -> None:
    book = rebalanced(model=SLOW)
    withdraw(book, "12000")
    advance(book, 30)
    assert now(book).stage is Stage.SETTLING
    advance_to(book, "2026-03-03 09:29")
    broker(book).create_journal("a", FIRM_ACCOUNT, parse_money("2400"), "fee", "fee-1")
    advance_to(book, "2026-03-03 09:30")
    assert (now(book).stage, now(book).stopped) == (Stage.SETTLING, None)
    advance(book, 60)
    assert (now(book).stage, now(book).rounds) == (Stage.SETTLING, 2)
    advance_to(book, "2026-03-04 09:30")
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED
    assert broker(book).invariants() == []


@pytest.mark.slow
def test_a_fall_in_price_before_the_sells_fill_makes_another_round() -> None:
    book = rebalanced(model=SLOW)
    withdraw(book, "12000")
    assert now(book).stage is Stage.SELLING
    set_price(book, "SPY", "200")
    set_price(book, "TLT", "50")
    advance(book, 60)
    assert now(book).stage is Stage.SETTLING
    assert now(book).rounds >= 2
    advance_to(book, "2026-03-03 09:30")
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED
    assert [j.amount for j in store.journals(book.database)] == [parse_money("12000")]


def test_a_withdrawal_that_can_no_longer_be_raised_stops_and_nothing_is_lost() -> None:
    book = rebalanced(model=SLOW)
    withdraw(book, "40000")
    set_price(book, "SPY", "100")
    set_price(book, "TLT", "10")
    advance(book, 60)
    assert "can raise at most" in str(now(book).stopped)
    before = book.accounts["a"].cash
    cancel_withdrawal(book, now(book).id)
    assert "a" in book.subscriptions
    assert book.accounts["a"].cash == before
    assert broker(book).invariants() == []


def test_a_run_ended_by_the_close_is_repeated_the_next_day() -> None:
    book = rebalanced(model=SLOW)
    broker(book).halt("SPY", True, book.now())
    withdraw(book, "9000")
    advance_to(book, "2026-03-02 16:00")
    assert all_runs(book)[1].status is RunStatus.TIMEOUT
    broker(book).halt("SPY", False, book.now())
    advance_to(book, "2026-03-03 09:30")
    advance(book, 30)
    assert now(book).stage is Stage.SETTLING
    advance_to(book, "2026-03-04 09:30")
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED


def test_a_restricted_account_stops_before_anything_is_sold() -> None:
    book = rebalanced()
    advance_to(book, "2026-03-02 16:30")
    withdraw(book, "9000")
    broker(book).return_deposit("a", parse_money("1"), book.now())
    advance_to(book, "2026-03-03 09:30")
    assert "ACCOUNT_RESTRICTED" in str(now(book).stopped)
    broker(book).set_restrictions("a", frozenset(), book.now())
    scheduler.tick(book)
    retry_withdrawal(book, now(book).id)
    scheduler.tick(book)
    advance_to(book, "2026-03-04 09:30")
    assert now(book).stage is Stage.COMPLETED


@pytest.mark.slow
def test_a_withdrawal_waits_for_a_manual_run() -> None:
    """While it waits, the account is unsubscribed, so a run with explicit weights may be requested."""
    book = rebalanced(model=SLOW)
    withdraw(book, "12000")
    set_price(book, "SPY", "200")
    cancel_run(book, all_runs(book)[-1].id)
    advance(book, 1)
    assert now(book).stopped is not None
    weights = Weights((AssetWeight("SPY", Percent(5000)),), Percent(5000))
    manual = create_run(book, "a", RunType.FULL_REBALANCE, weights=weights)
    assert not manual.status.final
    retry_withdrawal(book, now(book).id)
    assert now(book).stopped is None
    advance(book, 60)
    assert now(book).stage is Stage.SETTLING
    advance_to(book, "2026-03-03 09:30")
    advance(book, 10)
    assert now(book).stage is Stage.COMPLETED


def test_an_unsubscribed_account_is_sold_in_proportion_and_stays_unsubscribed() -> None:
    book = make_book()
    fill_book(book, [account("a", "0", {"SPY": "75", "TLT": "100"})], [balanced()], {})
    withdraw(book, "10000")
    sold = {o.symbol: (o.side, o.qty) for _, o, _ in run_orders.of_run(book.database, all_runs(book)[0].id)}
    assert set(sold) == {"SPY", "TLT"}
    assert {side for side, _ in sold.values()} == {Side.SELL}
    advance_to(book, "2026-03-03 09:30")
    assert now(book).stage is Stage.COMPLETED
    assert book.subscriptions == {}


def inactivate(book: Book) -> None:
    portfolio_service.inactivate_portfolio(book, "balanced")


def reserve(book: Book) -> None:
    broker(book).set_asset("GLD", book.now(), tradable=False)
    scheduler.advance_market(book, book.now())
    assert book.sandbox is not None
    with book.database.write():
        book.database.connection.execute("UPDATE portfolios SET status = 'needs_adjustment' WHERE id = 'balanced'")
    book.reload_portfolios()


@pytest.mark.parametrize("act", [inactivate, reserve])
def test_a_portfolio_deactivated_midway_stops_the_last_step_until_it_is_reactivated(
    act: Callable[[Book], None],
) -> None:
    book = rebalanced()
    last = book.subscriptions["a"].last_rebalanced_at
    withdraw(book, "9000")
    act(book)
    advance_to(book, "2026-03-03 09:30")
    assert (now(book).stage, "Balanced" in str(now(book).stopped)) == (Stage.RESUBSCRIBING, True)
    assert [j.status for j in store.journals(book.database)] == [JournalStatus.EXECUTED]
    retry_withdrawal(book, now(book).id)
    assert now(book).stopped is not None
    assert portfolio_service.reactivate_portfolio(book, "balanced").status is PortfolioStatus.ACTIVE
    retry_withdrawal(book, now(book).id)
    assert now(book).stage is Stage.COMPLETED
    assert book.subscriptions["a"].last_rebalanced_at == last


def test_an_unanswered_journal_is_requested_again_and_moves_the_money_once() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    answers = iter(["reply lost", "request lost", "", "reply lost"])
    Unreliable(book, lambda name: next(answers, "") if name in ("create_journal", "journal") else "")
    advance_to(book, "2026-03-03 09:30")
    for minute in range(31, 37):
        advance_to(book, f"2026-03-03 09:{minute}")
    assert now(book).stage is Stage.COMPLETED
    assert [j.amount for j in store.journals(book.database)] == [parse_money("9000")]
    assert broker(book).invariants() == []


def test_the_steps_are_recorded_in_order() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    advance_to(book, "2026-03-03 09:30")
    steps = book.database.rows("SELECT action FROM audit WHERE subject = ? ORDER BY seq", (now(book).id,))
    assert [action.removeprefix("withdrawal.") for (action,) in steps] == [
        "requested", "unsubscribed", "selling", "settling", "journaling", "resubscribing", "completed",
    ]  # fmt: skip
    assert now(book).created_at == new_york("2026-03-02 10:00")


def test_only_the_request_and_a_cancellation_are_acts_of_a_person() -> None:
    """The steps of the withdrawal end the subscription and begin it again, no matter who requested it."""
    book = rebalanced()
    before = len(audit.entries(book.database))
    with book.acting_as("api backoffice"):
        withdraw(book, "9000")
        advance_to(book, "2026-03-03 09:30")
    made = audit.entries(book.database)[:-before]
    assert [entry.action for entry in made if entry.actor == "api backoffice"] == ["withdrawal.requested"]
    assert {entry.actor for entry in made if entry.action.startswith("subscription.")} == {"system"}
    assert len([entry for entry in made if entry.action.startswith("subscription.")]) == 2

    withdraw(book, "9000")
    cancel_withdrawal(book, now(book).id)
    assert next(actor for _, actor, _ in entries(book, "subscription.created")) == "advisor"
