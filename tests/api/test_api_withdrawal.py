"""A cash withdrawal step by step over HTTP, with the scheduler's actions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.servers import Server

pytestmark = pytest.mark.slow


def figures(server: Server, account_id: str) -> dict[str, Decimal]:
    answer = server.get(f"/v1/trading/accounts/{account_id}/account")
    return {name: Decimal(answer[name]) for name in ("cash", "cash_withdrawable", "cash_transferable", "equity")}


def test_the_documented_withdrawal_steps_work(server: Server) -> None:
    server.prices(SPY="400", TLT="100")
    account_id, portfolio_id = server.account("50000"), server.portfolio()
    subscription_id = server.subscribe(account_id, portfolio_id)
    server.step(minutes=15)
    assert figures(server, account_id) == {
        "cash": Decimal(2500), "cash_withdrawable": Decimal(2500), "cash_transferable": Decimal(2500),
        "equity": Decimal(50000),
    }  # fmt: skip

    # 1. Unsubscribe.
    assert server.http.delete(f"/v1/rebalancing/subscriptions/{subscription_id}").status_code == 204

    # 2. A manual run with revised weights: 25 % cash, for a withdrawal of $10,000.
    weights = [
        {"type": "cash", "percent": "25"},
        {"type": "asset", "symbol": "SPY", "percent": "47.37"},
        {"type": "asset", "symbol": "TLT", "percent": "27.63"},
    ]
    run = server.post("/v1/rebalancing/runs", {"account_id": account_id, "type": "full_rebalance", "weights": weights})
    run = server.get(f"/v1/rebalancing/runs/{run['id']}")
    assert (run["status"], run["initiated_from"]) == ("COMPLETED_SUCCESS", "api")
    assert {order["side"] for order in run["orders"]} == {"sell"}

    # 3. The proceeds are cash at once, and withdrawable on the next trading day (T+1).
    sold = figures(server, account_id)
    assert (sold["cash"], sold["cash_withdrawable"]) == (Decimal(12500), Decimal(2500))
    early = {"entry_type": "JNLC", "from_account": account_id, "to_account": server.firm, "amount": 10000}
    server.post("/v1/journals", early, 403)
    server.step(sessions=1)
    settled = figures(server, account_id)
    assert (settled["cash_withdrawable"], settled["cash_transferable"]) == (Decimal(12500), Decimal(12500))

    # 4. Journal the money to the firm account.
    journal = server.post("/v1/journals", early)
    assert (journal["status"], journal["net_amount"]) == ("executed", "10000.00")
    assert figures(server, account_id)["cash"] == Decimal(2500)

    # 5. Subscribe again; the first evaluation rebalances the remaining equity.
    server.subscribe(account_id, portfolio_id)
    server.step(minutes=15)
    (latest, *_) = server.get("/v1/rebalancing/runs", account_id=account_id)["runs"]
    assert (latest["type"], latest["initiated_from"], latest["status"]) == (
        "full_rebalance", "system", "COMPLETED_SUCCESS",
    )  # fmt: skip
    left = figures(server, account_id)
    assert left["equity"] == Decimal(40000)
    assert abs(left["cash"] - Decimal(2000)) < Decimal("0.05")


def test_cash_that_arrives_is_invested_at_the_next_evaluation_once_a_session(server: Server) -> None:
    server.prices(SPY="400", TLT="100")
    account_id = server.account("10000")
    server.subscribe(account_id, server.portfolio(cooldown_days=30))
    server.step(minutes=15)
    server.step(sessions=1)
    server.post("/sandbox/deposits", {"account_id": account_id, "amount": "1000"})
    server.step(minutes=15)
    found = server.get("/v1/rebalancing/runs", account_id=account_id)["runs"]
    assert [run["type"] for run in found] == ["invest_cash", "full_rebalance"]
    server.post("/sandbox/deposits", {"account_id": account_id, "amount": "1000"})
    server.step(minutes=30)
    assert len(server.get("/v1/rebalancing/runs", account_id=account_id)["runs"]) == 2
    server.step(sessions=1)
    assert len(server.get("/v1/rebalancing/runs", account_id=account_id)["runs"]) == 3


def test_a_price_that_leaves_the_band_starts_a_rebalance_after_the_cooldown(server: Server) -> None:
    server.prices(SPY="400", TLT="100")
    account_id = server.account("10000")
    server.subscribe(account_id, server.portfolio(cooldown_days=0))
    server.step(minutes=15)
    server.prices(SPY="520")
    server.step(sessions=1)
    (latest, *_) = server.get("/v1/rebalancing/runs", account_id=account_id)["runs"]
    assert [(order["symbol"], order["side"]) for order in latest["orders"]] == [("SPY", "sell"), ("TLT", "buy")]
    assert server.extended("/v1/assets/SPY")["price"] == "520"


def test_an_asset_that_becomes_untradable_marks_its_portfolio_until_it_is_reactivated(server: Server) -> None:
    server.prices(GLD="200")
    portfolio_id = server.portfolio(weights=[{"type": "asset", "symbol": "GLD", "percent": "100"}])
    account_id = server.account("1000")
    server.subscribe(account_id, portfolio_id)
    server.post("/sandbox/assets/GLD", {"tradable": False})
    server.step(minutes=15)
    path = f"/v1/rebalancing/portfolios/{portfolio_id}"
    assert server.get(path)["status"] == "needs_adjustment"
    refused = server.http.patch(path, json={"status": "active"})
    assert refused.status_code == 422
    assert "GLD" in refused.json()["message"]
    server.post("/sandbox/assets/GLD", {"tradable": True})
    assert server.http.patch(path, json={"status": "active"}).json()["status"] == "active"
    server.step(minutes=15)
    assert server.get("/v1/rebalancing/runs", account_id=account_id)["runs"][0]["status"] == "COMPLETED_SUCCESS"
