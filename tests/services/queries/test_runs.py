"""Weights of a run: targets, and what it planned."""

from __future__ import annotations

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from tests.services.factories import simple_book


def test_planned_weights_are_those_of_the_plan_not_the_targets() -> None:
    book = simple_book()
    scheduler.tick(book)
    run = create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("10000"))
    weights = {one.symbol: one for one in run_view(book, run.id).weights}
    spy, cash = weights["SPY"], weights["cash"]
    assert (spy.target, cash.target) == (6000, 500)
    assert (spy.planned, cash.planned) == (spy.after, cash.after)
    assert cash.planned is not None
    assert cash.planned > 2_000
