"""The API as documented in 2026: typos, codes, trade markers, lists, and the keys of Alpaca's Java client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.servers import BALANCED, Json, Server

pytestmark = pytest.mark.slow

PORTFOLIOS, RUNS = "/v1/rebalancing/portfolios", "/v1/rebalancing/runs"
WHOLE = [{"type": "asset", "symbol": "SPY", "percent": "100"}]


@pytest.fixture(scope="module", autouse=True)
def prices(server: Server) -> None:
    server.prices(SPY="400", TLT="100")


@pytest.mark.parametrize(
    ("path", "body", "typo", "meant"),
    [
        (PORTFOLIOS, {**BALANCED, "rebalance_condition": []}, "rebalance_condition", "rebalance_conditions"),
        (PORTFOLIOS, {**BALANCED, "coolDown_days": 7}, "coolDown_days", "cooldown_days"),
        (RUNS, {"acount_id": "x", "type": "full_rebalance"}, "acount_id", "account_id"),
        ("/v1/journals", {"entry_type": "JNLC", "from_acount": "x"}, "from_acount", "from_account"),
        ("/sandbox/deposits", {"account_id": "x", "amout": 5}, "amout", "amount"),
    ],
)
def test_a_misspelled_field_is_refused(server: Server, path: str, body: Json, typo: str, meant: str) -> None:
    before = len(server.get(PORTFOLIOS))
    assert f'unknown field "{typo}"; did you mean {meant}?' in server.post(path, body, 400)["message"]
    assert len(server.get(PORTFOLIOS)) == before


def test_an_unknown_field_is_named_in_a_header(server: Server) -> None:
    answer = server.http.post(PORTFOLIOS, json={**BALANCED, "color": "red", "é\r\nX-Evil: 1": 2})
    assert answer.status_code == 200
    assert 'unknown field "color" is ignored' in answer.headers["warnings"]
    assert "X-Evil" not in answer.headers
    assert "warnings" not in server.http.post(PORTFOLIOS, json=BALANCED).headers


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("statuss=inactive", 'unknown parameter "statuss"; did you mean status?'),
        ("Status=inactive", 'unknown parameter "Status"; did you mean status?'),
        ("portfolio=x", 'unknown parameter "portfolio"; did you mean portfolio_id?'),
        ("status=active&status=inactive", "status: expected once, got it 2 times"),
        ("&".join(["a=1"] * 501), "expected at most 500 parameters"),
        ("status=archived", "status: expected 'active', 'inactive' or 'needs_adjustment', got \"archived\""),
    ],
)
def test_a_filter_with_a_typo_is_refused(server: Server, query: str, message: str) -> None:
    answer = server.http.get(f"{PORTFOLIOS}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"code": 40010001, "message": message})


def test_an_unknown_parameter_is_named_in_a_header(server: Server) -> None:
    answer = server.http.get(PORTFOLIOS, params={"color": "red", "\r\nX-Evil": "1"})
    assert answer.headers["warnings"].startswith('unknown parameter "color" is ignored; ')
    assert "X-Evil" not in answer.headers
    answer = server.http.post(f"{PORTFOLIOS}?dry_run=true", json={**BALANCED, "shape": "x"})
    assert answer.headers["warnings"] == 'unknown parameter "dry_run" is ignored; unknown field "shape" is ignored'
    several = server.http.get("/v1/accounts?status=ACTIVE&status=DISABLED")
    assert (several.status_code, "warnings" in several.headers) == (200, False)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("deposits", {"account_id": "x", "amount": -5},
         "amount: expected dollars from 0.01 to 9,000,000,000 with at most two decimals, got -5"),
        ("accounts", {"name": " ", "cash": 1}, 'name: expected a name of 1 to 200 characters, got " "'),
        ("accounts", {"name": "a" * 201, "cash": 1}, "name: expected at most 200 characters, got 201"),
        ("step", {"minutes": 99_999}, "minutes: expected a whole number from 0 to 10,000, got 99999"),
    ],
)  # fmt: skip
def test_an_error_says_where_what_was_expected_and_what_was_found(
    server: Server, path: str, body: Json, message: str
) -> None:
    assert server.post(f"/sandbox/{path}", body, 400)["message"] == message


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", PORTFOLIOS, {**BALANCED, "name": 5}, 40010001),
        ("GET", RUNS + "?limit=0", None, 40010001),
        ("GET", "/v1/accounts/none", None, 40410000),
        ("GET", "/v1/nowhere", None, 40410000),
        ("PUT", "/v1/clock", None, 40510000),
        ("DELETE", f"{PORTFOLIOS}/none", None, 42210000),
    ],
)
def test_codes_are_the_status_and_a_number_of_their_own(
    server: Server, method: str, path: str, body: Json, code: int
) -> None:
    assert server.http.request(method, path, json=body).json()["code"] == code


def test_a_body_that_is_no_json_has_a_code_of_its_own(server: Server) -> None:
    answer = server.http.post(PORTFOLIOS, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == 40010000


def test_an_empty_page_token_is_the_first_page(server: Server) -> None:
    assert server.get(RUNS, page_token="") == server.get(RUNS)


def test_inactive_portfolios_are_listed_on_request_only(server: Server) -> None:
    portfolio_id = server.portfolio(name="Retired")
    server.http.delete(f"{PORTFOLIOS}/{portfolio_id}")
    assert portfolio_id not in [one["id"] for one in server.get(PORTFOLIOS)]
    assert portfolio_id in [one["id"] for one in server.get(PORTFOLIOS, status="inactive")]


def test_a_run_without_money_is_refused(server: Server) -> None:
    body = {"account_id": server.account("0"), "type": "full_rebalance", "weights": WHOLE}
    assert server.post(RUNS, body, 422)["message"].startswith("account not funded")


def test_the_answer_shows_a_run_as_it_was_made(server: Server) -> None:
    body = {"account_id": server.account("1000"), "type": "full_rebalance", "weights": WHOLE}
    made = server.post(RUNS, body)
    assert (made["status"], made["orders"], made["completed_at"]) == ("QUEUED", [], None)
    assert server.get(f"{RUNS}/{made['id']}")["status"] == "COMPLETED_SUCCESS"


def test_a_trade_marker_is_kept(server: Server) -> None:
    path, portfolio_id = "/v1/rebalancing/subscriptions", server.portfolio()
    shown = {}
    for marker in (None, "discretionary", "unsolicited"):
        account_id = server.account()
        body = {"account_id": account_id, "portfolio_id": portfolio_id, "trade_marker": marker}
        made = server.post(path, body)
        assert server.get(f"{path}/{made['id']}") == made
        assert server.get(path, account_id=account_id)["subscriptions"] == [made]
        shown[marker] = made["trade_marker"]
    assert shown == {None: None, "discretionary": None, "unsolicited": "unsolicited"}
    body = {"account_id": server.account(), "portfolio_id": portfolio_id, "trade_marker": "other"}
    assert server.post(path, body, 422)["message"].startswith("rebalancing_invalid_trade_marker")


def test_a_deposit_beyond_what_an_account_can_have_is_refused(server: Server) -> None:
    account_id = server.account("9000000000")
    body: dict[str, Any] = {"account_id": account_id, "amount": "1"}
    assert "at most $9,000,000,000" in server.post("/sandbox/deposits", body, 422)["message"]
    journal = {"entry_type": "JNLC", "from_account": server.firm, "to_account": account_id, "amount": "1"}
    assert "at most $9,000,000,000" in server.post("/v1/journals", journal, 422)["message"]
    assert server.get(f"/v1/trading/accounts/{account_id}/account")["cash"] == "9000000000.00"


def test_fractions_of_a_cent_are_refused(server: Server) -> None:
    journal = {"entry_type": "JNLC", "from_account": server.firm, "to_account": server.account(), "amount": "1.001"}
    assert "at most two decimals" in server.post("/v1/journals", journal, 400)["message"]
    body = {"account_id": server.account(), "amount": "1.001"}
    assert "at most two decimals" in server.post("/sandbox/deposits", body, 400)["message"]


def test_the_examples_of_the_documentation_name_assets_of_the_sandbox(server: Server) -> None:
    for symbol in ("TSLA", "GOOGL", "GOOG", "AAPL", "SPY", "TLT"):
        asset = server.extended(f"/v1/assets/{symbol}")
        assert (asset["tradable"], asset["fractionable"], asset["price"] is None) == (True, True, False)
    assert server.post("/sandbox/assets/NEW", {})["symbol"] == "NEW"


def test_the_keys_that_the_java_client_requires_are_there(server: Server) -> None:
    account_id = server.account("1000")
    server.post(RUNS, {"account_id": account_id, "type": "full_rebalance", "weights": WHOLE})
    assert server.get(f"/v1/accounts/{account_id}")["account_type"] == "trading"
    trading = server.get(f"/v1/trading/accounts/{account_id}/account")
    assert (trading["crypto_status"], trading["sma"]) == ("INACTIVE", "0")
    assert trading["effective_buying_power"] == trading["buying_power"]
    server.prices(SPY="450")
    (position,) = server.get(f"/v1/trading/accounts/{account_id}/positions")
    server.prices(SPY="400")
    assert position["unrealized_plpc"] == "0.125"
    assert (position["unrealized_intraday_pl"], position["unrealized_intraday_plpc"]) == ("0", "0")
    asset = server.get("/v1/assets/SPY")
    assert (asset["margin_requirement_long"], asset["margin_requirement_short"]) == ("100", "100")
