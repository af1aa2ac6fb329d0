"""Evaluation of the whole book: one pass decides on one state, stores every decision and creates the runs."""

from __future__ import annotations

import pytest

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import InitiatedFrom, RunStatus, RunType
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import create_journal, deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account, evaluate_book
from rebal_tui.services.evaluation.history import decision_of_run, latest_decisions
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import drift_history, run_orders
from rebal_tui.store.codec import to_time
from tests.services.brokers import broker
from tests.services.factories import (
    SLOW,
    account,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    simple_book,
)

LAST = new_york("2026-02-02 10:00")


def mixed_decisions_book(order: tuple[str, ...] = ("first", "cash", "drift", "calm", "blocked")) -> Book:
    """One account for each outcome that an evaluation can have."""
    book = make_book()
    whole = {"SPY": "75", "TLT": "175"}
    known = {
        "first": account("first", "50000"),
        "cash": account("cash", "2600", whole),
        "drift": account("drift", "2500", {"SPY": "93.75", "TLT": "100"}),
        "calm": account("calm", "2500", whole),
        "blocked": account("blocked", "50000", restrictions=["trading_blocked"]),
    }
    follows = dict.fromkeys(order, "balanced")
    fill_book(book, [known[name] for name in order], [balanced()], follows, dict.fromkeys(order[1:], LAST))
    with book.database.write() as tx:
        tx.execute(
            "UPDATE subscriptions SET last_rebalanced_at = CASE WHEN account = (SELECT key FROM accounts "
            "WHERE id = 'first') THEN NULL ELSE ? END", (to_time(LAST),)
        )  # fmt: skip
    book.reload()
    return book


EXPECTED = {
    "first": Outcome.FULL_REBALANCE,
    "cash": Outcome.INVEST_CASH,
    "drift": Outcome.FULL_REBALANCE,
    "calm": Outcome.NONE,
    "blocked": Outcome.BLOCKED,
}


def test_every_subscription_gets_the_decision_of_its_own_state() -> None:
    book = mixed_decisions_book()
    made = evaluation_pass(book)
    assert {d.account_id: d.outcome for d in made.decisions} == EXPECTED
    assert {r.account_id: r.type for r in made.runs} == {
        "first": RunType.FULL_REBALANCE, "cash": RunType.INVEST_CASH, "drift": RunType.FULL_REBALANCE,
    }  # fmt: skip
    for run in made.runs:
        assert (run.status, run.initiated_from, run.session) == (
            RunStatus.QUEUED, InitiatedFrom.SYSTEM, "2026-03-02",
        )  # fmt: skip
        cause = decision_of_run(book.database, run.id)
        assert cause is not None
        assert cause.account_id == run.account_id
        assert cause.trace


def test_the_order_of_accounts_does_not_matter() -> None:
    outcomes = []
    for order in (tuple(EXPECTED), tuple(reversed(EXPECTED))):
        book = mixed_decisions_book(order)
        scheduler.tick(book)
        outcomes.append(
            {
                run.account_id: (
                    run.type,
                    run.status,
                    [(o.symbol, o.notional, o.qty) for _, o, _ in run_orders.of_run(book.database, run.id)],
                )
                for run in all_runs(book)
            }
        )
        assert len(outcomes[-1]) == 3
    assert outcomes[0] == outcomes[1]


def test_a_dry_run_stores_and_sends_nothing() -> None:
    book = mixed_decisions_book()
    book.database.connection.execute("PRAGMA query_only = ON")
    before = book.database.connection.total_changes
    assert {d.account_id: d.outcome for d in evaluate_book(book)} == EXPECTED
    assert evaluate_account(book, "first").outcome is Outcome.FULL_REBALANCE
    assert [d.account_id for d in evaluate_book(book, ["calm"])] == ["calm"]
    assert book.database.connection.total_changes == before
    with pytest.raises(NotFound):
        evaluate_account(book, "nobody")
    subscriptions_ended = book.subscriptions["calm"].id
    book.database.connection.execute("PRAGMA query_only = OFF")
    subscriptions.unsubscribe(book, subscriptions_ended)
    with pytest.raises(Conflict, match="not subscribed"):
        evaluate_account(book, "calm")


def test_a_repeated_decision_is_stored_once_with_its_count() -> None:
    book = mixed_decisions_book(("calm",))
    for at in ("09:30", "09:45", "10:00"):
        advance_to(book, f"2026-03-02 {at}")
    advance_to(book, "2026-03-03 09:30")
    rows = book.database.rows(
        "SELECT session, outcome, times FROM decisions JOIN decision_kinds ON key = kind ORDER BY session"
    )
    assert rows == [("2026-03-02", "none", 3), ("2026-03-03", "none", 1)]
    assert len(drift_history.of_account(book.database, "calm")) == 4


def test_the_quota_is_one_system_run_a_session_and_excludes_manual_runs() -> None:
    book = simple_book()
    scheduler.tick(book)
    deposit(book, "a", parse_money("1000"))
    create_run(book, "a", RunType.INVEST_CASH)
    deposit(book, "a", parse_money("1000"))
    advance_to(book, "2026-03-02 09:45")
    assert [r.initiated_from.value for r in all_runs(book)] == ["system", "api"]
    latest = latest_decisions(book.database, "a")[0]
    assert (latest.outcome, latest.trace[-1].check) == (Outcome.BLOCKED, "quota")
    advance_to(book, "2026-03-03 09:30")
    assert [r.initiated_from.value for r in all_runs(book)] == ["system", "api", "system"]


def test_an_earlier_manual_run_uses_no_quota() -> None:
    book = simple_book()
    create_run(book, "a", RunType.INVEST_CASH)
    deposit(book, "a", parse_money("1000"))
    scheduler.tick(book)
    assert [r.type for r in all_runs(book)] == [RunType.INVEST_CASH, RunType.FULL_REBALANCE]


def test_a_manual_full_rebalance_starts_the_cooldown_and_the_others_do_not() -> None:
    book = simple_book("2026-03-02 10:00")
    create_run(book, "a", RunType.INVEST_CASH)
    assert book.subscriptions["a"].last_rebalanced_at is None
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("100"))
    assert book.subscriptions["a"].last_rebalanced_at is None
    run = create_run(book, "a", RunType.FULL_REBALANCE)
    assert book.subscriptions["a"].last_rebalanced_at == run.completed_at


def test_the_quota_survives_a_reload() -> None:
    book = simple_book()
    scheduler.tick(book)
    book.reload()
    assert book.quota_run("a", "2026-03-02") == all_runs(book)[0].id
    assert book.quota_run("a", "2026-03-03") is None


def test_a_lifted_restriction_lets_the_next_slot_trade() -> None:
    book = mixed_decisions_book(("blocked",))
    scheduler.tick(book)
    assert all_runs(book) == []
    assert latest_decisions(book.database, "blocked")[0].reason == "trading is blocked"
    broker(book).set_restrictions("blocked", frozenset(), book.now())
    advance_to(book, "2026-03-02 09:45")
    assert len(all_runs(book)) == 1


def test_one_inactive_asset_marks_its_portfolio_and_the_others_trade() -> None:
    book = make_book()
    models = [balanced(), balanced("gold", {"GLD": "100"}, cash="0")]
    fill_book(book, [account("a", "50000"), account("b", "50000")], models, {"a": "balanced", "b": "gold"})
    broker(book).set_asset("GLD", book.now(), status="inactive")
    scheduler.tick(book)
    assert [r.account_id for r in all_runs(book)] == ["a"]
    assert book.portfolios["gold"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE


def test_cash_of_a_pending_withdrawal_is_neither_counted_nor_spent() -> None:
    book = simple_book()
    scheduler.tick(book)
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("10000"))
    advance_to(book, "2026-03-03 09:30")
    assert len(all_runs(book)) == 2
    deposit(book, "a", parse_money("1000"))
    advance_to(book, "2026-03-04 09:30")
    invested = all_runs(book)[2]
    assert (invested.type, invested.status) == (RunType.INVEST_CASH, RunStatus.COMPLETED_SUCCESS)
    assert invested.cash_target is not None
    assert book.accounts["a"].cash >= parse_money("10000") + invested.cash_target


def test_incoming_cash_delays_nothing() -> None:
    """The firm account that it comes from is not an account of the book."""
    book = simple_book(model=SLOW)
    create_journal(book, "a", parse_money("100"), incoming=True)
    assert book.reserved("a") == 0
    assert [decision.account_id for decision in evaluation_pass(book).decisions] == ["a"]
