"""What counts as cash at a custodian, the symbols it writes otherwise, and fractions of shares (R-65, R-71, R-74)."""

from __future__ import annotations

import csv
from fractions import Fraction

import pytest

from rebal_tui.broker.files.trade_formats import FORMATS, WriteOptions
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import Percent, money_text, parse_qty
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import written_pairs
from rebal_tui.services.files_book import custodians
from rebal_tui.services.files_book.dialogs import write_list
from rebal_tui.services.files_book.trade_list import make_list, trade_list
from tests.broker.files.samples import SCHWAB
from tests.services.files_book.support import (
    account_id,
    approve_all,
    empty_book,
    evaluated,
    follow,
    imported,
    orders,
    positions,
)

START = {"1": {"AAA": "60.123456", "BRKB": "40", "CASH": "2000"}}
PRICES = {"AAA": "100", "BRKB": "50"}


def _approved(book: Book) -> None:
    imported(book, positions(START, "2026-11-27 16:30", PRICES))
    follow(book, {"AAA": "35", "BRK.B" if "BRK.B" in book.assets else "BRKB": "65"})
    evaluated(book)
    approve_all(book)


def test_a_money_fund_is_cash_once_it_is_on_the_list() -> None:
    book = empty_book()
    text = custodians.change_custodian(
        book, "schwab", cash=custodians.read_cash_list("Cash & Cash Investments, swvxx**")
    )
    assert text.startswith("schwab: CASH & CASH INVESTMENTS, SWVXX counts as cash")
    imported(book, SCHWAB)
    assert money_text(book.account(account_id(book, "...417")).cash) == "83.75"
    assert book.database.rows("SELECT 1 FROM audit WHERE action = 'files.custodian'")


def test_pairs_are_read_from_files_and_written_to_lists() -> None:
    book = empty_book()
    custodians.change_custodian(book, "generic", pairs=custodians.read_pairs("BRKB=BRK.B"))
    _approved(book)
    assert [symbol for _, symbol, _ in orders(book, "1")] == ["AAA", "BRK.B"]
    made = trade_list(book, make_list(book))
    written = {
        name: FORMATS[name].write(made, WriteOptions(pairs=written_pairs(book.database)))
        for name in ("generic", "blocks", "ibkr")
    }
    assert "BRKB" in written["generic"] and "BRK.B" not in written["generic"]  # noqa: PT018 - one statement of one file
    assert "BRKB" in written["blocks"]
    assert "BRK B" in written["ibkr"]


def test_fractions_are_listed_to_the_thousandth_and_never_need_more_cash() -> None:
    book = empty_book()
    custodians.change_custodian(book, "generic", fractions=True)
    _approved(book)
    rows = list(csv.DictReader(write_list(book, "generic", "list.csv").text.splitlines()))
    # Equity 10,012.3456: AAA keeps 3,504.32096 of 6,012.3456, and BRKB gets the cash and 99.75 % of what is sold.
    sold, bought = (Fraction(row["quantity"]) for row in rows)
    assert (rows[0]["side"], rows[0]["quantity"]) == ("sell", "25.08")
    assert bought.denominator > 1
    assert 0 <= 2000 + sold * 100 * Fraction("0.9975") - bought * 50 < Fraction("0.05") + 1
    assert parse_qty(rows[1]["quantity"]) % 1_000_000 == 0
    custodians.change_custodian(book, "generic", fractions=False)
    assert book.rules_view.fractional == frozenset()


def test_the_buffer_is_a_setting_of_the_book() -> None:
    book = empty_book()
    custodians.set_buffer(book, Percent(0))
    assert book.rules_view.list_buffer == Percent(0)
    with pytest.raises(Invalid, match="expected 0 to 10"):
        custodians.set_buffer(book, Percent(1_001))


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (custodians.read_pairs, "BRKB", "expected pairs such as BRKB=BRK.B"),
        (custodians.read_pairs, "=cmd()=X", "expected pairs"),
        (custodians.read_pairs, "A=X,B=X", "each symbol of the book once"),
        (custodians.read_fractions, "some", "expected yes or no"),
        (custodians.read_custodian, "acme", "expected one of"),
        (custodians.read_cash_list, "A\x1b[2J", "control"),
    ],
)
def test_what_is_not_understood_is_refused(read: object, text: str, expected: str) -> None:
    assert callable(read)
    with pytest.raises(Invalid, match=expected):
        read(text)
