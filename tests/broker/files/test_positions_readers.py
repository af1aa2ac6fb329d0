"""Positions files of each custodian are read to the last share and cent, and recognized as their own (R-71)."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.statement import Statement
from rebal_tui.domain.errors import Invalid
from tests.broker.files import samples

SHARED = Path("/work/shared/data/files")
TRUTHS = sorted(path for path in SHARED.glob("*.json") if '"kind": "fills"' not in path.read_text("utf-8"))


def _figures(statement: Statement) -> dict[str, tuple[str, list[tuple[str, str, str | None]]]]:
    shown: Any = statement.as_json()
    return {
        account["number"]: (
            account["cash"],
            [(held["symbol"], held["quantity"], held["price"]) for held in account["positions"]],
        )
        for account in shown["accounts"]
    }


def _left(statement: Statement) -> list[tuple[int, int | None, bool]]:
    """Lines left out, with dollars in cents."""
    return [
        (row.line, None if row.amount is None else row.amount // 10_000_000, row.matters) for row in statement.left_out
    ]


def _faults(content: bytes, options: ReadOptions | None = None, format_name: str | None = None) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read_statement(content, options, format_name)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.skipif(not TRUTHS, reason="the shared samples are not on this machine")
@pytest.mark.parametrize("truth_file", TRUTHS, ids=lambda path: str(path.stem))
def test_shared_samples_are_read_as_their_truth_says(truth_file: Path) -> None:
    truth = json.loads(truth_file.read_text("utf-8"))
    statement = read_statement(truth_file.with_suffix(".csv").read_bytes())
    shown: Any = statement.as_json()
    assert (shown["format"], shown["as_of"]) == (truth["custodian"], truth["as_of"])
    for found, expected in zip(shown["accounts"], truth["accounts"], strict=True):
        assert (found["number"], found["name"]) == (expected["number"], expected["name"])
        assert abs(Decimal(found["cash"]) - Decimal(expected["cash"])) <= Decimal(truth["cash_tolerance"])
        assert [(held["symbol"], Decimal(held["quantity"]), Decimal(held["price"])) for held in found["positions"]] == [
            (held["symbol"], Decimal(held["quantity"]), Decimal(held["price"])) for held in expected["positions"]
        ]
    left = [(row["line"], row["amount"] and Decimal(row["amount"])) for row in shown["left_out"]]
    assert left == [(row["line"], row["amount"] and Decimal(row["amount"])) for row in truth["left_out"]]
    assert [row.matters for row in statement.left_out] == [row["matters"] for row in truth["left_out"]]
    if "mapping" in truth:
        mapped = read_statement(
            truth_file.with_suffix(".csv").read_bytes(), ReadOptions(mapping=truth["mapping"]), "generic"
        )
        assert mapped.accounts == statement.accounts


def test_schwab_blocks_cash_option_and_totals() -> None:
    statement = read_statement(samples.SCHWAB)
    assert statement.format == "schwab"
    assert statement.as_of is not None
    assert statement.as_of.isoformat() == "2026-11-27T16:31:00-05:00"
    assert _figures(statement) == {
        "...417": ("-16.50", [("AAA", "1250.5", "10"), ("BRK.B", "2", "400.25"), ("SWVXX", "100.25", "1")]),
        "...902": ("96.41", []),
    }
    assert _left(statement) == [(8, 25000, True), (10, 1363925, False), (15, 9641, False)]


def test_fidelity_core_funds_pending_activity_and_account_types() -> None:
    statement = read_statement(samples.FIDELITY)
    assert statement.format == "fidelity"
    assert _figures(statement) == {
        "Z40118827": ("4120.66", [("AAA", "260.118", "118.425")]),
        "012345678": ("17.03", []),
    }
    assert [account.name for account in statement.accounts] == ["Individual", "Doe, Jane"]
    assert _left(statement)[0] == (5, -7510, True)
    assert statement.as_of is not None
    assert statement.as_of.isoformat() == "2026-11-27T16:52:00-05:00"


def test_vanguard_holdings_end_where_transactions_begin() -> None:
    statement = read_statement(samples.VANGUARD)
    assert (statement.format, statement.as_of) == ("vanguard", None)
    assert _figures(statement) == {
        "40771203": ("8210.44", [("AAA", "350", "118.425")]),
        "65300188": ("0.00", [("BBB", "12", "87.34")]),
    }
    assert statement.notes == ("1 of 2 accounts have no settlement fund: cash counts as 0.00",)


def test_ibkr_takes_summaries_and_us_dollars_of_each_shape() -> None:
    marked, plain, activity = (
        read_statement(content) for content in (samples.FLEX_MARKED, samples.FLEX_PLAIN, samples.ACTIVITY)
    )
    assert {marked.format, plain.format, activity.format} == {"ibkr"}
    assert _figures(marked) == {"U9400173": ("1834.1276", [("AAA", "210", "118.425"), ("BRK.B", "14", "412.77")])}
    assert [row for row in _left(marked) if row[2]] == [(7, 10000, True)]
    assert _figures(plain) == {"U1": ("5.25", [("AAA", "10", "2.5")])}
    assert _figures(activity) == {"U7705512": ("2480.117399", [("AAA", "140.5", "118.425")])}
    assert [row for row in _left(activity) if row[2]] == [(11, 25000, True)]
    assert {str(one.as_of) for one in (marked, plain, activity)} == {"2026-11-27"}


def test_generic_decimal_comma_holds_for_the_whole_file() -> None:
    statement = read_statement(samples.GENERIC)
    assert (statement.format, str(statement.as_of), statement.encoding) == ("generic", "2026-11-27", "utf-16-le")
    assert _figures(statement) == {
        "10-2231": ("4830.05", [("AAA", "1250", "118.425")]),
        "007": ("0.00", [("BBB", "80.5", "73.91")]),
    }


def test_cash_list_and_symbol_pairs_are_the_books_own() -> None:
    options = ReadOptions(
        cash_symbols={"schwab": frozenset({"CASH & CASH INVESTMENTS", "SWVXX"})}, pairs={"schwab": {"AAA": "AAA.X"}}
    )
    cash, held = _figures(read_statement(samples.SCHWAB, options))["...417"]
    assert (cash, [symbol for symbol, _, _ in held]) == ("83.75", ["AAA.X", "BRK.B"])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1,250.5", "1.2.5", "line 5, Qty (Quantity): got '1.2.5', expected a number such as 1234.56"),
        ("$12,505.00", "$12,606.00", "line 5, Mkt Val (Market Value): got '$12,606.00', expected quantity × price"),
        ("$13,639.25", "$13,640.25", "line 10, Mkt Val (Market Value): got 13640.25 as the total"),
        ("1,250.5", "1E3", "line 5, Qty (Quantity): got '1E3', expected a number"),
        ("Roth IRA ...902", "Individual ...417", "line 12: expected one block for each account"),
        ('"AAA","A', '"AAA"x,"A', "line 5: not readable as CSV"),
    ],
)  # fmt: skip
def test_faults_name_line_column_found_and_expected(old: str, new: str, expected: str) -> None:
    assert old in samples.SCHWAB.decode()
    faults = _faults(samples.SCHWAB.decode().replace(old, new, 1).encode())
    assert any(fault.startswith(expected) for fault in faults), faults


def test_flex_names_the_columns_to_tick() -> None:
    without = samples.FLEX_PLAIN.replace(b"MarkPrice", b"Other")
    assert _faults(without) == ["line 1: expected the columns MarkPrice: tick them in the Flex query"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04rest", "a workbook"),
        (b"%PDF-1.4", "a PDF"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"OFXHEADER:100", "OFX"),
        (b"a\x00b", "binary"),
        (b"x,y\n1,2\n", "the format is not known"),
        (b"Offene Positionen,Header,Symbol\nA,Data,b\nA,Data,c\n", "not in English"),
    ],
)
def test_other_files_are_named(content: bytes, expected: str) -> None:
    assert expected in " ".join(_faults(content))


def test_windows_text_is_read_and_said() -> None:
    content = 'Account,Account name,Symbol,Quantity,Price,Value\nA1,"Café",AAA,1,2,2\n'.encode("cp1252")
    statement = read_statement(content)
    assert (statement.encoding, statement.accounts[0].name) == ("windows-1252", "Café")


def test_undecidable_decimal_mark_is_asked_for_and_a_mapping_answers() -> None:
    content = b"Account;Symbol;Quantity\nA1;AAA;1.250\n"
    assert "the decimal mark of the file is ambiguous" in _faults(content)[0]
    mapping = {"account": "Account", "symbol": "Symbol", "quantity": "Quantity", "decimal": ","}
    assert _figures(read_statement(content, ReadOptions(mapping=mapping)))["A1"][1] == [("AAA", "1250", None)]


def test_mapping_names_unknown_fields_and_missing_columns() -> None:
    assert len(_faults(samples.GENERIC, ReadOptions(mapping={"acount": "x", "symbol": "Ticker"}))) == 3
    mapping = {"account": "Account no.", "symbol": "Nope", "quantity": "Units"}
    assert "Nope" in _faults(samples.GENERIC, ReadOptions(mapping=mapping))[0]


def test_rows_that_repeat_are_refused_and_rows_too_long_are_left_out() -> None:
    head = "Account,Symbol,Quantity,Price,Value"
    assert "repeats line 2" in _faults(f"{head}\nA1,AAA,1,2,2\nA1,AAA,1,2,2\n".encode())[0]
    statement = read_statement(f"{head}\nA1,AAA,1,2,2\nA1,BBB,1,2,2,9\n".encode())
    assert _left(statement) == [(3, None, True)]


@pytest.mark.slow
def test_ten_thousand_rows_take_seconds() -> None:
    rows = [f"A{row // 10},S{row % 10},{row + 1},2.5,{(row + 1) * 2.5:.2f}" for row in range(10_000)]
    content = "\n".join(["Account,Symbol,Quantity,Price,Value", *rows]).encode()
    began = time.process_time()
    assert len(read_statement(content).accounts) == 1_000
    assert time.process_time() - began < 5
