"""Figures for Prometheus. Not part of Alpaca's API."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from rebal_tui.api.heartbeats import HeartbeatRecord
from rebal_tui.api.responses import book_client
from rebal_tui.domain.errors import Refusal
from rebal_tui.services.queries.figures import BookFigures, book_figures

router = APIRouter(tags=["server"])
_TEXT: dict[str, Any] = {
    "response_model": None,
    "responses": {200: {"description": "Success.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
}


@router.get("/metrics", **_TEXT)
async def metrics(request: Request) -> Response:
    """Heartbeats, request budget, order queue, alerts, runs and log-ins, in the text format of Prometheus.

    Figures from the book are left out while the book cannot be read. `rebal_book_halted` is 1 while it cannot be
    written.
    """
    try:
        figures = await book_client(request).ask(book_figures)
    except (Refusal, sqlite3.Error):
        figures = None
    options = request.app.state.options
    registry = CollectorRegistry()
    server = _ServerFigures(
        options.heartbeats, options.now(), options.failed_logins.total, len(request.app.state.streams)
    )
    registry.register(server)
    if figures is not None:
        registry.register(_BookCollector(figures))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _ServerFigures(Collector):
    def __init__(self, record: HeartbeatRecord, now: float, failed_logins: int, streams: int) -> None:
        self._record = record
        self._now = now
        self._failed_logins = failed_logins
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        record = self._record
        yield _counter("rebal_heartbeats", "Heartbeats that ended well.", record.completed)
        yield _counter("rebal_heartbeat_failures", "Heartbeats that failed.", record.failed)
        if record.last_at is not None:
            age = max(0.0, self._now - record.last_at)
            yield _gauge("rebal_heartbeat_age_seconds", "Seconds since a heartbeat ended well.", age)
        yield _gauge("rebal_book_halted", "1 while the book cannot be written.", bool(record.halted))
        if record.space is not None:
            yield _gauge("rebal_free_bytes", "Free bytes on the book's disk.", record.space.free)
            needed = "Free bytes that the book's disk needs for runs to start, and to write again when it was full."
            yield _gauge("rebal_needed_free_bytes", needed, record.space.needed)
        yield _counter("rebal_failed_log_ins", "Requests with a wrong key or secret.", self._failed_logins)
        yield _gauge("rebal_event_streams", "Open event streams.", self._streams)


class _BookCollector(Collector):
    def __init__(self, figures: BookFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        book, budget = self._figures, self._figures.budget
        yield _gauge("rebal_book_time_seconds", "The book's time, in seconds since 1970.", book.at)
        yield _gauge("rebal_accounts", "Accounts.", book.accounts)
        yield _gauge("rebal_subscriptions", "Active subscriptions.", book.subscriptions)
        yield _gauge("rebal_paused_accounts", "Accounts that no automatic run trades.", book.paused_accounts)
        yield _labeled("rebal_open_alerts", "Alerts that nobody has acknowledged.", "kind", book.alerts)
        yield _labeled("rebal_open_runs", "Runs that have not ended.", "status", book.open_runs)
        yield _gauge("rebal_orders_waiting", "Orders that wait to be sent.", book.orders_waiting)
        yield _gauge("rebal_orders_unanswered", "Orders sent without an answer.", book.orders_unanswered)
        yield _gauge("rebal_requests_last_minute", "Requests of the last minute that count for the limit.", budget.used)
        if budget.limit is not None:
            yield _gauge("rebal_requests_limit", "Requests that a minute allows.", budget.limit)
        if budget.reported_left is not None:
            yield _gauge("rebal_requests_left", "Requests left, by the broker's last answer.", budget.reported_left)
        yield _gauge("rebal_kill_switch", "1 while the kill switch is on.", book.kill_switch)
        yield _gauge("rebal_scheduler_paused", "1 while scheduled jobs are paused.", book.scheduler_paused)
        yield _counter("rebal_audit_entries", "Entries of the audit trail.", book.audit_entries)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _labeled(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
