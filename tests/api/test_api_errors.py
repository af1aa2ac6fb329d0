"""Refusals: every case of the table with its status; a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.api.servers import BALANCED, Json, Server

pytestmark = pytest.mark.slow

NOBODY = "00000000-0000-4000-8000-000000000000"
SPY_ONLY = [{"type": "asset", "symbol": "SPY", "percent": "100"}]


@dataclass(frozen=True)
class Fixtures:
    """Accounts and portfolios in every state."""

    free: str
    subscribed: str
    disabled: str
    ordering: str
    running: str
    portfolio: str
    inactive: str
    subscription: str
    done: str
    journal: str
    order: str
    firm: str


@pytest.fixture(scope="module")
def fixtures(server: Server) -> Fixtures:
    server.prices(SPY="400", TLT="100")
    portfolio, inactive, subscribed = server.portfolio(), server.portfolio(name="Old"), server.account()
    server.http.delete(f"/v1/rebalancing/portfolios/{inactive}")
    subscription = server.subscribe(subscribed, portfolio)
    disabled, ordering, running, free = server.account(), server.account(), server.account(), server.account()
    server.post(f"/sandbox/accounts/{disabled}", {"status": "DISABLED"})
    run = {"type": "full_rebalance", "weights": SPY_ONLY}
    done = server.post("/v1/rebalancing/runs", {**run, "account_id": server.account("100")})["id"]
    server.post("/sandbox/assets/QQQ", {"tradable": False})
    server.post("/sandbox/assets/IWM", {"status": "inactive"})
    server.post("/sandbox/assets/DIA", {"fractionable": False})
    server.post("/sandbox/assets/GLD", {"halted": True})
    waits = {"symbol": "GLD", "notional": "10", "side": "buy", "type": "market", "time_in_force": "day"}
    server.post(f"/v1/trading/accounts/{ordering}/orders", waits)
    halted = [{"type": "asset", "symbol": "GLD", "percent": "100"}]
    server.post("/v1/rebalancing/runs", {**run, "weights": halted, "account_id": running})
    journal = server.post("/v1/journals", _journal(server.firm, free, "5"))["id"]
    filled = {**waits, "symbol": "SPY"}
    order = server.post(f"/v1/trading/accounts/{free}/orders", filled)["id"]
    return Fixtures(
        free, subscribed, disabled, ordering, running, portfolio, inactive, subscription, done, journal, order,
        server.firm,
    )  # fmt: skip


@pytest.fixture(scope="module")
def before(server: Server, fixtures: Fixtures) -> Json:
    """The book after setup; no refusal may change it."""
    return _everything(server)


def _journal(source: str, target: str, amount: Json) -> Json:
    return {"entry_type": "JNLC", "from_account": source, "to_account": target, "amount": amount}


def _weights(*percents: Json) -> list[Json]:
    return [
        {"type": "asset", "symbol": symbol, "percent": percent}
        for symbol, percent in zip(("SPY", "TLT", "AGG"), percents, strict=False)
    ]


def _portfolio(**changes: Json) -> Callable[[Fixtures], tuple[str, str, Json]]:
    body = {name: value for name, value in {**BALANCED, **changes}.items() if value is not ...}
    return lambda w: ("POST", "/v1/rebalancing/portfolios", body)


def _condition(*conditions: Json) -> Callable[[Fixtures], tuple[str, str, Json]]:
    return _portfolio(rebalance_conditions=list(conditions))


def _asset(symbol: str) -> Callable[[Fixtures], tuple[str, str, Json]]:
    return _portfolio(weights=[{"type": "asset", "symbol": symbol, "percent": 100}])


def _subscribe(account: str, portfolio: str = "portfolio") -> Callable[[Fixtures], tuple[str, str, Json]]:
    def ask(w: Fixtures) -> tuple[str, str, Json]:
        body = {"account_id": getattr(w, account, account), "portfolio_id": getattr(w, portfolio, portfolio)}
        return "POST", "/v1/rebalancing/subscriptions", body

    return ask


def _run(account: str, **more: Json) -> Callable[[Fixtures], tuple[str, str, Json]]:
    def ask(w: Fixtures) -> tuple[str, str, Json]:
        body = {"account_id": getattr(w, account, account), "type": "full_rebalance", **more}
        return "POST", "/v1/rebalancing/runs", {name: value for name, value in body.items() if value is not ...}

    return ask


def _order(account: str = "free", **changes: Json) -> Callable[[Fixtures], tuple[str, str, Json]]:
    default_order = {"symbol": "SPY", "notional": "10", "side": "buy", "type": "market", "time_in_force": "day"}
    body = {name: value for name, value in {**default_order, **changes}.items() if value is not ...}
    return lambda w: ("POST", f"/v1/trading/accounts/{getattr(w, account, account)}/orders", body)


def _ask(method: str, path: str, body: Json = None) -> Callable[[Fixtures], tuple[str, str, Json]]:
    return lambda w: (method, path.format(w=w, nobody=NOBODY), body)


BAND = {"type": "drift_band", "sub_type": "absolute", "percent": "5"}
DAY = {"type": "calendar", "sub_type": "monthly", "day": "15"}
P, S, R, J = (f"/v1/rebalancing/{name}" for name in ("portfolios", "subscriptions", "runs", "journals"))

CASES: list[tuple[str, Callable[[Fixtures], tuple[str, str, Json]], int, str]] = [
    ("no name", _portfolio(name=...), 400, "name is required"),
    ("no weights", _portfolio(weights=...), 400, "weights is required"),
    ("no object", _ask("POST", P, [1]), 400, "expected a portfolio"),
    ("weights below 100", _portfolio(weights=_weights(60, 35)), 400, "weights must sum to 100"),
    ("weights above 100", _portfolio(weights=_weights("60", "40.01")), 400, "weights must sum to 100"),
    ("percent 0", _portfolio(weights=_weights("100", 0)), 400, "weights[1].percent"),
    ("percent below 0", _portfolio(weights=_weights("110", -10)), 400, "weights[1].percent"),
    ("percent of three decimals", _portfolio(weights=_weights(66.667, "33.333")), 400, "weights[0].percent"),
    ("percent no number", _portfolio(weights=_weights("sixty")), 400, "weights[0].percent"),
    ("an asset without a symbol", _portfolio(weights=[{"type": "asset", "percent": 100}]), 400, "symbol is required"),
    ("an asset twice", _portfolio(weights=[*_weights(50), *_weights(50)]), 400, "duplicate asset SPY"),
    ("cash twice", _portfolio(weights=[{"type": "cash", "percent": 50}] * 2), 400, "duplicate cash"),
    ("an unknown type", _portfolio(weights=[{"type": "nested", "percent": 100}]), 400, "expected asset or cash"),
    ("an unknown asset", _asset("NOPE"), 422, "asset NOPE is unknown"),
    ("an untradable asset", _asset("QQQ"), 422, "asset QQQ is not tradable"),
    ("an inactive asset", _asset("IWM"), 422, "asset IWM is inactive"),
    ("an unfractionable asset", _asset("DIA"), 422, "asset DIA is not fractionable"),
    ("a cooldown below 0", _portfolio(cooldown_days=-1), 400, "cooldown_days"),
    ("a cooldown of half days", _portfolio(cooldown_days=1.5), 400, "cooldown_days"),
    ("a band by the calendar", _condition({**BAND, "sub_type": "weekly"}), 400, "[0].sub_type"),
    ("a band with a day", _condition({**BAND, "day": "15"}), 400, "[0].day"),
    ("a band of 0", _condition({**BAND, "percent": "0"}), 400, "[0].percent"),
    ("a calendar with a percent", _condition({**DAY, "percent": "5"}), 400, "[0].percent"),
    ("a calendar without a day", _condition({**DAY, "day": None}), 400, "day is required"),
    ("day 32", _condition({**DAY, "day": "32"}), 400, "[0].day"),
    ("two calendars", _condition(DAY, {**DAY, "day": "1"}), 400, "one calendar"),
    ("an invisible name", _portfolio(name="a\u202eb"), 400, "U+202E"),
    ("an unknown portfolio", _ask("GET", P + "/{nobody}"), 404, NOBODY),
    ("a change of an unknown portfolio", _ask("PATCH", P + "/{nobody}", {"name": "x"}), 404, NOBODY),
    ("a change to a wrong sum", _ask("PATCH", P + "/{w.portfolio}", {"weights": _weights(99)}), 400, "sum to 100"),
    ("a change of status to inactive", _ask("PATCH", P + "/{w.portfolio}", {"status": "inactive"}), 400, "status"),
    ("a change of an inactive portfolio", _ask("PATCH", P + "/{w.inactive}", {"name": "x"}), 422, "inactive"),
    ("the end of an unknown portfolio", _ask("DELETE", P + "/{nobody}"), 422, "invalid portfolio_id"),
    ("the end of an inactive portfolio", _ask("DELETE", P + "/{w.inactive}"), 422, "already inactive"),
    ("the end of one with subscribers", _ask("DELETE", P + "/{w.portfolio}"), 422, "subscriber"),
    ("no account_id", _ask("POST", S, {"portfolio_id": NOBODY}), 400, "account_id is required"),
    ("an unknown account subscribes", _subscribe(NOBODY), 404, NOBODY),
    ("to an unknown portfolio", _subscribe("free", NOBODY), 404, NOBODY),
    ("to an inactive portfolio", _subscribe("free", "inactive"), 422, "is inactive"),
    ("a disabled account subscribes", _subscribe("disabled"), 422, "not ACTIVE"),
    ("a subscribed account subscribes", _subscribe("subscribed"), 422, "subscription already exists"),
    ("an account with open orders subscribes", _subscribe("ordering"), 422, "open orders"),
    ("an unknown subscription", _ask("GET", S + "/{nobody}"), 404, NOBODY),
    ("the end of an unknown subscription", _ask("DELETE", S + "/{nobody}"), 422, "does not exist"),
    ("a run without a type", _run("free", type=..., weights=SPY_ONLY), 400, "type is required"),
    ("a run of an unknown type", _run("free", type="melt"), 400, "type"),
    ("a run of an unknown account", _run(NOBODY, weights=SPY_ONLY), 404, NOBODY),
    ("weights while subscribed", _run("subscribed", weights=SPY_ONLY), 422, "while the account is subscribed"),
    ("neither weights nor subscription", _run("free", weights=[]), 422, "no weights and no subscription"),
    ("a second run", _run("running", weights=SPY_ONLY), 422, "has an unfinished run"),
    ("a run of a disabled account", _run("disabled", weights=SPY_ONLY), 422, "DISABLED"),
    ("too large an amount", _run("free", type="partial_liquidation", amount="99999", weights=SPY_ONLY), 422, "amount"),
    ("an amount of a full rebalance", _run("free", amount="5", weights=SPY_ONLY), 400, "amount"),
    ("an unknown run", _ask("GET", R + "/{nobody}"), 404, NOBODY),
    ("the cancel of a finished run", _ask("DELETE", R + "/{w.done}"), 422, "not cancelable"),
    ("the cancel of an unknown run", _ask("DELETE", R + "/{nobody}"), 404, NOBODY),
    ("an unknown status", _ask("GET", R + "?status=MELTED"), 400, "status"),
    ("a page of 0", _ask("GET", R + "?limit=0"), 400, "limit"),
    ("a page too large", _ask("GET", R + "?limit=1001"), 400, "limit"),
    ("a page token that is none", _ask("GET", R + "?page_token=%C3%A9"), 400, "page_token"),
    ("an order of a subscribed account", _order("subscribed"), 403, "subscribed"),
    ("an order of an unknown account", _order(NOBODY), 404, NOBODY),
    ("an order below $1", _order(notional="0.99"), 422, "$1"),
    ("notional and qty", _order(qty="1"), 400, "either qty or notional"),
    ("neither", _order(notional=...), 400, "either qty or notional"),
    ("a notional of three decimals", _order(notional="10.001"), 400, "two decimals"),
    ("a qty of ten decimals", _order(notional=..., qty="0.0000000001"), 400, "qty"),
    ("a limit order", _order(type="limit", limit_price="5"), 422, "only market orders"),
    ("an order for weeks", _order(time_in_force="gtc"), 422, "only market orders"),
    ("more than the account has", _order(notional="99999"), 403, "buying power"),
    ("more than the account holds", _order(notional=..., qty="99", side="sell"), 403, "insufficient quantity"),
    ("an order of an untradable asset", _order(symbol="QQQ"), 422, "not tradable"),
    ("a fraction of an unfractionable asset", _order(symbol="DIA"), 422, "requested asset is not fractionable"),
    ("an unknown order", _ask("GET", "/v1/trading/accounts/{w.free}/orders/{nobody}"), 404, NOBODY),
    ("the cancel of a filled order", _ask("DELETE", "/v1/trading/accounts/{w.free}/orders/{w.order}"), 422, "filled"),
    ("an unknown client_order_id",
     _ask("GET", "/v1/trading/accounts/{w.free}/orders:by_client_order_id?client_order_id=x"), 404, "client_order_id"),
    ("an unknown position", _ask("GET", "/v1/trading/accounts/{w.free}/positions/TLT"), 404, "position"),
    ("an unknown account", _ask("GET", "/v1/accounts/{nobody}"), 404, NOBODY),
    ("figures of an unknown account", _ask("GET", "/v1/trading/accounts/{nobody}/account"), 404, NOBODY),
    ("a journal of zero", lambda w: ("POST", "/v1/journals", _journal(w.firm, w.free, 0)), 400, "amount"),
    ("too large a journal", lambda w: ("POST", "/v1/journals", _journal(w.free, w.firm, "99999")), 403, "transferable"),
    ("a journal to an unknown account", lambda w: ("POST", "/v1/journals", _journal(w.firm, NOBODY, 5)), 404, NOBODY),
    ("a journal between clients",
     lambda w: ("POST", "/v1/journals", _journal(w.free, w.subscribed, 5)), 422, "the firm account"),
    ("a journal into a disabled account",
     lambda w: ("POST", "/v1/journals", _journal(w.firm, w.disabled, 5)), 403, "DISABLED"),
    ("a journal of shares",
     lambda w: ("POST", "/v1/journals", {**_journal(w.firm, w.free, 5), "entry_type": "JNLS"}), 422, "JNLC"),
    ("the cancel of an executed journal", _ask("DELETE", "/v1/journals/{w.journal}"), 422, "not pending"),
    ("an unknown journal", _ask("GET", "/v1/journals/{nobody}"), 404, NOBODY),
    ("the cancel of an unknown journal", _ask("DELETE", "/v1/journals/{nobody}"), 404, "journal"),
    ("an unknown asset by name", _ask("GET", "/v1/assets/NOPE"), 404, "NOPE"),
    ("a day that is none", _ask("GET", "/v1/calendar?start=2026-02-30"), 400, "start"),
    ("an unknown path", _ask("GET", "/v1/nowhere"), 404, "endpoint not found"),
    ("another method", _ask("PUT", P, {}), 405, "method not allowed"),
    ("a price of an unknown asset", _ask("POST", "/sandbox/prices", {"NOPE": "5"}), 422, "NOPE"),
    ("a price of 0", _ask("POST", "/sandbox/prices", {"SPY": "0"}), 400, "SPY"),
    ("a step to nowhere", _ask("POST", "/sandbox/step", {}), 400, "sessions or minutes"),
    ("a step too far", _ask("POST", "/sandbox/step", {"sessions": 261}), 400, "260"),
    ("an unknown deposit account", _ask("POST", "/sandbox/deposits", {"account_id": NOBODY, "amount": 5}), 404, NOBODY),
    ("since a time and an event",
     _ask("GET", "/v2/events/rebalancer?since=2026-01-01&since_id=" + "0" * 26), 400, "since"),
    ("since an event that is none", _ask("GET", "/v2/events/rebalancer?since_id=abc"), 400, "since_id"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "status", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_refusal_has_its_status_and_names_the_fault(
    server: Server,
    fixtures: Fixtures,
    before: Json,
    ask: Callable[[Fixtures], tuple[str, str, Json]],
    status: int,
    message: str,
) -> None:
    method, path, body = ask(fixtures)
    answer = server.http.request(method, path, json=body)
    assert (answer.status_code, message in answer.text) == (status, True), answer.text
    problem = answer.json()
    assert sorted(problem) == ["code", "message"]
    assert problem["code"] // 100_000 == status
    assert _everything(server) == before


def _everything(server: Server) -> Json:
    paths = (P, S, R, "/v1/accounts/positions", "/v1/accounts", "/v1/journals")
    return [server.get(path) for path in paths]


MALFORMED: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("no JSON", b"{", {}, 400, "not JSON"),
    ("nothing", b"", {}, 400, "not JSON"),
    ("NaN", b'{"name": NaN}', {}, 400, "NaN"),
    ("a key twice", b'{"name": "a", "name": "b"}', {}, 400, "twice"),
    ("not UTF-8", b'{"name": "\xff"}', {}, 400, "UTF-8"),
    ("nested too deep", b"[" * 1_000 + b"]" * 1_000, {}, 400, "nested"),
    ("a form", b"name=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    ("compressed", b"{}", {"Content-Encoding": "gzip"}, 415, "not compressed"),
    ("no type", b"{}", {"Content-Type": ""}, 415, "application/json"),
    ("too large", b" " * (1024 * 1024 + 1), {}, 413, "larger"),
]


@pytest.mark.parametrize(
    ("content", "headers", "status", "message"), [c[1:] for c in MALFORMED], ids=[c[0] for c in MALFORMED]
)
def test_a_body_that_cannot_be_read(
    server: Server, content: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    answer = server.http.post(P, content=content, headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


def test_a_body_without_a_content_length_is_limited(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2_000):
            yield b" " * 1024

    answer = server.http.post(P, content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_decimals_are_read_exactly(server: Server) -> None:
    """As binary floats, these weights would not sum to 100."""
    body = {**BALANCED, "weights": _weights("33.33", 33.33, 33.34)}
    assert [w["percent"] for w in server.post(P, body)["weights"]] == ["33.33", "33.33", "33.34"]
    account_id = server.account("0.000000001")
    assert server.get(f"/v1/trading/accounts/{account_id}/account")["cash"] == "0.000000001"


def test_an_idempotency_key_makes_a_repeat_harmless(server: Server) -> None:
    account_id, headers = server.account("0"), {"Idempotency-Key": "salary-2026-03"}
    body = _journal(server.firm, account_id, "12.50")
    first = server.http.post("/v1/journals", json=body, headers=headers).json()
    again = server.http.post("/v1/journals", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert server.get(f"/v1/trading/accounts/{account_id}/account")["cash"] == "12.50"
    other = server.http.post("/v1/journals", json={**body, "amount": "13"}, headers=headers)
    assert (other.status_code, "idempotency key" in other.json()["message"]) == (422, True)


def test_the_beta_paths_give_the_same_answers(server: Server) -> None:
    assert server.get("/v1/beta/rebalancing/portfolios") == server.get("/v1/rebalancing/portfolios")
