"""Runs into the queue and out of it: what is stored of them, what the trail says, what becomes of the quota (R-11)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.services.book import Book
from rebal_tui.services.queueing import cancel_queued, new_run, queue, queue_by_hand, record_queued
from rebal_tui.store import audit, proofs, runs
from rebal_tui.store.audit import AuditEntry
from tests.services.worlds import account, balanced, fill_book, make_book

SESSION = "2026-03-02"
WEIGHTS = Weights((AssetWeight("SPY", Percent(9_000)),), Percent(1_000))


@pytest.fixture
def book() -> Book:
    """Accounts `a` and `b` that follow a portfolio, an evening: nothing starts."""
    made = make_book("2026-03-02 17:00")
    fill_book(made, [account("a", "500"), account("b", "500")], [balanced()], {"a": "balanced", "b": "balanced"})
    return made


def made_by_system(book: Book, account_id: str, **told: Any) -> Run:
    subscription = book.subscriptions[account_id]
    return new_run(
        book, account_id, RunType.FULL_REBALANCE, WEIGHTS, InitiatedFrom.SYSTEM,
        portfolio_id=subscription.portfolio_id, subscription_id=subscription.id, **told,
    )  # fmt: skip


def queued(book: Book, account_ids: Sequence[str]) -> list[Run]:
    """System runs of some accounts, which use the quota of the session."""
    with book.database.write():
        made = [made_by_system(book, account_id) for account_id in account_ids]
        record_queued(book, made, queue(book, made, counts_quota=True, why=None), source="evaluation")
    book.reload()
    return made


def last_entry(book: Book) -> AuditEntry:
    (entry,) = audit.entries(book.database, limit=1)
    return entry


def test_a_new_run_waits_from_now_on_for_the_session_of_today(book: Book) -> None:
    with book.database.write():
        run = made_by_system(book, "a", run_id="r-1", approval=Approval.AWAITING)
        other = new_run(
            book, "b", RunType.PARTIAL_LIQUIDATION, WEIGHTS, InitiatedFrom.API, amount=parse_money("5")
        )  # fmt: skip
    assert run == Run(
        id="r-1", account_id="a", portfolio_id="balanced", subscription_id=book.subscriptions["a"].id,
        type=RunType.FULL_REBALANCE, amount=None, initiated_from=InitiatedFrom.SYSTEM, status=RunStatus.QUEUED,
        phase=RunPhase.WAITING, approval=Approval.AWAITING, reason=None, weights=WEIGHTS, session=SESSION,
        cash_target=None, cancel_requested=False, created_at=book.now(), updated_at=book.now(),
    )  # fmt: skip
    assert other.id != run.id
    assert (other.amount, other.portfolio_id, other.subscription_id) == (parse_money("5"), None, None)
    assert other.approval is Approval.NOT_NEEDED


def test_a_run_by_hand_is_stored_as_it_is_with_why_it_was_asked_for(book: Book) -> None:
    with book.database.write():
        run = new_run(book, "a", RunType.PARTIAL_LIQUIDATION, WEIGHTS, InitiatedFrom.API, amount=parse_money("5"))
        queue_by_hand(book, run, "asked for by hand")
    book.reload()
    assert runs.get(book.database, run.id) == book.open_runs["a"]
    stored = book.open_runs["a"]
    assert (stored.id, stored.amount, stored.weights, stored.portfolio_id, stored.subscription_id) == (
        run.id, parse_money("5"), WEIGHTS, None, None,
    )  # fmt: skip
    assert runs.why(book.database, run.id) == "asked for by hand"
    assert book.quota_run("a", SESSION) is None
    entry = last_entry(book)
    assert (entry.action, entry.subject, entry.actor) == (proofs.QUEUED, run.id, "system")
    assert json.loads(entry.detail)["runs"] == [[1, 1]]
    assert proofs.faults(book.database) == []


def test_system_runs_are_stored_together_under_one_entry(book: Book) -> None:
    made = queued(book, ["a", "b"])
    for run in made:
        stored = book.open_runs[run.account_id]
        assert (stored.id, stored.portfolio_id, stored.weights) == (run.id, "balanced", WEIGHTS)
        assert stored.subscription_id == book.subscriptions[run.account_id].id
        assert (stored.status, stored.phase) == (RunStatus.QUEUED, RunPhase.WAITING)
        assert (stored.created_at, stored.updated_at) == (book.now(), book.now())
        assert runs.why(book.database, run.id) is None
        assert book.quota_run(run.account_id, SESSION) == run.id
    entry = last_entry(book)
    detail = json.loads(entry.detail)
    assert (entry.action, entry.subject) == (proofs.QUEUED, "2 runs")
    assert (detail["source"], detail["runs"]) == ("evaluation", [[1, 2]])
    assert proofs.faults(book.database) == []


def test_nothing_queued_is_not_recorded(book: Book) -> None:
    with book.database.write():
        record_queued(book, [], queue(book, [], counts_quota=True, why=None))
        assert cancel_queued(book, [], "nothing to cancel") == []
    assert audit.entries(book.database) == []


@pytest.mark.parametrize("account_ids", [["a"], ["a", "b"]])
@pytest.mark.parametrize("frees_quota", [True, False])
def test_canceled_runs_are_done_with_the_reason_and_keep_the_quota_unless_it_is_freed(
    book: Book, account_ids: list[str], frees_quota: bool
) -> None:
    made = queued(book, account_ids)
    with book.database.write():
        ended = cancel_queued(book, made, "set aside", frees_quota=frees_quota, actor="Ann")
    assert ended == [runs.get(book.database, run.id) for run in made]
    for run in ended:
        assert (run.status, run.phase, run.reason) == (RunStatus.CANCELED, RunPhase.DONE, "set aside")
        assert run.canceled_at == run.updated_at == book.now()
        assert run.completed_at is None
    kept = None if frees_quota else made[0].id
    assert book.quota_run("a", SESSION) == kept
    book.reload()
    assert book.open_runs == {}
    assert book.quota_run("a", SESSION) == kept
    entry = last_entry(book)
    subject = made[0].id if len(made) == 1 else "2 runs"
    assert (entry.action, entry.subject, entry.actor) == ("runs.canceled", subject, "Ann")
    assert json.loads(entry.detail) == {"reason": "set aside", "runs": [run.id for run in made]}


def test_a_canceled_run_by_hand_frees_no_quota_that_another_run_used(book: Book) -> None:
    (system,) = queued(book, ["a"])
    with book.database.write():
        cancel_queued(book, [system], "canceled by hand")
        run = new_run(book, "a", RunType.INVEST_CASH, WEIGHTS, InitiatedFrom.API)
        queue_by_hand(book, run, "asked for by hand")
        cancel_queued(book, [run], "canceled by hand", frees_quota=True)
    assert book.quota_run("a", SESSION) == system.id
    assert last_entry(book).actor == "system"
    book.reload()
    assert book.quota_run("a", SESSION) == system.id
