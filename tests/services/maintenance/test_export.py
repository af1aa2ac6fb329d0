"""Exports: complete, exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.advisory.cash import create_journal, deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.maintenance import export as exports
from rebal_tui.services.maintenance.export import (
    EXPORTS,
    FORMATS,
    Export,
    csv_text,
    export_head,
    export_text,
    safe_cell,
)
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.store import audit
from tests.services import factories

Text = Callable[[], str]


@pytest.fixture
def ran(book: Book, raw_book: dict[str, Any], as_text: Text) -> Book:
    raw_book["accounts"][0]["positions"] = []
    import_book(book, parse_book(as_text()))
    evaluation_pass(book)
    process_runs(book)
    return book


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.slow
@pytest.mark.parametrize("what", EXPORTS)
def test_json_and_csv_have_the_same_content(ran: Book, what: str) -> None:
    deposit(ran, "a1", parse_money("10"))
    exported = json.loads(export_text(ran, what, "json"))
    rows = table(export_text(ran, what, "csv"))
    assert exported["audit_head"] == export_head(ran)
    assert len(rows) == len(exported[what]) > 0
    key = {"decisions": "account_id", "audit": "hash", "cash": "at"}.get(what, "id")
    assert [row[key] for row in rows] == [item[key] for item in exported[what]]


@pytest.mark.slow
@pytest.mark.parametrize("what", EXPORTS)
@pytest.mark.parametrize("fmt", FORMATS)
def test_an_export_in_chunks_equals_one_in_a_single_chunk(
    ran: Book, what: str, fmt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit(ran, "a1", parse_money("10"))
    whole = export_text(ran, what, fmt)
    if fmt == "json":
        assert whole == json.dumps(json.loads(whole), ensure_ascii=False, indent=2) + "\n"
    monkeypatch.setattr(exports, "ITEMS_PER_CHUNK", 1)
    export, pieces = Export(ran, what, fmt), 0
    while export.advance():
        pieces += 1
        assert export.done == pieces
    assert export.text() == whole
    assert pieces == len(table(export_text(ran, what, "csv")))


@pytest.mark.slow
@pytest.mark.parametrize("what", EXPORTS)
@pytest.mark.parametrize("fmt", FORMATS)
def test_an_empty_book_exports_as_nothing(book: Book, what: str, fmt: str) -> None:
    text = export_text(book, what, fmt)
    if fmt == "json":
        assert json.loads(text)[what] == []
    else:
        assert table(text) == []


def test_the_head_anchors_the_trail(ran: Book) -> None:
    head = export_head(ran)
    assert audit.verify(ran.database, (head["seq"], head["hash"])) == []


def test_amounts_are_exact_and_each_order_is_one_row(ran: Book) -> None:
    rows = table(export_text(ran, "orders", "csv"))
    assert [(row["symbol"], row["notional"], row["filled_qty"]) for row in rows] == [
        ("SPY", "30000.00", "60"),
        ("TLT", "17500.00", "175"),
    ]
    assert {(row["account_number"], row["client"]) for row in rows} == {("900001", "Ada Ng")}
    (run,) = table(export_text(ran, "runs", "csv"))
    assert (run["orders"], run["failed_orders"], run["client"], run["portfolio"]) == ("2", "0", "Ada Ng", "Balanced")
    account = table(export_text(ran, "accounts", "csv"))[0]
    assert (account["cash"], account["equity"], account["positions"]) == ("2500.00", "50000.00", "SPY 60; TLT 175")


def test_the_journal_of_a_withdrawal_names_it_so_that_nobody_adds_up_both() -> None:
    paying = factories.simple_book()
    withdrawal = request_withdrawal(paying, "a", parse_money("100"))
    create_journal(paying, "a", parse_money("5"), incoming=False, description="fee")
    factories.advance(paying, 2)
    rows = table(export_text(paying, "cash", "csv"))
    assert sorted((row["kind"], row["amount"], row["withdrawal_id"]) for row in rows) == [
        ("journal", "-100.00", withdrawal.id),
        ("journal", "-5.00", ""),
        ("withdrawal", "-100.00", ""),
    ]


def test_a_client_named_like_a_formula_is_text_in_a_spreadsheet(ran: Book) -> None:
    rows = table(export_text(ran, "accounts", "csv"))
    assert rows[1]["name"] == "'=cmd|' /C calc'!A0"
    named = json.loads(export_text(ran, "accounts", "json"))["accounts"][1]["name"]
    assert named == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "|calc",
        "%x",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "＝1+1",
        "－1＋1",
        "＠x",
        "\u3000=1",
        "-",
    ],
)
def test_possible_formulas_are_neutralized(text: str) -> None:
    assert safe_cell(text) == "'" + text
    assert table(csv_text(["a"], [{"a": text}]))[0]["a"] == "'" + text


@pytest.mark.parametrize("text", ["-123.45", "0", "-0.000000001", "30443.177578017", "12"])
def test_a_number_stays_a_number(text: str) -> None:
    assert safe_cell(text) == text
    assert table(csv_text(["a"], [{"a": text}]))[0]["a"] == text


@pytest.mark.slow
@given(st.text(max_size=20))
def test_no_cell_starts_like_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == "'" + text
    assert cell[:1] not in tuple("=+@|%\t\r") or not cell
    assert not cell.startswith("-") or cell.replace(".", "", 1)[1:].isdecimal()


@pytest.mark.parametrize(
    ("what", "fmt", "locations"),
    [("secrets", "csv", ["what"]), ("runs", "xls", ["format"]), ("", "", ["what", "format"])],
)
def test_an_unknown_export_is_refused(book: Book, what: str, fmt: str, locations: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        export_text(book, what, fmt)
    assert [fault.location for fault in refused.value.faults] == locations
