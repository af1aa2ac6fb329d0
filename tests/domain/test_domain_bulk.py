"""Bulk creation gives the same objects as creation one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.accounts import Position
from rebal_tui.domain.bulk import build_objects, replace_all
from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.domain.quantities import Price, Qty

TWO = [Position("SPY", Qty(1), Price(5)), Position("TLT", Qty(2), Price(5))]
UNKNOWN: dict[str, object] = {"asset_id": None, "available": None}


def test_objects_are_built_from_columns_and_shared_values() -> None:
    columns: dict[str, list[object]] = {"symbol": ["SPY", "TLT"], "qty": [1, 2]}
    assert build_objects(Position, 2, columns, {"avg_entry_price": Price(5)} | UNKNOWN) == TWO
    assert build_objects(Position, 0, {"symbol": [], "qty": []}, {"avg_entry_price": None} | UNKNOWN) == []


@pytest.mark.parametrize(
    ("columns", "constants", "why"),
    [
        ({"symbol": ["SPY", "TLT"]}, {"qty": 1}, "fields of Position are missing"),
        ({"symbol": ["SPY", "TLT"]}, {"qty": 1, "avg_entry_price": None, "more": 1}, "fields of Position are missing"),
        ({"symbol": ["SPY"]}, {"qty": 1, "avg_entry_price": None} | UNKNOWN, "columns of different lengths"),
        (
            {"symbol": ["SPY", "TLT", "GLD"]},
            {"qty": 1, "avg_entry_price": None} | UNKNOWN,
            "columns of different lengths",
        ),
    ],
)
def test_fields_that_do_not_fit_are_refused(
    columns: dict[str, list[object]], constants: dict[str, object], why: str
) -> None:
    with pytest.raises(BrokenInvariant, match=f"^{why}$"):
        build_objects(Position, 2, columns, constants)


def test_copies_keep_the_fields_not_replaced() -> None:
    before = list(TWO)
    assert replace_all(TWO, {"qty": [7, 8]}, {"avg_entry_price": None}) == [
        replace(one, qty=Qty(qty), avg_entry_price=None) for one, qty in zip(TWO, (7, 8), strict=True)
    ]
    assert replace_all(TWO, {}, {}) == TWO == before
    assert replace_all(TWO, {}, {})[0] is not TWO[0]
    assert replace_all(TWO[1:], {"qty": [9]}, {}) == [replace(TWO[1], qty=Qty(9))]
    assert replace_all([], {"qty": []}, {}) == []
