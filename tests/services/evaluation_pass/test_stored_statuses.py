"""Every stored decision has the status of its account; decisions of earlier versions have none."""

from __future__ import annotations

from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.services.evaluation.account import evaluate_account, evaluate_book
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.wire.shapes import decision_json
from tests.services.evaluation_pass.test_decisions_and_runs import mixed_decisions_book


def test_the_pass_stores_the_status_that_the_engine_gives_each_account() -> None:
    book = mixed_decisions_book()
    expected = {decision.account_id: decision.status for decision in evaluate_book(book)}
    evaluation_pass(book, explain=False)
    stored = {account: latest_decisions(book.database, account)[0].status for account in book.subscriptions}
    assert stored == expected
    assert {account: status.kind for account, status in stored.items() if status} == {
        "first": StatusKind.WILL_TRADE,
        "cash": StatusKind.WILL_TRADE,
        "drift": StatusKind.WILL_TRADE,
        "calm": StatusKind.IN_RANGE,
        "blocked": StatusKind.NEEDS_YOU,
    }
    blocked = decision_json(latest_decisions(book.database, "blocked")[0])
    assert blocked["status"] == {
        "kind": "needs_you",
        "waits_for": None,
        "first_trade_at": None,
        "sentence": "Needs you: trading is blocked; ask the broker to lift the block.",
        "note": "the broker lifts the block",
    }


def test_a_decision_without_a_stored_status_has_none() -> None:
    book = mixed_decisions_book()
    evaluation_pass(book, explain=False)
    with book.write() as tx:
        tx.execute("UPDATE decisions SET trade_status = NULL, first_trade_at = NULL")
    decision = latest_decisions(book.database, "drift")[0]
    assert (decision.status, decision_json(decision)["status"]) == (None, None)
    assert decision.reason


def test_while_the_kill_switch_is_on_a_breach_waits_for_a_person() -> None:
    book = mixed_decisions_book()
    status = evaluate_account(book, "drift", WaitsFor.KILL_SWITCH).status
    assert status is not None
    assert (status.kind, status.waits_for, status.first_trade_at) == (StatusKind.WAITS, WaitsFor.KILL_SWITCH, None)
