"""A BOOK.json whose assets have ids, imported and shown by the API (R-50)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.quantities import parse_qty
from rebal_tui.services.book.book import Book
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.maintenance.export import export_text
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.wire import accounts, market
from tests.services.brokers import broker
from tests.services.factories import fill_book, make_book

CONTENT: dict[str, Any] = {
    "assets": [
        {"id": "old-spy-1", "symbol": "SPY", "price": "400", "status": "inactive"},
        {"id": "new-spy-1", "symbol": "SPY", "price": "20"},
        {"id": "tlt", "symbol": "TLT", "price": "100"},
    ],
    "accounts": [
        {
            "id": "a",
            "cash": "100",
            "positions": [
                {"asset_id": "old-spy-1", "qty": "2"},
                {"symbol": "SPY", "qty": "3"},
                {"asset_id": "tlt", "symbol": "TLT", "qty": "4"},
            ],
        }
    ],
    "portfolios": [
        {
            "id": "p",
            "name": "P",
            "weights": [
                {"type": "asset", "asset_id": "old-spy-1", "percent": "40"},
                {"type": "asset", "symbol": "SPY", "percent": "60"},
            ],
        }
    ],
    "subscriptions": [{"account_id": "a", "portfolio_id": "p"}],
}


def imported() -> Book:
    book = make_book()
    import_book(book, parse_book(json.dumps(CONTENT)))
    return book


def test_positions_and_weights_are_those_of_the_ids() -> None:
    book = imported()
    assert {p.asset_id: p.qty for p in book.account("a").positions} == {
        "old-spy-1": parse_qty("2"), "new-spy-1": parse_qty("3"), "tlt": parse_qty("4"),
    }  # fmt: skip
    assert [book.assets[s].id for s in book.portfolio("p").weights.symbols] == ["old-spy-1", "new-spy-1"]
    assert check_book(book.database, broker(book)).faults == ()


def test_the_api_shows_plain_symbols_with_ids() -> None:
    book = imported()
    assert market.find_asset(book, "SPY")["id"] == "new-spy-1"
    assert (market.find_asset(book, "old-spy-1")["symbol"], market.find_asset(book, "old-spy-1")["status"]) == (
        "SPY", "inactive",
    )  # fmt: skip
    with pytest.raises(NotFound):
        market.find_asset(book, "QQQ")
    assert [(p["symbol"], p["asset_id"], p["market_value"]) for p in accounts.positions(book, "a")] == [
        ("SPY", "new-spy-1", "60.00"), ("SPY", "old-spy-1", "800.00"), ("TLT", "tlt", "400.00"),
    ]  # fmt: skip
    assert accounts.position(book, "a", "SPY")["asset_id"] == "new-spy-1"
    assert accounts.position(book, "a", "old-spy-1")["qty"] == "2"


def test_exports_name_assets_by_id() -> None:
    book = imported()
    (account,) = json.loads(export_text(book, "accounts", "json"))["accounts"]
    assert [p["asset_id"] for p in account["positions"]] == ["new-spy-1", "old-spy-1", "tlt"]
    (portfolio,) = json.loads(export_text(book, "portfolios", "json"))["portfolios"]
    assert [w["asset_id"] for w in portfolio["weights"]] == ["old-spy-1", "new-spy-1"]


def test_a_file_that_contradicts_the_ids_of_the_book_is_refused_whole() -> None:
    book = make_book()
    fill_book(book, [], [], {})
    with pytest.raises(Conflict, match="SPY: expected one active asset of that symbol, found the ids id-SPY and new-s"):
        import_book(book, parse_book(json.dumps(CONTENT)))
    assert len(book.accounts) == 0
    assert {asset.id for asset in book.assets.values()} == {"id-SPY", "id-TLT", "id-GLD"}
