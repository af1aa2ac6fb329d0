"""The Desk's rows from a sweep against the exact form, account by account, over random books in every state."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import BandType, CalendarCondition, CalendarType, DriftBand, PortfolioStatus
from rebal_tui.domain.quantities import NANO, Percent, Qty, parse_money
from rebal_tui.services import account_events, scheduler, subscriptions
from rebal_tui.services.account_views import account_row, accounts_snapshot
from rebal_tui.services.book import Book
from rebal_tui.services.cash import deposit
from rebal_tui.services.desk import desk_snapshot
from rebal_tui.services.evaluation import evaluation_pass
from rebal_tui.services.run_processing import set_halt
from rebal_tui.services.views.accounts import AccountGroup, InGroup
from rebal_tui.services.views.desk import DeskRow, InTile, names_in
from rebal_tui.services.views.standing import Tile
from rebal_tui.services.withdrawals import request_withdrawal
from rebal_tui.store import accounts
from rebal_tui.store import portfolios as portfolio_store
from rebal_tui.tui.screens import accounts_columns, desk_columns
from rebal_tui.tui.widgets.table_order import arrange
from tests.services.brokers import broker
from tests.services.desk_oracle import exact_rows
from tests.services.worlds import (
    SLOW,
    account,
    balanced,
    fill_book,
    go_on,
    go_to,
    make_book,
    monthly,
    new_york,
    set_price,
)

BOOKS = int(os.environ.get("DESK_BOOKS", "16"))
"""How many random books live through a dozen events each."""
WORDS = ("Ruiz", "ana", "Ünal", "straße", "Okafor & Sons", "日本", "O'Brien", "Chen  Wei")
DRIFT = DriftBand(BandType.RELATIVE, Percent(3000))
MODELS = (
    balanced("plain"),
    balanced("tight", conditions=[DriftBand(BandType.ABSOLUTE, Percent(100))]),
    balanced("none", conditions=[], cooldown=0),
    balanced("today", conditions=[monthly("2")], review=True),
    balanced("weekly", {"GLD": "100"}, cash="0",
             conditions=[CalendarCondition(CalendarType.WEEKLY, "Monday"), DRIFT]),
)  # fmt: skip


def random_book(random: Random) -> Book:
    """Accounts of every kind under several portfolios, some trading, some blocked, some without a fresh price."""
    book = make_book(random.choice(("2026-03-02 09:20", "2026-03-02 09:40")), model=SLOW)
    made = []
    for number in range(24):
        held = {
            s: f"{random.randint(0, 90)}.{random.randint(1, 999):03d}"
            for s in ("SPY", "TLT", "GLD")
            if random.random() < 0.7
        }
        one = account(f"a{number:02d}", str(random.choice((0, 9, 12, 900, 60_000)) + random.randint(0, 99)), held)
        made.append(replace(one, name=f"{random.choice(WORDS)} {random.choice(WORDS)}"))
    follows = {one.id: random.choice(MODELS).id for one in made if random.random() < 0.9}
    last = {a: new_york(f"2026-02-{random.randint(2, 27):02d} 10:00") for a in follows if random.random() < 0.8}
    models = [replace(model, name=f"{random.choice(WORDS)} {model.id}") for model in MODELS]
    fill_book(book, made, models, follows, last)
    return book


def act(book: Book, random: Random) -> None:
    """Something that changes the book, refused or not."""
    one, what = random.choice(list(book.accounts)), random.randrange(12)
    try:
        if what == 0 and book.feed is not None:
            set_price(
                book, random.choice(("SPY", "TLT", "GLD")), f"{random.randint(60, 700)}.{random.randint(0, 99):02d}"
            )
        elif what == 1:
            deposit(book, one, parse_money(str(random.randint(1, 9_000))))
        elif what == 2:
            account_events.set_restriction(book, one, random.choice(tuple(Restriction)), random.random() < 0.7)
        elif what == 3:
            account_events.set_status(book, one, random.choice((AccountStatus.ACTIVE, AccountStatus.DISABLED)))
        elif what == 4:
            subscriptions.unsubscribe_account(book, one)
        elif what == 5:
            subscriptions.subscribe(book, one, random.choice(MODELS).id)
        elif what == 6:
            account_events.bring_in(book, one, random.choice(("GLD", "TLT")), Qty(random.randint(1, 5) * NANO))
        elif what == 7:
            request_withdrawal(book, one, parse_money(str(random.randint(1, 400))))
        elif what == 8:
            go_on(book, random.choice((2, 15, 60)), 60)
        elif what == 9:
            with book.database.write():
                borrowed = replace(book.accounts[one], cash=parse_money(str(-random.randint(1, 40_000))))
                accounts.save(book.database, [borrowed])
                accounts.set_outside_orders(book.database, one, random.randint(0, 1))
            book.reload_accounts([one])
        elif what == 10:
            broker(book).set_asset("GLD", book.now(), tradable=random.random() < 0.5)
        else:
            set_halt(book, random.random() < 0.5)
            evaluation_pass(book)
        if random.random() < 0.8:
            scheduler.tick(book)
    except Refusal:
        pass


def agrees(book: Book) -> list[DeskRow]:
    """Compare every row with the exact form, and the tiles with the rows."""
    snapshot, exact = desk_snapshot(book), exact_rows(book)
    assert list(snapshot.rows) == exact
    assert dict(snapshot.tiles) == {tile: sum(tile in row.tiles for row in exact) for tile in Tile}
    every = accounts_snapshot(book)
    assert every is not None
    ones = [account_row(book, account_id) for account_id in book.accounts]
    ones.sort(key=lambda row: (not row.exception, row.client.casefold(), row.account_number))
    assert list(every.rows) == ones
    assert dict(every.groups) == {group: sum(map(InGroup(group), ones)) for group in AccountGroup}
    return exact


def test_rows_are_those_of_the_exact_form() -> None:
    seen: set[object] = set()
    for seed in range(BOOKS):
        random = Random(seed)
        book = random_book(random)
        agrees(book)
        for step in range(14):
            act(book, random)
            if step == 10:
                book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
                book.feed = None
            for row in agrees(book):
                seen |= {row.standing, *row.tiles, row.state.partition(" ")[0]}
    assert set(Tile) <= seen
    words = {"inside", "near", "runs", "ran", "outside", "stale", "cooling", "queued", "selling", "buying", "in"}
    blocked = {"not", "no", "blocked", "day", "ACH", "6:1", "crypto", "options", "unspecified", "dead"}
    assert words | blocked <= seen, "the books came into every state"


def test_a_missing_price_and_an_old_one_are_told_apart() -> None:
    book = random_book(Random(1))
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
    book.feed = None
    go_to(book, "2026-03-02 09:45")
    assert "stale price" in {row.state for row in agrees(book)}
    book.assets["SPY"] = replace(book.assets["SPY"], price=None, price_at=None)
    assert {"no price", "stale price"} <= {row.state for row in agrees(book)}


def test_inactive_portfolios_block() -> None:
    book = random_book(Random(2))
    with book.database.write():
        portfolio_store.save(book.database, replace(book.portfolios["plain"], status=PortfolioStatus.INACTIVE))
    book.reload_portfolios()
    assert "inactive" in {row.state for row in agrees(book)}


def by_hand(
    rows: list[DeskRow], accept: Callable[[DeskRow], bool] | None, text: str, sort: str | None, reverse: bool
) -> list[DeskRow]:
    """What the table does with rows that are objects."""
    column = next((column for column in desk_columns.columns() if column.key == sort), None)
    order = column.sort if column else desk_columns.natural
    return arrange(rows, accept, desk_columns.search, text, order, reverse)


@pytest.mark.parametrize("seed", range(4))
def test_order_and_filter_over_columns_are_those_over_rows(seed: int) -> None:
    random = Random(seed)
    book = random_book(random)
    for _ in range(8):
        act(book, random)
    snapshot = desk_snapshot(book)
    rows, columns = list(snapshot.rows), snapshot.rows
    sorts = [None, *(column.key for column in desk_columns.columns() if column.sort is not None)]
    texts = ("", "a", "ana", "ANA ruiz", "STRASSE", "ß", "日本", "spy", "cool", "a0 a1", "plain tlt", "x", "é", "a1")
    accepts = (None, *(InTile(tile) for tile in Tile))
    for sort in sorts:
        for reverse in (False, True):
            for text, accept in (
                [(text, None) for text in texts] + [("", accept) for accept in accepts] + [("a", accepts[2])]
            ):
                found = [columns[int(place)] for place in columns.arrange(accept, text, sort, reverse)]  # type: ignore[attr-defined]
                assert found == by_hand(rows, accept, text, sort, reverse), (sort, reverse, text, accept)
    for place, row in enumerate(rows):
        assert (columns.key_at(place), columns.find(row.account_id)) == (row.account_id, place)  # type: ignore[attr-defined]
    named = [(r.account_id, r.account_number, r.client, r.portfolio_id, r.portfolio) for r in rows]
    assert list(names_in(columns)) == list(names_in(rows)) == named
    assert columns.find("nobody") is None  # type: ignore[attr-defined]
    assert (columns[-1], tuple(columns[1:3])) == (rows[-1], tuple(rows[1:3]))


@pytest.mark.parametrize("seed", range(3))
def test_order_and_filter_of_accounts_are_those_over_rows(seed: int) -> None:
    random = Random(seed)
    book = random_book(random)
    for _ in range(8):
        act(book, random)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    rows, columns = list(snapshot.rows), snapshot.rows
    listed = {column.key: column.sort for column in accounts_columns.columns() if column.sort is not None}
    for reverse in (False, True):
        for sort, order in [(None, None), *listed.items()]:
            for text in ("", "ana", "a1", "active", "blocked", "needs adj", "unsub", "day trader", "plain", "x y z"):
                found = [columns[int(place)] for place in columns.arrange(None, text, sort, reverse)]  # type: ignore[attr-defined]
                assert found == arrange(rows, None, accounts_columns.search, text, order, reverse), (sort, text)
        for group in AccountGroup:
            accept = InGroup(group)
            found = [columns[int(place)] for place in columns.arrange(accept, "a", None, reverse)]  # type: ignore[attr-defined]
            assert found == arrange(rows, accept, accounts_columns.search, "a", None, reverse), group
    assert [columns.find(row.account_id) for row in rows] == list(range(len(rows)))  # type: ignore[attr-defined]


def test_nothing_new_keeps_the_rows_that_were_seen() -> None:
    book = random_book(Random(3))
    first = desk_snapshot(book)
    assert desk_snapshot(book, first).rows is first.rows
    set_price(book, "SPY", "391.17")
    second = desk_snapshot(book, first)
    assert second.rows is not first.rows
    assert list(first.rows) != list(second.rows), "rows already handed out stay as they were"
    go_to(book, "2026-03-02 09:46")
    third = desk_snapshot(book, second)
    assert third.rows is not second.rows, "the next evaluation is another"
    go_to(book, "2026-03-03 00:01")
    assert desk_snapshot(book, third).rows is not third.rows, "cooldowns are counted in days"
