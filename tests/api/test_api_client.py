"""Alpaca's own client, unmodified, against the server."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alpaca.broker.client import BrokerClient
from alpaca.broker.enums import JournalEntryType
from alpaca.broker.requests import (
    CreateJournalRequest,
    CreatePortfolioRequest,
    CreateRunRequest,
    CreateSubscriptionRequest,
    GetJournalsRequest,
    GetPortfoliosRequest,
    GetRunsRequest,
    GetSubscriptionsRequest,
    ListAccountsRequest,
    MarketOrderRequest,
    RebalancingConditions,
    UpdatePortfolioRequest,
    Weight,
)
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest, GetOrderByIdRequest, GetOrdersRequest

from tests.api.servers import Server

WEIGHTS = [
    Weight(type="cash", percent=5),
    Weight(type="asset", symbol="SPY", percent=60),
    Weight(type="asset", symbol="TLT", percent=35),
]
BANDS = [
    RebalancingConditions(type="drift_band", sub_type="absolute", percent=5),
    RebalancingConditions(type="calendar", sub_type="monthly", day="15"),
]


@pytest.fixture(scope="module")
def client(server: Server) -> BrokerClient:
    server.prices(SPY="417.80", TLT="137.62")
    return BrokerClient(server.key, server.secret, url_override=server.url)


@pytest.fixture
def portfolio(client: BrokerClient) -> Any:
    return client.create_portfolio(
        CreatePortfolioRequest(
            name="Balanced", description="", weights=WEIGHTS, cooldown_days=7, rebalance_conditions=BANDS
        )
    )


def test_portfolios_are_created_listed_changed_and_deactivated(client: BrokerClient, portfolio: Any) -> None:
    assert [(w.symbol, w.percent) for w in portfolio.weights] == [(None, 5.0), ("SPY", 60.0), ("TLT", 35.0)]
    assert [(c.sub_type.value, c.percent, c.day) for c in portfolio.rebalance_conditions] == [
        ("absolute", 5.0, None),
        ("monthly", None, "15"),
    ]
    assert client.get_portfolio_by_id(portfolio.id) == portfolio
    found = client.get_all_portfolios(GetPortfoliosRequest(name="bAL", symbol="TLT", portfolio_id=portfolio.id))
    assert [one.id for one in found] == [portfolio.id]
    assert client.get_all_portfolios(GetPortfoliosRequest(symbol="QQQ", portfolio_id=portfolio.id)) == []
    changed = client.update_portfolio_by_id(
        portfolio.id,
        UpdatePortfolioRequest(
            name="Shares",
            weights=[Weight(type="asset", symbol="SPY", percent=33.33), Weight(type="cash", percent=66.67)],
        ),
    )
    assert (changed.name, changed.cooldown_days, len(changed.rebalance_conditions)) == ("Shares", 7, 2)
    assert [w.percent for w in changed.weights] == [66.67, 33.33]
    client.inactivate_portfolio_by_id(portfolio.id)
    assert client.get_portfolio_by_id(portfolio.id).status.value == "inactive"


def test_an_account_that_subscribes_is_rebalanced(server: Server, client: BrokerClient, portfolio: Any) -> None:
    account_id = server.account("50000")
    made = client.create_subscription(CreateSubscriptionRequest(account_id=account_id, portfolio_id=portfolio.id))
    assert (str(made.account_id), made.portfolio_id, made.last_rebalanced_at) == (account_id, portfolio.id, None)
    server.step(minutes=15)
    listed = client.get_all_subscriptions(GetSubscriptionsRequest(account_id=account_id))
    assert [one.id for one in listed] == [made.id]
    assert listed[0].last_rebalanced_at is not None
    assert client.get_subscription_by_id(made.id) == listed[0]
    (run,) = client.get_all_runs(GetRunsRequest(account_id=account_id))
    assert (run.status.value, run.initiated_from.value, run.type.value) == (
        "COMPLETED_SUCCESS", "system", "full_rebalance",
    )  # fmt: skip
    assert [(order.symbol, order.notional, order.filled_avg_price) for order in run.orders] == [
        ("SPY", "30000.00", "417.8"),
        ("TLT", "17500.00", "137.62"),
    ]
    assert client.get_run_by_id(run.id) == run
    held = client.get_all_positions_for_account(account_id)
    assert [(p.symbol, p.qty, p.avg_entry_price) for p in held] == [
        ("SPY", "71.804691239", "417.8"),
        ("TLT", "127.161749745", "137.62"),
    ]
    assert client.get_open_position_for_account(account_id, "TLT") == held[1]
    assert client.get_all_accounts_positions().positions[account_id] == held
    client.unsubscribe_account(made.id)
    assert client.get_all_subscriptions(GetSubscriptionsRequest(account_id=account_id)) == []


def test_a_manual_run_and_its_cancel(server: Server, client: BrokerClient) -> None:
    account_id = server.account("1000")
    whole = [Weight(type="asset", symbol="SPY", percent=100)]
    run = client.create_manual_run(CreateRunRequest(account_id=account_id, type="full_rebalance", weights=whole))
    assert (run.status.value, run.initiated_from.value, isinstance(run.portfolio_id, UUID)) == ("QUEUED", "api", True)
    assert client.get_run_by_id(run.id).status.value == "COMPLETED_SUCCESS"
    with pytest.raises(APIError, match="not cancelable") as caught:
        client.cancel_run_by_id(run.id)
    assert (caught.value.status_code, caught.value.code) == (422, 42210000)


def test_a_run_with_reserved_cash_does_not_break_the_list(server: Server, client: BrokerClient) -> None:
    account_id = server.account("1000")
    body = {
        "account_id": account_id,
        "type": "full_rebalance",
        "weights": [{"type": "asset", "symbol": "SPY", "percent": 100}],
    }
    server.post("/v1/rebalancing/runs", body)
    made = server.post(
        "/v1/rebalancing/runs",
        {"account_id": account_id, "type": "partial_liquidation", "amount": "100", "weights": body["weights"]},
    )
    assert (made["type"], made["amount"]) == ("full_rebalance", "100.00")
    assert server.extended(f"/v1/rebalancing/runs/{made['id']}")["kind"] == "partial_liquidation"
    assert [run.amount for run in client.get_all_runs(GetRunsRequest(account_id=account_id))] == ["100.00", None]


def test_pages_end_by_themselves(server: Server, client: BrokerClient) -> None:
    accounts = [server.account("100") for _ in range(5)]
    portfolio_id = server.portfolio()
    for account_id in accounts:
        server.subscribe(account_id, portfolio_id)
    found = client.get_all_subscriptions(
        GetSubscriptionsRequest(portfolio_id=portfolio_id, limit=2), max_items_limit=100
    )
    assert [str(one.account_id) for one in found] == accounts
    page = server.get("/v1/rebalancing/subscriptions", portfolio_id=portfolio_id, limit=5)
    assert page["next_page_token"] is None


def test_accounts_and_their_figures(server: Server, client: BrokerClient) -> None:
    account_id = server.account("1234.5", "Zoë Unusual")
    account = client.get_account_by_id(account_id)
    assert (account.status.value, account.currency, account.last_equity) == ("ACTIVE", "USD", "1234.50")
    assert account in client.list_accounts()
    assert [str(one.id) for one in client.list_accounts(ListAccountsRequest(query="unusual"))] == [account_id]
    figures = client.get_trade_account_by_id(account_id)
    assert (figures.cash, figures.cash_withdrawable, figures.cash_transferable, figures.buying_power) == (
        "1234.50",
    ) * 4
    assert (figures.equity, figures.multiplier, figures.trading_blocked) == ("1234.50", "1", False)


def test_manual_orders(server: Server, client: BrokerClient) -> None:
    account_id = server.account("1000")
    bought = client.submit_order_for_account(
        account_id,
        MarketOrderRequest(
            symbol="SPY", notional=417.8, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="mine-1"
        ),
    )
    assert (bought.status.value, bought.filled_qty, bought.notional) == ("filled", "1", "417.80")
    assert client.get_order_for_account_by_client_id(account_id, "mine-1") == bought
    assert client.get_order_for_account_by_id(account_id, bought.id, GetOrderByIdRequest(nested=False)) == bought
    sold = client.submit_order_for_account(
        account_id, MarketOrderRequest(symbol="SPY", qty=0.25, side=OrderSide.SELL, time_in_force=TimeInForce.DAY)
    )
    assert client.get_orders_for_account(account_id) == []
    closed = GetOrdersRequest(status=QueryOrderStatus.CLOSED, symbols=["SPY", "TLT"])
    assert [order.id for order in client.get_orders_for_account(account_id, closed)] == [sold.id, bought.id]
    sells = GetOrdersRequest(status=QueryOrderStatus.ALL, side=OrderSide.SELL, after=datetime(2026, 1, 1))  # noqa: DTZ001
    assert [order.id for order in client.get_orders_for_account(account_id, sells)] == [sold.id]
    figures = client.get_trade_account_by_id(account_id)
    assert (figures.cash, figures.cash_withdrawable) == ("686.65", "582.20")


def test_an_order_that_waits_can_be_canceled(server: Server, client: BrokerClient) -> None:
    account_id = server.account("1000")
    server.post("/sandbox/assets/IWM", {"halted": True})
    waits = client.submit_order_for_account(
        account_id, MarketOrderRequest(symbol="IWM", notional=10, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    assert waits.status.value == "new"
    assert client.get_trade_account_by_id(account_id).buying_power == "990.00"
    client.cancel_order_for_account_by_id(account_id, waits.id)
    assert client.get_order_for_account_by_id(account_id, waits.id).status.value == "canceled"
    with pytest.raises(APIError) as caught:
        client.cancel_order_for_account_by_id(account_id, waits.id)
    assert caught.value.status_code == 422


def test_journals_move_cash_and_can_be_canceled(server: Server, client: BrokerClient) -> None:
    account_id = server.account("0")
    arrived = client.create_journal(
        CreateJournalRequest(
            from_account=server.firm, entry_type=JournalEntryType.CASH, to_account=account_id, amount=51
        )
    )
    assert (arrived.status.value, arrived.net_amount) == ("executed", 51.0)
    waits = client.create_journal(
        CreateJournalRequest(
            from_account=account_id, entry_type=JournalEntryType.CASH, to_account=server.firm, amount=20.5,
            description="/fixtures/status=pending/fixtures/",
        )
    )  # fmt: skip
    assert client.get_trade_account_by_id(account_id).cash_transferable == "30.50"
    client.cancel_journal_by_id(waits.id)
    assert client.get_journal_by_id(waits.id).status.value == "canceled"
    assert client.get_trade_account_by_id(account_id).cash_transferable == "51.00"
    with pytest.raises(APIError) as caught:
        client.cancel_journal_by_id(arrived.id)
    assert caught.value.status_code == 422
    listed = client.get_journals(GetJournalsRequest(from_account=account_id, after=date(2026, 1, 1)))
    assert [one.id for one in listed] == [waits.id]
    assert client.get_journals(GetJournalsRequest(entry_type=JournalEntryType.SECURITY)) == []


def test_assets(client: BrokerClient) -> None:
    spy = client.get_asset("SPY")
    assert (spy.exchange.value, spy.tradable, spy.fractionable) == ("ARCA", True, True)
    assert client.get_asset(spy.id) == spy
    assert spy in client.get_all_assets()
    assert client.get_all_assets(GetAssetsRequest(asset_class="crypto")) == []
    with pytest.raises(APIError) as caught:
        client.get_asset("NOPE")
    assert caught.value.status_code == 404


def test_the_calendar_and_the_clock(client: BrokerClient) -> None:
    days = client.get_calendar(GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30)))
    assert [(d.date.day, d.open.strftime("%H:%M"), d.close.strftime("%H:%M")) for d in days] == [
        (25, "09:30", "16:00"),
        (27, "09:30", "13:00"),
        (30, "09:30", "16:00"),
    ]
    clock = client.get_clock()
    assert clock.is_open
    assert clock.timestamp.utcoffset() == timedelta(hours=-5)
    assert clock.timestamp < clock.next_close < clock.next_open


@pytest.mark.slow
def test_the_price_of_an_asset_from_market_data(server: Server) -> None:
    snapshots = server.http.get("/v2/stocks/snapshots", params={"symbols": "SPY,NOPE"}).text
    assert '"p":417.8}' in snapshots
    assert "NOPE" not in snapshots


@pytest.mark.slow
def test_the_example_of_the_readme_works(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0].replace("http://127.0.0.1:8090", server.url)
    exec(example, {"KEY": server.key, "SECRET": server.secret})  # noqa: S102
    assert "name='60/40'" in capsys.readouterr().out
