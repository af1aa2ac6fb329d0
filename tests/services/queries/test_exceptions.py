"""What needs a person although no rule fires is listed, with its subject, since when, and what to do (R-58)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_money
from rebal_tui.engine.arrays.holders import holdings_in
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries import rule_exceptions
from rebal_tui.services.queries.accounts import account_row, accounts_snapshot
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.queries.exceptions import Exceptions, exception_counts, list_exceptions
from rebal_tui.services.queries.rule_exceptions import RuleException
from rebal_tui.services.queries.runs import portfolio_rows
from rebal_tui.services.runs.asset_holds import release
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import account_events
from rebal_tui.services.view_models.accounts import AccountGroup, InGroup
from rebal_tui.services.view_models.exceptions import BLOCKS, REMEDIES, ExceptionKind, ExceptionView
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.store import audit, jobs
from rebal_tui.store import holds as hold_store
from rebal_tui.store.database import Database
from rebal_tui.store.holds import HoldCause, HoldKind
from tests.services.factories import (
    account,
    advance_to,
    balanced,
    fill_book,
    make_book,
    new_york,
    set_price,
    simple_book,
)

KIND = ExceptionKind


def listed(book: Book, **filters: Any) -> list[ExceptionView]:
    return list(list_exceptions(book, 1_000, **filters).items)


def kinds(book: Book, **filters: Any) -> list[tuple[ExceptionKind, str | None]]:
    return [(one.kind, one.account_id or one.symbol or one.portfolio_id) for one in listed(book, **filters)]


def on_target(name: str, cash: str = "500") -> Any:
    return account(name, cash, {"SPY": "15", "TLT": "35"})


def quiet_book(names: str = "abcd") -> Book:
    """Accounts near their targets that were rebalanced in January, at the open. No exception."""
    book = make_book("2026-03-02 09:30")
    fill_book(
        book, [on_target(name) for name in names], [balanced()], dict.fromkeys(names, "balanced"),
        dict.fromkeys(names, new_york("2026-01-05 10:00")),
    )  # fmt: skip
    return book


def set_cash(book: Book, name: str, cash: str) -> None:
    with book.write() as tx:
        tx.execute("UPDATE accounts SET cash = ? WHERE id = ?", (parse_money(cash), name))
        tx.reload_accounts([name])


def report_tradable(book: Book, symbol: str, tradable: bool) -> None:
    """Let the broker report an asset as tradable or not."""
    sandbox(book).set_asset(symbol, book.now(), tradable=tradable)
    sync(book)


def test_a_book_in_order_has_no_exception() -> None:
    assert listed(quiet_book()) == []
    assert exception_counts(quiet_book()) == {}


@pytest.mark.parametrize(("cash", "listed_as"), [("-0.000000001", True), ("-2500", True), ("0", False)])
def test_cash_below_zero_is_an_exception_although_no_band_is_breached(cash: str, listed_as: bool) -> None:
    book = quiet_book()
    set_cash(book, "b", cash)
    assert (kinds(book) == [(KIND.CASH_BELOW_ZERO, "b")]) is listed_as


def test_cash_below_zero_lasts_since_the_movement_that_made_it_so() -> None:
    book = quiet_book()
    advance_to(book, "2026-03-02 10:00")
    set_cash(book, "b", "100")
    account_events.return_deposit(book, "b", parse_money("50"))
    with book.write() as tx:
        tx.execute("UPDATE cash_entries SET amount = -600000000000")
    set_cash(book, "b", "-100")
    (one,) = listed(book, kind=KIND.CASH_BELOW_ZERO)
    assert one.since == new_york("2026-03-02 10:00")
    assert one.text == "Client b (N-b): cash is $-100.00."


def test_a_holding_without_a_price_is_listed_for_each_account_and_asset() -> None:
    book = quiet_book()
    fill_book(book, [account("x", "10", {"GLD": "1", "TLT": "1"})], [], {})
    for symbol in ("GLD", "TLT"):
        book.assets[symbol] = replace(book.assets[symbol], price=None, price_at=None)
    found = [(one.account_id, one.symbol) for one in listed(book, kind=KIND.HOLDING_WITHOUT_PRICE)]
    assert sorted(found) == sorted([*((name, "TLT") for name in "abcd"), ("x", "GLD"), ("x", "TLT")])


def test_an_asset_on_hold_is_one_exception_for_all_its_accounts() -> None:
    book = quiet_book()
    apply_guards(book, replace(book.settings.guards, jump_guard=True))
    set_price(book, "SPY", "40")
    (one,) = listed(book)
    assert (one.kind, one.symbol, one.accounts, one.since) == (KIND.ASSET_ON_HOLD, "SPY", 4, book.now())
    release(book, "SPY")
    assert listed(book) == []


def test_differences_restrictions_and_ended_accounts() -> None:
    book = quiet_book()
    with book.write() as tx:
        hold_store.add(tx, "a", HoldCause(HoldKind.RECONCILIATION, "cash differs", new_york("2026-03-02 09:31")))
        tx.reload_holds()
    advance_to(book, "2026-03-02 09:45")
    account_events.set_restriction(book, "b", Restriction.SHORT_POSITION, True)
    book.sandbox.set_account_status("c", "ACCOUNT_CLOSED", book.now())  # type: ignore[union-attr]
    scheduler.tick(book)
    assert kinds(book) == [
        (KIND.UNEXPLAINED_DIFFERENCE, "a"), (KIND.ACCOUNT_NOT_ACTIVE, "c"), (KIND.ACCOUNT_RESTRICTED, "b"),
    ]  # fmt: skip
    difference, ended, restricted = listed(book)
    assert difference.since == new_york("2026-03-02 09:31")
    assert {ended.since, restricted.since} == {new_york("2026-03-02 09:45")}
    assert restricted.text == "Client b (N-b): holds a short position."
    assert "ACCOUNT_CLOSED" in ended.text
    assert kinds(book, account_id="b") == [(KIND.ACCOUNT_RESTRICTED, "b")]
    assert kinds(book, account_id="nobody") == []


def test_a_blocked_account_is_dated_by_the_first_of_its_blocks_although_others_came_and_went() -> None:
    book = quiet_book("ab")
    for at, block, on in (
        ("09:40", Restriction.SHORT_POSITION, True), ("09:45", Restriction.SHORT_POSITION, False),
        ("09:50", Restriction.CRYPTO, True), ("09:55", Restriction.TRADING_BLOCKED, True),
        ("10:00", Restriction.TRADING_BLOCKED, False),
    ):  # fmt: skip
        advance_to(book, f"2026-03-02 {at}")
        account_events.set_restriction(book, "b", block, on)
        for alert in jobs.open_alerts(book.database):
            with book.write() as tx:
                jobs.acknowledge(tx, alert.key, book.now())
    assert [one.since for one in listed(book)] == [new_york("2026-03-02 09:50")]


def test_the_audit_trail_is_read_for_blocks_only_where_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    book = quiet_book("ab")
    account_events.set_restriction(book, "b", Restriction.CRYPTO, True)
    read_from: list[int] = []
    entries_after = audit.entries_after

    def counted(database: Database, seq: int, limit: int, actions: Sequence[str]) -> list[audit.AuditEntry]:
        read_from.append(seq)
        return entries_after(database, seq, limit, actions)

    monkeypatch.setattr(audit, "entries_after", counted)
    head = audit.head(book.database)[0]
    assert listed(book) == listed(book)
    account_events.set_restriction(book, "a", Restriction.CRYPTO, True)
    assert len(listed(book)) == 2
    assert read_from == [0, head]


def test_an_account_blocked_since_the_start_stays_so_dated_when_another_block_comes() -> None:
    book = make_book()
    fill_book(book, [account("b", "50000", restrictions=["crypto"])], [balanced()], {"b": "balanced"})
    scheduler.tick(book)
    (before,) = listed(book, kind=KIND.ACCOUNT_RESTRICTED)
    advance_to(book, "2026-03-03 09:55")
    account_events.set_restriction(book, "b", Restriction.TRADING_BLOCKED, True)
    (after,) = listed(book, kind=KIND.ACCOUNT_RESTRICTED)
    assert before.since == after.since < book.now()


def test_a_portfolio_that_needs_adjustment_and_a_failed_run() -> None:
    book = simple_book(names="ab")
    with book.write() as tx:
        tx.execute("UPDATE portfolios SET status = 'needs_adjustment'")
        tx.reload_portfolios()
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    (one,) = listed(book)
    assert (one.kind, one.portfolio_id, one.accounts) == (KIND.PORTFOLIO_NEEDS_ADJUSTMENT, "balanced", 2)
    with book.write() as tx:
        tx.execute("UPDATE portfolios SET status = 'active'")
        tx.reload_portfolios()
    scheduler.tick(book)
    run_id = book.database.rows("SELECT id FROM runs ORDER BY key")[0][0]
    with book.write() as tx:
        jobs.raise_alert(tx, book.now(), "run", run_id, "full rebalance of Client a: ERROR, no price")
    (failed,) = listed(book)
    assert (failed.kind, failed.run_id, failed.account_id) == (KIND.RUN_FAILED, run_id, "a")
    assert kinds(book, account_id="a") == [(KIND.RUN_FAILED, "a")]
    with book.write() as tx:
        jobs.clear_alert(tx, "run", run_id, book.now())
    assert listed(book) == []


def test_an_active_portfolio_is_listed_from_the_report_that_its_asset_is_not_tradable() -> None:
    book = quiet_book("ab")
    advance_to(book, "2026-03-02 09:45")
    report_tradable(book, "TLT", False)
    assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE
    (row,) = portfolio_rows(book)
    assert row.barred == ("TLT",)
    advance_to(book, "2026-03-02 09:50")
    (one,) = listed(book)
    assert (one.kind, one.portfolio_id, one.symbol, one.accounts) == (KIND.ASSET_INELIGIBLE, "balanced", "TLT", 2)
    assert (one.since, one.text) == (new_york("2026-03-02 09:45"), "Balanced: TLT is not tradable.")
    assert [(alert.kind, alert.subject) for alert in jobs.open_alerts(book.database)] == [
        ("needs_adjustment", "balanced")
    ]
    report_tradable(book, "TLT", True)
    assert listed(book) == []
    assert jobs.open_alerts(book.database) == []


def test_an_asset_to_replace_becomes_a_portfolio_that_needs_adjustment_at_the_evaluation() -> None:
    book = quiet_book("ab")
    reported = book.now()
    report_tradable(book, "TLT", False)
    advance_to(book, "2026-03-02 09:45")
    (one,) = listed(book)
    assert (one.kind, one.portfolio_id, one.short) == (
        KIND.PORTFOLIO_NEEDS_ADJUSTMENT, "balanced", "Balanced: TLT is not tradable",
    )  # fmt: skip
    assert one.remedy == "replace the assets that cannot be bought; saving reactivates it"
    assert one.since == reported
    assert len(jobs.open_alerts(book.database)) == 1


def test_a_portfolio_whose_asset_is_eligible_again_only_lacks_its_reactivation() -> None:
    book = quiet_book("ab")
    report_tradable(book, "TLT", False)
    advance_to(book, "2026-03-02 09:45")
    report_tradable(book, "TLT", True)
    (one,) = listed(book)
    assert (one.text, one.short) == (
        "Balanced needs adjustment; TLT can be bought again.", "Balanced: TLT can be bought again",
    )  # fmt: skip
    assert one.remedy == "reactivate the portfolio"
    (alert,) = jobs.open_alerts(book.database)
    assert alert.text == "Balanced needs adjustment: TLT can be bought again; reactivate it"
    status = evaluate_account(book, "a").status
    assert status is not None
    assert status.note == "you reactivate the portfolio"
    report_tradable(book, "TLT", False)
    (alert,) = jobs.open_alerts(book.database)
    assert alert.text == "Balanced needs adjustment: TLT is not tradable"


def test_exceptions_count_causes_and_the_other_counts_accounts() -> None:
    book = quiet_book("abc")
    fill_book(book, [account("x", "10"), on_target("g")], [balanced("gold", {"GLD": "95"})], {"g": "gold"})
    for name in ("a", "x"):
        account_events.set_restriction(book, name, Restriction.ACH_RETURN, True)
    report_tradable(book, "TLT", False)
    assert exception_counts(book) == {KIND.ACCOUNT_RESTRICTED: 2, KIND.ASSET_INELIGIBLE: 1}
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    assert dict(snapshot.groups)[AccountGroup.EXCEPTIONS] == 4
    texts = {row.account_id: row.exception for row in snapshot.rows}
    assert (texts["b"], texts["g"]) == ("Balanced: TLT is not tradable", "")
    assert account_row(book, "b").exception == texts["b"]
    assert dict(desk_snapshot(book).tiles)[Tile.NEEDS_YOU] == 3


def test_an_asset_in_no_active_portfolio_is_no_exception() -> None:
    book = quiet_book("ab")
    report_tradable(book, "GLD", False)
    assert listed(book) == []
    assert jobs.open_alerts(book.database) == []


def test_what_the_rules_report_is_listed_with_their_time_and_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    book = quiet_book()
    since = new_york("2026-03-01 10:00")
    target = "rebal_tui.services.queries.account_exceptions"
    monkeypatch.setattr(f"{target}.uncorrectable", lambda _: (RuleException("c", since, "TLT is inactive"),))
    monkeypatch.setattr(f"{target}.unfinished", lambda _: (RuleException("d", since, "GLD was not sold"),))
    assert [(one.kind, one.account_id, one.since) for one in listed(book)] == [
        (KIND.CANNOT_BE_CORRECTED, "c", since), (KIND.UNFINISHED, "d", since),
    ]  # fmt: skip
    assert listed(book)[0].text == "Client c (N-c): TLT is inactive."
    assert list(rule_exceptions.uncorrectable(book)) == []


def test_pages_continue_after_a_key_in_a_stable_order() -> None:
    book = quiet_book()
    for name in "abcd":
        set_cash(book, name, "-1")
    everything = listed(book)
    first = list_exceptions(book, 3)
    set_cash(book, "a", "1")
    rest = list_exceptions(book, 3, after=first.next_key)
    assert [*first.items, *rest.items] == everything
    assert rest.next_key is None


def test_the_accounts_list_has_them_as_a_filter() -> None:
    book = quiet_book()
    apply_guards(book, replace(book.settings.guards, jump_guard=True))
    fill_book(book, [account("x", "10", {"GLD": "1"})], [], {})
    set_cash(book, "b", "-1")
    book.assets["GLD"] = replace(book.assets["GLD"], price=None, price_at=None)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    rows = [row for row in snapshot.rows if InGroup(AccountGroup.EXCEPTIONS)(row)]
    assert {row.account_id: row.exception for row in rows} == {
        "b": "cash is below zero", "x": "a holding has no price",
    }  # fmt: skip
    assert dict(snapshot.groups)[AccountGroup.EXCEPTIONS] == 2
    set_price(book, "SPY", "40")
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    assert sorted(snapshot.rows, key=lambda row: row.account_id) == [account_row(book, name) for name in "abcdx"]
    assert account_row(book, "b").exception == "cash is below zero; an asset is on hold"


def test_every_kind_says_what_it_blocks_and_what_to_do() -> None:
    assert set(BLOCKS) == set(REMEDIES) == set(ExceptionKind)


def test_holdings_are_found_inside_and_outside_portfolios() -> None:
    book = quiet_book("ab")
    fill_book(book, [account("x", "10", {"GLD": "1", "SPY": "2"})], [], {})
    frame = book.frame()
    flags = np.array([symbol in ("SPY", "GLD") for symbol in frame.assets.symbols])
    rows, assets = holdings_in(frame, flags)
    found = {(book.account_table.ids[r], frame.assets.symbols[a]) for r, a in zip(rows, assets, strict=True)}
    assert found == {("a", "SPY"), ("b", "SPY"), ("x", "GLD"), ("x", "SPY")}


@pytest.mark.slow
def test_a_page_of_many_exceptions_builds_only_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number:05d}" for number in range(3_000)]
    book = make_book()
    fill_book(book, [account(name, "-1") for name in names], [balanced()], {})
    built: list[int] = []
    view = Exceptions._view

    def counting(self: Exceptions, key: int) -> ExceptionView:
        built.append(key)
        return view(self, key)

    monkeypatch.setattr(Exceptions, "_view", counting)
    began = time.perf_counter()
    page = list_exceptions(book, 10)
    assert time.perf_counter() - began < 2
    assert len(page.items) == len(built) == 10
    assert exception_counts(book) == {KIND.CASH_BELOW_ZERO: 3_000}
