"""Runs entering and leaving the queue: the stored rows, the audit trail, and the quota (R-11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.services.book.book import ADVISOR, Book, BookTransaction
from rebal_tui.services.runs.manual import queue_run
from rebal_tui.services.runs.queueing import cancel_queued, new_run, queue_manual_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, audit_digests, runs
from rebal_tui.store.audit import AuditEntry
from tests.services.factories import advance_clock, advance_to, balanced, simple_book

SESSION = "2026-03-02"
WEIGHTS = Weights((AssetWeight("SPY", Percent(9_000)),), Percent(1_000))


@pytest.fixture
def book() -> Book:
    """Accounts `a` and `b` that follow a portfolio whose runs await approval."""
    return simple_book(cash="500", names="ab", follows=balanced(review=True))


def manual_run(tx: BookTransaction, account_id: str, kind: RunType = RunType.INVEST_CASH, **options: Any) -> Run:
    return new_run(tx, account_id, kind, WEIGHTS, InitiatedFrom.API, **options)


def queued(book: Book, count: int) -> list[Run]:
    """System runs of the first accounts, which use the quota of the session."""
    scheduler.tick(book)
    return [book.open_runs[account_id] for account_id in ("a", "b")][:count]


def last_entry(book: Book) -> AuditEntry:
    (entry,) = audit.entries(book.database, limit=1)
    return entry


def test_a_new_run_waits_for_todays_session(book: Book) -> None:
    subscription = book.subscriptions["a"].id
    with book.write() as tx:
        run = manual_run(
            tx, "a", portfolio_id="balanced", subscription_id=subscription, approval=Approval.AWAITING
        )  # fmt: skip
        other = manual_run(tx, "b", RunType.PARTIAL_LIQUIDATION, amount=parse_money("5"))
    assert run == Run(
        id=run.id, account_id="a", portfolio_id="balanced", subscription_id=subscription,
        type=RunType.INVEST_CASH, amount=None, initiated_from=InitiatedFrom.API, status=RunStatus.QUEUED,
        phase=RunPhase.WAITING, approval=Approval.AWAITING, reason=None, weights=WEIGHTS, session=SESSION,
        cash_target=None, cancel_requested=False, created_at=book.now(), updated_at=book.now(),
    )  # fmt: skip
    assert other.id != run.id
    assert (other.amount, other.portfolio_id, other.subscription_id) == (parse_money("5"), None, None)
    assert other.approval is Approval.NOT_NEEDED


@pytest.mark.parametrize("follows", [True, False])
def test_a_manual_run_is_stored_with_its_reason(book: Book, follows: bool) -> None:
    subscription = book.subscriptions["a"].id if follows else None
    with book.write() as tx:
        run = manual_run(
            tx, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("5"), subscription_id=subscription,
            portfolio_id="balanced" if follows else None,
        )  # fmt: skip
        queue_manual_run(tx, run, "requested manually")
    book.reload()
    assert book.open_runs["a"] == run
    assert runs.why(book.database, run.id) == "requested manually"
    assert book.quota_run("a", SESSION) is None
    entry = last_entry(book)
    assert (entry.action, entry.subject, entry.actor) == (audit_digests.QUEUED, run.id, "system")
    assert json.loads(entry.detail)["runs"] == [[1, 1]]
    assert audit_digests.faults(book.database) == []


@pytest.mark.parametrize("who", [ADVISOR, "api backoffice"])
def test_a_run_on_request_is_recorded_as_an_act_of_who_asked_for_it(book: Book, who: str) -> None:
    with book.acting_as(who):
        run = queue_run(book, "a", RunType.FULL_REBALANCE)
    entry = last_entry(book)
    assert (entry.action, entry.subject, entry.actor) == (audit_digests.QUEUED, run.id, who)


def test_runs_created_by_decisions_are_stored_under_one_audit_entry(book: Book) -> None:
    made = queued(book, 2)
    book.reload()
    for run in made:
        assert book.open_runs[run.account_id] == run
        assert (run.portfolio_id, run.subscription_id) == ("balanced", book.subscriptions[run.account_id].id)
        assert (run.status, run.phase, run.approval) == (RunStatus.QUEUED, RunPhase.WAITING, Approval.AWAITING)
        assert runs.why(book.database, run.id) is None
        assert book.quota_run(run.account_id, SESSION) == run.id
    (entry,) = (one for one in audit.entries(book.database) if one.action == audit_digests.QUEUED)
    assert entry.subject == "2 runs"
    assert json.loads(entry.detail)["runs"] == [[1, 2]]
    assert audit_digests.faults(book.database) == []


def test_an_empty_cancellation_is_not_recorded(book: Book) -> None:
    with book.write() as tx:
        assert cancel_queued(tx, [], "nothing to cancel") == []
    assert audit.entries(book.database) == []


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("keeps_quota", [True, False])
def test_canceled_runs_end_with_the_reason_and_use_no_quota_unless_it_is_kept(
    book: Book, count: int, keeps_quota: bool
) -> None:
    made = queued(book, count)
    advance_clock(book, seconds=1)
    with book.write() as tx:
        ended = cancel_queued(tx, made, "postponed", keeps_quota=keeps_quota, actor="Ann")
    assert ended == [runs.get(book.database, run.id) for run in made]
    for run in ended:
        assert (run.status, run.phase, run.reason) == (RunStatus.CANCELED, RunPhase.DONE, "postponed")
        assert run.canceled_at == run.updated_at == book.now()
        assert run.completed_at is None
    run_id = made[0].id if keeps_quota else None
    assert book.quota_run("a", SESSION) == run_id
    book.reload()
    assert len(book.open_runs) == 2 - count
    assert book.quota_run("a", SESSION) == run_id
    entry = last_entry(book)
    subject = made[0].id if len(made) == 1 else "2 runs"
    assert (entry.action, entry.subject, entry.actor) == ("runs.canceled", subject, "Ann")
    assert json.loads(entry.detail) == {"reason": "postponed", "runs": [run.id for run in made]}


def test_a_canceled_manual_run_frees_no_quota_that_another_run_used(book: Book) -> None:
    (system,) = queued(book, 1)
    with book.write() as tx:
        cancel_queued(tx, [system], "canceled manually", keeps_quota=True)
        run = manual_run(tx, "a")
        queue_manual_run(tx, run, "requested manually")
        cancel_queued(tx, [run], "canceled manually")
    assert book.quota_run("a", SESSION) == system.id
    assert last_entry(book).actor == "system"
    book.reload()
    assert book.quota_run("a", SESSION) == system.id


def test_a_released_quota_allows_another_system_run_of_the_session(book: Book) -> None:
    (canceled,) = queued(book, 1)
    with book.write() as tx:
        tx.apply_run_states(cancel_queued(tx, [canceled], "postponed"))
    advance_to(book, "2026-03-02 09:45")
    again = book.open_runs["a"]
    assert again.id != canceled.id
    assert again.session == canceled.session
    assert book.quota_run("a", SESSION) == again.id
