"""The audit trail in words: every action has a sentence that names its client and its dollars."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.quantities import NANO, parse_money
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.reports import audit_sentences
from rebal_tui.services.reports.log_page import log_snapshot
from rebal_tui.services.runs.manual import approve_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, runs
from tests.services import factories

SOURCE = Path(audit_sentences.__file__).parents[2]
WITHOUT_SENTENCE = {
    "account.changed", "account.status", "reconciliation.order", "sandbox.founded",
    "reconciliation.execution_taken_back", "reconciliation.order_ended", "reconciliation.order_corrected",
    "demo.skipped", "journal.requested", "journal.cancel_asked",
}  # fmt: skip
"""Actions named by their words and subject only: `Reconciliation order: rt-…`."""


def recorded_actions() -> Iterator[str]:
    """The actions that the program records under a literal name."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record":
                found = node.args[0] if node.args else None
                choices = (found.body, found.orelse) if isinstance(found, ast.IfExp) else (found,)
                for one in choices:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and "." in one.value:
                        yield one.value


@pytest.mark.slow
def test_every_action_has_a_sentence() -> None:
    actions = set(recorded_actions())
    assert len(actions) > 50
    assert actions - WITHOUT_SENTENCE - set(audit_sentences._SENTENCES) == set()


@pytest.fixture
def lived() -> Book:
    """A day with a run that a person approved, a deposit, a withdrawal and the kill switch."""
    book = factories.review_book()
    run = factories.only_run(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    approve_run(book, run.id, plan, "as agreed")
    factories.advance(book, 10)
    set_halt(book, on=True)
    set_halt(book, on=False)
    factories.advance_to(book, "2026-03-04 11:00")
    deposit(book, "a", parse_money("250"))
    scheduler.tick(book)
    request_withdrawal(book, "a", parse_money("100"))
    return book


def test_the_log_says_who_did_what_for_whom_in_dollars(lived: Book) -> None:
    client, number = lived.account("a").name, lived.account("a").account_number
    _rename(lived, "TLT", "Treasury Bonds")
    first = next(run for run in runs.newest(lived.database, 9, "a")[::-1])
    who, bonds = f"{client} ({number})", "TLT (Treasury Bonds)"
    run = f"run {first.id[:8]} of {who}"

    said = {entry.action: (entry.actor, entry.sentence) for entry in log_snapshot(lived).audit}

    assert said["evaluation"] == ("system", "Evaluation of Mon 02 Mar 2026 09:30: 1 account, 1 full_rebalance.")
    assert said["run.approved"] == ("advisor", f"Approved {run}: 2 buys, $47,500.00, noting: as agreed.")
    assert said["orders.sent"][1] == f"Sent 2 orders of {who}: buy SPY $30,000.00, buy {bonds} $17,500.00."
    assert said["orders.filled"] == (
        "broker",
        f"2 fills of {who}: buy SPY 75 shares for $30,000.00, buy {bonds} 175 shares for $17,500.00.",
    )  # fmt: skip
    assert said["runs.ended"][1] == f"Ended {run}: completed success."
    assert said["book.halted"] == ("advisor", "Kill switch on: no new order is sent.")
    assert said["cash.deposited"][1] == f"{client}: Deposit requested: $250.00."
    assert said["withdrawal.requested"][1] == f"{client}: Withdrawal of $100.00 requested."


def _rename(book: Book, symbol: str, name: str) -> None:
    with book.write() as tx:
        tx.execute("UPDATE assets SET name = ? WHERE symbol = ?", (name, symbol))
        tx.reload_assets()


def test_sentences_are_made_once(lived: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    first = log_snapshot(lived)
    made: list[int] = []

    def counted(_book: Book, entry: object) -> str:
        made.append(entry.seq)  # type: ignore[attr-defined]  # an AuditEntry
        return "made"

    monkeypatch.setattr("rebal_tui.services.reports.log_page.audit_sentence", counted)
    set_halt(lived, on=True)
    second = log_snapshot(lived, known={entry.seq: entry.sentence for entry in first.audit})

    assert made == [second.audit[0].seq]
    assert second.audit[1:] == first.audit


@pytest.mark.parametrize(
    ("form", "copy", "text"),
    [("generic", 0, "Trade list 1 written."), ("ibkr", 2, "Trade list 1 written in the ibkr format again, copy 2.")],
)
def test_a_trade_list_names_its_format_and_copy_where_they_say_something(form: str, copy: int, text: str) -> None:
    book = factories.simple_book()
    with book.write() as tx:
        tx.record("files.list_written", "1", {"format": form, "copy": copy}, "advisor")
    assert audit_sentences.audit_sentence(book, audit.entries(book.database, 1)[0]) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(25 * NANO, "Other cash added: $25.00."), (-NANO, "Other cash taken: $1.00.")]
)
def test_every_kind_of_cash_has_its_amount(amount: int, text: str) -> None:
    book = factories.simple_book()
    with book.write() as tx:
        tx.record("cash.other", "a", {"amount": amount, "seq": 1}, "broker")
    assert audit_sentences.audit_sentence(book, audit.entries(book.database, 1)[0]) == text
    told = {name.removeprefix("cash.") for name in audit_sentences._SENTENCES if name.startswith("cash.")}
    assert set(CashKind) - {CashKind.OPENING, CashKind.BUY, CashKind.SELL} <= told, "those are no entries of their own"
