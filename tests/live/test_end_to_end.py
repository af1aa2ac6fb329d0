"""Whole flows over real HTTP, two processes: in the end everything is as with the embedded broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book import Book
from rebal_tui.services.runs import cancel_run
from rebal_tui.services.withdrawals import request_withdrawal
from rebal_tui.store import cash, fills, run_orders
from rebal_tui.store import runs as run_store
from tests.live.bad_line import bad_line
from tests.live.servers import Server, serving
from tests.live.worlds import START, Embedded, World, by_hand, finished, placed_once, remote, state, subscribe
from tests.services.worlds import all_runs

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(START) as started:
        yield started


def live_through(world: World) -> None:
    """A first rebalance, one for drift, cash that comes in, a run canceled half way, a withdrawal over T+1."""
    subscribe(world)
    world.go("2026-11-23 10:15")
    world.settle(finished(1))
    world.price("SPY", "520.00")
    world.go("2026-11-24 10:15")
    world.settle(finished(2))
    world.go("2026-11-25 10:15")
    world.deposit("1000")
    world.go("2026-11-25 10:30")
    world.settle(finished(3))
    world.halt("TLT", True)
    world.price("SPY", "700.00")
    world.go("2026-11-27 10:45")
    world.settle(_buying)
    run = all_runs(world.book)[-1]
    by_hand(
        lambda: cancel_run(world.book, run.id),
        lambda: run_store.get(world.book.database, run.id).cancel_requested or finished(4)(world.book),
    )
    world.settle(finished(4))
    world.halt("TLT", False)
    world.go("2026-11-30 11:00")
    by_hand(
        lambda: request_withdrawal(world.book, world.account_id, parse_money("5000")),
        lambda: cash.withdrawals(world.book.database),
    )
    world.settle(lambda book: cash.withdrawals(book.database)[0].stage is WithdrawalStage.SETTLING)
    world.go("2026-12-01 11:15")
    world.settle(lambda book: cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED)


def _buying(book: Book) -> bool:
    """Whether the last run waits for an order that the broker has and cannot fill."""
    run = all_runs(book)[-1]
    orders = run_orders.of_run(book.database, run.id)
    return run.status is RunStatus.IN_PROGRESS and any(
        order.symbol == "TLT" and order.id and not order.status.final for _, order, _ in orders
    )


def test_a_life_over_http_ends_as_with_the_embedded_broker(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = Embedded("50000")
    live_through(embedded)

    with remote(server, tmp_path / "live.db", monkeypatch) as world:
        live_through(world)

        world.settle_as(state(embedded.book, embedded.account_id))
        placed = placed_once(server, world.account_id)
        assert len(placed) == sum(len(run[2]) for run in state(world.book, world.account_id).runs)
        assert len(fills.of_account(world.book.database, world.account_id)) == len(
            fills.of_account(embedded.book.database, embedded.account_id)
        )


SEEDS = int(os.environ.get("LIVE_SEEDS", "1"))
"""How many bad lines the same life is lived over."""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_over_a_bad_line_the_same_and_no_order_twice(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    embedded = Embedded("50000")
    live_through(embedded)

    with (
        bad_line(server.url, seed, chance=20) as (url, line),
        remote(server, tmp_path / "live.db", monkeypatch, url=url) as world,
    ):
        live_through(world)

        world.settle_as(state(embedded.book, embedded.account_id))
        placed = placed_once(server, world.account_id)
        assert len(placed) == sum(len(run[2]) for run in state(world.book, world.account_id).runs)
        assert sum(line.done.values()) > 20
        journals = server.get("/v1/journals")
        assert [journal["status"] for journal in journals] == ["executed"]
