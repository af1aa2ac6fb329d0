"""One account whose answers cannot be used pauses alone, is named by one alert, and resumes by itself (R-52)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from rebal_tui.services.advisory.subscriptions import subscribe_manually
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import reload_from_broker
from rebal_tui.services.broker_sync.reconciliation.release import release
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries.exceptions import list_exceptions
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import accounts, event_inbox
from tests.live.scripted import (
    ScriptedBroker,
    alert_texts,
    asset_row,
    identity,
    live_book_of,
    pass_time,
    position_row,
    read_all,
    receive,
    refused,
)
from tests.services.factories import all_runs, entries

ANN, BEN, CY = identity("Ann"), identity("Ben"), identity("Cy")
START_AT = "2026-11-23T15:00:00Z"
TRADING = f"/v1/trading/accounts/{ANN}/account"
HELD = f"/v1/trading/accounts/{ANN}/positions"


def three_accounts() -> ScriptedBroker:
    broker = ScriptedBroker()
    for name in ("Ann", "Ben", "Cy"):
        broker.add_account(name, "1000", {"SPY": "10"})
    return broker


def answers(body: Any = None, text: str | None = None) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(200, text=text) if text is not None else httpx.Response(200, json=body)


def paused(book: Book) -> set[str]:
    return {account_id for account_id in book.accounts if book.is_paused(account_id)}


FAULTS: dict[str, tuple[str, Callable[[], httpx.Response]]] = {
    "401": (TRADING, refused(401, "request is not authorized")),
    "403": (TRADING, refused(403, "forbidden")),
    "404": (TRADING, refused(404, "account not found")),
    "500": (TRADING, lambda: httpx.Response(500, text="oops")),
    "403 of something in between": (HELD, lambda: httpx.Response(403, text="<html>")),
    "no JSON": (TRADING, answers(text="<html>")),
    "cut off": (HELD, answers(text='[{"asset_id"')),
    "a list for an object": (TRADING, answers([])),
    "an object for a list": (HELD, answers({})),
    "cash that is no number": (TRADING, answers({"id": ANN, "status": "ACTIVE", "cash": "a lot"})),
    "cash missing": (TRADING, answers({"id": ANN, "status": "ACTIVE"})),
    "another account": (TRADING, answers({"id": BEN, "status": "ACTIVE", "cash": "5"})),
    "a position without a quantity": (HELD, answers([{**position_row("SPY", "1"), "qty": None}])),
    "a position listed twice": (HELD, answers([position_row("SPY", "10"), position_row("SPY", "10")])),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_an_account_that_cannot_be_read_pauses_alone_is_named_and_resumes_by_itself(name: str) -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    assert (len(book.accounts), paused(book)) == (3, set())
    path, fault = FAULTS[name]

    broker.faults[path] = fault
    read_all(book)

    assert paused(book) == {ANN}
    (alert,) = alert_texts(book, "quarantine")
    assert alert.startswith("Ann Client (900000000) is paused: ")
    assert alert_texts(book, "broker") == []
    (listed,) = list_exceptions(book, 10, kind=ExceptionKind.QUARANTINED).items
    assert (listed.account_id, listed.accounts, listed.text) == (ANN, 1, f"{alert}.")
    assert list_exceptions(book, 10, account_id=BEN).items == ()
    assert [subject for subject, *_ in entries(book, "quarantine.entered")] == [ANN]

    broker.faults.clear()
    pass_time(book, minutes=16)
    assert paused(book) == set()
    assert alert_texts(book, "quarantine") == []
    assert [subject for subject, *_ in entries(book, "quarantine.left")] == [ANN]


def test_at_the_start_too_only_the_account_that_cannot_be_read_is_missing() -> None:
    broker = three_accounts()
    broker.faults[TRADING] = refused(500)
    book = live_book_of(broker)
    assert set(book.accounts) == {BEN, CY}
    (alert,) = alert_texts(book, "quarantine")
    assert ANN in alert
    broker.faults.clear()
    pass_time(book, seconds=11)
    assert set(book.accounts) == {ANN, BEN, CY}
    assert (paused(book), alert_texts(book, "quarantine")) == (set(), [])


@pytest.mark.slow
def test_the_others_trade_while_one_account_is_paused() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    subscribe_manually(book, BEN, "balanced")
    subscribe_manually(book, ANN, "balanced")
    broker.faults[TRADING] = refused(401)
    read_all(book)
    assert "cannot be used" in evaluate_account(book, ANN).reason
    assert "cannot be used" not in evaluate_account(book, BEN).reason
    for _ in range(100):
        pass_time(book, seconds=20)
    assert BEN in {run.account_id for run in all_runs(book)}
    assert not any(run.started_at and run.account_id == ANN for run in all_runs(book))


@pytest.mark.slow
def test_it_is_tried_again_after_pauses_that_grow() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    broker.faults[TRADING] = refused(403)
    read_all(book)
    broker.paths.clear()
    for _ in range(600):
        pass_time(book, seconds=1)
    # After 10, 20, 40, 80, 160 and 320 seconds, of which ten minutes hold five at most.
    assert 4 <= broker.paths.count(TRADING) <= 6
    assert len(entries(book, "quarantine.entered")) == 1


def test_keys_refused_everywhere_are_the_brokers_fault_and_no_accounts() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    broker.faults["/v1/.*"] = refused(401, "request is not authorized")
    pass_time(book, seconds=1)
    assert paused(book) == set()
    assert alert_texts(book, "quarantine") == []
    (alert,) = alert_texts(book, "broker")
    assert "does not accept the API key" in alert


def test_a_route_that_fails_for_most_accounts_is_no_accounts_fault() -> None:
    broker = three_accounts()
    broker.faults["/v1/trading/accounts/.*/account"] = refused(500)
    book = live_book_of(broker)
    assert (len(book.accounts), alert_texts(book, "quarantine")) == (0, [])
    (alert,) = alert_texts(book, "broker")
    assert "3 of 3 accounts cannot be read" in alert


def test_rows_of_the_list_that_cannot_be_read_do_not_hide_the_others() -> None:
    broker = three_accounts()
    broker.accounts["x"] = {"account_number": "1"}
    book = live_book_of(broker)
    assert set(book.accounts) == {ANN, BEN, CY}
    (alert,) = alert_texts(book, "quarantine")
    assert "row 4" in alert


def test_two_assets_under_one_symbol_are_two_positions() -> None:
    broker = three_accounts()
    broker.assets.append(asset_row("SPY", "old spy", status="inactive", tradable=False))
    broker.positions[ANN].append(position_row("SPY", "7", "old spy"))
    book = live_book_of(broker)
    held = {position.symbol: position.qty for position in book.account(ANN).positions}
    assert sorted(held.values()) == [7 * 10**9, 10 * 10**9]
    assert held["SPY"] == 10 * 10**9
    assert paused(book) == set()


def test_shares_reserved_outside_count_as_an_order_placed_outside() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    broker.positions[ANN] = [position_row("SPY", "10", qty_available="4")]
    read_all(book)
    assert {one: book.extras[one].external_orders for one in (ANN, BEN)} == {ANN: 1, BEN: 0}
    broker.positions[ANN] = [position_row("SPY", "10")]
    read_all(book)
    assert book.extras[ANN].external_orders == 0


def test_at_the_open_an_external_order_that_has_ended_stops_its_account_no_longer() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    for name in (ANN, BEN):
        broker.positions[name] = [position_row("SPY", "10", qty_available="4")]
    read_all(book)
    broker.positions[ANN] = [position_row("SPY", "10")]
    asked = broker.paths.count(f"/v1/trading/accounts/{CY}/orders")
    reload_from_broker(book)
    assert {one: book.extras[one].external_orders for one in (ANN, BEN, CY)} == {ANN: 0, BEN: 1, CY: 0}
    assert broker.paths.count(f"/v1/trading/accounts/{CY}/orders") == asked


def many_accounts() -> ScriptedBroker:
    broker = ScriptedBroker()
    for number in range(6):
        broker.add_account(f"Client{number}", "1000", {"SPY": "10"} if number else {})
    return broker


def reads_of_positions(broker: ScriptedBroker) -> int:
    return sum(path.endswith("/positions") and path != "/v1/accounts/positions" for path in broker.paths)


def test_positions_of_many_accounts_are_read_by_one_request() -> None:
    broker = many_accounts()
    book = live_book_of(broker)
    assert broker.paths.count("/v1/accounts/positions") == 1
    assert reads_of_positions(broker) == 0
    assert [len(account.positions) for account in book.accounts.values()].count(1) == 5


def test_an_account_that_the_one_answer_leaves_out_is_asked_for_itself() -> None:
    broker = many_accounts()
    left_out = dict(list(broker.positions.items())[:2])
    broker.faults["/v1/accounts/positions"] = answers({"as_of": broker.clock.now().isoformat(), "positions": left_out})
    book = live_book_of(broker)
    assert reads_of_positions(broker) == 4
    assert [len(account.positions) for account in book.accounts.values()].count(1) == 5


@pytest.mark.parametrize("as_of", ["2026-11-23T09:00:00-05:00", "2026-11-20", None])
def test_positions_that_are_not_as_of_now_are_not_used(as_of: str | None) -> None:
    broker = many_accounts()
    broker.faults["/v1/accounts/positions"] = answers(
        {"as_of": as_of, "positions": {one: [] for one in broker.positions}}
    )
    book = live_book_of(broker)
    assert reads_of_positions(broker) == 6
    assert [len(account.positions) for account in book.accounts.values()].count(1) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"account_type": "firm"}, "its type is firm"),
        ({"identity": None}, "it names no person, unlike the others"),
        ({"account_type": "trading"}, "2 accounts have journals with it"),
    ],
)
def test_without_its_id_an_account_that_may_be_the_firms_is_no_client(change: dict[str, Any], why: str) -> None:
    broker = three_accounts()
    firm = broker.add_account("House", "1000000", **change)
    if "journals" in why:
        broker.journals = [{"from_account": firm, "to_account": one} for one in (ANN, BEN)]
    book = live_book_of(broker, firm_account="")
    assert set(book.accounts) == {ANN, BEN, CY}
    (alert,) = alert_texts(book, "quarantine")
    assert firm in alert
    assert why in alert
    assert "--firm-account" in alert
    known = live_book_of(broker, firm_account=firm)
    assert (set(known.accounts), alert_texts(known, "quarantine")) == ({ANN, BEN, CY}, [])


def test_clients_whose_rows_name_nobody_are_clients_where_no_row_does() -> None:
    broker = ScriptedBroker()
    for name in ("Ann", "Ben"):
        broker.add_account(name, "1000", identity=None)
    assert set(live_book_of(broker, firm_account="").accounts) == {ANN, BEN}


TRADE = {"event": "fill", "account_id": ANN, "order": {"symbol": "SPY"}}


@pytest.mark.slow
@pytest.mark.parametrize("body", [TRADE, {**TRADE, "order": []}, "[1]", "no json"], ids=str)
def test_an_event_that_cannot_be_read_pauses_the_account_it_names_and_the_later_ones_are_applied(body: Any) -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    receive(book, "trades", "1", body)
    broker.set_cash(BEN, str(int(broker.trading[BEN]["cash"]) + 5))
    deposit = {
        "account_id": BEN, "activity_type": "CSD", "ref_id": identity("deposit"), "status": "executed",
        "net_amount": "5", "executed_at": START_AT, "at": START_AT, "details": {},
    }  # fmt: skip
    receive(book, "activities", "2", deposit)
    pass_time(book, seconds=1)
    pass_time(book, seconds=1)
    assert paused(book) == ({ANN} if isinstance(body, dict) else set())
    (alert,) = alert_texts(book, "quarantine")
    assert "invalid event of the stream trades" in alert
    assert [entry.amount for entry in accounts.cash_entries(book.database, BEN)] == [5 * 10**9]
    assert alert_texts(book, "broker") == []


def test_an_event_in_quarantine_is_kept_and_a_person_may_give_it_up() -> None:
    broker = three_accounts()
    book = live_book_of(broker)
    receive(book, "trades", "1", TRADE)
    pass_time(book, seconds=1)
    pass_time(book, days=12)
    assert paused(book) == {ANN}
    assert len(event_inbox.after(book.database, 0, 10)) >= 1
    (one,) = book.quarantine.rows.values()
    assert one.tries > 1
    release(book, ANN)
    assert (paused(book), alert_texts(book, "quarantine")) == (set(), [])
    assert [subject for subject, *_ in entries(book, "quarantine.left")] == [one.subject]


def test_a_price_answer_refused_for_one_symbol_hides_no_other_price() -> None:
    broker = three_accounts()
    broker.refused_symbols = {"GLD"}
    broker.positions[BEN] = [position_row("GLD", "1")]
    book = live_book_of(broker)
    # Prices are read on a thread of their own.
    for _ in range(100):
        pass_time(book, seconds=1)
        if book.assets["SPY"].price is not None:
            break
        time.sleep(0.02)
    assert book.assets["SPY"].price == 500 * 10**9
    assert book.assets["GLD"].price is None
    assert alert_texts(book, "broker") == []
