"""Shapes without what Alpaca's API does not have."""

from __future__ import annotations

import json

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.services.runs.manual import cancel_run, queue_run
from rebal_tui.services.wire import pages
from rebal_tui.services.wire.contract import remove_extensions
from rebal_tui.services.wire.models import rebalancing
from tests.services.factories import simple_book
from tests.services.wire.samples import RECORDED


def test_extensions_are_removed_at_any_depth() -> None:
    runs = json.loads(json.loads(RECORDED.read_text("utf-8"))["Runs all"])
    assert {"dashboard", "system"} == {run["initiated_from"] for run in runs}
    page = {"runs": runs, "next_page_token": None}
    remove_extensions(rebalancing.RunPage, page)
    assert {"api", "system"} == {run["initiated_from"] for run in runs}
    assert not any("kind" in run for run in runs)
    orders = [order for run in runs for order in run["orders"]]
    assert orders
    assert not any("reject_reason" in order for order in orders)


def test_a_shape_without_extensions_is_left_as_it_is() -> None:
    condition = {"type": "drift_band", "sub_type": "absolute", "percent": "5", "day": None}
    remove_extensions(list[rebalancing.Condition], [condition])
    assert list(condition) == ["type", "sub_type", "percent", "day"]


def test_a_run_is_of_the_terminal_unless_it_came_over_the_api() -> None:
    book, amount = simple_book(names="a"), parse_money("25")
    shown = []
    for actor in ("advisor", "api desk"):
        with book.acting_as(actor):
            run = queue_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=amount)
        shown.append(pages.find_run(book, run.id)["initiated_from"])
        cancel_run(book, run.id)
    assert shown == ["dashboard", "api"]
