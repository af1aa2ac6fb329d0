"""Portfolios that the program wrote as JSON are read again: exports of one and of all, and the format of the API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.portfolios import Destination, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.export import export_text
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import parse_portfolio, parse_portfolio_file
from rebal_tui.services.queries import portfolios as portfolio_queries
from tests.services import factories
from tests.services.random_books import MODELS

EVERY_FIELD = replace(
    factories.balanced("every", conditions=[factories.monthly("15")], cooldown=30, review=True),
    description="Für “alle”",
    rebalance_to=Destination.MIDDLE,
    rebalance_scope=RebalanceScope.BREACHED,
    minimum_trade=MinimumTrade(parse_money("25.50"), Percent(50)),
    stagger_sessions=3,
)


@pytest.fixture
def book() -> Book:
    book = factories.make_book("2026-03-04 12:00")
    factories.fill_book(book, [factories.account("a", "5000")], [*MODELS, EVERY_FIELD], {"a": "plain"})
    return book


def exported(book: Book) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(export_text(book, "portfolios", "json"))["portfolios"]
    assert {item["subscribers"] for item in found} == {0, 1}
    return found


def pasted(book: Book, raw: object) -> PortfolioBody:
    return portfolio_queries.pasted_portfolio(book, json.dumps(raw))


def faults(book: Book, raw: object) -> list[str]:
    with pytest.raises(Invalid) as caught:
        pasted(book, raw)
    return [str(fault) for fault in caught.value.faults]


def plain_with(book: Book, **changes: object) -> dict[str, Any]:
    """The first portfolio of the export, with changes of its first asset weight."""
    item = exported(book)[0]
    at = next(at for at, weight in enumerate(item["weights"]) if weight["type"] == "asset")
    item["weights"][at] |= changes
    return item


def test_each_portfolio_of_an_export_of_all_is_read_as_it_is_stored(book: Book) -> None:
    found = exported(book)
    assert len(found) == len(book.portfolios) == len(MODELS) + 1
    for item in found:
        stored = PortfolioBody.of(book.portfolio(item["id"]))
        assert pasted(book, item) == stored
        assert pasted(book, [item]) == stored
        assert pasted(book, {"portfolios": [item]}) == stored
        assert parse_portfolio_file(item, book.assets) == stored
        assert pasted(book, json.loads(portfolio_queries.api_json(book, item["id"]))) == stored


def test_several_portfolios_are_counted_and_refused(book: Book) -> None:
    expected = "expected one portfolio, found 6; paste only one of them, or keep only one in the file"
    whole = json.loads(export_text(book, "portfolios", "json"))
    assert len(whole["portfolios"]) == 6
    assert faults(book, whole) == faults(book, whole["portfolios"]) == [expected]
    with pytest.raises(Invalid, match=expected):
        parse_portfolio_file(whole, book.assets)


def test_a_list_of_anything_else_is_no_portfolio(book: Book) -> None:
    assert faults(book, exported(book)[0]["weights"]) == ["expected a portfolio, got a list"]
    assert faults(book, []) == ["expected a portfolio, got a list"]


def test_an_asset_id_must_be_that_of_the_symbol(book: Book) -> None:
    tlt = book.assets["TLT"].id
    assert faults(book, plain_with(book, asset_id=tlt)) == [
        f'weights[1].asset_id: asset "{tlt}" is TLT in this book, not SPY'
    ]
    assert faults(book, plain_with(book, asset_id="other")) == [
        "weights[1].asset_id: SPY has another id in this book; remove asset_id to take the asset by its symbol"
    ]
    assert faults(book, plain_with(book, asset_id=3)) == ["weights[1].asset_id: expected text, got 3"]
    renamed = plain_with(book, symbol="NEW")
    assert faults(book, renamed) == [
        f'weights[1].asset_id: asset "{book.assets["SPY"].id}" is SPY in this book, not NEW'
    ]
    with pytest.raises(Conflict, match="asset NEW is unknown"):
        pasted(book, plain_with(book, symbol="NEW", asset_id="other"))


def test_cash_has_no_asset_id_and_other_fields_stay_unknown(book: Book) -> None:
    item = exported(book)[0]
    item["weights"][0] |= {"asset_id": "x"}
    assert faults(book, item) == ['weights[0].asset_id: expected no asset_id for cash, got "x"']
    item = plain_with(book, asset="SPY") | {"subscriber": 2}
    assert faults(book, item) == [
        'unknown field "subscriber"; did you mean subscribers?',
        'weights[1]: unknown field "asset"; did you mean asset_id?',
    ]


def test_a_request_of_the_api_has_no_asset_ids(book: Book) -> None:
    with pytest.raises(Invalid, match="unknown field"):
        parse_portfolio(exported(book)[0])
