"""A position in an unknown asset: the broker is asked at once, the account paused until it answers (R-51)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import parse_price, parse_qty
from rebal_tui.services.book.asset_listing import save_assets
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.account_snapshot import read_account
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.release import release
from rebal_tui.services.evaluation.account import evaluate_account
from tests.services.brokers import BrokerWrapper, broker
from tests.services.factories import advance_clock, alerts, balanced, entries, simple_book

NEWCO = Asset("id-NEWCO", "NEWCO", "Spun off", "NYSE", AssetStatus.ACTIVE, True, True)


class Forgetful(BrokerWrapper):
    """Leaves NEWCO out of its list of assets until the test lists it; counts the requests."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.listed = False
        self.asked = 0

    def assets(self) -> Sequence[Asset]:
        self.asked += 1
        return [asset for asset in self.inner.assets() if self.listed or asset.symbol != "NEWCO"]

    def asset(self, name: str) -> Asset | None:
        self.asked += 1
        return next((asset for asset in self.inner.assets() if self.listed and name == asset.id), None)


def spun_off() -> tuple[Book, Forgetful]:
    """Accounts `a`, which receives 12 shares of NEWCO, and `b`; the broker does not list NEWCO."""
    book = simple_book(names="ab", held={"SPY": "10"}, follows=balanced(conditions=()))
    lists = Forgetful(book)
    broker(book).add_asset(NEWCO)
    sync(book)
    assert "NEWCO" not in book.assets
    lists.asked = 0
    broker(book).transfer_in("a", "NEWCO", parse_qty("12"), parse_price("20"), book.now())
    sync(book)
    return book, lists


def test_the_account_is_paused_with_the_asset_and_the_others_continue() -> None:
    book, lists = spun_off()
    assert lists.asked == 1
    reason = "the book does not know the asset of 12 NEWCO (id id-NEWCO)"
    assert book.paused("a") == (f"paused: {reason}",)
    assert book.paused("b") == ()
    assert [(kind, subject) for kind, subject, text in alerts(book) if reason in text] == [("unknown_asset", "a")]
    assert [subject for subject, *_ in entries(book, "account.paused")] == ["a"]
    assert "NEWCO" in evaluate_account(book, "a").reason
    assert evaluate_account(book, "b").outcome != evaluate_account(book, "a").outcome
    # Releasing it would leave the shares out of its equity.
    with pytest.raises(Conflict, match="12 NEWCO"):
        release(book, "a")


def test_it_is_asked_for_again_each_minute_and_resumes_by_itself() -> None:
    book, lists = spun_off()
    for _ in range(5):
        read_account(book, "a")
    assert lists.asked == 1
    advance_clock(book, seconds=61)
    read_account(book, "a")
    assert lists.asked == 2
    lists.listed = True
    advance_clock(book, seconds=61)
    read_account(book, "a")
    assert book.account("a").holding("NEWCO") == parse_qty("12")
    assert book.paused("a") == ()
    assert [kind for kind, *_ in alerts(book)] == []
    assert entries(book, "account.assets_known")[0][0] == "a"


def test_an_event_about_assets_resumes_the_account() -> None:
    book, lists = spun_off()
    lists.listed = True
    broker(book).set_asset("NEWCO", book.now(), tradable=False)
    sync(book)
    assert book.account("a").holding("NEWCO") == parse_qty("12")
    assert book.paused("a") == ()


def test_an_asset_that_is_listed_when_asked_for_never_pauses() -> None:
    book = simple_book(held={"SPY": "10"})
    lists = Forgetful(book)
    broker(book).add_asset(NEWCO)
    sync(book)
    lists.listed = True
    broker(book).transfer_in("a", "NEWCO", parse_qty("12"), parse_price("20"), book.now())
    sync(book)
    assert book.account("a").holding("NEWCO") == parse_qty("12")
    assert entries(book, "account.paused") == []


def test_an_execution_in_an_unknown_asset_pauses_the_account() -> None:
    book = simple_book(held={"SPY": "10"}, follows=balanced(conditions=()))
    Forgetful(book)
    book.feed.set("NEWCO", parse_price("20"))  # type: ignore[union-attr]
    broker(book).add_asset(NEWCO)
    sync(book)
    request = OrderRequest("a", "outside-1", "NEWCO", Side.BUY, qty=parse_qty("5"))
    broker(book).place_external_order("a", request, book.now())
    sync(book)
    (reason,) = book.paused("a")
    assert "5 NEWCO" in reason


def test_a_holding_of_a_namesake_that_is_reported_by_symbol_is_stored_once() -> None:
    """As a real broker reports it: under its symbol, which another asset bears."""
    book = simple_book(held={"SPY": "10"})
    dead = replace(book.assets["SPY"], id="dead-spy-1", status=AssetStatus.INACTIVE)
    with book.write() as tx:
        save_assets(tx, [*book.assets.values(), dead])
    reported = replace(
        book.account("a"),
        positions=(
            Position("SPY", parse_qty("10"), None, "id-SPY"),
            Position("SPY", parse_qty("4"), None, "dead-spy-1"),
        ),
    )
    _Reports(book, reported)
    read_account(book, "a")
    assert [(p.symbol, p.qty) for p in book.account("a").positions] == [
        ("SPY", parse_qty("10")), ("SPY#dead", parse_qty("4")),
    ]  # fmt: skip
    written = book.database.data_version(), book.version
    read_account(book, "a")
    assert (book.database.data_version(), book.version) == written


class _Reports(BrokerWrapper):
    def __init__(self, book: Book, reported: Account) -> None:
        super().__init__(book)
        self.reported = reported

    def account(self, account_id: str) -> Account:
        return self.reported
