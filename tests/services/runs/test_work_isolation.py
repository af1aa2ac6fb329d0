"""A failure in the work of one account pauses that account alone, and is tried again (R-52)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.cash import Withdrawal, WithdrawalStage
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory import withdrawals
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawal_steps import take_step
from rebal_tui.services.advisory.withdrawals import process_withdrawals, request_withdrawal
from rebal_tui.services.book import asset_listing
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync import events as broker_events
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation import orders as order_reconciliation
from rebal_tui.services.broker_sync.reconciliation import recheck
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.account import situation
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.evaluation_pass import chunks, isolation
from rebal_tui.services.queries.exceptions import list_exceptions
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import accounts as account_store
from rebal_tui.store import assets as asset_store
from rebal_tui.store import cash, holds
from rebal_tui.store.holds import HoldCause, HoldKind
from tests.services.factories import (
    advance_clock,
    advance_to,
    alerts,
    all_runs,
    balanced,
    entries,
    simple_book,
    statuses,
)


def failing_for(victim: str, real: Callable[..., Any], of: Callable[..., str]) -> Callable[..., Any]:
    """The real function, which fails for one account."""

    def act(*given: Any, **named: Any) -> Any:
        if of(*given, **named) == victim:
            raise ValueError("out of range")
        return real(*given, **named)

    return act


def paused(book: Book) -> set[str]:
    return {account_id for account_id in book.accounts if book.is_paused(account_id)}


def stages(book: Book) -> dict[str, WithdrawalStage]:
    return {one.account_id: one.stage for one in cash.withdrawals(book.database)}


def quarantine_alerts(book: Book) -> list[str]:
    return [text for kind, _, text in alerts(book) if kind == "quarantine"]


def test_a_run_that_cannot_be_planned_stops_no_other_run(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 09:29", names="abc", follows=balanced())
    with monkeypatch.context() as patch:
        patch.setattr(history, "plan_run", failing_for("b", plan_run, lambda _book, one, *_, **__: one))
        advance_to(book, "2026-03-02 10:00")
    ended = {run.account_id: run.status for run in all_runs(book)}
    assert ended == {"a": RunStatus.COMPLETED_SUCCESS, "b": RunStatus.QUEUED, "c": RunStatus.COMPLETED_SUCCESS}
    assert paused(book) == {"b"}
    (alert,) = quarantine_alerts(book)
    assert "is paused: it cannot be processed: run: ValueError: out of range" in alert
    (listed,) = list_exceptions(book, 10, kind=ExceptionKind.QUARANTINED).items
    assert listed.account_id == "b"
    assert len(entries(book, "quarantine.entered")) == 1

    advance_clock(book, minutes=16)
    scheduler.tick(book)
    assert statuses(book)["b"] is RunStatus.COMPLETED_SUCCESS
    assert (paused(book), quarantine_alerts(book)) == (set(), [])
    assert len(entries(book, "quarantine.left")) == 1


def test_a_withdrawal_that_fails_stops_no_other_withdrawal(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="ab")

    def of(_book: Book, withdrawal: Withdrawal) -> str:
        return withdrawal.account_id

    with monkeypatch.context() as patch:
        patch.setattr(withdrawals, "take_step", failing_for("a", take_step, of))
        for name in "ab":
            request_withdrawal(book, name, parse_money("100"))
        scheduler.tick(book)
    assert stages(book)["a"] is WithdrawalStage.REQUESTED
    assert stages(book)["b"] is not WithdrawalStage.REQUESTED
    assert paused(book) == {"a"}
    assert len(quarantine_alerts(book)) == 1
    advance_clock(book, seconds=11)
    process_withdrawals(book)
    assert stages(book)["a"] is not WithdrawalStage.REQUESTED
    assert paused(book) == set()


def test_an_account_whose_evaluation_fails_stops_no_other_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 09:29", names="abc", follows=balanced())

    def decide(of: Book) -> Any:
        if not of.is_paused("b"):
            raise ValueError("out of range")
        return decide_book(of)

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "decide_book", decide)
        patch.setattr(isolation, "situation", failing_for("b", situation, lambda _book, one, **_: one))
        advance_to(book, "2026-03-02 10:00")
    assert {run.account_id for run in all_runs(book)} == {"a", "c"}
    assert paused(book) == {"b"}
    assert any("evaluation: ValueError: out of range" in text for text in quarantine_alerts(book))
    assert not any(kind == "job" for kind, *_ in alerts(book))


def test_a_failing_job_is_an_alert_and_the_heartbeat_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="a", follows=balanced())

    def fail(*_: object) -> None:
        raise KeyError("bad")

    with monkeypatch.context() as patch:
        patch.setattr(scheduled_jobs, "begin_pass", fail)
        scheduler.tick(book)
    assert any("failed" in text for kind, _, text in alerts(book) if kind == "job")
    scheduler.tick(book)
    assert all_runs(book)


def test_an_account_whose_recheck_fails_stops_no_other_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="ab")
    with book.write() as tx:
        for name in "ab":
            holds.add(tx, name, HoldCause(HoldKind.RECONCILIATION, "cash differs", book.now(), "{}"))
        tx.reload_holds()
    book.accounts_to_recheck.update("ab")
    monkeypatch.setattr(recheck, "_explained", failing_for("a", lambda *_: True, lambda _book, one, _hold: one))
    recheck.recheck(book)
    assert paused(book) == {"a"}
    assert "b" not in book.holds


def test_a_run_whose_reconciliation_fails_stops_no_other_start(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 09:29", names="ab", follows=balanced())
    assert book.sandbox is not None
    book.sandbox.halt("SPY", True, book.now())
    advance_to(book, "2026-03-02 10:00")
    assert len(book.open_runs) == 2
    real = order_reconciliation.reconcile_run
    monkeypatch.setattr(
        order_reconciliation, "reconcile_run", failing_for("a", real, lambda _book, run, *_: run.account_id)
    )
    book.reconciled = False
    scheduler.tick(book)
    assert paused(book) == {"a"}
    monkeypatch.undo()
    book.sandbox.halt("SPY", False, book.now())
    advance_clock(book, seconds=11)
    scheduler.tick(book)
    scheduler.tick(book)
    assert paused(book) == set()


def test_an_event_that_cannot_be_applied_stops_no_other_event(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="ab")
    before = {name: book.account(name).cash for name in "ab"}
    real = broker_events._apply

    def of(_tx: object, event: BrokerEvent) -> str:
        return event.account_id or ""

    with monkeypatch.context() as patch:
        patch.setattr(broker_events, "_apply", failing_for("a", real, of))
        for name in "ab":
            assert book.sandbox is not None
            book.sandbox.deposit(name, parse_money("10"), book.now())
        sync(book)
        assert sync(book) == 0
    assert paused(book) == {"a"}
    # The account itself was read, only the content of the event is missing.
    assert {name: book.account(name).cash - before[name] for name in "ab"} == dict.fromkeys("ab", parse_money("10"))
    assert [len(account_store.cash_entries(book.database, name)) for name in "ab"] == [0, 1]
    (alert,) = quarantine_alerts(book)
    assert "an event of it cannot be applied: cash event: ValueError: out of range" in alert

    advance_clock(book, seconds=11)
    scheduler.tick(book)
    assert paused(book) == set()
    assert [len(account_store.cash_entries(book.database, name)) for name in "ab"] == [1, 1]


def test_an_account_that_cannot_be_stored_stops_no_other_account(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="ab")
    real = account_store.save

    def save(tx: Any, some: Any) -> Any:
        if any(account.id == "a" for account in some):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return real(tx, some)

    with monkeypatch.context() as patch:
        patch.setattr(account_store, "save", save)
        for name in "ab":
            deposit(book, name, parse_money("10"))
    assert paused(book) == {"a"}
    advance_clock(book, seconds=11)
    scheduler.tick(book)
    assert paused(book) == set()


@pytest.mark.slow
def test_an_asset_that_cannot_be_stored_stops_no_other_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="a")
    real = asset_store.save
    listed = book.broker.assets()

    def save(tx: Any, some: Any) -> Any:
        some = list(some)
        if any(asset.symbol == "GLD" for asset in some):
            raise OverflowError("too large")
        return real(tx, some)

    with monkeypatch.context() as patch:
        patch.setattr(asset_store, "save", save)
        with book.write() as tx:
            asset_listing.save_assets(tx, listed)
    gold = next(asset.id for asset in listed if asset.symbol == "GLD")
    assert [one.subject for one in book.quarantine.rows.values()] == [gold]
    with book.write() as tx:
        asset_listing.save_assets(tx, listed)
    assert not book.quarantine.rows


def test_a_failure_of_the_broker_is_no_accounts_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    book = simple_book("2026-03-02 10:00", names="ab", follows=balanced())

    def fail(*_: object, **__: object) -> Plan:
        raise BrokerUnavailable("no response")

    monkeypatch.setattr(history, "plan_run", fail)
    scheduler.tick(book)
    assert paused(book) == set()
    assert [kind for kind, *_ in alerts(book)] == ["broker"]
