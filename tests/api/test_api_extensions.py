"""Keys that Alpaca's API does not have: only in the answers to requests that ask for them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from rebal_tui.services.wire.contract import HEADER
from tests.api.servers import Json, Server

pytestmark = pytest.mark.slow

EXTENSIONS = {
    "/v1/rebalancing/portfolios": {
        "review", "rebalance_to", "rebalance_scope", "minimum_trade", "stagger_sessions"
    },
    "/v1/rebalancing/runs": {
        "runs[].kind", "runs[].override", "runs[].orders[].reject_reason", "runs[].failed_orders[].reject_reason"
    },
    "/v1/rebalancing/subscriptions": {"subscriptions[].overrides"},
    "/v1/accounts": {"name", "whole_shares", "minimum_trade"},
    "/v1/trading/accounts/{id}/account": {
        "name", "restrictions", "trade_restrictions", "trade_status", "trade_status.kind", "trade_status.waits_for",
        "trade_status.first_trade_at", "trade_status.sentence", "trade_status.note",
    },
    "/v1/trading/accounts/{id}/positions": set(),
    "/v1/trading/accounts/{id}/orders?status=all": {"reject_reason"},
    "/v1/accounts/positions": set(),
    "/v1/accounts/activities": set(),
    "/v1/assets/SPY": {"price", "price_at"},
    "/v1/journals": {"reason", "created_at", "updated_at"},
    "/v1/clock": set(),
    "/v1/calendar?start=2026-03-02&end=2026-03-06": set(),
    "/v2/events/rebalancer?since=2026-01-01&until={now}": {"run.kind"},
    "/v2/events/trades?since=2026-01-01&until={now}": {"order.reject_reason"},
    "/v1/events/nta?since=2026-01-01&until={now}": {"reference"},
}  # fmt: skip


@pytest.fixture(scope="module")
def account_id(server: Server) -> str:
    """An account with a run whose buys of TLT failed, a position and a journal."""
    server.prices(SPY="400", TLT="100")
    account_id = server.account("1000")
    server.post("/sandbox/rejections", {"account_id": account_id, "symbol": "TLT"})
    server.subscribe(account_id, server.portfolio())
    server.step(minutes=15)
    body = {"entry_type": "JNLC", "from_account": server.firm, "to_account": account_id, "amount": "5"}
    server.post("/v1/journals", body)
    server.step(minutes=1)
    return account_id


@pytest.mark.parametrize("path", EXTENSIONS)
def test_our_keys_are_there_only_for_those_who_ask(server: Server, account_id: str, path: str) -> None:
    asked = path.format(id=account_id, now=quote(server.get("/sandbox")["now"]))
    plain, extended = _keys(_answer(server, asked, {})), _keys(_answer(server, asked, {HEADER: "1"}))
    assert plain
    assert (extended - plain, plain - extended) == (EXTENSIONS[path], set())


def test_the_status_of_an_account_has_its_sentence_and_its_date(server: Server, account_id: str) -> None:
    path = f"/v1/trading/accounts/{account_id}/account"
    status = _answer(server, path, {HEADER: "1"})["trade_status"]
    assert (status["kind"], status["waits_for"]) == ("waits", "quota")
    assert status["sentence"].startswith("Waits for the next session; already traded today.")
    assert status["first_trade_at"].startswith("2026-03-03T14:30:00")
    idle = server.account("100")
    assert _answer(server, f"/v1/trading/accounts/{idle}/account", {HEADER: "1"})["trade_status"] is None


def test_the_document_says_which_keys_are_ours(server: Server) -> None:
    schemas = server.get("/openapi.json")["components"]["schemas"]
    assert HEADER in schemas["Portfolio"]["properties"]["review"]["description"]
    assert "review" not in schemas["Portfolio"]["required"]


def test_where_a_rebalance_stops_is_changed_by_patch(server: Server) -> None:
    path = f"/v1/rebalancing/portfolios/{server.portfolio()}"
    before = server.get(path)
    weekly = {"type": "calendar", "sub_type": "weekly", "day": "Monday"}
    change = {
        "rebalance_to": "edge", "rebalance_scope": "breached", "minimum_trade": {"amount": "250.5", "percent": 1},
        "rebalance_conditions": [weekly], "stagger_sessions": 5,
    }  # fmt: skip
    shown = server.http.patch(path, json=change, headers={HEADER: "1"}).json()
    minimum = {"amount": "250.50", "percent": "1"}
    assert {key: shown[key] for key in ("rebalance_to", "rebalance_scope", "minimum_trade", "stagger_sessions")} == {
        "rebalance_to": "edge", "rebalance_scope": "breached", "minimum_trade": minimum, "stagger_sessions": 5
    }  # fmt: skip
    refused = server.http.patch(path, json={"stagger_sessions": 6})
    assert (refused.status_code, "at most 5 sessions" in refused.text) == (400, True)
    plain = server.http.patch(path, json={"rebalance_conditions": [], "minimum_trade": {}}).json()
    assert plain.keys() == before.keys()
    assert server.http.get(path, headers={HEADER: "1"}).json() | {"updated_at": ""} == shown | {
        "updated_at": "", "rebalance_conditions": [], "minimum_trade": None, "stagger_sessions": 1
    }  # fmt: skip


def test_settings_of_an_account_are_changed_by_patch(server: Server) -> None:
    path = f"/v1/accounts/{server.account('1000')}"
    before = server.extended(path)
    assert (before["whole_shares"], before["minimum_trade"]) == (False, None)
    change = {"whole_shares": True, "minimum_trade": {"amount": "250.5"}}
    shown = server.http.patch(path, json=change, headers={HEADER: "1"}).json()
    assert (shown["whole_shares"], shown["minimum_trade"]) == (True, {"amount": "250.50", "percent": "0"})
    assert server.http.patch(path, json={"minimum_trade": {}}).json().keys() == server.get(path).keys()
    assert server.extended(path) == before | {"whole_shares": True}
    refused = server.http.patch(path, json={"contact": {"city": "Oslo"}})
    assert (refused.status_code, "unknown field" in refused.text) == (400, True)
    assert server.http.patch("/v1/accounts/none", json={}).status_code == 404


def test_overrides_of_a_subscription_are_made_changed_and_removed(server: Server) -> None:
    overrides = {"cooldown_days": 31, "rebalance_conditions": [], "minimum_trade": {"percent": "1"}, "review": True}
    body = {"account_id": server.account("1000"), "portfolio_id": server.portfolio(), "overrides": overrides}
    path = f"/v1/rebalancing/subscriptions/{server.post('/v1/rebalancing/subscriptions', body)['id']}"
    assert server.extended(path)["overrides"] == overrides | {"minimum_trade": {"amount": "0.00", "percent": "1"}}
    shown = server.http.patch(path, json={"overrides": {"cooldown_days": 5}}, headers={HEADER: "1"}).json()
    assert shown["overrides"] == dict.fromkeys(overrides) | {"cooldown_days": 5}
    refused = server.http.patch(path, json={"overrides": {"cooldown_days": -1}})
    assert (refused.status_code, "cooldown_days" in refused.text) == (400, True)
    assert server.http.patch(path, json={"overrides": {}}, headers={HEADER: "1"}).json()["overrides"] is None
    assert server.http.patch("/v1/rebalancing/subscriptions/none", json={"overrides": None}).status_code == 404


def test_the_minimum_trade_of_the_book(server: Server) -> None:
    path = "/v1/rebalancing/settings"
    changed = server.http.patch(path, json={"minimum_trade": {"amount": 1, "percent": "0.5"}})
    assert changed.json() == server.get(path) == {"minimum_trade": {"amount": "1.00", "percent": "0.5"}}
    assert server.http.patch(path, json={"minimum_trade": {}}).json() == {"minimum_trade": None}


def test_an_override_of_a_run_needs_a_restriction_of_the_account(server: Server) -> None:
    account_id = server.account("1000")
    server.subscribe(account_id, server.portfolio())
    body = {"account_id": account_id, "type": "full_rebalance", "override": {"restrictions": ["none"], "note": "why"}}
    refused = server.post("/v1/rebalancing/runs", body, 400)
    assert 'override.restrictions: no restriction "none" holds' in refused["message"]
    body["override"] = {"restrictions": [], "note": 1}
    assert server.post("/v1/rebalancing/runs", body, 400)["message"].count("override.") == 2


def _answer(server: Server, path: str, headers: dict[str, str]) -> Json:
    answer = server.http.get(path, headers=headers)
    assert answer.status_code == 200
    if "/events/" not in path:
        return answer.json()
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


def _keys(content: Any, at: str = "") -> set[str]:
    """The paths of all keys; the items of a list share theirs."""
    if isinstance(content, list):
        inside = f"{at}[]" if at else ""
        return set().union(*(_keys(one, inside) for one in content))
    if not isinstance(content, dict):
        return set()
    found = set()
    for key, inner in content.items():
        place = f"{at}.{key}" if at else key
        found |= {place} | _keys(inner, place)
    return found
