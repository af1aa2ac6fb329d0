"""What protects accounts at a real broker: each is read before its run starts, and only those of clients are traded."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import run_orders
from tests.live.test_differences_without_events import advance_clock, remote_book
from tests.live.transports import CLIENT, FIRM, FakeConnection
from tests.services.factories import only_run


def listed(account_id: str) -> dict[str, Any]:
    return {
        "id": account_id, "account_number": "900000001", "status": "ACTIVE", "created_at": "2026-01-02T15:00:00Z",
    }  # fmt: skip


TRADING = {"status": "ACTIVE", "cash": "1000", "cash_withdrawable": "1000", "buying_power": "1000", "multiplier": "1"}


def broker_with(*positions: dict[str, Any]) -> FakeConnection:
    """A broker with the firm's account and one client, who holds the given positions."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/accounts":
            return httpx.Response(200, json=[listed(FIRM), listed(CLIENT)])
        if request.url.path.endswith("/positions"):
            return httpx.Response(200, json=list(positions))
        return httpx.Response(200, json=TRADING)

    return FakeConnection(answer)


def test_the_firm_account_is_never_a_client_and_is_not_even_read() -> None:
    connection = broker_with()
    assert [account.id for account in connection.broker.accounts()] == [CLIENT]
    assert not [request for request in connection.requests if FIRM in request.url.path]
    connection.broker.close()


LONG = {"symbol": "SPY", "qty": "2", "side": "long", "asset_class": "us_equity"}


@pytest.mark.parametrize(
    ("foreign", "restriction"),
    [
        ({"symbol": "TLT", "qty": "-3", "side": "short", "asset_class": "us_equity"}, Restriction.SHORT_POSITION),
        ({"symbol": "TLT", "qty": "3", "side": "short", "asset_class": "us_equity"}, Restriction.SHORT_POSITION),
        ({"symbol": "BTCUSD", "qty": "0.1", "side": "long", "asset_class": "crypto"}, Restriction.CRYPTO_POSITION),
        ({"symbol": "SPY261218C00400000", "qty": "1", "asset_class": "us_option"}, Restriction.UNSPECIFIED),
    ],
)
def test_a_position_that_is_not_long_in_an_equity_stops_the_whole_account(
    foreign: dict[str, Any], restriction: Restriction
) -> None:
    connection = broker_with(LONG, foreign)
    (account,) = connection.broker.accounts()
    assert account.restrictions == {restriction}
    assert [position.symbol for position in account.positions] == ["SPY"]
    assert blocking_reasons(account, None)
    connection.broker.close()


def stop_polling(book: Book) -> None:
    """Read nothing more by the clock in this session, so that only a start reads the account."""
    state = book.polling_state
    state.account_at = state.orders_at = book.now().replace(hour=23)
    state.compared_on = book.today()


def test_an_account_is_read_again_right_before_its_run_starts() -> None:
    book, broker = remote_book("2026-03-02 09:29")
    scheduler.tick(book)
    broker.disconnected = True
    broker.inner.deposit("a", parse_money("10000"), book.now())
    advance_clock(book, minutes=1)
    stop_polling(book)
    scheduler.tick(book)
    run = only_run(book)
    assert (run.status, run_orders.of_run(book.database, run.id)) == (RunStatus.QUEUED, []), "nothing explains the cash"
    assert book.account("a").cash == parse_money("60000")


def test_an_account_that_cannot_be_read_is_not_traded_on_the_figures_from_before() -> None:
    book, broker = remote_book("2026-03-02 09:29")
    scheduler.tick(book)

    def unreadable(account_id: str) -> None:
        raise AccountUnreadable(account_id, "two positions in SPY")

    broker.account = unreadable  # type: ignore[attr-defined]
    advance_clock(book, minutes=1)
    stop_polling(book)
    scheduler.tick(book)
    assert (only_run(book).status, book.is_paused("a")) == (RunStatus.QUEUED, True)
    del broker.account
    advance_clock(book, seconds=12)
    scheduler.tick(book)
    assert (only_run(book).status, book.is_paused("a")) == (RunStatus.COMPLETED_SUCCESS, False)


def test_an_account_that_was_restricted_meanwhile_is_not_traded() -> None:
    book, broker = remote_book("2026-03-02 09:29")
    scheduler.tick(book)
    broker.disconnected = True
    broker.inner.set_restrictions("a", frozenset({Restriction.SHORT_POSITION}), book.now())
    advance_clock(book, minutes=1)
    stop_polling(book)
    scheduler.tick(book)
    run = only_run(book)
    assert (run.status, "ACCOUNT_RESTRICTED" in (run.reason or "")) == (RunStatus.ERROR, True)
    assert not run_orders.of_run(book.database, run.id)
