"""Figures for Prometheus: behind a key, in its text format, and those of the book."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.servers import Server

pytestmark = pytest.mark.slow


def figures(server: Server) -> dict[str, float]:
    answer = server.http.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return {
        sample.name + "".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_figures_need_a_key(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 401


def test_the_figures_are_those_of_the_book(server: Server) -> None:
    before = figures(server)
    assert httpx.get(f"{server.url}/metrics", auth=("unknown", "guess")).status_code == 401
    server.prices(SPY="400", TLT="100")
    server.subscribe(server.account(), server.portfolio())
    body = {"account_id": server.account(), "type": "full_rebalance"}
    server.post("/v1/rebalancing/runs", {**body, "weights": [{"type": "asset", "symbol": "SPY", "percent": "100"}]})
    server.post("/v1/kill_switch", None)
    after = figures(server)
    assert after["rebal_accounts"] == before["rebal_accounts"] + 2
    assert after["rebal_subscriptions"] == before["rebal_subscriptions"] + 1
    assert after["rebal_audit_entries_total"] > before["rebal_audit_entries_total"]
    assert (before["rebal_kill_switch"], after["rebal_kill_switch"]) == (0, 1)
    assert after["rebal_heartbeats_total"] >= before["rebal_heartbeats_total"] > 0
    assert after["rebal_heartbeat_age_seconds"] < 5
    assert after["rebal_failed_log_ins_total"] == before["rebal_failed_log_ins_total"] + 1
    assert {"rebal_orders_waiting", "rebal_requests_last_minute", "rebal_book_halted"} <= set(after)
    server.http.delete("/v1/kill_switch")
