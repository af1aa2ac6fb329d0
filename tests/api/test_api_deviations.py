"""No response contains a value that Alpaca's own client rejects.

Each row puts one rejected value into a response: the client accepts the original and rejects the change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from alpaca.broker.models import Account, Journal, Portfolio, RebalancingRun, Subscription, TradeAccount
from alpaca.broker.requests import RebalancingConditions, Weight
from alpaca.trading.models import Asset, Calendar, Order, Position

from rebal_tui.domain.assets import Asset as OurAsset
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.services.wire.shapes import asset_json
from tests.api.servers import Json, Server

pytestmark = pytest.mark.slow

MODELS: dict[str, Callable[..., Any]] = {
    "run": RebalancingRun, "portfolio": Portfolio, "subscription": Subscription, "trading account": TradeAccount,
    "account": Account, "journal": Journal, "asset": Asset, "calendar": Calendar, "order": Order, "position": Position,
}  # fmt: skip
GONE = object()
WHOLE = [{"type": "asset", "symbol": "SPY", "percent": "100"}]


@dataclass(frozen=True)
class Row:
    """A rejected response: a value at a path, or its absence."""

    model: str
    path: tuple[str | int, ...]
    value: object

    def __str__(self) -> str:
        value_text = "missing" if self.value is GONE else repr(self.value)
        return f"{self.model} {'.'.join(map(str, self.path))} {value_text}"


ROWS = [
    *(Row("run", ("status",), v) for v in ("SELLS_IN_PROGRESS", "BUYS_IN_PROGRESS", "FINISHED")),
    Row("run", ("initiated_from",), "dashboard"),
    Row("run", ("type",), "partial_liquidation"),
    Row("run", ("portfolio_id",), None),
    Row("run", ("portfolio_id",), GONE),
    Row("run", ("amount",), 12.5),
    Row("run", ("weights",), GONE),
    Row("run", ("updated_at",), GONE),
    Row("run", ("skipped_orders", 0, "notional"), 0.5),
    Row("run", ("skipped_orders", 0, "reason_details"), GONE),
    Row("run", ("orders", 0, "notional"), 12.5),
    Row("run", ("orders", 0, "status"), "melted"),
    Row("run", ("orders", 0, "submitted_at"), None),
    Row("run", ("orders", 0, "extended_hours"), GONE),
    Row("run", ("failed_orders", 0, "submitted_at"), None),
    Row("run", ("weights", 0, "percent"), "0"),
    Row("order", ("notional",), 12.5),
    Row("order", ("status",), "melted"),
    Row("portfolio", ("description",), None),
    Row("portfolio", ("weights", 0, "percent"), "0"),
    Row("portfolio", ("weights", 1, "symbol"), GONE),
    Row("portfolio", ("rebalance_conditions", 0, "type"), "on_portfolio_update"),
    Row("portfolio", ("rebalance_conditions", 1, "day"), 15),
    Row("portfolio", ("status",), "archived"),
    *(
        Row("trading account", (name,), GONE)
        for name in (
            "cash_withdrawable", "cash_transferable", "previous_close", "last_long_market_value",
            "last_short_market_value", "last_cash", "last_initial_margin", "last_regt_buying_power",
            "last_buying_power", "clearing_broker",
        )
    ),
    Row("trading account", ("cash",), 12.5),
    Row("trading account", ("clearing_broker",), "Velox"),
    Row("account", ("last_equity",), 12.5),
    *(Row("account", (name,), None) for name in ("contact", "identity", "documents", "account_number")),
    Row("journal", ("status",), "activity_created"),
    Row("journal", ("qty",), ""),
    Row("asset", ("exchange",), "XNAS"),
    *(Row("asset", (name,), GONE) for name in ("class", "easy_to_borrow", "fractionable")),
    *(Row("calendar", ("open",), value) for value in ("0930", "09:30:00")),
    *(Row("position", (name,), GONE) for name in ("asset_id", "exchange", "cost_basis", "avg_entry_price")),
]  # fmt: skip

JAVA_KEYS = {
    "account": {"account_type"},
    "trading account": {"crypto_status", "effective_buying_power", "sma"},
    "position": {"unrealized_plpc", "unrealized_intraday_pl", "unrealized_intraday_plpc"},
    "asset": {"margin_requirement_long", "margin_requirement_short"},
    "subscription": {"trade_marker"},
}
"""The keys without which the readers of Alpaca's Java client stop."""


@pytest.fixture(scope="module")
def answers(server: Server) -> dict[str, list[Json]]:
    """Responses of every type: runs of every status and type, failed and skipped orders, restricted accounts."""
    server.prices(SPY="400", TLT="100")
    subscribed, portfolio_id = server.account(), server.portfolio()
    server.portfolio(
        description=None,
        weights=[{"type": "cash", "percent": 0}, *WHOLE],
        rebalance_conditions=[
            {"type": "drift_band", "sub_type": "absolute", "percent": 5},
            {"type": "calendar", "sub_type": "monthly", "day": "15"},
        ],
    )
    server.subscribe(subscribed, portfolio_id)
    server.step(minutes=15)
    _runs(server)
    for account_id, change in (
        (server.account(), {"restrictions": ["ach_return"]}),
        (server.account(), {"status": "DISABLED"}),
    ):
        server.post(f"/sandbox/accounts/{account_id}", change)
    for description in ("", "/fixtures/status=pending/fixtures/", "/fixtures/status=rejected/fixtures/"):
        body = {"entry_type": "JNLC", "from_account": server.firm, "to_account": subscribed, "amount": "5"}
        server.post("/v1/journals", {**body, "description": description})
    accounts = server.get("/v1/accounts")
    ids = [account["id"] for account in accounts]
    return {
        "run": server.get("/v1/rebalancing/runs")["runs"],
        "portfolio": server.get("/v1/rebalancing/portfolios"),
        "subscription": server.get("/v1/rebalancing/subscriptions")["subscriptions"],
        "trading account": [server.get(f"/v1/trading/accounts/{one}/account") for one in ids],
        "account": accounts,
        "journal": server.get("/v1/journals"),
        "asset": server.get("/v1/assets"),
        "calendar": server.get("/v1/calendar"),
        "order": [o for one in ids for o in server.get(f"/v1/trading/accounts/{one}/orders", status="all")],
        "position": [p for one in ids for p in server.get(f"/v1/trading/accounts/{one}/positions")],
    }


def _runs(server: Server) -> None:
    """Create one run of each remaining status and type."""

    def run(account_id: str, **more: Json) -> str:
        body = {"account_id": account_id, "type": "full_rebalance", "weights": WHOLE, **more}
        return str(server.post("/v1/rebalancing/runs", body)["id"])

    # Skipped: a cent of TLT is below the minimum order.
    run(
        server.account("20"),
        weights=[
            {"type": "asset", "symbol": "SPY", "percent": "99"},
            {"type": "asset", "symbol": "TLT", "percent": "1"},
        ],
    )
    # Failed: the only buy of one of two assets is rejected.
    failing = server.account("1000")
    server.post("/sandbox/rejections", {"account_id": failing, "symbol": "TLT"})
    run(
        failing,
        weights=[
            {"type": "asset", "symbol": "SPY", "percent": "60"},
            {"type": "asset", "symbol": "TLT", "percent": "40"},
        ],
    )
    server.step(minutes=1)
    # Reserved, then only an error.
    liquidating = server.account("1000")
    run(liquidating)
    run(liquidating, type="partial_liquidation", amount="100")
    broken = server.account("1000")
    server.post("/sandbox/rejections", {"account_id": broken, "symbol": "SPY"})
    run(broken)
    server.step(minutes=1)
    # Halted: one canceled in progress, one that reaches the close, one canceled before it started.
    server.post("/sandbox/assets/SPY", {"halted": True})
    stopped, late = run(server.account("1000")), run(server.account("1000"))
    server.http.delete(f"/v1/rebalancing/runs/{stopped}")
    server.step(minutes=410)
    assert server.get(f"/v1/rebalancing/runs/{late}")["status"] == "TIMEOUT"
    waiting = run(server.account("1000"))
    server.http.delete(f"/v1/rebalancing/runs/{waiting}")
    run(server.account("1000"))
    server.post("/sandbox/assets/SPY", {"halted": False})


def test_every_kind_of_answer_occurs(answers: dict[str, list[Json]], server: Server) -> None:
    assert {run["status"] for run in answers["run"]} >= {
        "QUEUED", "CANCELED", "CANCELED_MID_RUN", "ERROR", "TIMEOUT", "COMPLETED_SUCCESS", "COMPLETED_ADJUSTED",
    }  # fmt: skip
    extended = server.extended("/v1/rebalancing/runs")["runs"]
    assert {run["kind"] for run in extended} >= {"full_rebalance", "partial_liquidation"}
    assert any(run["skipped_orders"] for run in answers["run"])
    assert any(run["failed_orders"] for run in answers["run"])
    assert {journal["status"] for journal in answers["journal"]} == {"executed", "pending", "rejected"}
    assert {order["status"] for order in answers["order"]} >= {"filled", "rejected", "canceled", "expired"}


@pytest.mark.parametrize("model", MODELS)
def test_the_client_accepts_every_answer(answers: dict[str, list[Json]], model: str) -> None:
    assert answers[model]
    for answer in answers[model]:
        MODELS[model](**copy.deepcopy(answer))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_no_answer_contains_values_that_the_client_rejects(answers: dict[str, list[Json]], row: Row) -> None:
    bases = [answer for answer in answers[row.model] if _there(answer, row.path[:-1])]
    assert bases
    assert all(_value(answer, row.path) != row.value for answer in bases)
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        MODELS[row.model](**_with(bases[0], row))


@pytest.mark.parametrize("model", JAVA_KEYS)
def test_the_keys_that_the_java_client_requires_are_in_every_answer(answers: dict[str, list[Json]], model: str) -> None:
    assert all(answer.keys() >= JAVA_KEYS[model] for answer in answers[model])


def test_money_is_text_everywhere(answers: dict[str, list[Json]]) -> None:
    assert not [path for kind, listed in answers.items() for path in _floats(listed, kind)]


def test_an_exchange_unknown_to_the_client_is_left_empty() -> None:
    asset = OurAsset("an-id", "SPY", "SPDR", "XNAS", AssetStatus.ACTIVE, True, True)
    assert asset_json(asset)["exchange"] == ""
    assert asset_json(replace(asset, exchange="ARCA"))["exchange"] == "ARCA"


def test_a_day_that_is_a_number_is_refused_on_input(server: Server) -> None:
    day = {"type": "calendar", "sub_type": "monthly", "day": 15}
    body = {"name": "x", "weights": WHOLE, "rebalance_conditions": [day]}
    assert "rebalance_conditions[0]" in server.post("/v1/rebalancing/portfolios", body, 400)["message"]


def test_on_portfolio_update_is_accepted_and_read_back_without_its_empty_fields(server: Server) -> None:
    """The client cannot read this condition, so only a portfolio that has it shows it."""
    body = {"name": "x", "weights": WHOLE, "rebalance_conditions": [{"type": "on_portfolio_update"}]}
    made = server.post("/v1/rebalancing/portfolios", body)
    expected = [{"type": "on_portfolio_update", "sub_type": None, "percent": None, "day": None}]
    assert made["rebalance_conditions"] == expected
    body["rebalance_conditions"] = expected * 2
    refused = server.post("/v1/rebalancing/portfolios", body, 400)["message"]
    assert "rebalance_conditions[1].type: at most one on_portfolio_update condition is allowed" in refused


def test_weights_and_conditions_survive_the_clients_own_models(answers: dict[str, list[Json]]) -> None:
    for portfolio in answers["portfolio"]:
        assert [Weight(**weight) for weight in portfolio["weights"]]
        assert [RebalancingConditions(**condition) for condition in portfolio["rebalance_conditions"]]


def _there(answer: Json, path: tuple[str | int, ...]) -> bool:
    for part in path:
        if isinstance(part, int):
            if len(answer) <= part:
                return False
        elif part not in answer:
            return False
        answer = answer[part]
    return True


def _value(answer: Json, path: tuple[str | int, ...]) -> object:
    for part in path:
        if isinstance(answer, dict) and part not in answer:
            # A value that must be absent is absent; a required value is tested by removing it.
            return "absent"
        answer = answer[part]
    return answer


def _with(answer: Json, row: Row) -> Json:
    changed = copy.deepcopy(answer)
    inner = changed
    for part in row.path[:-1]:
        inner = inner[part]
    if row.value is GONE:
        del inner[row.path[-1]]
    else:
        inner[row.path[-1]] = row.value
    return changed


def _floats(value: Json, path: str) -> Iterator[str]:
    if isinstance(value, float):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _floats(inner, f"{path}.{key}")
