"""The Desk's rows from a sweep, compared with the exact form account by account over random books in every state."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.engine.arrays.sweep import Sweep
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import desk_rows
from rebal_tui.services.queries.account_rows import AccountRows
from rebal_tui.services.queries.accounts import account_row, accounts_snapshot
from rebal_tui.services.queries.desk import desk_snapshot, worst_subscribers
from rebal_tui.services.queries.desk_rows import DeskRows
from rebal_tui.services.queries.lazy_rows import Ints, LazyRows
from rebal_tui.services.simulation import account_events
from rebal_tui.services.view_models.accounts import AccountGroup, AccountRow, InGroup
from rebal_tui.services.view_models.desk import Among, DeskRow, InTile
from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.store import portfolios as portfolio_store
from rebal_tui.tui.screens.accounts import columns as account_columns
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.widgets.table_order import arrange
from tests.services.factories import advance_to, paused, set_price, simple_book
from tests.services.queries.desk_oracle import exact_rows
from tests.services.random_books import act, random_book

EVERY = 1 if "LONG" in os.environ else 2
"""The number of steps after which the rows are compared again."""
BOOKS = range(int(os.environ["DESK_BOOKS"])) if "DESK_BOOKS" in os.environ else (6, 9, 11, 13, 19, 23)
"""Seeds of random books, with a dozen events each; these six reach every state."""


@pytest.fixture(autouse=True)
def arrays_for_any_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The books are small."""
    monkeypatch.setattr(desk_rows, "FEW_ROWS", 0)


SOME = "1"
"""A filter that finds some accounts of a book, by their numbers and figures."""


def agrees(book: Book) -> list[DeskRow]:
    """Compare every row with the exact form, and the counts of the tabs, also under a filter, with the rows."""
    snapshot, exact = desk_snapshot(book), exact_rows(book)
    assert isinstance(snapshot.rows, LazyRows)
    some = np.arange(0, len(exact), 2)
    assert snapshot.rows.several(some, some[:0]) == exact[::2]
    assert list(snapshot.rows) == exact, "rows made together and one by one"
    assert dict(snapshot.tiles) == {tile: sum(tile in row.tiles for row in exact) for tile in Tile}
    found = [exact[at] for at in snapshot.rows.arrange(None, SOME, None, False).tolist()]
    assert dict(snapshot.rows.counts(SOME)) == {tile: sum(tile in row.tiles for row in found) for tile in Tile}
    among = Among(frozenset(row.account_id for row in exact[::2]), "every other")
    kept = [row for row in found if among(row)]
    assert dict(snapshot.rows.counts(SOME, among)) == {tile: sum(tile in row.tiles for row in kept) for tile in Tile}
    waits = replace(among, tile=Tile.WAITS)
    assert len(snapshot.rows.arrange(waits, "", None, False)) == sum(map(waits, exact))
    every = accounts_snapshot(book)
    assert every is not None
    ones = [account_row(book, account_id) for account_id in book.accounts]
    ones.sort(key=lambda row: (not row.exception, row.client.casefold(), row.account_number))
    assert list(every.rows) == ones
    short = {row.account_id: row.state for row in exact}
    for row in ones:
        if row.account_id in short and (row.restrictions or row.status != AccountStatus.ACTIVE):
            assert row.state == short[row.account_id], "the Desk and Accounts name a block alike"
    assert dict(every.groups) == {group: sum(map(InGroup(group), ones)) for group in AccountGroup}
    assert isinstance(every.rows, AccountRows)
    filtered = [ones[at] for at in every.rows.arrange(None, SOME, None, False).tolist()]
    assert every.rows.count_found(SOME) == len(filtered)
    assert dict(every.rows.counts(SOME)) == {group: sum(map(InGroup(group), filtered)) for group in AccountGroup}
    return exact


@pytest.mark.slow
def test_rows_equal_those_of_the_exact_form() -> None:
    seen: set[object] = set()
    for seed in BOOKS:
        random = Random(seed)
        book = random_book(random)
        agrees(book)
        for step in range(14):
            act(book, random)
            if step == 10:
                book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
                book.feed = None
            if (step + 1) % EVERY:
                continue
            for row in agrees(book):
                seen |= {row.status, *row.tiles, row.state, row.state.partition(" ")[0]}
    assert set(Tile) <= seen
    words = {"in", "trades", "waits", "waits:", "traded", "queued", "selling", "buying", "in review"}
    blocked = {"not", "blocked", "day", "ACH", "6:1", "crypto", "options"}
    blocked |= {"broker block", "needs adjusting", "replace asset"}
    assert words | blocked <= seen, "not every state occurred"


@pytest.mark.parametrize(
    ("restriction", "state"),
    [(Restriction.SHORT_POSITION, "short position"), (Restriction.CRYPTO_POSITION, "crypto held")],
)
def test_a_position_that_no_rule_covers_is_named_in_the_state(restriction: Restriction, state: str) -> None:
    book = simple_book()
    account_events.set_restriction(book, "a", restriction, True)
    assert [row.state for row in agrees(book)] == [state]


def test_a_missing_price_and_a_stale_one_are_distinguished() -> None:
    book = random_book(Random(1))
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
    book.feed = None
    advance_to(book, "2026-03-02 09:45")
    assert any(Tile.UNABLE in row.tiles for row in agrees(book))
    book.assets["SPY"] = replace(book.assets["SPY"], price=None, price_at=None)
    assert "no price" in {row.state for row in agrees(book)}


def test_inactive_portfolios_block() -> None:
    book = random_book(Random(2))
    with book.database.write() as tx:
        portfolio_store.save(tx, replace(book.portfolios["plain"], status=PortfolioStatus.INACTIVE))
    book.reload_portfolios()
    assert "inactive" in {row.state for row in agrees(book)}


def test_each_paused_account_needs_a_person_for_its_own_reason() -> None:
    book = random_book(Random(2))
    for one, reason in (("a03", "cash: ours 1, the broker's 2"), ("a07", "SPY: 1 in the book, 2 at the broker")):
        book.holds[one] = paused(reason, book.now())
    book.version += 1
    agrees(book)
    every = accounts_snapshot(book)
    assert every is not None
    exceptions = {row.account_id: row.exception for row in every.rows if "paused" in row.exception}
    assert exceptions.keys() == {"a03", "a07"}
    assert exceptions["a07"].endswith("paused: SPY: 1 in the book, 2 at the broker")


def ids(row: DeskRow | AccountRow) -> tuple[str, ...]:
    return (row.account_id,)


def expected_order(
    rows: list[DeskRow], accept: Callable[[DeskRow], bool] | None, text: str, sort: str | None, reverse: bool
) -> list[DeskRow]:
    """The same arrangement computed from row objects."""
    column = next((column for column in desk_columns.columns() if column.key == sort), None)
    order = column.sort if column else desk_columns.natural
    return arrange(rows, accept, desk_columns.search, text, order, reverse, ids)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_order_and_filter_over_columns_equal_those_of_rows(seed: int) -> None:
    random = Random(seed)
    book = random_book(random)
    for _ in range(8):
        act(book, random)
    snapshot = desk_snapshot(book)
    rows, columns = list(snapshot.rows), snapshot.rows
    sorts = [None, *(column.key for column in desk_columns.columns() if column.sort is not None)]
    texts = ("", "a", "ana", "ANA ruiz", "STRASSE", "ß", "日本", "spy", "waits", "a0 a1", "plain tlt", "x", "é", "a1")
    accepts = (None, *(InTile(tile) for tile in Tile))
    for sort in sorts:
        for reverse in (False, True):
            for text, accept in (
                [(text, None) for text in texts] + [("", accept) for accept in accepts] + [("a", accepts[2])]
            ):
                found = [columns[int(index)] for index in columns.arrange(accept, text, sort, reverse)]  # type: ignore[attr-defined]
                assert found == expected_order(rows, accept, text, sort, reverse), (sort, reverse, text, accept)
    for index, row in enumerate(rows):
        assert (columns.key_at(index), columns.find(row.account_id)) == (row.account_id, index)  # type: ignore[attr-defined]
    assert columns.find("nobody") is None  # type: ignore[attr-defined]
    assert (columns[-1], tuple(columns[1:3])) == (rows[-1], tuple(rows[1:3]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_order_and_filter_of_accounts_equal_those_of_rows(seed: int) -> None:
    random = Random(seed)
    book = random_book(random)
    for _ in range(8):
        act(book, random)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    rows, columns = list(snapshot.rows), snapshot.rows
    listed = {column.key: column.sort for column in account_columns.columns() if column.sort is not None}
    for reverse in (False, True):
        for sort, order in [(None, None), *listed.items()]:
            for text in ("", "ana", "a1", "active", "blocked", "needs adj", "unsub", "day trader", "plain", "x y z"):
                found = [columns[int(index)] for index in columns.arrange(None, text, sort, reverse)]  # type: ignore[attr-defined]
                wanted = arrange(
                    rows, None, account_columns.search, text, order, reverse, lambda row: (row.account_id,)
                )
                assert found == wanted, (sort, text)
        for group in AccountGroup:
            accept = InGroup(group)
            found = [columns[int(index)] for index in columns.arrange(accept, "a", None, reverse)]  # type: ignore[attr-defined]
            wanted = arrange(rows, accept, account_columns.search, "a", None, reverse, ids)
            assert found == wanted, group
    assert [columns.find(row.account_id) for row in rows] == list(range(len(rows)))  # type: ignore[attr-defined]


def test_subscribers_are_worst_first_with_and_without_a_band() -> None:
    book = random_book(Random(1))
    for bands in (True, False):
        if not bands:
            with book.database.write() as tx:
                for portfolio in book.portfolios.values():
                    portfolio_store.save(tx, replace(portfolio, conditions=()))
            book.reload_portfolios()
        exact = exact_rows(book)
        for portfolio_id in book.portfolios:
            found = worst_subscribers(book, portfolio_id, 100)
            wanted = [row for row in exact if row.portfolio_id == portfolio_id]
            wanted.sort(key=lambda row: (-row.band_used, 0) if row.band_used is not None else (1, -abs(row.drift_bp)))
            assert list(found) == wanted
    assert len({row.drift_bp for row in exact}) > 5


@pytest.mark.slow
def test_an_unchanged_book_keeps_its_desk_rows() -> None:
    book = random_book(Random(3))
    first = desk_snapshot(book)
    assert desk_snapshot(book, first).rows is first.rows
    set_price(book, "SPY", "391.17")
    second = desk_snapshot(book, first)
    assert second.rows is not first.rows
    assert list(first.rows) != list(second.rows), "rows already handed out stay as they were"
    advance_to(book, "2026-03-02 09:46")
    third = desk_snapshot(book, second)
    assert third.rows is not second.rows, "the next evaluation is another"
    advance_to(book, "2026-03-03 00:01")
    assert desk_snapshot(book, third).rows is not third.rows, "cooldowns are counted in days"


def test_a_new_version_of_a_list_is_arranged_before_it_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of the screens then arranges nothing, and builds no row that is in view."""
    book = random_book(Random(3))
    found = desk_snapshot(book).rows
    kept = tuple(row.account_id for row in found[-9:])

    def keep(positions: Ints, ids: Ints) -> Ints:
        """The rows that are kept before all others, as if they had been there before."""
        first = np.isin(ids, [book.account_table.row_of[account_id] for account_id in kept])
        return np.concatenate((positions[first[positions]], positions[~first[positions]]))

    accounts = accounts_snapshot(book, None, ShownRows(None, "", "equity", True, 3, 6, keep))
    desk = desk_snapshot(book, None, ShownRows(InTile(Tile.ALL), "", "drift", True, 3, 6, keep))

    def late(*_: object) -> None:
        raise AssertionError("arranged or built on the thread of the screens")

    for kind in (DeskRows, AccountRows):
        monkeypatch.setattr(kind, "order", late)
        monkeypatch.setattr(kind, "make_all", late)
    assert accounts is not None
    for rows, accept, sort in ((accounts.rows, None, "equity"), (desk.rows, InTile(Tile.ALL), "drift")):
        assert isinstance(rows, LazyRows)
        in_view = np.array([*rows.arrange(accept, "", sort, True)[3:6], *map(rows.find, kept)])
        assert len(rows.several(in_view, in_view)) == 12
        with pytest.raises(AssertionError, match="thread of the screens"):
            rows.arrange(accept, "", "cash", True)


def test_a_filter_that_no_symbol_has_computes_no_worst_assets(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost more than everything else, at each letter while prices move."""
    rows = desk_snapshot(simple_book()).rows
    assert isinstance(rows, DeskRows)

    def asked(_sweep: Sweep) -> None:
        raise AssertionError("the worst assets of all accounts were computed")

    monkeypatch.setattr(Sweep, "worst", property(asked))
    assert len(rows.arrange(None, "client", None, reverse=False)) == 1
    with pytest.raises(AssertionError):
        rows.arrange(None, "tlt", None, reverse=False)
