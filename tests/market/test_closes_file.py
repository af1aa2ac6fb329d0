"""Reading closes from CSV files: what is accepted, and how a fault is named."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import NANO, parse_price
from rebal_tui.market import csv_file as module
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes


def read(text: str) -> Closes:
    return read_closes(io.StringIO(text, newline=""))


def faults(text: str) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read(text)
    return [str(fault) for fault in refusal.value.faults]


PLAIN = "date,SPY,TLT\n2024-03-25,519.77,93.51\n2024-03-26,518.81,93.42\n2024-03-27,523.17,\n"


def test_prices_are_read_exactly_and_an_empty_cell_is_no_price() -> None:
    closes = read("date,SPY,BRK.B\n2024-01-02,0.123456789,123456789.123456789\n2024-01-03,,7\n")
    assert closes.symbols == ("SPY", "BRK.B")
    assert closes.days == (date(2024, 1, 2), date(2024, 1, 3))
    assert closes.rows == ((123_456_789, 123_456_789_123_456_789), (None, 7 * NANO))
    assert list(closes.priced(1)) == [("BRK.B", 7 * NANO)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_mark_quotes_and_blank_lines_are_accepted(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "closes.csv"
    text = ending.join(['"date","SPY"', "2024-01-02,1", "", "2024-01-03,2", ""])
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_closes(path) == Closes(
        ("SPY",), (date(2024, 1, 2), date(2024, 1, 3)), ((parse_price("1"),), (parse_price("2"),))
    )


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("date", "Date"),
        PLAIN.replace("date", "DATE"),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",", " , ").replace("\n", "  \n"),
        re.sub(r"[^,\n]+", r'"\g<0>"', PLAIN).replace(",", ", "),
        PLAIN.replace("\n", ",\n"),
        PLAIN.replace("\n", ",,\n") + ",,,,\n , ,\n",
        PLAIN + ",,\n   \n",
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "; ").replace("\n", " ;;\r\n"),
        "\ufeff" + PLAIN,
        "\ufeff" + PLAIN.replace(",", ";").replace("\n", "\r"),
        "\n".join([PLAIN.split("\n")[0], *PLAIN.split("\n")[3:0:-1]]),
    ],
)
def test_what_a_spreadsheet_writes_is_read_as_the_same_closes(text: str) -> None:
    assert read(text) == read(PLAIN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "date,SPY,TLT\n2024-03-25,1,2,3\n2024-03-26,1,2,,x\n",
            [
                "line 2, column 4: got '3', expected nothing: the column has no heading",
                "line 3, column 5: got 'x', expected nothing: the column has no heading",
            ],
        ),
        (
            "date,SPY,\n2024-03-25,1,2\n",
            ["line 2, column 3: got '2', expected nothing: the column has no heading"],
        ),
        (
            "date,SPY\n2024-03-28,1\n2024-03-27,1\n2024-03-29,1\n2024-03-26,1\n2024-03-25,1\n",
            ["line 4, date: got 2024-03-29, expected a day before 2024-03-27"],
        ),
        (
            "date,SPY\n2024-03-25,1\n2023-03-26,1\n2024-03-27,1\n2024-03-28,1\n",
            ["line 3, date: got 2023-03-26, expected a day after 2024-03-25"],
        ),
        (
            "date;SPY\n2024-03-25;1,234\n",
            ["line 2, SPY: got '1,234', expected a plain decimal number such as 1234.56"],
        ),
        (
            "date;SPY\n2024-03-25;1,5\n2024-03-26;1.5\n",
            ["line 2, SPY: got '1,5', expected a plain decimal number such as 1234.56"],
        ),
        (
            'date,SPY\n2024-03-25,"1,234.5"\n',
            ["line 2, SPY: got '1,234.5', expected a plain decimal number such as 1234.56"],
        ),
        (
            "date,SPY\n03/25/2024,$1\n",
            [
                "line 2, date: got '03/25/2024', expected a date such as 2024-03-28",
                "line 2, SPY: got '$1', expected a plain decimal number such as 1234.56",
            ],
        ),
        (
            "date,SPY\n2024-03-25," + "9" * 60,
            [f"line 2, SPY: got '{'9' * 40}…', expected a price within ±9,000,000,000"],
        ),
        (
            "date;SPY,TLT\n2024-03-25;1,2\n",
            [
                "line 1, column 1: got 'date;SPY', expected the heading date",
                "line 2, date: got '2024-03-25;1', expected a date such as 2024-03-28",
            ],
        ),
    ],
)
def test_what_is_ambiguous_is_refused_with_what_was_found(text: str, found: list[str]) -> None:
    assert faults(text) == found


def test_every_fault_is_listed_with_its_location() -> None:
    assert faults(
        "date,SPY,TLT\n"
        "2024-01-02,1,0\n"
        "2024-01-02,1,1\n"
        "2024-02-30,1,-5\n"
        "2024-01-03,1e3,1\n"
        "2024-01-04,1\n"
        '2024-01-05,"1,1\n'
        "2024-01-08,1 0,１\n"
        "20240109,1_0,nan\n"
    ) == [
        "line 2, TLT: got '0', expected a price above 0",
        "line 3, date: got 2024-01-02, expected a day after 2024-01-02",
        "line 4, date: got '2024-02-30', expected a date such as 2024-03-28",
        "line 4, TLT: got '-5', expected a price above 0",
        "line 5, SPY: got '1e3', expected a plain decimal number such as 1234.56",
        "line 6: got 2 cells, expected 3",
        "line 7: not readable as CSV: unexpected end of data",
        "line 8, SPY: got '1 0', expected a plain decimal number such as 1234.56",
        "line 8, TLT: got '１', expected a plain decimal number such as 1234.56",
        "line 9, date: got '20240109', expected a date such as 2024-03-28",
        "line 9, SPY: got '1_0', expected a plain decimal number such as 1234.56",
        "line 9, TLT: got 'nan', expected a plain decimal number such as 1234.56",
    ]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("day,SPY", "line 1, column 1: got 'day', expected the heading date"),
        ("date,SPY,SPY", "line 1, SPY: got it 2 times, expected every symbol once"),
        ("date,spy", "line 1, column 2: got 'spy', expected a symbol such as SPY or BRK.B"),
        ("date,[@click=app.quit]", "line 1, column 2: got '[@click=app.quit]', expected a symbol such as SPY or BRK.B"),
        ("date,,SPY", "line 1, column 2: got nothing, expected a symbol such as SPY or BRK.B"),
        ("date,", "line 1: got 0 symbols, expected 1 to 5,000 after date, separated by , or ;"),
        ("date", "line 1: got 0 symbols, expected 1 to 5,000 after date, separated by , or ;"),
    ],
)
def test_a_faulty_header_is_refused(header: str, fault: str) -> None:
    assert fault in faults(header + "\n2024-01-02,1\n")


@pytest.mark.parametrize("char", ["\x00", "\x07", "\t", "\x0b", "\x0c", "\x1b", "\x85", "\u200b", "\u2028", "\u202e"])
def test_control_and_invisible_characters_are_refused_and_not_repeated(char: str) -> None:
    found = faults(f"date,S{char}PY\n2024-01-02,1{char}\n{char}2024-01-03,1\n")
    locations = ["line 1, column 2", "line 2, column 2", "line 3, date"]
    assert [fault.split(": ")[0] for fault in found] == locations
    assert all("control or invisible character" in fault for fault in found)
    assert not any(char in fault for fault in found)


@pytest.mark.parametrize("text", ["", "\n\n", "date,SPY\n"])
def test_a_file_without_closes_is_refused(text: str) -> None:
    assert len(faults(text)) == 1


def test_a_file_that_is_missing_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(tmp_path / "none.csv")
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(tmp_path)
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(Path("a\x00b"))
    path = tmp_path / "latin.csv"
    path.write_bytes(b"date,SPY\n2024-01-02,\xe9\n")
    with pytest.raises(Invalid, match="line 2: expected UTF-8 text"):
        read_closes(path)
    with path.open(encoding="utf-8") as stream, pytest.raises(Invalid, match="UTF-8"):
        read_closes(stream)


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = ",".join(f"S{number}" for number in range(5_001))
    assert faults(f"date,{symbols}\n") == [
        "line 1: got 5,001 symbols, expected 1 to 5,000 after date, separated by , or ;"
    ]
    assert "line 2: expected at most 200,000 characters, got 200,001" in faults("date,SPY\n" + "," * 200_001)
    path = tmp_path / "large.csv"
    path.write_text("date,SPY\n2024-01-02,1\n")
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(Invalid, match="larger"):
        read_closes(path)
    with pytest.raises(Invalid, match="larger"):
        read("date,SPY\n2024-01-02,1\n")


def test_faults_beyond_the_limit_are_counted() -> None:
    found = faults("date,SPY\n" + "x,x\n" * 6_000)
    assert len(found) == 10_001
    assert found[-1] == "and 2,000 more faults"


@given(st.text(alphabet=st.sampled_from('date,SPY\n\r"0123456789-.\x00\u202eé'), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        closes = read(text)
    except Invalid:
        return
    assert all(len(row) == len(closes.symbols) for row in closes.rows)
