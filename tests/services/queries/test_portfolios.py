from dataclasses import replace
from datetime import date

import pytest

from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.domain.portfolios import AssetWeight, CalendarCondition, CalendarType, PortfolioUpdate, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.services.advisory import portfolios
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries import portfolios as portfolio_queries
from rebal_tui.tui.screens.portfolios.columns import columns
from rebal_tui.tui.screens.portfolios.lines import portfolio_lines
from tests.services import factories


@pytest.fixture
def book() -> Book:
    """Two subscribers of Balanced, 100,000 each: `a` on target, `b` 20 points over in SPY."""
    book = factories.make_book("2026-03-04 12:00")
    long_ago = factories.new_york("2026-01-05 10:00")
    factories.fill_book(
        book,
        [
            factories.account("a", "5000", {"SPY": "150", "TLT": "350"}),
            factories.account("b", "5000", {"SPY": "200", "TLT": "150"}),
        ],
        [factories.balanced(), factories.balanced("lonely", conditions=[factories.monthly("15")])],
        {"a": "balanced", "b": "balanced"},
        {"a": long_ago, "b": long_ago},
    )
    return book


def body_of(book: Book, weights: dict[str, int], cash: int = 500, cooldown: int = 7) -> PortfolioBody:
    stored = book.portfolio("balanced")
    assets = tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in weights.items())
    return PortfolioBody(stored.name, "", Weights(assets, Percent(cash)), cooldown, stored.conditions)


def test_the_impact_counts_accounts_outside_and_resulting_orders(book: Book) -> None:
    same = portfolio_queries.impact(book, "balanced", body_of(book, {"SPY": 6000, "TLT": 3500}))
    assert (same.subscribers, same.outside_before, same.outside_after, same.orders) == (2, 1, 1, 2)
    assert parse_money("39000") < same.turnover < parse_money("41000")
    turned = portfolio_queries.impact(book, "balanced", body_of(book, {"SPY": 3000, "TLT": 6500}))
    assert (turned.outside_before, turned.outside_after, turned.orders, turned.cooling) == (1, 2, 4, 0)


def test_a_cooldown_suppresses_rebalances_in_the_impact(book: Book) -> None:
    held = portfolio_queries.impact(book, "balanced", body_of(book, {"SPY": 3000, "TLT": 6500}, cooldown=365))
    assert (held.outside_after, held.cooling, held.orders, held.turnover) == (2, 2, 0, 0)


def test_the_impact_names_each_account_with_what_happens_to_it(book: Book) -> None:
    def named(body: PortfolioBody) -> list[tuple[object, ...]]:
        rows = portfolio_queries.impact(book, "balanced", body).affected
        return [
            (one.client, one.outside_before, one.outside_after, one.orders, str(one.cooldown_until or ""))
            for one in rows
        ]

    unchanged = body_of(book, {"SPY": 6000, "TLT": 3500})
    assert named(unchanged) == [("Client b", True, True, 2, "")], "a is on target"
    turned = {"SPY": 3000, "TLT": 6500}
    both = portfolio_queries.impact(book, "balanced", body_of(book, turned))
    assert [one.client for one in both.affected] == ["Client b", "Client a"], "the larger turnover is first"
    assert sum(one.turnover for one in both.affected) == both.turnover
    assert sum(one.orders for one in both.affected) == both.orders
    # Last rebalanced on 5 January; 365 days later.
    waiting = ("Client a", False, True, 0, "2027-01-05"), ("Client b", True, True, 0, "2027-01-05")
    assert sorted(named(body_of(book, turned, cooldown=365))) == list(waiting)
    # The 61 days end on a Saturday.
    weekend = named(body_of(book, turned, cooldown=61))
    assert {until for *_, until in weekend} == {"2026-03-09"}
    mended = named(body_of(book, {"SPY": 8000, "TLT": 1500}))
    assert ("Client b", True, False, 0, "") in mended, "back in range, and no run follows"


def test_computing_the_impact_changes_nothing(book: Book) -> None:
    version, stored = book.version, book.portfolio("balanced")
    portfolio_queries.impact(book, "balanced", body_of(book, {"GLD": 9500}))
    assert (book.version, book.portfolio("balanced")) == (version, stored)
    assert factories.all_runs(book) == []


def test_next_dates_move_to_the_session_before(book: Book) -> None:
    dates = portfolio_queries.next_dates(book, CalendarCondition(CalendarType.MONTHLY, "15"))
    assert dates == (date(2026, 3, 13), date(2026, 4, 15), date(2026, 5, 15), date(2026, 6, 15))
    weekly = portfolio_queries.next_dates(book, CalendarCondition(CalendarType.WEEKLY, "Wednesday"), 1)
    assert weekly == (date(2026, 3, 4),)


def test_a_view_names_ineligible_assets_with_reasons_and_lists_subscribers(book: Book) -> None:
    del book.assets["TLT"]
    view = portfolio_queries.portfolio_view(book, "balanced")
    assert view.culprits == ("TLT is unknown",)
    assert [row.account_id for row in view.subscribers] == ["a", "b"]
    assert view.next_dates == ()
    with pytest.raises(NotFound):
        portfolio_queries.portfolio_view(book, "none")


def test_a_draft_holds_every_asset_by_symbol(book: Book) -> None:
    draft = portfolio_queries.portfolio_draft(book, "balanced")
    assert [asset.symbol for asset in draft.assets] == ["GLD", "SPY", "TLT"]
    assert all(not asset.ineligible for asset in draft.assets)
    assert draft.subscribers == 2
    assert portfolio_queries.portfolio_draft(book, None).portfolio is None


def test_pasted_json_may_be_the_text_of_the_json_view(book: Book) -> None:
    view = portfolio_queries.portfolio_view(book, "balanced")
    body = portfolio_queries.pasted_portfolio(book, view.api_json)
    assert body.weights == book.portfolio("balanced").weights
    assert body.conditions == book.portfolio("balanced").conditions


def test_pasted_json_names_every_fault_with_its_location(book: Book) -> None:
    with pytest.raises(Invalid) as caught:
        portfolio_queries.pasted_portfolio(book, '{"nam": "x", "weights": [{"type": "asset", "percent": "100"}]}')
    assert [fault.location for fault in caught.value.faults] == ["", "name", "weights[0].symbol"]
    for text in ("[]", "null", "3", "{", ""):
        with pytest.raises(Invalid) as caught:
            portfolio_queries.pasted_portfolio(book, text)
        assert len(caught.value.faults) == 1
    with pytest.raises(Conflict, match="asset QQQ is unknown"):
        portfolio_queries.pasted_portfolio(
            book, '{"name": "x", "weights": [{"type": "asset", "symbol": "QQQ", "percent": "100"}]}'
        )


def test_with_the_condition_on_an_update_the_impact_counts_every_subscriber_off_target(book: Book) -> None:
    weights = {"SPY": 5900, "TLT": 3600}
    plain = portfolio_queries.impact(book, "balanced", body_of(book, weights))
    body = body_of(book, weights)
    updated = portfolio_queries.impact(
        book, "balanced", replace(body, conditions=(*body.conditions, PortfolioUpdate()))
    )
    assert (updated.outside_after, plain.outside_after) == (1, 1)
    assert (plain.orders, updated.orders) == (2, 4)


def test_a_portfolio_says_that_the_book_reviews_every_run(book: Book) -> None:
    def shown() -> tuple[str, str]:
        view = portfolio_queries.portfolio_view(book, "balanced")
        review = next(column for column in columns() if column.key == "review")
        head = "".join(text for line in portfolio_lines(view)(80, 30) for text, _ in line)
        return str(review.cell(view.row)), head

    assert shown()[0] == "off"
    assert "review off" in shown()[1]
    set_review(book, True)
    assert shown()[0] == "by book"
    assert "review by book" in shown()[1]
    body = replace(body_of(book, {"SPY": 6000, "TLT": 3500}), review=True)
    portfolios.update_portfolio(book, "balanced", body)
    assert shown()[0] == "on", "its own setting also holds without the book's"
    assert "review on" in shown()[1]
