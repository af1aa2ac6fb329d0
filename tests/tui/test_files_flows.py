"""A files book on screen without a mouse: from nothing to a trade list, the next day, data entered by hand (R-70)."""

from __future__ import annotations

import asyncio
import csv
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui import bootstrap, files_book
from rebal_tui.broker.files.sample import sample_portfolio, sample_positions
from rebal_tui.domain.runs import RunStatus
from rebal_tui.launch import OpenFiles, first_steps
from rebal_tui.market.clock import FixedClock
from rebal_tui.opening import open_book
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.trade_list import make_list
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.store import runs
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.desk.screen import none_subscribed
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.services.files_book.support import (
    FRIDAY,
    MONDAY,
    approve_all,
    at,
    empty_book,
    evaluated,
    follow,
    imported,
    positions,
)
from tests.tui.driving import Script, press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import app_with_book

pytestmark = pytest.mark.slow

ACCOUNTS = 60


class Keys:
    """Presses keys, and counts them; typed paths do not count."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.pressed = 0

    async def __call__(self, *keys: str) -> None:
        self.pressed += len(keys)
        await press(self.pilot, *keys)

    async def path(self, path: Path) -> None:
        field = self.pilot.app.screen.focused
        assert isinstance(field, Input)
        field.value = str(path)
        await self("enter")


def _open(path: Path, when: str) -> Book:
    """Open a file at a time if it is a files book, else as the screens do."""
    with closing(bootstrap.open_database(path)) as database:
        files = files_book.is_files(database)
    if not files:
        return open_book(path)
    return files_book.open_files(bootstrap.open_database(path), clock=FixedClock(at(when)))


def _on_screen(path: Path, when: str, script: Script) -> None:
    """Open a file at a time on screen, and run a script."""
    thread, files = BookThread(lambda: _open(path, when)), OpenFiles(path)
    app = RebalApp(BookBackend(thread), first_run=first_steps(thread, files), heartbeat=False)

    async def main() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await app.run_heartbeat()
            await settle(pilot)
            await script(pilot, app)

    try:
        asyncio.run(main())
    finally:
        thread.close()
        files.close()


def _shown(app: RebalApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


def _after_trades(before: str, listed: Path, when: str) -> str:
    """The positions of a file after every order of a list was filled at its estimated price."""
    changes: dict[tuple[str, str], Decimal] = {}
    with listed.open(newline="") as file:
        for row in csv.DictReader(file):
            sign = 1 if row["side"] == "buy" else -1
            for symbol, change in ((row["symbol"], sign * Decimal(row["quantity"])),
                                   ("CASH", -sign * Decimal(row["estimated_amount"]))):  # fmt: skip
                key = row["account"], symbol
                changes[key] = changes.get(key, Decimal(0)) + change
    prices = {row["symbol"]: row["estimated_price"] for row in csv.DictReader(listed.open(newline=""))}
    lines = before.splitlines()
    out = [f"Positions,generated {when}", lines[1]]
    for cells in csv.reader(lines[2:]):
        account, symbol, shares, value = cells[0], cells[2], cells[3], cells[5]
        change = changes.pop((account, symbol), Decimal(0))
        if symbol == "CASH":
            out.append(",".join([*cells[:5], str(Decimal(value) + change), cells[6]]))
        elif held := Decimal(shares) + change:
            out.append(",".join([*cells[:3], str(held), cells[4], "", cells[6]]))
    out += [f"{account},New,{symbol},{change},{prices[symbol]},,ETF" for (account, symbol), change in changes.items()]
    return "\r\n".join(out)


def test_from_nothing_to_a_trade_list_of_60_accounts_and_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, first, model, listed, after = (
        tmp_path / name for name in ("book.db", "first.csv", "model.json", "list.csv", "after.csv")
    )
    monkeypatch.setattr(bootstrap, "real_now", lambda: at(FRIDAY))
    first.write_text(sample_positions(ACCOUNTS, at("2026-11-27 16:30")))
    model.write_text(sample_portfolio())

    async def friday(pilot: Pilot[Any], app: RebalApp) -> None:
        keys = Keys(pilot)
        assert "This book is empty" in screen_text(app)
        await keys("down", "enter")
        await keys.path(first)
        assert "60 new accounts" in _shown(app)
        await keys("y")
        assert any("60 new accounts" in text for text in shown_messages(app))
        await keys("2", "P", "ctrl+o")
        await keys.path(model)
        await keys("ctrl+s")
        assert "Created Balanced growth." in shown_messages(app)
        await keys("3", "M", "n", "enter", "y")
        assert any("Subscribed: 60 accounts." in text for text in shown_messages(app)), shown_messages(app)
        await keys("1", "v", "y")
        await keys("9", "M", "A")
        assert "Nothing is added to the trade list for a run whose plan has changed" in _shown(app)
        await keys("y")
        approved = "Approved: 60 runs. L writes the trade list."
        assert shown_messages(app)[-1] == approved
        assert app.screen.query_one(KeyBar).keys[0].action == "trade_list", "no run is left to approve or reject"
        await keys("4")
        assert app.screen.query_one(KeyBar).keys[0].action == "trade_list", "also where the runs are “for a list”"
        await keys("L")
        await press(pilot, "z")
        field = app.screen.focused
        assert isinstance(field, Input)
        assert field.value == "z", "what is typed replaces the path that is offered"
        await keys.path(listed)
        lasts = [notice.lasts for notice in app.notices if "List 1 with" in notice.text]
        assert lasts == [Lasts.UNTIL_KEY], shown_messages(app)
        await keys("enter")
        assert "on list 1" in screen_text(app)
        assert "orders in list.csv" in screen_text(app)
        await keys("escape")
        assert "L Trade list" not in screen_text(app), "no approved order waits"
        await keys("L")
        again = "no approved order waits; rebal-tui trades FILE --list 1 writes list 1 again"
        assert again in shown_messages(app), "no dialog opens"
        await press(pilot, "9")
        assert {"trade_list", "policy"}.isdisjoint(key.action for key in app.screen.query_one(KeyBar).keys)
        assert keys.pressed < 43

    _on_screen(path, FRIDAY, friday)
    after.write_text(_after_trades(first.read_text(), listed, "2026-11-30 16:30"))
    lines = len(listed.read_text().splitlines()) - 1

    async def monday(pilot: Pilot[Any], app: RebalApp) -> None:
        keys = Keys(pilot)
        for section, of_simulator in (("6", "o Shock prices"), ("3", "d Deposit")):
            await press(pilot, section)
            assert of_simulator not in screen_text(app).splitlines()[-1], "a key of the simulator is no key here"
            assert "/ Filter" in screen_text(app).splitlines()[-1]
        await keys("3", "P")
        await keys.path(tmp_path / "missing.csv")
        assert "file not found" in screen_text(app)
        await keys.path(after)
        assert f"(no difference left), {lines} fills found" in _shown(app), _shown(app)
        await keys("y")
        assert keys.pressed < 40

    _on_screen(path, MONDAY, monday)
    with closing(_open(path, MONDAY).database) as database:
        assert {run.status for run in runs.newest(database, -1)} == {RunStatus.COMPLETED_SUCCESS}
        assert len(runs.newest(database, -1)) == ACCOUNTS


def test_columns_and_a_date_are_asked_for_once(tmp_path: Path) -> None:
    path, odd = tmp_path / "book.db", tmp_path / "odd.csv"
    with closing(empty_book(path).database):
        pass
    odd.write_text("Depot,Papier,Menge,Kurs\nD1,AAA,10,100\nD1,BBB,x,50\n")

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "3", "P")
        await Keys(pilot).path(odd)
        assert "Which column is what?" in screen_text(app)
        for key, name in {"account": "Depot", "symbol": "Papier", "quantity": "Menge", "price": "Kurs"}.items():
            app.screen.query_one(f"#field-{key}", Input).value = name
        await settle(pilot)
        assert "line 3, Menge: got 'x'" in _shown(app)
        await press(pilot, "escape")
        odd.write_text("Depot,Papier,Menge,Kurs\nD1,AAA,10,100\n")
        await press(pilot, "P")
        await Keys(pilot).path(odd)
        for key, name in {"account": "Depot", "symbol": "Papier", "quantity": "Menge", "price": "Kurs"}.items():
            app.screen.query_one(f"#field-{key}", Input).value = name
        app.screen.query_one("#field-date", Input).value = "2026-11-27"
        await press(pilot, "enter", "y")
        assert any("1 new account" in text for text in shown_messages(app)), shown_messages(app)
        await press(pilot, "P")
        await Keys(pilot).path(odd)
        assert "Date of these positions" in screen_text(app), "the columns are kept in the book"

    _on_screen(path, FRIDAY, script)


def test_a_desk_without_subscriptions_says_what_comes_next(tmp_path: Path) -> None:
    path, first = tmp_path / "book.db", tmp_path / "first.csv"
    with closing(empty_book(path).database):
        pass
    rows = ["Positions,generated 2026-11-27 16:30", "Account,Name,Symbol,Quantity,Sector"]
    first.write_text("\n".join([*rows, "1001,Ann,AAA,10,US", "1001,Ann,BBB,10,US"]))

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        imports = "No accounts yet: in 3 Accounts, import a custodian's file with P or enter an account with E."
        assert imports in _shown(app)
        await press(pilot, "3", "P")
        await Keys(pilot).path(first)
        assert "Columns not used: Sector." in _shown(app)
        assert "1001 Ann cash" in _shown(app)
        await press(pilot, "y", "1")
        assert (
            "No account is subscribed yet: make a portfolio in 2 Portfolios, then mark accounts with M in 3 Accounts "
            "and subscribe them with n."
        ) in _shown(app)

    _on_screen(path, FRIDAY, script)


def test_the_text_of_a_desk_without_subscriptions_has_the_users_keys_and_fits() -> None:
    text = none_subscribed({"accounts.mark_shown": "f5", "go.portfolios": "ctrl+o"}, imports=False)
    assert "make a portfolio in ctrl+o Portfolios, then mark accounts with f5 in 3 Accounts" in text
    for imports in (False, True):
        assert len(wrap(none_subscribed({}, imports=imports), 78)) <= 2


def test_data_by_hand_and_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path, bad = tmp_path / "book.db", tmp_path / "bad.csv"
    with closing(empty_book(path).database):
        pass
    bad.write_text("Account,Symbol,Quantity\nA1,AAA,x\n")

    async def enter(pilot: Pilot[Any], app: RebalApp, what: str, **values: str) -> None:
        await press(pilot, "E")
        app.screen.query_one(Input).value = what
        await press(pilot, "enter")
        for key, value in values.items():
            app.screen.query_one(f"#field-{key}", Input).value = value
        await press(pilot, "enter")

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "Choose a first step" not in screen_text(app), "the book is a files book already"
        await press(pilot, "3")
        foot = screen_text(app).splitlines()[-1]
        assert foot.split()[:6] == ["P", "Import", "a", "file", "E", "Enter"], foot
        await press(pilot, "P")
        await Keys(pilot).path(bad)
        assert "line 2, Quantity: got 'x'" in screen_text(app)
        await press(pilot, "escape")
        await enter(pilot, app, "new account", number="A-1", name="Ann Example", cash="1,000")
        await press(pilot, "y")
        assert "Ann Example" in screen_text(app)
        assert "E Enter data" not in screen_text(app).splitlines()[-1], "the book has an account"
        await enter(pilot, app, "shares of a symbol", account="A-1", symbol="vti", shares="many")
        assert "expected" in screen_text(app)
        app.screen.query_one("#field-shares", Input).value = "3.5"
        await press(pilot, "enter")
        assert "Ann Example (A-1) will hold 3.5 shares of VTI." in screen_text(app), (
            "what was found, not what was typed"
        )
        await press(pilot, "y")
        assert "Holding set: VTI 0 → 3.5." in shown_messages(app), shown_messages(app)
        await enter(pilot, app, "counts as cash", custodian="schwab", counted="SWVXX", fractions="perhaps")
        assert "expected yes or no" in screen_text(app)
        app.screen.query_one("#field-fractions", Input).value = "yes"
        await press(pilot, "enter", "y")
        assert any("SWVXX counts as cash" in text and "fractions" in text for text in shown_messages(app))
        await enter(pilot, app, "asset that nothing", symbol="VTI")
        await press(pilot, "y")
        assert any("it stays" in text for text in shown_messages(app)), shown_messages(app)
        await press(pilot, "escape")
        await enter(pilot, app, "no record refers", account="A-1")
        await press(pilot, "y")
        assert "Account removed: Ann Example." in shown_messages(app), shown_messages(app)

    _on_screen(path, FRIDAY, script)


def test_prices_and_transactions_are_imported_by_the_same_key(tmp_path: Path) -> None:
    path, prices, history = tmp_path / "book.db", tmp_path / "prices.csv", tmp_path / "Joint_XXX001_Transactions_1.csv"
    book = empty_book(path)
    imported(book, positions({"1001": {"AAA": "60", "BBB": "40", "CASH": "2000"}}, "2026-11-27 16:30"))
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    approve_all(book)
    make_list(book)
    book.database.close()
    prices.write_text("symbol;price\nAAA;101,5\n")
    head = "Date,Account,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"
    history.write_text(head + "11/30/2026,1001,Sell,AAA,ALPHA,25,many,,2500\n")

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "3", "P")
        await Keys(pilot).path(prices)
        assert "AAA 101.5" in _shown(app)
        await press(pilot, "y")
        assert "Imported: 1 new price of 1." in shown_messages(app), shown_messages(app)
        await press(pilot, "P")
        await Keys(pilot).path(history)
        assert "line 2: Price: got 'many'" in _shown(app)
        history.write_text(head + "11/30/2026,1001,Sell,AAA,ALPHA,25,$101,,2525\n")
        await Keys(pilot).path(history)
        assert "line 2 sell 25 AAA at 101, 2525.00 dollars" in _shown(app)
        await press(pilot, "y")
        assert "Imported: 1 fill booked, 0 known before, 0 flows, 0 trades on no list." in shown_messages(app)

    _on_screen(path, MONDAY, script)


def test_the_check_of_the_next_positions_looks_right(
    snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    held = {str(number): {"AAA": "60", "BBB": "40", "CASH": "2000"} for number in range(1_000, 1_003)}
    book = empty_book()
    imported(book, positions(held, "2026-11-25 16:30"))
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    later = {**held, "1001": {"AAA": "60", "BBB": "41", "CCC": "5", "CASH": "2500"}, "1007": {"CASH": "10"}}
    Path("after.csv").write_bytes(positions(later, "2026-11-27 16:30"))

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "3", "P")
        await Keys(pilot).path(Path("after.csv"))

    assert snap_compare(app_with_book(book), terminal_size=(120, 40), run_before=before)
