"""The weights of a report are those of its checks: of managed equity, each rounded by itself."""

from __future__ import annotations

from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.desk import account_view, preview
from rebal_tui.services.reports.build import account_report
from rebal_tui.services.reports.model import Table
from tests.services import factories

REBALANCED = factories.new_york("2026-01-05 10:00")


def tables(book: Book) -> dict[str, Table]:
    """The tables of a report of the account by the first word of their titles."""
    (section,) = account_report(book, "a").sections
    return {table.title.split()[0]: table for day in section.days for entry in day.entries for table in entry.tables}


def test_one_weight_has_one_figure_in_checks_holdings_and_runs() -> None:
    """68.3347, 31.6626 and 0.0027 %: to make their sum 100.00, the largest would have to read 68.34."""
    book = factories.make_book("2026-03-02 10:14")
    one = factories.account("a", "2.70", {"SPY": "170.83675", "TLT": "316.626"})
    factories.fill_book(book, [one], [factories.balanced()], {"a": "balanced"}, {"a": REBALANCED})
    factories.advance(book, 10)
    shown = tables(book)
    check = next(row[2] for row in shown["Checks"].rows if row[0] == "drift band")
    assert "SPY drifted to 68.33 %" in check
    assert [row[5] for row in shown["Holdings"].rows] == ["68.33 %", "31.66 %", "0.00 %"]
    assert [row[2] for row in shown["Weights"].rows] == ["68.33 %", "31.66 %", "0.00 %"]


def test_an_unmanaged_holding_has_no_weight_and_is_in_no_equity() -> None:
    """SPY $70,000, cash $6,000, and $24,000 of TLT that the program does not manage."""
    book = factories.make_book("2026-03-02 10:14")
    one = factories.account("a", "6000", {"SPY": "175", "TLT": "240"})
    factories.fill_book(book, [one], [factories.balanced()], {"a": "balanced"}, {"a": REBALANCED})
    add_restrictions(book, RestrictionDraft(RestrictionKind.UNMANAGED, "inherited", "TLT"), Concerned(("a",)))
    view = account_view(book, "a")
    assert view.decision_now is not None
    check = next(one.detail for one in view.decision_now.trace if one.check == "drift_band")
    assert check.startswith("SPY is at 92.11 % ")
    assert [(row.symbol, row.actual_bp, row.unmanaged) for row in view.holdings] == [
        ("SPY", 9_211, False),
        ("TLT", 0, True),
    ]
    assert view.cash_target == 3_800 * 10**9, "5 % of $76,000"
    assert preview(book, "a").before == (("SPY", 9_211), ("cash", 789))
    factories.advance(book, 10)
    shown = tables(book)
    assert [row[5] for row in shown["Holdings"].rows] == ["92.11 %", "–", "7.89 %"]
    assert [row[1:4] for row in shown["Weights"].rows] == [
        ("60.00 %", "92.11 %", "95.00 %"),
        ("35.00 %", "–", "–"),
        ("5.00 %", "7.89 %", "5.00 %"),
    ]
