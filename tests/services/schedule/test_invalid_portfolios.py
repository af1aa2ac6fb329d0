"""A stored portfolio that breaks R-4 or R-5 is opened, shown and not traded until a person repairs it (L10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.services.advisory import portfolios
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries.accounts import account_row
from rebal_tui.services.queries.exceptions import list_exceptions
from rebal_tui.services.queries.portfolios import portfolio_view
from rebal_tui.services.schedule import scheduler
from tests.services.brokers import reopen
from tests.services.factories import advance_to, alerts, all_runs, balanced, entries, monthly, simple_book

BROKEN = {
    "its weights sum to 115 %, not 100": "UPDATE portfolio_weights SET percent = percent + 1500 WHERE line = 0",
    "it has an unknown drift_band, 'wide'": "UPDATE portfolio_conditions SET sub_type = 'wide' WHERE line = 0",
    "its monthly day is '32'": "UPDATE portfolio_conditions SET day = '32' WHERE type = 'calendar'",
    "it has several calendar conditions": (
        "INSERT INTO portfolio_conditions SELECT portfolio, 9, type, sub_type, percent, day FROM portfolio_conditions "
        "WHERE type = 'calendar'"
    ),
}


def opened_broken(path: Path, sql: str) -> Book:
    """A book of the 5/60/35 portfolio whose file was edited while it was closed."""
    model = balanced(conditions=(*balanced().conditions, monthly("15")))
    book = simple_book(path=path / "book.db", follows=model)
    book.database.connection.execute(sql)
    return reopen(book)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "sql"), BROKEN.items(), ids=BROKEN)
def test_it_is_shown_and_not_traded(tmp_path: Path, fault: str, sql: str) -> None:
    book = opened_broken(tmp_path, sql)
    assert book.portfolio("balanced").status is PortfolioStatus.NEEDS_ADJUSTMENT
    for hour in (10, 11, 12):
        advance_to(book, f"2026-03-02 {hour}:00")
    assert all_runs(book) == []
    assert [check.check for check in evaluate_account(book, "a").trace if check.verdict == "fail"] == [
        "portfolio_status"
    ]
    assert ("needs_adjustment", "balanced", f"Balanced needs adjustment: {fault}") in alerts(book)
    assert portfolio_view(book, "balanced").culprits == (fault,)
    assert account_row(book, "a").exception == f"Balanced needs adjustment: {fault}"
    (one,) = list_exceptions(book, 10).items
    assert (one.text, one.brief) == (f"Balanced needs adjustment: {fault}.", f"Balanced: {fault}")
    assert [(s, d) for s, _, d in entries(book, "portfolio.needs_adjustment")] == [("balanced", {"fault": fault})]
    again = reopen(book)
    assert len(entries(again, "portfolio.needs_adjustment")) == 1
    again.database.close()


def test_it_is_repaired_by_valid_fields_alone(tmp_path: Path) -> None:
    book = opened_broken(tmp_path, BROKEN["its weights sum to 115 %, not 100"])
    with pytest.raises(Conflict, match="sum to 115 %"):
        portfolios.reactivate_portfolio(book, "balanced")
    with pytest.raises(Conflict, match="sum to 115 %"):
        portfolios.patch_portfolio(book, "balanced", {"name": "New name"})
    with pytest.raises(Conflict, match="sum to 115 %"):
        portfolios.duplicate_portfolio(book, "balanced", "Copy")
    weights = [{"type": "asset", "symbol": "SPY", "percent": "100"}]
    portfolios.patch_portfolio(book, "balanced", {"weights": weights})
    assert book.portfolio("balanced").status is PortfolioStatus.ACTIVE
    assert alerts(book) == []
    scheduler.tick(book)
    assert [run.account_id for run in all_runs(book)] == ["a"]
    book.database.close()


def test_an_unknown_condition_is_repaired_by_saving_the_portfolio(tmp_path: Path) -> None:
    book = opened_broken(tmp_path, BROKEN["it has an unknown drift_band, 'wide'"])
    rows = book.database.rows("SELECT count(*) FROM portfolio_conditions")
    assert rows == [(3,)]  # the stored condition stays until a person has changed the portfolio
    portfolios.patch_portfolio(book, "balanced", {"status": "active"})
    assert book.portfolio("balanced").status is PortfolioStatus.ACTIVE
    assert reopen(book).portfolio("balanced").fault == ""
