"""Histories for a backtest, and what is said about bad data."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.lab.history import PRICES_ONLY, TOTAL_RETURNS
from rebal_tui.market.closes_file import read_closes
from rebal_tui.market.monthly_returns import read_monthly_returns
from rebal_tui.services.backtest.histories import Source, book_closes, book_source, closes_source, returns_source
from tests.cli.books import book, call, written


def source(text: str, symbols: tuple[str, ...] = ("SPY", "TLT"), *, jumps: bool = False) -> Source:
    return closes_source("x.csv", read_closes(io.StringIO(text)), symbols, allow_jumps=jumps)


def test_a_session_without_a_close_of_every_symbol_is_left_out_and_named() -> None:
    text = (
        "date,SPY,TLT,QQQ\n2020-03-02,,100,1\n2020-03-03,100,100,1\n2020-03-04,101,,1\n2020-03-06,101,100,1\n"
        "2020-03-07,101,100,1\n2020-03-09,101,100,\n2020-03-10,101,,1\n"
    )

    found = source(text)

    assert found.history.days == (date(2020, 3, 3), date(2020, 3, 6), date(2020, 3, 9))
    assert found.history.following == (date(2020, 3, 4), date(2020, 3, 9), date(2020, 3, 10))
    assert found.history.basis == PRICES_ONLY
    assert found.notes == (
        "starts on 2020-03-03, the first session on which every symbol has a close",
        "ends on 2020-03-09, the last session on which every symbol has a close",
        "1 day ignored: no trading session (first: 2020-03-07)",
        "1 session without trades: not in the file (first: 2020-03-05)",
        "1 session without trades: a close is missing (first: 2020-03-04, TLT)",
    )


def test_a_missing_symbol_and_a_short_history_are_refused() -> None:
    text = "date,SPY,TLT\n2020-03-02,100,100\n2020-03-03,100,\n"

    with pytest.raises(Invalid, match="AGG: no such column in the closes"):
        source(text, ("SPY", "AGG"))
    with pytest.raises(Invalid, match="1 sessions have a close of every symbol"):
        source(text)


def test_a_jump_is_refused_unless_allowed() -> None:
    text = "date,SPY,TLT\n2020-03-02,100,100\n2020-03-03,50,100\n2020-03-04,50,100\n"

    with pytest.raises(Conflict, match=r"2020-03-03, SPY: .* as after a 2-for-1 split"):
        source(text)
    assert source(text, jumps=True).history.length == 3


def test_monthly_returns_become_an_index_at_month_ends() -> None:
    returns = read_monthly_returns(io.StringIO("month,stock_return,bond_return\n2019-12,0.1,0\n2020-01,-0.5,0.02\n"))

    found = returns_source("r.csv", returns, ("BOND", "STOCK"))

    assert found.history.days == (date(2019, 11, 30), date(2019, 12, 31), date(2020, 1, 31))
    assert found.history.closes.tolist() == [[1000, 1000, 1020], [1000, 1100, 550]]
    assert found.history.basis == TOTAL_RETURNS
    assert not found.sessions
    with pytest.raises(Invalid, match="no column of GOLD; the file has STOCK, BOND"):
        returns_source("r.csv", returns, ("GOLD",))


def test_a_book_has_the_prices_of_its_evaluations(tmp_path: Path) -> None:
    from rebal_tui import bootstrap

    db = tmp_path / "book.db"
    assert call("import", written(tmp_path, book(spy="300")), "--db", db).code == 0
    for day in ("2026-11-24 12:00", "2026-11-24 14:00", "2026-11-25 12:00"):
        assert call("evaluate", "--db", db, "--at", day).code == 0

    database = bootstrap.open_database(db, read_only=True)
    try:
        found = book_source(book_closes(database, ("SPY", "TLT")))
    finally:
        database.close()

    assert found.label == "this book's own evaluations"
    assert found.history.days == (date(2026, 11, 24), date(2026, 11, 25))


def test_a_book_without_evaluations_says_how_long_its_history_is() -> None:
    from rebal_tui import bootstrap

    memory = bootstrap.memory_book(datetime(2026, 11, 24, 17, tzinfo=UTC), prices={})

    with pytest.raises(Invalid, match="prices of 0 sessions only; give a price history with --closes"):
        book_closes(memory.database, ("SPY",))
