"""Transactions and price files as the screens show them before they are stored (R-72, R-75)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rebal_tui.broker.files.price_file import read_prices
from rebal_tui.broker.files.transactions import TRADES, Transaction
from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.quantities import money_text, price_text, qty_text
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.fills import FillReport, apply_fills
from rebal_tui.services.files_book.naming import account_id_of
from rebal_tui.services.files_book.prices import import_prices, quotes_of
from rebal_tui.services.runs.processing import process_runs

_ACCOUNT_IN_NAME = re.compile(r"_X{2,}([0-9]{3,4})_", re.IGNORECASE)
_MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class FileShown:
    """A file of transactions or prices before it is stored.

    A question and a summary for the user, a line for each row, and a function that stores the file and returns the
    result as text.
    """

    question: str
    text: str
    lines: tuple[str, ...]
    store: Callable[[Book], str]


def account_in_name(file_name: str) -> str:
    """The digits of the account number in the name of a Schwab transactions file; empty if the name has none."""
    match = _ACCOUNT_IN_NAME.search(file_name)
    return match[1] if match else ""


def fills_text(report: FillReport) -> str:
    """The result of a transactions file in one sentence, without the final period."""
    return (
        f"{count_text(len(report.booked), 'fill')} booked, {report.known:,} known before, "
        f"{count_text(len(report.flows), 'flow')}, {count_text(len(report.unmatched), 'trade')} on no list"
    )


def show_other_file(book: Book, content: bytes, file_name: str) -> FileShown | None:
    """A file of transactions or prices as shown before storing; None for any other file. Stores nothing.

    Raises `Invalid` for faulty rows; `Conflict` if the account is unknown, or if neither the rows nor the file name
    give an account.
    """
    try:
        rows = read_transactions(content)
    except Invalid as refusal:
        if any(fault.location for fault in refusal.faults):
            raise
        return _shown_prices(book, content)
    account = account_in_name(file_name)
    if any(not row.account for row in rows) and not account:
        raise Conflict("the file has no account: use  rebal-tui fills FILE --account NUMBER")
    for named in {row.account or account for row in rows}:
        account_id_of(book, named)
    trades = sum(row.kind in TRADES for row in rows)

    def store(book: Book) -> str:
        report = apply_fills(book, rows, account)
        process_runs(book)
        return fills_text(report)

    text = (
        f"{count_text(trades, 'trade')} and {count_text(len(rows) - trades, 'other row')}. Trades of a list become its "
        "fills; a trade on no list pauses its account."
    )
    return FileShown("Book these trades as fills?", text, tuple(map(_line, rows[:_MAX_LINES])), store)


def _line(row: Transaction) -> str:
    shares = "" if row.qty is None else f" {qty_text(row.qty)}"
    price = "" if row.price is None else f" at {price_text(row.price)}"
    amount = "" if row.amount is None else f", {money_text(row.amount)} dollars"
    return f"line {row.line}  {row.kind.value}{shares} {row.symbol}{price}{amount}"


def _shown_prices(book: Book, content: bytes) -> FileShown | None:
    try:
        stated = read_prices(content)
    except Invalid as refusal:
        if any(", " in fault.location for fault in refusal.faults):
            raise
        return None
    quotes = quotes_of(book, stated)

    def store(book: Book) -> str:
        return f"{count_text(import_prices(book, quotes), 'new price')} of {len(quotes):,}"

    lines = [f"{symbol}  {price_text(quote.price)}  {quote.at:%Y-%m-%d %H:%M}" for symbol, quote in quotes.items()]
    text = f"{count_text(len(quotes), 'price')}. An older price than the one stored changes nothing."
    return FileShown("Store these prices?", text, tuple(lines[:_MAX_LINES]), store)
