"""Exceptions, assets on hold and guards over the API (R-55, R-57, R-58); these operations are ours."""

from __future__ import annotations

import pytest

from tests.api.servers import Server

pytestmark = pytest.mark.slow


def test_a_guarded_price_jump_is_listed_and_released_once_for_all(server: Server) -> None:
    server.prices(SPY="400", TLT="100")
    server.step(sessions=1)  # Jumps are measured from the last session's close.
    assert server.post("/sandbox/settings", {"jump_guard": True})["jump_guard"] is True
    portfolio = server.portfolio()
    accounts = [server.account(name=f"Client {number}") for number in range(3)]
    for account in accounts:
        server.subscribe(account, portfolio)
    server.prices(SPY="40")
    page = server.get("/v1/rebalancing/exceptions", kind="asset_on_hold")
    (one,) = page["exceptions"]
    assert page["next_page_token"] is None
    assert (one["symbol"], one["accounts"], one["account_id"]) == ("SPY", 3, None)
    assert one["blocks"] == "automatic runs of all accounts that hold or target the asset"
    assert one["remedy"]
    assert one["since"].endswith("Z")
    assert [hold["symbol"] for hold in server.get("/v1/rebalancing/asset_holds")] == ["SPY"]
    server.step(minutes=15)
    assert server.get("/v1/rebalancing/runs", account_id=accounts[0])["runs"] == []
    released = server.post("/v1/rebalancing/asset_holds/SPY/release", {})
    assert (released["price"], released["looks_like"]) == ("40", "10-for-1 split")
    server.post("/v1/rebalancing/asset_holds/SPY/release", {}, 422)
    server.post("/v1/rebalancing/asset_holds/NONE/release", {}, 404)
    server.step(minutes=15)
    assert len(server.get("/v1/rebalancing/runs", account_id=accounts[0])["runs"]) == 1


def test_exceptions_come_in_pages_and_by_account(server: Server) -> None:
    accounts = [server.account(name=f"Closed {number}") for number in range(3)]
    for account in accounts:
        server.post(f"/sandbox/accounts/{account}", {"status": "ACCOUNT_CLOSED"})
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = server.get("/v1/rebalancing/exceptions", kind="account_not_active", limit=2, **token)
        found += [one["account_id"] for one in page["exceptions"]]
        if page["next_page_token"] is None:
            break
        token = {"page_token": page["next_page_token"]}
    assert [one for one in found if one in accounts] == accounts
    (mine,) = server.get("/v1/rebalancing/exceptions", account_id=accounts[1])["exceptions"]
    assert mine["text"] == "Closed 1 (" + mine["text"].partition("(")[2]
    assert server.http.get("/v1/rebalancing/exceptions", params={"kind": "nonsense"}).status_code == 400


def test_settings_are_checked_and_shown(server: Server) -> None:
    changed = server.post("/sandbox/settings", {"surge_guard": True, "surge_limit": "12.5", "surge_run_limit": 5000})
    assert (changed["surge_guard"], changed["surge_limit"], changed["surge_run_limit"]) == (True, "12.5", "5000.00")
    assert server.get("/sandbox/settings") == changed
    assert "jump_limit" in server.post("/sandbox/settings", {"jump_limit": 100}, 400)["message"]
    assert "surge_guarf" in server.post("/sandbox/settings", {"surge_guarf": True}, 400)["message"]
    assert server.get("/sandbox/settings") == changed
    server.post("/sandbox/settings", {"surge_guard": False, "jump_guard": False})


def test_the_operations_are_marked_as_ours(server: Server) -> None:
    paths = server.get("/openapi.json")["paths"]
    ours = {path for path, methods in paths.items() for one in methods.values() if "ours" in one.get("tags", ())}
    assert ours == {
        "/v1/rebalancing/exceptions", "/v1/rebalancing/asset_holds", "/v1/rebalancing/asset_holds/{symbol}/release",
        "/v1/rebalancing/settings", "/v1/rebalancing/subscriptions/{subscription_id}", "/v1/accounts/{account_id}",
    }  # fmt: skip
