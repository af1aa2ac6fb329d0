"""Reserved cash has an owner; journals take it over and give it back (R-2, R-9)."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.cash import WITHDRAWAL_JOURNAL, Journal, JournalStatus, Owner, OwnerKind
from rebal_tui.domain.errors import Conflict, Forbidden
from rebal_tui.domain.quantities import money_text, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.services.advisory.cash import (
    cancel_journal,
    check_journal,
    create_journal,
    deposit,
    release,
    transferable,
)
from rebal_tui.services.advisory.withdrawals import cancel_withdrawal, request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import apply_journal
from rebal_tui.services.maintenance.reservation_check import reservation_faults
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import cash as store
from rebal_tui.store import reservations
from tests.services.brokers import broker, reopen
from tests.services.factories import SLOW, advance, advance_to, all_runs, simple_book

PENDING = "/fixtures/status=pending/fixtures/"


def rebalanced(path: Path | str = ":memory:") -> Book:
    """Account `a` with $50,000, rebalanced; $2,500 of it are cash. It is 10:00 on Monday, 2 March 2026."""
    book = simple_book(path=path)
    scheduler.tick(book)
    advance_to(book, "2026-03-02 10:00")
    return book


def liquidated(book: Book, *amounts: str) -> list[str]:
    """Set amounts aside by runs, and wait for settlement; returns the runs' ids."""
    made = [create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money(amount)).id for amount in amounts]
    advance_to(book, "2026-03-03 08:00")
    return made


def rows(book: Book) -> list[tuple[str, str, str]]:
    """The reservations of account `a` as (owner kind, first characters of the owner, dollars), oldest first."""
    found = reservations.of_account(book.database, "a")
    assert book.reserved("a") == book.frame().accounts.reserved[0] == sum(one.amount for one in found)
    return [(one.owner.kind.value, one.owner.reference, money_text(one.amount)) for one in found]


def out(book: Book, amount: str, description: str = PENDING) -> str:
    return create_journal(book, "a", parse_money(amount), incoming=False, description=description).id


def reserve(book: Book, amount: str) -> None:
    with book.write() as tx:
        reservations.add(tx, "a", Owner(OwnerKind.PERSON, "Ann"), parse_money(amount), book.now())
        tx.reload_accounts(["a"])


def test_each_run_that_raises_cash_owns_what_it_set_aside() -> None:
    book = rebalanced()
    first, second = liquidated(book, "1000", "500")
    assert rows(book) == [("run", first, "1000.00"), ("run", second, "500.00")]
    entries = book.database.rows(
        "SELECT json_extract(detail, '$.reserved') FROM audit WHERE action = 'runs.ended' ORDER BY seq DESC LIMIT 2"
    )
    assert [json.loads(entry) for (entry,) in reversed(entries)] == [
        [["a", "run", first, 1_000_000_000_000]],
        [["a", "run", second, 500_000_000_000]],
    ]


def test_a_journal_takes_over_what_runs_set_aside_oldest_first_and_then_free_cash() -> None:
    book = rebalanced()
    first, second = liquidated(book, "1000", "500")
    journal = out(book, "1200")
    taken = [("journal", journal, "1000.00"), ("run", second, "300.00"), ("journal", journal, "200.00")]
    assert sorted(rows(book)) == sorted(taken)
    other = out(book, "900")
    total = {"1000.00", "200.00", "300.00", "600.00"}
    assert {amount for _, _, amount in rows(book)} == total
    assert book.reserved("a") == parse_money("2100"), "two journals under way, each reserved once"
    assert {owner for _, owner, _ in rows(book)} == {journal, other}
    assert first not in str(rows(book))


def test_an_executed_journal_ends_its_reservation() -> None:
    book = rebalanced()
    _, second = liquidated(book, "1000", "500")
    out(book, "1200", "fee")
    assert [j.status for j in store.journals(book.database)] == [JournalStatus.EXECUTED]
    assert rows(book) == [("run", second, "300.00")]


def test_a_failed_journal_returns_the_cash_to_its_owners_after_a_restart(tmp_path: Path) -> None:
    book = rebalanced(tmp_path / "book.db")
    liquidated(book, "1000", "500")
    before = rows(book)
    journal = out(book, "1700")
    assert {kind for kind, _, _ in rows(book)} == {"journal"}
    book = reopen(book)
    cancel_journal(book, journal)
    assert rows(book) == before


def test_what_a_run_has_left_and_what_comes_back_is_one_reservation() -> None:
    book = rebalanced()
    (run,) = liquidated(book, "1000")
    journal = out(book, "400")
    assert len(rows(book)) == 2
    cancel_journal(book, journal)
    assert rows(book) == [("run", run, "1000.00")]


def test_a_journal_is_checked_against_settled_cash_less_the_reservations_of_other_owners() -> None:
    book = rebalanced()
    deposit(book, "a", parse_money("3000"))
    request_withdrawal(book, "a", parse_money("9000"))
    scheduler.tick(book)
    settled = broker(book).cash_transferable("a")
    assert settled == parse_money("5500")
    assert transferable(book, "a") == 0
    with pytest.raises(Forbidden, match=r"only \$0\.00 can be transferred now; reserved: \$9,000\.00 by withdrawal"):
        out(book, "1")
    with pytest.raises(Conflict, match=r"reserved: \$9,000\.00 by withdrawal"):
        check_journal(book, "a", parse_money("1"), incoming=False)
    assert store.journals(book.database) == []
    create_journal(book, "a", parse_money("1"), incoming=True)


def test_a_person_keeps_what_it_reserved_from_journals() -> None:
    book = rebalanced()
    liquidated(book, "500")
    reserve(book, "2000")
    settled = broker(book).cash_transferable("a")
    ready = parse_money("2000")
    assert transferable(book, "a") == settled - ready
    out(book, money_text(transferable(book, "a")))
    assert transferable(book, "a") == 0
    assert ("person", "Ann", "2000.00") in rows(book)


def test_a_repeated_idempotency_key_is_not_checked_again() -> None:
    book = rebalanced()
    reserve(book, "1000")
    first = create_journal(book, "a", parse_money("1000"), incoming=False, description=PENDING, key="k")
    with pytest.raises(Forbidden, match="reserved"):
        out(book, "1000")
    assert create_journal(book, "a", parse_money("1000"), incoming=False, description=PENDING, key="k") == first
    assert book.reserved("a") == parse_money("2000")


def test_canceling_a_withdrawal_releases_only_what_it_reserved() -> None:
    book = rebalanced()
    (run,) = liquidated(book, "1000")
    advance_to(book, "2026-03-03 10:00")
    withdrawal = request_withdrawal(book, "a", parse_money("9000"))
    scheduler.tick(book)
    assert rows(book) == [("run", run, "1000.00"), ("withdrawal", withdrawal.id, "9000.00")]
    cancel_withdrawal(book, withdrawal.id)
    assert rows(book) == [("run", run, "1000.00")]
    before = len(all_runs(book))
    advance_to(book, "2026-03-04 10:00")
    invested = [run for run in all_runs(book)[before:] if run.type is RunType.INVEST_CASH]
    assert len(invested) <= 1
    assert book.accounts["a"].cash >= parse_money("1000"), "what the run reserved is not invested"


@pytest.mark.slow
def test_the_journal_of_a_withdrawal_takes_only_the_reservation_of_that_withdrawal() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    advance(book, 20)
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("1000"))
    advance(book, 20)
    (run,) = [owner for _, owner, _ in rows(book)]
    withdrawal = request_withdrawal(book, "a", parse_money("9000"))
    advance(book, 30)
    assert ("withdrawal", withdrawal.id, "9000.00") in rows(book)
    advance_to(book, "2026-03-03 09:30")
    assert sorted(rows(book))[0][::2] == ("journal", "9000.00")
    assert ("run", run, "1000.00") in rows(book)
    assert len(rows(book)) == 2
    advance(book, 20)
    assert rows(book) == [("run", run, "1000.00")]
    assert store.withdrawals(book.database)[0].stage == "completed"


def test_a_journal_made_at_the_broker_is_reserved_when_its_event_arrives() -> None:
    book = rebalanced()
    (run,) = liquidated(book, "1000")
    journal = broker(book).create_journal("a", FIRM_ACCOUNT, parse_money("700"), PENDING, "outside")
    scheduler.tick(book)
    assert sorted(rows(book)) == [("journal", journal.id, "700.00"), ("run", run, "300.00")]


def test_releasing_leaves_journals_under_way() -> None:
    book = rebalanced()
    liquidated(book, "1000")
    journal = out(book, "700")
    release(book, "a")
    assert rows(book) == [("journal", journal, "700.00")]
    with pytest.raises(Conflict, match="journal under way"):
        release(book, "a")


def test_check_finds_reservations_that_their_owners_do_not_need() -> None:
    book = rebalanced()
    run, _ = liquidated(book, "1000", "500")
    journal = out(book, "1200")
    assert list(reservation_faults(book.database)) == []
    for statement, location in (
        (f"UPDATE reservations SET amount = 1000000000001 WHERE owner = '{journal}'", f"journal {journal}"),
        (f"UPDATE runs SET status = 'ERROR' WHERE id = '{run}'", f"run {run}"),
        (f"UPDATE runs SET amount = 1 WHERE id = '{run}'", f"run {run}"),
        (f"UPDATE journals SET status = 'executed' WHERE id = '{journal}'", f"journal {journal}"),
        (f"DELETE FROM reservations WHERE owner = '{journal}'", f"journal {journal}"),
    ):
        with suppress(ZeroDivisionError), book.write() as tx:
            tx.execute(statement)
            assert location in [fault.location for fault in reservation_faults(book.database)], statement
            raise ZeroDivisionError
    assert list(reservation_faults(book.database)) == []


def test_a_failure_reported_after_the_withdrawal_was_paid_leaves_nothing_reserved() -> None:
    """A first journal failed, a second one paid; the event of the first arrives last."""
    book = rebalanced()
    made = request_withdrawal(book, "a", parse_money("9000"))
    scheduler.tick(book)
    deposit(book, "a", parse_money("9000"))
    first = Journal(
        "first", "a", FIRM_ACCOUNT, made.amount, JournalStatus.QUEUED, WITHDRAWAL_JOURNAL, book.now(), book.now()
    )
    with book.write() as tx:
        store.update_withdrawal(tx, replace(store.withdrawal(book.database, made.id), journal_id=first.id))
        apply_journal(tx, first, "a")
        tx.reload_accounts(["a"])
    assert rows(book) == [("journal", "first", "9000.00")]
    advance_to(book, "2026-03-03 09:30")
    assert store.withdrawal(book.database, made.id).stage == "completed"
    with book.write() as tx:
        apply_journal(tx, replace(first, status=JournalStatus.REJECTED), "a")
        tx.reload_accounts(["a"])
    assert rows(book) == []
    assert list(reservation_faults(book.database)) == []
