"""What a run on a trade list has ordered, before its fills are known."""

from __future__ import annotations

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.plain.texts import run_line, run_text
from rebal_tui.services.files_book.trade_list import make_list, note_written, trade_list, waiting_orders
from rebal_tui.services.queries.runs import run_view, runs_snapshot
from rebal_tui.tui.screens.runs.columns import amount
from rebal_tui.tui.screens.shared.run_lines import run_lines
from tests.services.files_book.support import approve_all, empty_book, evaluated, follow, imported, positions

HELD = {"1": {"AAA": "60", "BBB": "40", "CASH": "2000"}}


def test_a_run_on_a_trade_list_shows_the_shares_and_dollars_of_its_orders() -> None:
    book = empty_book()
    imported(book, positions(HELD, "2026-11-27 16:30"))
    follow(book, {"AAA": "50", "BBB": "45"}, "5")
    evaluated(book)
    approve_all(book)
    lines = trade_list(book, make_list(book)).lines
    (row,) = runs_snapshot(book).rows
    assert row.ordered == sum(line.amount or 0 for line in lines) > 0 == row.amount
    assert amount(row)[0][1] == "muted"
    view = run_view(book, row.id)
    shown = ["".join(text for text, _ in line) for line in run_lines(view)(78, 40)]
    for line in lines:
        cells = next(text.split() for text in shown if text.startswith(line.symbol))
        assert f"{(line.amount or 0) / 10**9:,.2f}" in cells
        assert f"{line.qty / 10**9:.4f}" in cells
    assert run_line(1, row).endswith(f"0 of 2 orders done, ${row.ordered / 10**9:,.2f} ordered.")
    assert any("ordered" in text and "shares, $" in text for text in run_text(view))


def test_the_timeline_of_a_run_names_its_list_and_the_file() -> None:
    book = empty_book()
    imported(book, positions(HELD, "2026-11-27 16:30"))
    with pytest.raises(Conflict, match=r"^no approved order waits for a trade list$"):
        waiting_orders(book)
    follow(book, {"AAA": "50", "BBB": "45"}, "5")
    evaluated(book)
    approve_all(book)
    number = make_list(book)
    assert (note_written(book, number, "generic", "a.csv"), note_written(book, number, "generic", "b.csv")) == (0, 1)
    (row,) = runs_snapshot(book).rows
    named = [(event.what, event.detail) for event in run_view(book, row.id).timeline[-2:]]
    assert named == [("on list 1", "2 orders in a.csv"), ("on list 1", "copy 1: 2 orders in b.csv")]
    with pytest.raises(Conflict, match="trades FILE --list 1 writes list 1 again"):
        waiting_orders(book)
