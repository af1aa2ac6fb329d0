"""Hostile custodians' files: text stays text, no cell of a list is a formula, refusals are short (R-71, R-76)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from rebal_tui.broker.files import source
from rebal_tui.broker.files.price_file import read_prices
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.trade_formats import FORMATS, WriteOptions
from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.cli.parameters import naming_file
from rebal_tui.domain.errors import Halt, Invalid, ReadOnly
from rebal_tui.services.files_book.trade_list import make_list, trade_list
from tests.cli.books import call
from tests.hostile.test_hostile_input import shown
from tests.services.files_book.support import approve_all, empty_book, evaluated, follow, imported

NAMES = (
    "=cmd()|' /C calc'!A0",
    "+1'; DROP TABLE accounts;--",
    "-2+3",
    "@SUM(A1)",
    "[bold red]x[/]",
    "../../etc/passwd",
)
READERS: dict[str, Callable[[bytes], object]] = {
    "positions": read_statement,
    "transactions": read_transactions,
    "prices": read_prices,
}


def test_no_cell_of_a_trade_list_is_a_formula() -> None:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["Account", "Client", "Symbol", "Description", "Quantity", "Price", "As of"])
    for name in NAMES:
        rows.writerow([name, name, "AAA", name, "10", "100", "2026-11-27 16:30"])
    book = empty_book()
    imported(book, text.getvalue().encode())
    assert {account.account_number for account in book.accounts.values()} == set(NAMES)
    assert {account.name for account in book.accounts.values()} == set(NAMES)
    follow(book, {"AAA": "50"}, cash="50")
    evaluated(book)
    approve_all(book)
    made = trade_list(book, make_list(book))
    options = WriteOptions(codes={"buy": "=B", "sell": "+S", "market": "-M", "day": "@D"})
    for form in FORMATS.values():
        cells = [cell for row in csv.reader(io.StringIO(form.write(made, options))) for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]
        assert len(cells) > len(NAMES)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"<!DOCTYPE html><p>log in", "HTML"),
        (b"a,b\n\x00\x01\x02", "binary"),
        ("symbol,price\nAAA,1".encode("utf-16")[:-1], "cut off"),
        (b"Account,Symbol,Quantity,Price,Date,Action\nA," + b"X" * 200_000 + b",1,1,2026-11-27,Buy\n", "line 2"),
    ],
    ids=["empty", "workbook", "web page", "binary", "half of a UTF-16 file", "one enormous cell"],
)
def test_what_is_no_table_is_named(name: str, content: bytes, expected: str) -> None:
    with pytest.raises(Invalid, match=expected) as refused:
        READERS[name](content)
    shown(refused.value.faults)


@pytest.mark.parametrize("name", READERS)
def test_an_oversized_file_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    with pytest.raises(Invalid, match="larger than"):
        READERS[name](b"symbol,price\n" * 10)


@pytest.mark.parametrize("cell", ["A\x1b[2J1", "A\u202e1", "A\x07"])
def test_control_characters_are_refused_with_their_line(cell: str) -> None:
    content = f"Account,Client,Symbol,Description,Quantity\nA1,Ann,AAA,Alpha,1\n{cell},{cell},BBB,{cell},1\n"
    with pytest.raises(Invalid) as refused:
        read_statement(content.encode())
    assert {fault.location.split(",")[0] for fault in refused.value.faults} == {"line 3"}
    shown(refused.value.faults)


def test_a_refusal_keeps_its_kind_when_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadOnly, match=r"x\.csv: the disk is full") as refused, naming_file(Path("x.csv")):
        raise ReadOnly(Halt.DISK_FULL, "the disk is full")
    assert refused.value.halt is Halt.DISK_FULL
    odd = tmp_path / "odd.csv"
    odd.write_text("Depot,Papier,Menge\nD1,AAA,10\n")
    ended = call("import", odd, "--db", tmp_path / "book.db")
    assert (ended.code, "its columns are Depot, Papier, Menge" in ended.err) == (1, True)
