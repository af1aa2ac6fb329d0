"""The filter of runs: the whole book, by words and by terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunGroup, RunStatus, RunType
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import run_search
from rebal_tui.services.queries.run_search import find_runs
from rebal_tui.services.queries.runs import runs_snapshot
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.filter_terms import RUN_CHOICES, RUN_FIELDS, parse_filter
from tests.services import factories


@pytest.fixture(scope="module")
def book() -> Book:
    """Automatic runs of accounts a and b on 2 March 2026, and a manual one of b on 4 March."""
    made = factories.make_book("2026-03-02 09:30")
    accounts = [
        replace(factories.account("a", "50000"), name="Lucía Moreau"),
        replace(factories.account("b", "20000"), name="Acme Trust"),
    ]
    factories.fill_book(made, accounts, [factories.balanced()], {"a": "balanced", "b": "balanced"})
    scheduler.tick(made)
    factories.advance_to(made, "2026-03-04 10:00")
    create_run(made, "b", RunType.FULL_REBALANCE)
    factories.advance(made, 10)
    return made


def found(book: Book, text: str) -> list[tuple[str, str]]:
    return [(row.account_id, row.session) for row in find_runs(book, text).rows]


A, B, MANUAL = ("a", "2026-03-02"), ("b", "2026-03-02"), ("b", "2026-03-04")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", [MANUAL, B, A]),
        ("lucia", [A]),
        ("MOREAU balanced", [A]),
        ("acme success", [MANUAL, B]),
        ("manual", [MANUAL]),
        ("automatic", [B, A]),
        ("2026-03-04", [MANUAL]),
        ("4 mar", [MANUAL]),
        ("04 March 2026", [MANUAL]),
        ("acme Mar 2", [B]),
        ("4 marc", [MANUAL]),
        ("march acme", [MANUAL, B]),
        ("3/4", [MANUAL]),
        ("acme 03/02/2026", [B]),
        ("3/4/26", [MANUAL]),
        ("3/4/25", []),
        ("13/4", []),
        ("lucia feb", []),
        ("4 marcus", []),
        ("client:acme", [MANUAL, B]),
        ("client:balanced", []),
        ("portfolio:balanced", [MANUAL, B, A]),
        ("portfolio=bal", []),
        ("status:completed_success type:full_rebalance", [MANUAL, B, A]),
        ("status:error", []),
        ("date:2026-03", [MANUAL, B, A]),
        ("date:2026-03-02", [B, A]),
        ("date>2026-03-02", [MANUAL]),
        ("date>2026-03", []),
        ("date>=2026-03 date<2026-03-04 lucia", [A]),
        ("date<2026", []),
        ("nobody", []),
        ("' OR 1=1 --", []),
    ],
)
def test_words_and_terms_find_runs(book: Book, text: str, runs: list[tuple[str, str]]) -> None:
    assert found(book, text) == runs


def test_runs_beyond_those_listed_are_found_and_counted(book: Book) -> None:
    assert [row.session for row in runs_snapshot(book, 1).rows] == ["2026-03-04"]
    one = find_runs(book, "date:2026-03-02", 1)
    assert (len(one.rows), one.matching, one.total) == (1, 2, 3)
    (first,) = find_runs(book, "lucia").rows
    assert [row.id for row in find_runs(book, first.id).rows] == [first.id]


def test_a_group_is_found_alone_and_the_runs_of_every_status_are_counted(book: Book) -> None:
    failed = RunGroup(frozenset({RunStatus.ERROR}))
    none = find_runs(book, "acme", group=failed)
    assert (none.rows, none.matching, none.total, none.more) == ((), 2, 3, False)
    assert none.counts == {("COMPLETED_SUCCESS", False): 2}
    success = RunGroup(frozenset({RunStatus.COMPLETED_SUCCESS}))
    newest = find_runs(book, "", 2, success)
    assert ([row.account_id for row in newest.rows], newest.more) == (["b", "b"], True)
    assert not find_runs(book, "", 3, success).more
    assert not find_runs(book, "", group=replace(success, type=RunType.INVEST_CASH)).rows


def test_the_run_of_a_withdrawal_is_listed_and_found_with_the_portfolio_that_the_account_left() -> None:
    made = factories.simple_book("2026-03-02 09:30", "1000", {"SPY": "75", "TLT": "190"})
    request_withdrawal(made, "a", parse_money("2000"))
    scheduler.tick(made)
    row = find_runs(made, "withdrawal").rows[0]
    assert row.portfolio == "withdrawal from Balanced"
    assert [one.id for one in find_runs(made, "balanced partial").rows] == [row.id]
    assert find_runs(made, "portfolio:balanced partial").rows[0].id == row.id
    assert not find_runs(made, "no portfolio").rows


def test_runs_are_read_again_only_after_a_change(book: Book) -> None:
    assert run_search.changed_runs(book, book.version, "acme") is None
    assert run_search.changed_runs(book, book.version - 1, "acme") == find_runs(book, "acme")


def test_runs_that_await_approval_are_a_group() -> None:
    waiting = find_runs(factories.review_book(), "", group=RunGroup(awaiting=True))
    assert [row.awaiting_approval for row in waiting.rows] == [True]
    assert waiting.counts == {("QUEUED", True): 1}


def test_statuses_of_very_many_runs_are_counted_for_a_filter_only(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "MAX_COUNTED_RUNS", 2)
    assert (find_runs(book, "").counts, find_runs(book, "").matching) == (None, 3)
    assert find_runs(book, "acme").counts == {("COMPLETED_SUCCESS", False): 2}


@pytest.mark.parametrize("text", ["date:march", "date>2026-3", "date:2026-03-1", "status:melted"])
def test_a_term_that_cannot_be_read_is_a_fault_and_filters_nothing(book: Book, text: str) -> None:
    assert parse_filter(text, RUN_FIELDS, RUN_CHOICES).fault
    assert len(find_runs(book, text).rows) == 3


def test_a_few_letters_of_an_id_are_no_match(book: Book) -> None:
    newest = find_runs(book, "").rows[0].id
    assert found(book, newest) == [MANUAL]
    assert found(book, newest[:6]) == [MANUAL], "the list shows the first eight characters"
    assert found(book, newest[10:20]) == [MANUAL], "ten characters are in no other id by chance"
    hidden = next(newest[at : at + 4] for at in range(9, 32) if newest[at : at + 4] not in newest[:8])
    assert found(book, hidden) == []
