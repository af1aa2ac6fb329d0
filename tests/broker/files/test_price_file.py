"""Price files: by row or by column, with a decimal point or comma, each price with its own time (R-72)."""

from __future__ import annotations

import pytest

from rebal_tui.broker.files.price_file import read_prices
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import price_text


def _read(text: str, encoding: str = "utf-8", decimal: str | None = None) -> dict[str, tuple[str, str]]:
    found = read_prices(text.encode(encoding), decimal)
    return {symbol: (price_text(one.price), str(one.as_of)) for symbol, one in found.items()}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("symbol,price,as of\nAAA,1250.5,2026-11-27\nBRK/B,7,2026-11-26 16:00\n", "utf-8"),
        ("Prices\r\n\r\nTicker;Close;Date\r\nAAA;1.250,5;27.11.2026\r\nBRK/B;7;26.11.2026 16:00\r\n", "utf-16"),
        ("ticker\tprice\ttime\nAAA\t$1,250.5\t11/27/2026\nAAA\t9\t11/26/2026\nBRK.B\t7\t11/26/2026 16:00", "utf-8-sig"),
    ],
    ids=["point", "decimal comma in UTF-16", "tabs, the newest of two"],
)  # fmt: skip
def test_rows_of_symbol_price_and_time(text: str, encoding: str) -> None:
    assert _read(text, encoding) == {
        "AAA": ("1250.5", "2026-11-27"),
        "BRK.B": ("7", "2026-11-26 16:00:00-05:00"),
    }


def test_the_last_row_of_a_table_with_a_column_for_each_symbol_counts() -> None:
    expected = {"AAA": ("10.5", "2026-11-27"), "BBB": ("8", "2026-11-27")}
    assert _read("date,AAA,BBB,CCC\n2026-11-26,10,8,1\n2026-11-27,10.5,8,\n") == expected
    assert _read("date;AAA;BBB;CCC\n2026-11-26;10;8;1\n2026-11-27;10,5;8;\n") == expected


def test_an_ambiguous_decimal_mark_is_asked_for() -> None:
    text = "symbol;price\nAAA;1.250\nBBB;2.500\n"
    with pytest.raises(Invalid, match="--decimal"):
        _read(text)
    assert [price for price, _ in _read(text, decimal=",").values()] == ["1250", "2500"]
    assert [price for price, _ in _read(text, decimal=".").values()] == ["1.25", "2.5"]
    assert _read("symbol,price\nAAA,0.125\n")["AAA"][0] == "0.125"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("symbol,price\nAAA,x\n", "line 2, price: got 'x', expected a number"),
        ("symbol,price\n=cmd(),1\n", "line 2, symbol: got '=cmd()', expected a symbol"),
        ("symbol,price,date\nAAA,1,soon\n", "line 2, date: got 'soon', expected a date"),
        ("symbol,price\nAAA,1\nAAA,2\n", "line 3, price: got '2', but line 2 has another price"),
        ("date,AAA\n,1\n", "line 2, date: got nothing"),
        ("symbol,price\nAAA,0\n", "line 2, price: got '0', expected a price above 0"),
        ("ticker\nAAA\n", "line 1: expected the columns symbol and price"),
    ],
)
def test_faults_name_line_column_and_what_is_expected(text: str, expected: str) -> None:
    with pytest.raises(Invalid) as refused:
        _read(text)
    assert expected in str(refused.value.faults[0])
