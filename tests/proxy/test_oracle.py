"""The oracle sees wrong orders and repeated journals, and the proxy counts every request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import httpx
import pytest

from rebal_tui.credentials import Keys
from rebal_tui.domain.runs import RunStatus, RunType
from tests.proxy.calls import Call, CallLog
from tests.proxy.faults import Fault
from tests.proxy.rewrites import UnknownPosition
from tests.proxy.story import TUESDAY, WEDNESDAY, check_end, invested
from tests.proxy.transport import LIMIT
from tests.proxy.world import World

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with invested(tmp_path) as made:
        yield made


def by_hand(world: World) -> httpx.Client:
    """A client of the broker that is not the program."""
    keys = Keys(world.sandbox.key, world.sandbox.secret)
    return httpx.Client(transport=world.proxy, base_url="http://broker.test", auth=keys)


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "SPY", "side": "sell", "qty": "10"},
        {"symbol": "SPY", "side": "buy", "notional": "1000.00"},
        {"symbol": "TLT", "side": "buy", "notional": "1.00"},
    ],
    ids=["a sale on target", "cash that is kept", "an asset of no portfolio"],
)
def test_an_order_that_the_rules_do_not_give_is_a_fault(world: World, order: dict[str, str]) -> None:
    assert world.oracle.faults == []
    path = f"/v1/trading/accounts/{world.ids['Ann Ames']}/orders"
    body = {**order, "type": "market", "time_in_force": "day", "client_order_id": "wrong-1"}
    by_hand(world).post(path, json=body)
    assert len(world.oracle.faults) == 1
    assert order["symbol"] in world.oracle.faults[0]


@pytest.mark.slow
def test_what_reaches_the_sandbox_twice_under_one_key_is_seen(world: World) -> None:
    body = {
        "entry_type": "JNLC", "from_account": world.ids["Ann Ames"], "to_account": world.sandbox.firm_account,
        "amount": "1.00",
    }  # fmt: skip
    for _ in range(2):
        by_hand(world).post("/v1/journals", json=body, headers={"Idempotency-Key": "key-1"})
    assert world.proxy.calls.repeated_writes() == ["key-1"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
def test_a_fault_is_before_or_after_the_effect(world: World, fault: Fault) -> None:
    world.proxy.faults.of_next_writes(fault)
    body = {"entry_type": "JNLC", "from_account": world.ids["Ann Ames"], "to_account": world.sandbox.firm_account}
    try:
        response = by_hand(world).post("/v1/journals", json={**body, "amount": "1.00"})
        assert response.status_code in (500, 503)
    except httpx.ReadTimeout:
        assert fault in (Fault.LOST_BEFORE, Fault.LOST_AFTER)
    made = world.sandbox.ask(lambda book: book.broker.account(world.ids["Ann Ames"]).cash)
    before = world.book.account(world.ids["Ann Ames"]).cash
    assert (made < before) == (fault in (Fault.LOST_AFTER, Fault.ERROR_AFTER))


@pytest.mark.slow
def test_requests_beyond_the_budget_are_refused(world: World) -> None:
    world.clock.pass_time(120)
    statuses = [by_hand(world).get("/v1/clock").status_code for _ in range(LIMIT + 1)]
    assert statuses == [200] * LIMIT + [429]


def test_most_in_a_minute_counts_a_sliding_minute() -> None:
    log = CallLog()
    for second in (0, 30, 59, 61, 89, 90, 200):
        log.add(Call("GET", "/v1/clock", {}, {}, "", AT + timedelta(seconds=second), "main"))
    log.add(Call("GET", "/v2/stocks/snapshots", {}, {}, "", AT + timedelta(seconds=60), "main"))
    assert log.most_in_a_minute() == 4


@pytest.mark.slow
def test_a_run_that_a_pause_delayed_keeps_its_type(world: World) -> None:
    """R-14, R-21: a deposit that was to be invested on Tuesday still is on Wednesday, when a band is breached."""
    world.deposit("Cyd Cole", "1000.00")
    world.to(f"{TUESDAY} 07:15")
    with world.rewriting(UnknownPosition(world.ids["Cyd Cole"])):
        world.trade(TUESDAY)
    queued = world.book.open_runs[world.ids["Cyd Cole"]]
    assert (queued.type, queued.status) == (RunType.INVEST_CASH, RunStatus.QUEUED)
    world.prices(TLT="80.00", BND="80.00")
    world.trade(WEDNESDAY)
    assert (WEDNESDAY, "buy", "TLT", Fraction(1000)) in world.orders("Cyd Cole")
    check_end(world)
