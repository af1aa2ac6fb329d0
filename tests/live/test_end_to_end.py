"""Complete flows over real HTTP with two processes: the final state equals that with the embedded broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.manual import cancel_run
from rebal_tui.store import cash, fills, run_orders
from rebal_tui.store import runs as run_store
from tests.live.factories import (
    START,
    BookHarness,
    EmbeddedHarness,
    finished,
    remote,
    retry_until,
    state,
    subscribe,
    unique_order_ids,
)
from tests.live.faulty_proxy import run_faulty_proxy
from tests.live.servers import Server, serving
from tests.services.factories import all_runs

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(START) as started:
        yield started


def run_scenario(harness: BookHarness) -> None:
    """A first rebalance, a drift rebalance, a deposit, a run canceled in progress, a withdrawal over T+1."""
    subscribe(harness)
    harness.advance_to("2026-11-23 10:15")
    harness.settle(finished(1))
    harness.price("SPY", "520.00")
    harness.advance_to("2026-11-24 10:15")
    harness.settle(finished(2))
    harness.advance_to("2026-11-25 10:15")
    harness.deposit("1000")
    harness.advance_to("2026-11-25 10:30")
    harness.settle(finished(3))
    harness.halt("TLT", True)
    harness.price("SPY", "700.00")
    harness.advance_to("2026-11-27 10:45")
    harness.settle(_buying)
    run = all_runs(harness.book)[-1]
    retry_until(
        lambda: cancel_run(harness.book, run.id),
        lambda: run_store.get(harness.book.database, run.id).cancel_requested or finished(4)(harness.book),
    )
    harness.settle(finished(4))
    harness.halt("TLT", False)
    harness.advance_to("2026-11-30 11:00")
    harness.settle(finished(5))
    retry_until(
        lambda: request_withdrawal(harness.book, harness.account_id, parse_money("5000")),
        lambda: cash.withdrawals(harness.book.database),
    )
    harness.settle(lambda book: cash.withdrawals(book.database)[0].stage is WithdrawalStage.SETTLING)
    harness.advance_to("2026-12-01 11:15")
    harness.settle(lambda book: cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED)


def _buying(book: Book) -> bool:
    """Whether the last run waits for an order that the broker accepted and cannot fill."""
    run = all_runs(book)[-1]
    orders = run_orders.of_run(book.database, run.id)
    return run.status is RunStatus.IN_PROGRESS and any(
        order.symbol == "TLT" and order.id and not order.status.final for _, order, _ in orders
    )


def test_a_scenario_over_http_ends_as_with_the_embedded_broker(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = EmbeddedHarness("50000")
    run_scenario(embedded)

    with remote(server, tmp_path / "live.db", monkeypatch) as harness:
        run_scenario(harness)

        harness.settle_to(state(embedded.book, embedded.account_id))
        placed = unique_order_ids(server, harness.account_id)
        assert len(placed) == sum(len(run[2]) for run in state(harness.book, harness.account_id).runs)
        assert len(fills.of_account(harness.book.database, harness.account_id)) == len(
            fills.of_account(embedded.book.database, embedded.account_id)
        )


SEEDS = int(os.environ.get("LIVE_SEEDS", "1"))
"""Number of faulty proxies that the same simulated lifetime runs over."""


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.samples(0)
def test_a_faulty_connection_gives_equal_results_and_no_duplicate_order(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    embedded = EmbeddedHarness("50000")
    run_scenario(embedded)

    with (
        run_faulty_proxy(server.url, seed, chance=20) as (url, proxy),
        remote(server, tmp_path / "live.db", monkeypatch, url=url) as harness,
    ):
        run_scenario(harness)

        harness.settle_to(state(embedded.book, embedded.account_id))
        placed = unique_order_ids(server, harness.account_id)
        assert len(placed) == sum(len(run[2]) for run in state(harness.book, harness.account_id).runs)
        assert sum(proxy.done.values()) > 20
        journals = server.get("/v1/journals")
        assert [journal["status"] for journal in journals] == ["executed"]
