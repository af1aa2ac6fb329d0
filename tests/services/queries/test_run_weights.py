"""The weights of a run: what its plan leads to, not the targets of its portfolio."""

from __future__ import annotations

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.engine.shares import goal_shares
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.run_entries import run_entries
from rebal_tui.services.reports.texts import dollars, percent_cell
from rebal_tui.services.runs.manual import create_run
from tests.services.factories import account, balanced, fill_book, make_book, new_york


def test_planned_weights_are_those_of_the_plan() -> None:
    """A sale of $5,000 leaves TLT, which is underweight, where it is; the target of 35 % is not planned."""
    book = make_book("2026-03-02 10:00")
    one = account("a", "5000", {"SPY": "175", "TLT": "250"})
    fill_book(book, [one], [balanced()], {"a": "balanced"}, {"a": new_york("2026-01-05 10:00")})
    run = create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("5000"))
    view = run_view(book, run.id)
    assert view.plan is not None
    assert [line.symbol for line in view.plan.sells] == ["SPY"]
    shown = {weight.symbol: (weight.target, weight.before, weight.planned, weight.after) for weight in view.weights}
    # $70,000, $25,000 and $5,000 before; the excess cash is $250 beyond 5 % of the smaller portfolio, $4,750 are sold.
    assert shown == {
        "SPY": (6000, 7000, 6525, 6525),
        "TLT": (3500, 2500, 2500, 2500),
        "cash": (500, 500, 975, 975),
    }
    after = dict(preview_of(book, "a", view.plan, "").after)
    assert after == {symbol: planned for symbol, (_, _, planned, _) in shown.items()}
    tables = {
        table.title: table for entry in run_entries(book, run.id, AuditIndex(book.database)) for table in entry.tables
    }
    assert tables["Weights"].columns == ("Asset", "Target", "Before", "Planned", "After")
    assert tables["Weights"].rows[0] == ("SPY", "60.00 %", "70.00 %", "65.25 %", "65.25 %")


def test_a_barred_line_keeps_its_weight_and_the_report_shows_the_goals() -> None:
    """A third of the equity is in TLT, which is locked: no column may show it move, and its target is not its goal."""
    book = make_book("2026-03-02 10:00")
    one = account("a", "5001", {"SPY": "140.01", "TLT": "333.37"})
    fill_book(book, [one], [balanced()], {"a": "balanced"}, {"a": new_york("2026-01-05 10:00")})
    add_restrictions(book, RestrictionDraft(RestrictionKind.LOCK, "low basis", "TLT"), Concerned(("a",)))
    run = create_run(book, "a", RunType.FULL_REBALANCE)
    view = run_view(book, run.id)
    assert view.plan is not None
    weights = {weight.symbol: weight for weight in view.weights}
    assert weights["TLT"].planned == weights["TLT"].before
    goals = goal_shares(view.plan)
    assert goals["TLT"] == weights["TLT"].before
    tables = {
        table.title[:4]: table
        for entry in run_entries(book, run.id, AuditIndex(book.database))
        for table in entry.tables
    }
    assert tables["Plan"].columns[:7] == ("Asset", "Target", "Goal", "Held", "Price", "Value", "Goal value")
    for row, line in zip(tables["Plan"].rows, view.plan.lines, strict=True):
        assert row[2] == percent_cell(goals[line.symbol])
        assert row[6] == dollars(line.target_value)
