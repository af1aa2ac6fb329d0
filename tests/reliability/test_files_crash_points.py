"""Killed at any statement of an import, an approval, a trade list or fills, a files book has all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rebal_tui import bootstrap, files_book
from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.domain.quantities import Money, parse_price, parse_qty
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.files_book.fills import apply_fills, fill_by_hand
from rebal_tui.services.files_book.importing import undo_import
from rebal_tui.services.files_book.trade_list import make_list
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.store import runs
from tests.reliability.crash import _ImageRecorder, instrumented
from tests.services.files_book.support import (
    MONDAY,
    approve_all,
    at,
    empty_book,
    evaluated,
    follow,
    imported,
    positions,
)

START = {"1": {"AAA": "60", "BBB": "40", "CASH": "2000"}, "2": {"AAA": "10", "CASH": "1000.37"}}
FIRST = positions(START, "2026-11-27 16:30")
NEXT = positions({"1": {"AAA": "35", "BBB": "120", "CCC": "5", "CASH": "50"}, "2": START["2"]}, "2026-11-30 16:30")


def _list_made(book: Book) -> bool:
    return bool(book.database.rows("SELECT 1 FROM files_lists"))


def _proposed(book: Book) -> None:
    imported(book, FIRST)
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)


def _approved(book: Book) -> None:
    _proposed(book)
    approve_all(book)
    process_runs(book)


def _listed(book: Book) -> None:
    _approved(book)
    make_list(book)


def _make_list_once(book: Book) -> None:
    if not _list_made(book):
        make_list(book)


def _fill_once(book: Book) -> None:
    if not book.database.rows("SELECT 1 FROM files_fills"):
        fill_by_hand(book, 1, 1, parse_qty("25"), parse_price("101"), Money(0))
    process_runs(book)


def _fills_of_a_file(book: Book) -> None:
    rows = "Date,Account,Action,Symbol,Quantity,Price,Amount\n11/30/2026,1,Sell,AAA,25,101,2525\n"
    apply_fills(book, read_transactions((rows + "11/30/2026,2,Buy,CCC,5,10,-50\n").encode()))
    process_runs(book)


def _approve(book: Book) -> None:
    approve_all(book)
    process_runs(book)


def _undo_once(book: Book) -> None:
    if not book.database.rows("SELECT 1 FROM files_imports WHERE undone_at IS NOT NULL"):
        undo_import(book)


ACTS: dict[str, tuple[Callable[[Book], object], Callable[[Book], object]]] = {
    "import": (lambda _book: None, lambda book: imported(book, FIRST)),
    "approval": (_proposed, _approve),
    "list": (_approved, _make_list_once),
    "fills entered by hand": (_listed, _fill_once),
    "fills of a file": (_listed, _fills_of_a_file),
    "fills by difference": (_listed, lambda book: imported(book, NEXT)),
    "undo": (lambda book: imported(book, FIRST), _undo_once),
}


def _open(path: Path) -> Book:
    return files_book.open_files(bootstrap.open_database(path), clock=FixedClock(at(MONDAY)))


def _state(book: Book) -> dict[str, object]:
    """What people see; the state is complete in itself, so an account is never half changed."""
    assert reconcile(book).paused == {}
    return {
        "accounts": sorted(repr(account) for account in book.accounts.values()),
        "at the broker": sorted(repr(account) for account in book.broker.accounts()),
        "prices": {symbol: (asset.price, asset.price_at) for symbol, asset in book.assets.items()},
        "orders": book.database.rows(
            "SELECT client_order_id, status, filled_qty, list, line FROM files_orders ORDER BY client_order_id"
        ),
        "runs": [(run.id, run.status, run.reason, run.approval) for run in runs.newest(book.database, -1)],
        "imports": book.database.rows("SELECT digest, undone_at IS NULL FROM files_imports"),
        "holds": {account: hold.reason for account, hold in book.holds.items()},
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
def test_a_kill_at_any_statement_leaves_all_or_nothing(name: str, tmp_path: Path) -> None:
    prepare, act = ACTS[name]
    calm = tmp_path / "calm" / "book.db"
    calm.parent.mkdir()
    book = empty_book(calm)
    prepare(book)
    book.database.close()
    recorder = _ImageRecorder(calm)
    with instrumented(recorder.point):
        book = _open(calm)
        recorder.reached(0)
        act(book)
        book.database.connection.set_trace_callback(None)
    end = _state(book)
    book.database.close()
    assert len(recorder.images) > 1
    for number, image in enumerate(recorder.images.values()):
        folder = tmp_path / f"image_{number}"
        folder.mkdir()
        for file, content in image.files.items():
            (folder / file).write_bytes(content)
        book = _open(folder / "book.db")
        _state(book)
        act(book)
        assert _state(book) == end, f"killed at {image.points[:3]} of {recorder.total}"
        book.database.close()
