"""An order whose answer was lost is not sent again while the kill switch is on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.schedule import scheduler
from tests.services.brokers import Unreliable
from tests.services.factories import advance, only_run, simple_book

pytestmark = pytest.mark.slow


def test_lost_orders_wait_for_the_release() -> None:
    book = simple_book(cash="1000")
    book.settings = replace(book.settings, resend_after=timedelta(seconds=30))
    calls: list[str] = []
    lost = iter(["request lost", "request lost"])

    def outcome(name: str) -> str:
        calls.append(name)
        return next(lost, "") if name == "submit_order" else ""

    Unreliable(book, outcome)
    scheduler.tick(book)
    assert calls.count("submit_order") == 2, "both buys were lost"
    assert book.rate_limiter.unknown
    set_halt(book, True)
    calls.clear()
    for _ in range(10):
        advance(book, 30)
    assert calls == []
    assert only_run(book).status is RunStatus.IN_PROGRESS
    set_halt(book, False)
    for _ in range(5):
        advance(book, 30)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert calls.count("submit_order") == 2, "each order was sent once more"
