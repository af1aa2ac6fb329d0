"""Assets of a BOOK.json by id, and account numbers that an id stands in for (R-50)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.parsing.book_file import parse_book

LIVE = {"id": "new-spy", "symbol": "SPY", "price": "10"}
DEAD = {"id": "old-spy", "symbol": "SPY", "price": "400", "status": "inactive"}
TLT = {"symbol": "TLT", "price": "100"}


def book(
    assets: list[Any], positions: list[Any] | None = None, weights: list[Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "assets": assets,
        "accounts": [{"id": "a1", "cash": "5", "positions": positions or []}],
        "portfolios": [{"id": "p1", "name": "P", "weights": weights}] if weights else [],
        **more,
    }


def faults(content: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_book(json.dumps(content))
    return [str(fault) for fault in refused.value.faults]


def test_namesakes_are_told_apart_by_id() -> None:
    parsed = parse_book(
        json.dumps(
            book(
                [DEAD, TLT, LIVE],
                [{"asset_id": "old-spy", "qty": "1"}, {"symbol": "SPY", "qty": "2"}, {"symbol": "TLT", "qty": "3"}],
                [
                    {"type": "asset", "symbol": "SPY", "asset_id": "old-spy", "percent": "20"},
                    {"type": "asset", "asset_id": "new-spy", "percent": "30"},
                    {"type": "asset", "symbol": "TLT", "percent": "50"},
                ],
            )
        )
    )
    assert {asset.symbol: asset.id for asset in parsed.assets if asset.symbol != "TLT"} == {
        "SPY": "new-spy", "SPY#old-": "old-spy",
    }  # fmt: skip
    held = parsed.accounts[0].positions
    assert [(p.symbol, p.asset_id) for p in held] == [
        ("SPY#old-", "old-spy"), ("SPY", "new-spy"), ("TLT", None),
    ]  # fmt: skip
    assert parsed.portfolios[0].body.weights.symbols == ("SPY#old-", "SPY", "TLT")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            book([LIVE, {**DEAD, "status": "active"}]),
            'assets[1].symbol: duplicate symbol "SPY" of two active assets: id "old-spy" in assets[1], '
            'id "new-spy" in assets[0]; expected one active asset of that symbol',
        ),
        (
            book([{"symbol": "SPY"}, DEAD]),
            'assets[1].symbol: duplicate symbol "SPY", already used in assets[0]',
        ),
        (book([LIVE, {**TLT, "id": "new-spy"}]), 'assets[1].id: duplicate id "new-spy", already used in assets[0]'),
        (
            book([LIVE, TLT], [{"symbol": "TLT", "asset_id": "new-spy", "qty": "1"}]),
            'accounts[0].positions[0].symbol: asset "new-spy" is SPY in assets[0], not TLT',
        ),
        (
            book([LIVE], [{"symbol": "SPY", "asset_id": "other", "qty": "1"}]),
            'accounts[0].positions[0].asset_id: unknown asset "other": not listed in assets',
        ),
        (
            book([LIVE], [{"symbol": "SPY", "qty": "1"}, {"asset_id": "new-spy", "qty": "1"}]),
            'accounts[0].positions[1].symbol: duplicate symbol "SPY", already used in accounts[0].positions[0]',
        ),
        (book([LIVE], [{"qty": "1"}]), "accounts[0].positions[0].symbol: symbol is required"),
        (
            book([DEAD, {**DEAD, "id": "older-spy"}], [{"symbol": "SPY", "qty": "1"}]),
            'accounts[0].positions[0].symbol: SPY is not one asset: id "old-spy" in assets[0] and '
            'id "older-spy" in assets[1]; expected an asset_id',
        ),
        (
            book([LIVE], None, [{"type": "asset", "asset_id": "other", "symbol": "SPY", "percent": "100"}]),
            'portfolios[0].weights[0].asset_id: unknown asset "other": not listed in assets',
        ),
        (
            book(
                [LIVE],
                None,
                [
                    {"type": "asset", "symbol": "SPY", "percent": "50"},
                    {"type": "asset", "asset_id": "new-spy", "percent": "50"},
                ],
            ),
            "portfolios[0].weights: duplicate asset SPY; list each asset once",
        ),
    ],
)
def test_what_is_ambiguous_is_refused_with_its_places(content: dict[str, Any], expected: str) -> None:
    found = faults(content)
    assert [fault.split(", got ")[0] for fault in found] == [expected]


@pytest.mark.parametrize("stands_in_first", [False, True])
def test_an_id_that_stands_in_for_a_number_is_compared_with_the_numbers(stands_in_first: bool) -> None:
    named, unnamed = {"id": "a1", "account_number": "0012345"}, {"id": "0012345"}
    accounts = [unnamed, named] if stands_in_first else [named, unnamed]
    (fault,) = faults({"assets": [], "accounts": accounts})
    if stands_in_first:
        assert fault == 'accounts[1].account_number: duplicate account_number "0012345", already used in accounts[0]'
    else:
        assert fault == (
            "accounts[1].id: the id stands in for the missing account_number: "
            'duplicate account_number "0012345", already used in accounts[0]'
        )
