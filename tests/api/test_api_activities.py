"""Activities of accounts, closing of positions, canceling of all orders; with the client of Alpaca."""

from __future__ import annotations

import pytest
from alpaca.broker.client import BrokerClient
from alpaca.broker.requests import GetAccountActivitiesRequest
from alpaca.trading.models import NonTradeActivity, TradeActivity
from alpaca.trading.requests import ClosePositionRequest

from tests.api.servers import Server

pytestmark = pytest.mark.slow

WEIGHTS = [{"type": "asset", "symbol": "SPY", "percent": "60"}, {"type": "asset", "symbol": "TLT", "percent": "40"}]


@pytest.fixture(scope="module")
def client(server: Server) -> BrokerClient:
    return BrokerClient(server.key, server.secret, url_override=server.url)


@pytest.fixture
def holder(server: Server) -> str:
    """The id of an account with two positions, made by a run of its own."""
    server.prices(SPY="400", TLT="100")
    account_id = server.account("1000")
    body = {"account_id": account_id, "type": "full_rebalance", "weights": WEIGHTS}
    server.post("/v1/rebalancing/runs", body)
    server.post("/sandbox/deposits", {"account_id": account_id, "amount": "5"})
    return account_id


def test_the_client_reads_activities_page_by_page(server: Server, client: BrokerClient, holder: str) -> None:
    found = client.get_account_activities(GetAccountActivitiesRequest(account_id=holder, page_size=1))
    assert [type(one) for one in found if isinstance(one, TradeActivity | NonTradeActivity)] == [
        type(one) for one in found
    ]
    path = "/v1/accounts/activities"
    listed = server.get(path, account_id=holder)
    assert [one["id"] for one in listed] == [one.id for one in found]
    assert {one["activity_type"] for one in listed} == {"FILL", "CSD"}
    assert server.get(path, account_id=holder, direction="asc") == listed[::-1]
    assert server.get(f"{path}/FILL", account_id=holder) == [one for one in listed if one["activity_type"] == "FILL"]
    trades = server.get(path, account_id=holder, category="trade_activity")
    assert {one["symbol"]: (one["qty"], one["leaves_qty"], one["order_status"]) for one in trades} == {
        "SPY": ("1.5", "0", "filled"), "TLT": ("4", "0", "filled"),
    }  # fmt: skip
    order = trades[0]["order_id"]
    assert [one["order_id"] for one in server.get(path, order_id=order)] == [order]
    assert server.get(path, account_id=holder, date="2026-01-02") == []
    assert server.get(path, account_id=holder, activity_types="DIV,FEE") == []


@pytest.mark.parametrize(
    "query", ["page_token=nothing", "page_token=cash-999999", "date=2026-03-02&after=2026-03-01", "page_size=101"]
)
def test_a_query_that_cannot_be_answered_is_refused(server: Server, query: str) -> None:
    assert server.http.get(f"/v1/accounts/activities?{query}").status_code == 400


def test_a_part_of_a_position_is_closed_then_all(server: Server, client: BrokerClient, holder: str) -> None:
    client.close_position_for_account(holder, "SPY", ClosePositionRequest(qty="0.5"))
    client.close_position_for_account(holder, "TLT", ClosePositionRequest(percentage="25"))
    assert {p.symbol: p.qty for p in client.get_all_positions_for_account(holder)} == {"SPY": "1", "TLT": "3"}
    closed = client.close_all_positions_for_account(holder, cancel_orders=True)
    assert sorted((one.symbol, one.status) for one in closed) == [("SPY", 200), ("TLT", 200)]
    assert client.get_all_positions_for_account(holder) == []
    assert server.get(f"/v1/trading/accounts/{holder}/account")["cash"] == "1005.00"


def test_too_much_or_nothing_is_not_closed(server: Server, holder: str) -> None:
    path = f"/v1/trading/accounts/{holder}/positions/SPY"
    for query in ("qty=2", "qty=0", "percentage=0", "percentage=100.1", "qty=1&percentage=1"):
        assert server.http.delete(f"{path}?{query}").status_code == 400, query
    assert len(server.get(f"/v1/trading/accounts/{holder}/positions")) == 2


def test_a_position_of_a_subscribed_account_is_not_closed(server: Server, holder: str) -> None:
    server.subscribe(holder, server.portfolio())
    path = f"/v1/trading/accounts/{holder}/positions"
    assert server.http.delete(f"{path}/SPY").status_code == 403
    answer = server.http.delete(path)
    assert answer.status_code == 207
    assert {one["status"] for one in answer.json()} == {403}
    assert server.http.delete(f"{path}/QQQ").status_code == 404


def test_all_open_orders_are_canceled(server: Server, client: BrokerClient, holder: str) -> None:
    server.post("/sandbox/assets/SPY", {"halted": True})
    order = {"symbol": "SPY", "side": "sell", "type": "market", "time_in_force": "day", "qty": "1"}
    made = server.post(f"/v1/trading/accounts/{holder}/orders", order)
    answers = client.cancel_orders_for_account(holder)
    server.post("/sandbox/assets/SPY", {"halted": False})
    assert [(str(one.id), one.status) for one in answers] == [(made["id"], 200)]
    assert server.get(f"/v1/trading/accounts/{holder}/orders/{made['id']}")["status"] == "canceled"
    assert client.cancel_orders_for_account(holder) == []
