"""Each line of a report has the number of its audit entry, and a plan the base of its targets."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.queries.cash import run_manually
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.build import account_report, run_report
from rebal_tui.services.reports.model import Entry, Table
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit
from tests.services import factories


@pytest.fixture
def book() -> Book:
    """A first rebalance, then a withdrawal that sells, is paid and returns the account to its portfolio."""
    book = factories.simple_book()
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-02 10:00")
    request_withdrawal(book, "a", parse_money("3000"))
    factories.advance_to(book, "2026-03-02 10:05")
    factories.advance_to(book, "2026-03-03 09:30")
    return book


def entries(book: Book) -> list[Entry]:
    return [entry for day in account_report(book, "a").sections[0].days for entry in day.entries]


def tables(book: Book, title: str) -> list[Table]:
    return [table for entry in entries(book) for table in entry.tables if table.title.startswith(title)]


def test_every_line_of_a_run_has_the_number_of_its_audit_entry(book: Book) -> None:
    actions = {entry.seq: entry.action for entry in audit.entries(book.database, 10_000)}
    for entry in entries(book):
        if " created: " in entry.sentence:
            assert actions[entry.audit or 0] == "runs.queued"
        elif " started" in entry.sentence:
            assert actions[entry.audit or 0] == "runs.started"
        elif " completed" in entry.sentence and entry.tables:
            assert actions[entry.audit or 0] == "runs.ended"
        elif entry.sentence.startswith("Evaluated"):
            assert actions[entry.audit or 0] == "evaluation"
    for title, action in (("Orders", "orders.sent"), ("Fills", "orders.filled")):
        found = [row[-1] for table in tables(book, title) for row in table.rows]
        assert found
        assert {actions[int(number)] for number in found} == {action}


def test_the_plan_of_a_withdrawal_names_the_base_of_its_targets(book: Book) -> None:
    run = next(run for run in factories.all_runs(book) if run.type is RunType.PARTIAL_LIQUIDATION)
    plan = plan_of(book.database, run)
    assert plan is not None
    plans = tables(book, "Plan")
    (table,) = [table for table in plans if "to raise" in table.title]
    assert len(plans) > 1
    assert "; targets are of $47,000.00, the equity less the $3,000.00 to raise" in table.title
    for line in plan.lines:
        assert line.target_value == line.target * 47_000 * 10**18 // 10_000


def test_a_withdrawals_run_names_the_portfolio_left_and_its_report_the_one_followed_now(book: Book) -> None:
    run = next(run for run in factories.all_runs(book) if run.type is RunType.PARTIAL_LIQUIDATION)
    assert run_view(book, run.id).portfolio == "withdrawal from Balanced"
    assert run_report(book, run.id).sections[0].portfolio == "Balanced"


def test_a_run_that_raises_other_cash_during_a_withdrawal_is_not_one_of_it() -> None:
    book = factories.simple_book()
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-02 10:00")
    request_withdrawal(book, "a", parse_money("3000"))
    factories.advance_to(book, "2026-03-02 10:05")
    run = run_manually(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("200"), portfolio_id="balanced")
    factories.advance_to(book, "2026-03-03 09:30")
    assert run_view(book, run.id).portfolio == "no portfolio"
    (section,) = run_report(book, run.id).sections
    assert all("withdrawal" not in entry.sentence for day in section.days for entry in day.entries)


def test_a_report_begins_with_what_the_account_held(book: Book) -> None:
    holdings = tables(book, "Holdings")
    assert holdings[0].rows[-1][0] == "cash"
    factories.advance_to(book, "2026-03-04 11:00")
    factories.advance_to(book, "2026-03-05 11:00")
    days = account_report(book, "a", date(2026, 3, 4)).sections[0].days
    assert [bool(day.entries[0].tables) for day in days] == [True, False]
    first = days[0].entries[0]
    assert [table.title for table in first.tables] == ["Holdings and prices"]
    assert not any(note.startswith("Prices and weights") for note in first.notes)


def test_a_subscription_that_a_withdrawal_ends_and_renews_says_so(book: Book) -> None:
    found = [entry for entry in entries(book) if entry.sentence.startswith(("Subscription ended", "Subscribed to"))]
    noted = [entry for entry in found if entry.notes]
    assert [entry.notes for entry in noted] == [
        ("Done by the program as a step of the withdrawal that advisor requested.",)
    ] * 2


def test_a_report_says_how_its_account_came_into_the_book() -> None:
    database = bootstrap.create_demo(":memory:", accounts=2)
    book = bootstrap.open_simulation(database)
    account_id = next(iter(book.accounts))
    first = account_report(book, account_id).sections[0].days[0].entries[0]
    assert (first.sentence, first.audit) == ("Demonstration made: 2 accounts.", 1)
    database.close()


def test_what_has_one_time_is_in_the_order_of_the_trail_with_an_evaluation_before_its_run(book: Book) -> None:
    """The sells of a withdrawal end, and its cash is requested, at one time."""
    told = entries(book)
    for first, second in pairwise(told):
        if first.at == second.at and first.audit and second.audit and not first.sentence.startswith("Evaluated"):
            assert first.audit < second.audit
    sentences = [entry.sentence for entry in told]
    created = next(at for at, text in enumerate(sentences) if "(full rebalance) created" in text)
    assert sentences[created - 1].startswith("Evaluated against Balanced: full rebalance")
    ended = next(at for at, text in enumerate(sentences) if "(partial liquidation) completed" in text)
    assert sentences[ended - 1].endswith("nothing is to be bought.")
    assert "Withdrawal waits for settlement." in sentences[ended + 1 :]
