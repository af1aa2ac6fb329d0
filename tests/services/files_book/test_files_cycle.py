"""The cycle of a files book: positions, runs, a trade list, the next positions with the fills (R-71 to R-75)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import Money, money_text, parse_money, parse_price, parse_qty, qty_text
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.trade_status import WaitsFor
from rebal_tui.domain.trading_rules import AccountSettings, Overrides
from rebal_tui.market.protocol import Quote
from rebal_tui.plain.texts import run_text
from rebal_tui.services.advisory.trade_settings import set_overrides, settings_texts
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.files_book.fills import fill_by_hand
from rebal_tui.services.files_book.import_plan import plan_import
from rebal_tui.services.files_book.importing import apply_import, undo_import
from rebal_tui.services.files_book.prices import import_prices
from rebal_tui.services.files_book.trade_list import close_list, make_list, trade_list
from rebal_tui.services.maintenance.schedule_check import schedule_faults
from rebal_tui.services.queries.desk import account_view, desk_snapshot
from rebal_tui.services.queries.review import review_snapshot
from rebal_tui.services.queries.run_search import find_runs
from rebal_tui.services.queries.runs import run_view, runs_snapshot
from rebal_tui.services.queries.status import job_views, status_line
from rebal_tui.services.reports.log_page import log_snapshot
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.standing import what_ends_it
from rebal_tui.store import jobs
from rebal_tui.store import runs as run_store
from tests.services.files_book.support import (
    FRIDAY,
    MONDAY,
    account_id,
    approve_all,
    at,
    empty_book,
    evaluated,
    follow,
    imported,
    orders,
    positions,
    set_time,
)

SHARED = Path("/work/shared/data/files")
START = {"1": {"AAA": "60", "BBB": "40", "CASH": "2000"}, "2": {"AAA": "10", "CASH": "1000.37"}}
FIRST = positions(START, "2026-11-27 16:30")
AFTER_CLOSE_AND_WEEKEND = "2026-11-28 11:00"
MONDAY_CLOSE = "2026-11-30 16:00"


def test_the_next_backup_is_at_the_next_close_although_the_priced_session_never_closes(tmp_path: Path) -> None:
    book = empty_book()
    book.settings = replace(book.settings, backup_folder=str(tmp_path))
    imported(book, FIRST)
    for now, close in (
        (AFTER_CLOSE_AND_WEEKEND, MONDAY_CLOSE),
        ("2026-11-30 08:00", MONDAY_CLOSE),
        (MONDAY_CLOSE, "2026-12-01 16:00"),
    ):
        set_time(book, now)
        view = next(view for view in job_views(book) if view.name == "backup")
        assert view.next_at == at(close), now


def test_an_import_makes_accounts_with_cash_positions_and_prices() -> None:
    book = empty_book()
    plan = imported(book, FIRST)
    assert plan.text == "2 new accounts."
    account = book.account(account_id(book, "1"))
    assert (account.name, money_text(account.cash)) == ("Client 1", "2000.00")
    assert [(p.symbol, qty_text(p.qty)) for p in account.positions] == [("AAA", "60"), ("BBB", "40")]
    asset = book.assets["AAA"]
    assert (asset.price, asset.price_at) == (parse_price("100"), at("2026-11-27 16:30"))
    assert not book.holds
    assert reconcile(book).paused == {}


def test_the_same_content_again_changes_nothing() -> None:
    book = empty_book()
    imported(book, FIRST)
    before = "\n".join(book.database.connection.iterdump())
    again = plan_import(book, read_statement(FIRST.decode().replace("\n", "\r\n").encode("utf-16")))
    apply_import(book, again)
    assert again.known
    assert "\n".join(book.database.connection.iterdump()) == before


def test_runs_are_proposed_on_a_weekend_and_one_list_holds_sells_and_buys_in_whole_shares() -> None:
    book = empty_book()
    imported(book, FIRST)
    set_time(book, AFTER_CLOSE_AND_WEEKEND)
    follow(book, {"AAA": "35", "BBB": "65"})
    assert len(evaluated(book)) == 2
    approve_all(book)
    # Equity 10,000: AAA 3,500 keeps 35 shares; BBB 6,500 is short of 4,500, and 2,000 + 2,500 × 0.9975 buys 89 shares.
    assert orders(book, "1") == [("sell", "AAA", "25"), ("buy", "BBB", "89")]
    number = make_list(book)
    assert [(line.account, line.side, line.symbol) for line in trade_list(book, number).lines] == [
        ("1", Side.SELL, "AAA"), ("1", Side.BUY, "BBB"), ("2", Side.SELL, "AAA"), ("2", Side.BUY, "BBB"),
    ]  # fmt: skip
    with pytest.raises(Conflict):
        make_list(book)
    cost = 89 * 50
    assert cost <= 2000 + 2500 * 0.9975


def test_every_run_is_reviewed_whatever_the_book_and_the_subscription_say() -> None:
    book = empty_book()
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    set_review(book, False)
    account = account_id(book, "1")
    set_overrides(book, book.subscriptions[account].id, Overrides(review=False))
    assert (
        settings_texts(book, account, AccountSettings(), Overrides(review=False))[-1]
        == "Automatic runs wait for review."
    )
    assert {run.account_id for run in evaluated(book)} == {account, account_id(book, "2")}


def test_fills_are_found_in_the_next_positions_and_end_the_runs() -> None:
    book = empty_book()
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    approve_all(book)
    make_list(book)
    before = {number: run_store.newest(book.database, 1, account_id(book, number))[0] for number in "12"}
    set_time(book, MONDAY)
    done = {"1": {"AAA": "35", "BBB": "129", "CASH": "50"}, "2": START["2"]}
    plan = imported(book, positions(done, "2026-11-30 16:30"))
    assert [(fill.order.symbol, qty_text(fill.qty)) for _, one in plan.changes.values() for fill in one.fills] == [
        ("AAA", "25"), ("BBB", "89"),
    ]  # fmt: skip
    ended = run_store.get(book.database, before["1"].id)
    assert (ended.status, ended.reason) == (RunStatus.COMPLETED_SUCCESS, None)
    assert run_store.get(book.database, before["2"].id).status is RunStatus.IN_PROGRESS
    assert book.account(account_id(book, "1")).cash == parse_money("50")
    assert not book.holds
    assert reconcile(book).paused == {}


def test_partial_fills_flows_and_differences_are_told_apart() -> None:
    book = empty_book()
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    approve_all(book)
    make_list(book)
    set_time(book, MONDAY)
    # 20 of 89 BBB filled, all AAA sold, 5 CCC from nowhere, a deposit of 500.
    done = {"1": {"AAA": "35", "BBB": "60", "CCC": "5", "CASH": "4000"}, "2": START["2"]}
    plan = imported(book, positions(done, "2026-11-30 16:30"))
    first = account_id(book, "1")
    change = plan.changes[first][1]
    assert [(one.symbol, one.unexplained) for one in change.differences] == [("CCC", parse_qty("5"))]
    assert change.flow == parse_money("500")
    assert list(book.holds) == [first]
    assert "CCC 0 → 5" in book.holds[first].reason
    run = run_store.newest(book.database, 1, first)[0]
    assert (run.status, run.reason) == (RunStatus.COMPLETED_ADJUSTED, "1 order not filled, 0 skipped")


def test_an_account_missing_from_a_newer_file_is_not_emptied() -> None:
    book = empty_book()
    imported(book, FIRST)
    set_time(book, MONDAY)
    plan = imported(book, positions({"1": START["1"]}, "2026-11-30 16:30"))
    assert [account.account_number for account in plan.missing] == ["2"]
    assert book.account(account_id(book, "2")).cash == parse_money("1000.37")


def test_older_future_and_undated_files_are_refused() -> None:
    book = empty_book()
    imported(book, FIRST)
    older, later = (read_statement(positions(START, when)) for when in ("2026-11-25 16:30", "2026-12-01 16:30"))
    undated = read_statement(FIRST.replace(b",generated 2026-11-27 16:30", b""))
    for statement, text in ((older, "older"), (later, "future"), (undated, "--as-of")):
        with pytest.raises(Conflict, match=text):
            plan_import(book, statement)


def test_a_newer_import_replaces_proposals_and_frees_the_quota() -> None:
    book = empty_book()
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    proposed = evaluated(book)
    set_time(book, "2026-11-27 17:05")
    imported(book, positions({**START, "2": {"AAA": "11", "CASH": "1000.37"}}, "2026-11-27 16:45"))
    ended = [run_store.get(book.database, run.id) for run in proposed]
    assert {(run.status, run.reason) for run in ended} == {(RunStatus.CANCELED, "replaced by a newer import")}
    # Account 2 has a difference and waits; account 1 is proposed again on the same day.
    assert [run.account_id for run in book.open_runs.values()] == [account_id(book, "1")]


def test_undo_restores_what_was_before_while_nothing_depends_on_it() -> None:
    book = empty_book()
    with pytest.raises(Conflict, match="no import"):
        undo_import(book)
    imported(book, FIRST)
    set_time(book, MONDAY)
    changed = {"1": {"AAA": "61", "CASH": "1"}, "2": START["2"], "3": {"CASH": "5"}}
    imported(book, positions(changed, "2026-11-30 16:30", {**{"AAA": "101"}, "BBB": "1", "CCC": "1"}))
    undo_import(book)
    assert sorted(account.account_number for account in book.accounts.values()) == ["1", "2"]
    account = book.account(account_id(book, "1"))
    assert (money_text(account.cash), len(account.positions)) == ("2000.00", 2)
    assert book.assets["AAA"].price == parse_price("100")
    assert reconcile(book).paused == {}
    follow(book, {"AAA": "35", "BBB": "65"})
    with pytest.raises(Conflict, match="follows a portfolio"):
        undo_import(book)


def test_fills_by_hand_and_a_list_closed_by_hand() -> None:
    book = empty_book()
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    approve_all(book)
    number = make_list(book)
    fill_by_hand(book, number, 1, parse_qty("25"), parse_price("101"), Money(parse_money("0.05")))
    process_runs(book)
    assert money_text(book.account(account_id(book, "1")).cash) == "4524.95"
    with pytest.raises(Conflict, match="0 shares left"):
        fill_by_hand(book, number, 1, parse_qty("1"), parse_price("101"), Money(0))
    assert close_list(book, number) == 3
    process_runs(book)
    run = run_store.newest(book.database, 1, account_id(book, "1"))[0]
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert not book.open_runs


def test_prices_by_hand_add_assets_and_stale_prices_stop_the_evaluation() -> None:
    book = empty_book()
    imported(book, FIRST)
    now = at("2026-11-27 16:40")
    assert import_prices(book, {"NEW": Quote(parse_price("12.5"), now), "AAA": Quote(parse_price("100"), now)}) == 2
    assert import_prices(book, {"AAA": Quote(parse_price("99"), at("2026-11-26 16:00"))}) == 0
    follow(book, {"AAA": "35", "NEW": "65"})
    assert len(evaluated(book)) == 2
    assert status_line(book).mode == "FILES"
    assert status_line(book).session == "positions 30 min old · prices 20 min old"
    later = empty_book(when="2026-12-02 11:00")
    imported(later, FIRST)
    follow(later, {"AAA": "35", "BBB": "65"})
    assert evaluated(later) == []
    assert status_line(later).session.endswith("stale")


def test_jobs_done_on_a_weekend_for_the_session_of_the_prices_pass_check() -> None:
    book = empty_book(when="2026-11-29 22:00")
    imported(book, FIRST)
    scheduler.tick(book)

    assert list(schedule_faults(book.database)) == []
    assert jobs.jobs(book.database)["settlement"].last_key == "2026-11-27"


def test_nothing_is_moved_or_sent_by_itself() -> None:
    book = empty_book()
    imported(book, FIRST)
    with pytest.raises(BrokerRefused, match="moves no cash"):
        book.broker.create_journal(account_id(book, "1"), "x", parse_money("1"), "", "k")
    for _ in range(3):
        scheduler.tick(book)
    assert not book.open_runs
    assert book.now() == at(FRIDAY)
    assert status_line(book).next_evaluation is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not on this machine")
def test_the_shared_next_positions_give_the_outcome_of_their_truth() -> None:
    truth = json.loads((SHARED / "schwab-after-trades.json").read_text("utf-8"))
    book = empty_book()
    imported(book, (SHARED / "schwab-all-accounts.csv").read_bytes())
    account = account_id(book, "...417")
    for line in truth["trade_list"]:
        book.broker.submit_order(
            OrderRequest(
                account, f"list-{line['line']}", line["symbol"], Side(line["side"]), qty=parse_qty(line["quantity"])
            )
        )
    sync(book)
    make_list(book)
    set_time(book, MONDAY)
    plan = imported(book, (SHARED / "schwab-after-trades.csv").read_bytes())
    filled: dict[str, str] = {}
    for line in truth["trade_list"]:
        order = book.broker.order_by_client_id(account, f"list-{line['line']}")
        assert order is not None
        filled[str(line["line"])] = qty_text(order.filled_qty)
    assert filled == {str(one["list_line"]): one["filled"] for one in truth["outcome"]}
    number_of = {identity: one.account_number for identity, one in book.accounts.items()}
    found = {
        (number_of[identity], one.symbol, qty_text(abs(one.unexplained)))  # type: ignore[arg-type]  # a signed quantity
        for identity, (_, change) in plan.changes.items()
        for one in change.differences
    }
    assert found == {(one["account"], one["symbol"], one["quantity"]) for one in truth["differences"]}
    assert [one.account_number for one in plan.missing] == truth["accounts_missing"]
    assert [one.number for one in plan.new] == truth["accounts_new"]
    assert {number_of[one] for one in book.holds} == {"...417", "...655"}
    assert timedelta(0) < book.now() - at(FRIDAY)


def test_an_account_waits_for_an_evaluation_and_for_no_session() -> None:
    book = empty_book()
    imported(book, positions({"1001": {"AAA": "10", "BBB": "10", "CASH": "5000"}}, FRIDAY))
    follow(book, {"AAA": "60", "BBB": "40"})
    (row,) = desk_snapshot(book).rows
    decided = account_view(book, row.account_id).decision_now
    assert decided is not None
    assert decided.status is not None
    assert (row.state, decided.status.waits_for) == ("waits: evaluation", WaitsFor.EVALUATION)
    assert decided.status.sentence.startswith("Waits for an evaluation, which an import makes, or you at any time. ")
    assert what_ends_it(decided.status) == "you evaluate, or import positions"
    assert evaluated(book)


def test_an_approved_run_is_for_a_list_and_nobody_has_paused_the_scheduler() -> None:
    book = empty_book()
    imported(book, positions({"1001": {"AAA": "10", "BBB": "10", "CASH": "5000"}}, FRIDAY))
    follow(book, {"AAA": "60", "BBB": "40"})
    (run,) = evaluated(book)
    view = account_view(book, run.account_id)
    assert "paused" not in view.next_step
    assert view.decision_now is not None
    assert view.decision_now.status is not None
    assert view.decision_now.status.waits_for is not WaitsFor.SCHEDULER
    approve_all(book)
    process_runs(book)
    assert [(row.state, row.client) for row in desk_snapshot(book).rows] == [("for a list", "Client 1001")]
    assert [row.phase for row in runs_snapshot(book).rows] == ["for a list"]
    step = account_view(book, run.account_id).next_step
    assert step == "The full rebalance run is for a list; its trade list is still to be written."
    said = {entry.action: entry.sentence for entry in log_snapshot(book).audit}
    assert said["orders.sent"].startswith("Made 2 orders of Client 1001 (1001): buy AAA 29 shares")
    assert said["orders.sent"].endswith(", for a trade list.")
    assert find_runs(book, "").waits_for_list
    assert review_snapshot(book).waits_for_list
    shown = run_view(book, run.id)
    assert {(shown.list_text(order), shown.listed_at(order)) for order in shown.orders} == {("for a list", None)}
    made_at = book.now()
    make_list(book)
    assert not find_runs(book, "").waits_for_list
    assert not review_snapshot(book).waits_for_list
    shown = run_view(book, run.id)
    assert {(shown.list_text(order), shown.listed_at(order)) for order in shown.orders} == {("on list 1", made_at)}
    assert any(line.startswith("AAA: buy, on list 1, ") for line in run_text(shown)), "also as text"
    assert [row.state for row in desk_snapshot(book).rows] == ["on list 1"]
    assert [row.phase for row in runs_snapshot(book).rows] == ["on list 1"]
    step = account_view(book, run.account_id).next_step
    assert step == "The full rebalance run is on list 1; the next positions or fills file ends it."
