"""Corporate actions as text: what each kind needs, and errors that name the field."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction, parse_ratio, ratio_text
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import parse_price
from rebal_tui.services.parsing.corporate_action import read_action, read_action_row
from rebal_tui.services.parsing.exact_json import read_json


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"kind": "split", "symbol": "SPY", "ratio": "10"}, "SPY 10 for 1"),
        ({"kind": "split", "symbol": "SPY", "ratio": "1:8"}, "SPY 1 for 8"),
        ({"kind": "cash_dividend", "symbol": "KO", "amount": "0.485"}, "KO pays $0.485 a share"),
        ({"kind": "stock_dividend", "symbol": "KO", "ratio": "0.05"}, "KO stock dividend of 1:20 a share"),
        (
            {"kind": "spin_off", "symbol": "GE", "ratio": "1:4", "new_symbol": "GEV", "price": "142.5"},
            "GE spins off GEV, 1:4 a share",
        ),
        ({"kind": "symbol_change", "symbol": "FB", "new_symbol": "META"}, "FB becomes META"),
        ({"kind": "cash_merger", "symbol": "TWTR", "amount": "54.20"}, "TWTR is bought for $54.2 a share"),
        ({"kind": "stock_merger", "symbol": "XLNX", "ratio": "1.7234", "new_symbol": "AMD"}, None),
        ({"kind": "delisting", "symbol": "BBBY"}, "BBBY is delisted, worthless"),
        ({"kind": "delisting", "symbol": "BBBY", "amount": "0.1"}, "BBBY is delisted for $0.1 a share"),
    ],
)
def test_each_kind_is_read_from_a_body_and_from_a_row_alike(raw: dict[str, str], expected: str | None) -> None:
    action = read_action(raw)
    columns = ("symbol", "kind", "ratio", "amount", "new_symbol", "price")
    assert read_action_row({name: raw.get(name, "") for name in columns}) == action
    if expected is not None:
        assert action.text == expected


def test_numbers_are_exact() -> None:
    action = read_action(read_json('{"kind": "cash_dividend", "symbol": "KO", "amount": 0.485}'))
    assert action.amount == parse_price("0.485")
    split = read_action(read_json('{"kind": "split", "symbol": "KO", "ratio": 1.5}'))
    assert split.ratio == Fraction(3, 2)


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        ({"kind": "split", "symbol": "SPY"}, ["ratio: ratio is required for a split"]),
        ({"kind": "symbol_change", "symbol": "SPY", "new_symbol": "SPY"}, ["new_symbol: expected another symbol"]),
        ({"kind": "split", "symbol": "SPY", "ratio": "1:1"}, ["ratio: expected another ratio than 1:1"]),
        ({"kind": "split", "symbol": "SPY", "ratio": "0"}, ["ratio: expected a ratio above 0"]),
        ({"kind": "split", "symbol": "SPY", "ratio": "1:2:3"}, ["ratio: expected a ratio above 0"]),
        ({"kind": "split", "symbol": "SPY", "ratio": "1:9000000"}, ["ratio: expected a ratio from 1:1000000"]),
        ({"kind": "cash_dividend", "symbol": "SPY", "amount": "-1"}, ["amount: expected a price above 0"]),
        ({"kind": "delisting", "symbol": "SPY", "price": "3"}, ["price: a delisting has no price"]),
        ({"kind": "split", "symbol": "SPY", "ratio": "2", "date": "2026-03-02"}, ['unknown field "date"']),
        ({"kind": "merger", "symbol": "SPY"}, ["kind: expected split, cash_dividend"]),
        (
            {"kind": "spin_off", "symbol": "spy", "amount": "3"},
            ["symbol: expected a symbol", "ratio is required", "new_symbol is required", "price is required",
             "amount: a spin off has no amount"],
        ),
        ([], ["expected a corporate action"]),
    ],
)  # fmt: skip
def test_an_error_names_the_field_and_what_is_expected(raw: object, faults: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        read_action(raw)
    text = str(refusal.value)
    assert [fault for fault in faults if fault not in text] == []
    assert len(refusal.value.faults) == len(faults)


def test_a_ratio_is_written_as_it_is_read() -> None:
    for ratio in (Fraction(10), Fraction(3, 2), Fraction(1, 8), Fraction(17234, 10000)):
        assert parse_ratio(ratio_text(ratio)) == ratio


def test_an_action_built_in_code_is_checked_the_same_way() -> None:
    with pytest.raises(Invalid, match="ratio is required"):
        CorporateAction(ActionKind.SPLIT, "SPY")
