"""Data of the Cash screen, and previews of manual runs."""

from __future__ import annotations

from datetime import date

import pytest

from rebal_tui.domain.cash import Owner, OwnerKind
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import cash
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.export import Export
from rebal_tui.services.queries.account_rows import AccountRows
from rebal_tui.services.queries.accounts import account_row
from rebal_tui.services.queries.cash import (
    cash_changes,
    cash_snapshot,
    preview_manual,
    preview_withdrawal,
    run_manually,
    withdrawal_history,
)
from rebal_tui.services.queries.desk import account_view
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import reservations
from rebal_tui.tui.screens.cash.columns import cash_rows, group_tabs
from tests.services.factories import advance_to, all_runs, simple_book


def rebalanced() -> Book:
    book = simple_book()
    scheduler.tick(book)
    advance_to(book, "2026-03-02 10:00")
    return book


def steps(book: Book) -> list[str]:
    changed = cash_changes(book, None)
    assert changed is not None
    return [state for _, state, _ in changed[1].withdrawals[0].steps]


def test_the_five_stages_follow_a_withdrawal_to_its_end() -> None:
    book = rebalanced()
    request_withdrawal(book, "a", parse_money("9000"))
    assert steps(book) == ["done", "now", "waiting", "waiting", "waiting"]
    scheduler.tick(book)
    assert steps(book) == ["done", "done", "now", "waiting", "waiting"]
    for minute in (30, 31):
        advance_to(book, f"2026-03-03 09:{minute}")
    assert steps(book) == ["done"] * 5
    withdrawal_id = book.database.rows("SELECT id FROM withdrawals")[0][0]
    events = [event.what for event in withdrawal_history(book, withdrawal_id)]
    assert events == ["requested", "unsubscribed", "selling", "settling", "journaling", "resubscribing", "completed"]


def test_an_account_says_that_it_follows_its_portfolio_again_after_a_withdrawal() -> None:
    book = rebalanced()

    def states() -> tuple[str, str, str]:
        listed = AccountRows(book)
        position = listed.find("a")
        assert position is not None
        return listed[position].state, account_row(book, "a").state, account_view(book, "a").next_step

    request_withdrawal(book, "a", parse_money("9000"))
    assert states()[:2] == ("queued", "queued"), "the state of its run"
    scheduler.tick(book)
    then = "A withdrawal is under way; when the cash has left, the account follows Balanced again."
    assert states() == ("withdrawing", "withdrawing", then)
    for minute in (30, 31):
        advance_to(book, f"2026-03-03 09:{minute}")
    listed, own, _ = states()
    assert listed == own != "withdrawing"
    request_withdrawal(book, "a", None)
    assert states()[2] == "A withdrawal is under way; the account stays unsubscribed."


def test_more_movements_than_are_listed_are_told_and_exported() -> None:
    book = simple_book()
    for amount in ("5", "6", "7"):
        cash.deposit(book, "a", parse_money(amount))
    snapshot = cash_snapshot(book, 2)
    assert [amount for _, _, _, amount, _ in snapshot.deposits] == [parse_money("7"), parse_money("6")]
    figures = {tab.key: tab.figure for tab in group_tabs(cash_rows(snapshot), snapshot.cut)}
    assert (figures["All"], figures["Deposits"], figures["Journals"]) == ("latest 2", "latest 2", "0")
    export = Export(book, "cash", "csv")
    export.advance()
    assert (export.done, export.total) == (3, 3)


def test_the_cash_is_read_again_after_a_change_and_on_a_new_day() -> None:
    book = rebalanced()
    first = cash_changes(book, None)
    assert first is not None
    assert cash_changes(book, first[0]) is None
    assert cash_changes(book, first[0], 4_000) is not None
    assert cash_changes(book, (first[0][0], date(2026, 3, 1), first[0][2])) is not None
    cash.deposit(book, "a", parse_money("10"))
    changed = cash_changes(book, first[0])
    assert changed is not None
    assert changed[1].deposits[0][3] == parse_money("10")


def test_settled_cash_is_withdrawable_today_and_proceeds_the_next_settlement_day() -> None:
    book = rebalanced()
    assert preview_withdrawal(book, "a", parse_money("1000")).can_leave == date(2026, 3, 2)
    assert preview_withdrawal(book, "a", parse_money("9000")).can_leave == date(2026, 3, 3)
    with pytest.raises(Conflict, match="amount too large"):
        preview_withdrawal(book, "a", parse_money("50001"))


def test_a_manual_run_equals_its_preview() -> None:
    book = rebalanced()
    amount = parse_money("5000")
    shown = preview_manual(book, "a", RunType.PARTIAL_LIQUIDATION, amount=amount)
    before = len(all_runs(book))
    assert book.extras["a"].reserve == 0
    run = run_manually(book, "a", RunType.PARTIAL_LIQUIDATION, amount=amount)
    assert run.status is RunStatus.COMPLETED_SUCCESS
    assert len(all_runs(book)) == before + 1
    sold = book.database.rows("SELECT count(*) FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?)", (run.id,))
    assert sold[0][0] == len(shown.plan.sells)
    with pytest.raises(Conflict, match="weights cannot be given"):
        preview_manual(book, "a", RunType.FULL_REBALANCE, portfolio_id="balanced")


def test_reserved_cash_is_released_once_and_never_while_a_withdrawal_needs_it() -> None:
    book = rebalanced()
    with pytest.raises(Conflict, match="no reserved cash"):
        cash.release(book, "a")
    run_manually(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("5000"))
    assert cash.check_release(book, "a") == parse_money("5000")
    cash.release(book, "a")
    assert book.extras["a"].reserve == 0
    request_withdrawal(book, "a", parse_money("9000"))
    scheduler.tick(book)
    with book.database.write() as tx:
        reservations.add(tx, "a", Owner(OwnerKind.PERSON, "advisor"), parse_money("70"), book.now())
    book.reload_accounts(["a"])
    assert cash.check_release(book, "a") == parse_money("70"), "the withdrawal's cash is not released"
    cash.release(book, "a")
    assert book.extras["a"].reserve == parse_money("9000")
    with pytest.raises(Conflict, match="cancel the withdrawal instead"):
        cash.release(book, "a")


def test_an_outgoing_journal_above_the_transferable_cash_is_refused_before_it_is_created() -> None:
    book = rebalanced()
    with pytest.raises(Conflict, match=r"only \$2,500.00 can be transferred"):
        cash.check_journal(book, "a", parse_money("2500.01"), incoming=False)
    cash.check_journal(book, "a", parse_money("2500"), incoming=False)
    cash.check_journal(book, "a", parse_money("999999"), incoming=True)


@pytest.mark.parametrize(("amount", "sell"), [("100", "no sale"), ("9000", "sell")])
def test_a_withdrawal_that_cash_covers_has_sold_nothing(amount: str, sell: str) -> None:
    book = rebalanced()
    cash.deposit(book, "a", parse_money("200"))
    request_withdrawal(book, "a", parse_money(amount))
    scheduler.tick(book)
    (view,) = cash_snapshot(book).withdrawals
    assert view.steps[1][:2] == (sell, "done")
