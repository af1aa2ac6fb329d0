"""An asset is its id: symbols change, are swapped and reused, and everything in the book follows the id (R-50)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import parse_price, parse_qty, price_text
from rebal_tui.services.book.asset_listing import save_assets
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.history import latest_decisions, plan_of
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import assets as asset_store
from tests.services.asset_names import rename_assets
from tests.services.brokers import broker, reopen
from tests.services.factories import (
    advance,
    advance_to,
    alerts,
    all_runs,
    balanced,
    entries,
    only_run,
    orders,
    selling_book,
    set_price,
    simple_book,
)

HELD = {"SPY": "60", "TLT": "200"}


def holding(book: Book) -> dict[str, str]:
    return {p.symbol: p.asset_id or "" for p in book.account("a").positions}


def prices(book: Book) -> dict[str, str]:
    """The price of every asset by id."""
    return {asset_id: price_text(asset.price) for asset_id, asset in book.assets_by_id.items() if asset.price}


def weights(book: Book) -> tuple[str, ...]:
    return book.portfolio("balanced").weights.symbols


def require_consistent(book: Book) -> None:
    """Frame, accounts and prices agree by id, and the file holds the same after it is read again."""
    frame = book.frame()
    assert frame.prices() == {label: asset.price for label, asset in book.assets.items() if label in frame.prices()}
    assert {frame.assets.symbols[i] for i in range(len(frame.assets.symbols))} <= set(book.assets)
    before = (prices(book), holding(book), weights(book), book.frame().prices())
    book.reload()
    assert (prices(book), holding(book), weights(book), book.frame().prices()) == before
    assert asset_store.load(book.database).keys() == book.assets.keys()


def test_a_renamed_asset_keeps_positions_weights_price_and_history() -> None:
    book = simple_book(held=HELD)
    set_price(book, "SPY", "410.00")
    set_price(book, "SPY", "420.00")
    history, closes = book.price_history.of("SPY"), book.price_history.last_close("SPY")
    drift = evaluate_account(book, "a").trace
    rename_assets(book, {"id-SPY": "SPYX"})
    assert holding(book) == {"SPYX": "id-SPY", "TLT": "id-TLT"}
    assert weights(book) == ("SPYX", "TLT")
    assert prices(book) == {"id-SPY": "420", "id-TLT": "100", "id-GLD": "180"}
    assert (book.price_history.of("SPYX"), book.price_history.last_close("SPYX")) == (history, closes)
    assert book.price_history.of("SPY") == ()
    assert [check.verdict for check in evaluate_account(book, "a").trace] == [check.verdict for check in drift]
    require_consistent(book)
    set_price(book, "SPYX", "430.00")
    assert prices(book)["id-SPY"] == "430"
    assert [(subject, detail) for subject, _, detail in entries(book, "asset.renamed")] == [
        ("id-SPY", {"from": "SPY", "to": "SPYX"})
    ]


def test_two_assets_swap_their_symbols() -> None:
    book = simple_book(held=HELD)
    set_price(book, "TLT", "105.00")
    equity = book.account("a").holding("SPY"), book.account("a").holding("TLT")
    rename_assets(book, {"id-SPY": "TLT", "id-TLT": "SPY"})
    assert holding(book) == {"TLT": "id-SPY", "SPY": "id-TLT"}
    assert weights(book) == ("TLT", "SPY")
    assert (book.account("a").holding("TLT"), book.account("a").holding("SPY")) == equity
    assert prices(book) == {"id-SPY": "400", "id-TLT": "105", "id-GLD": "180"}
    require_consistent(book)
    advance(book, 1)
    assert prices(book) == {"id-SPY": "400", "id-TLT": "105", "id-GLD": "180"}
    assert check_book(book.database, broker(book)).faults == ()


def test_a_symbol_goes_to_a_new_asset_and_the_old_one_stays_in_equity() -> None:
    """SPY is delisted while it is held, and another company lists under its symbol."""
    book = simple_book(held=HELD)
    assert book.sandbox is not None
    before = book.assets_by_id["id-SPY"]
    book.sandbox.set_asset("SPY", book.now(), status="inactive")
    advance(book, 1)
    assert weights(book) == ("SPY", "TLT")
    new = Asset("new-spy-0001", "SPY", "Another company", "NYSE", AssetStatus.ACTIVE, True, True)
    book.sandbox.add_asset(new)
    advance(book, 1)
    assert book.assets["SPY"].id == "new-spy-0001"
    assert book.assets["SPY"].price is None
    assert book.assets_by_id["id-SPY"].symbol == "SPY#id-S"
    assert book.assets_by_id["id-SPY"].price == before.price
    assert holding(book) == {"SPY#id-S": "id-SPY", "TLT": "id-TLT"}
    assert weights(book) == ("SPY#id-S", "TLT")
    require_consistent(book)
    # The new company leaves again: the symbol goes back.
    book.sandbox.add_asset(replace(new, symbol="NEW"))
    advance(book, 1)
    assert holding(book) == {"SPY": "id-SPY", "TLT": "id-TLT"}
    assert weights(book) == ("SPY", "TLT")
    assert check_book(book.database, broker(book)).faults == ()


def test_a_rename_there_and_back_leaves_the_book_as_it_was() -> None:
    book = simple_book(held=HELD)
    before = (holding(book), weights(book), prices(book), dict(book.frame().prices()))
    rename_assets(book, {"id-SPY": "SPYX"})
    rename_assets(book, {"id-SPY": "SPY"})
    assert (holding(book), weights(book), prices(book), dict(book.frame().prices())) == before
    require_consistent(book)


def test_a_second_active_asset_under_a_symbol_is_refused_with_both_ids() -> None:
    book = simple_book(held=HELD)
    with pytest.raises(Conflict, match="id-SPY and id-TLT"):
        rename_assets(book, {"id-TLT": "SPY"})
    assert holding(book) == {"SPY": "id-SPY", "TLT": "id-TLT"}
    require_consistent(book)


def test_an_ambiguous_listing_of_the_broker_leaves_the_others_up_to_date() -> None:
    book = simple_book(held=HELD)
    spy, tlt = book.assets["SPY"], book.assets["TLT"]
    with book.write() as tx:
        save_assets(tx, [replace(spy, symbol="TLT"), tlt, replace(book.assets["GLD"], symbol="GOLD")])
    assert holding(book) == {"SPY": "id-SPY", "TLT": "id-TLT"}
    assert book.assets["GOLD"].id == "id-GLD"
    assert [(kind, subject) for kind, subject, text in alerts(book) if "id-SPY and id-TLT" in text] == [
        ("asset_conflict", "TLT")
    ]


def test_a_run_in_progress_follows_the_rename_and_keeps_its_plan() -> None:
    book = selling_book({"GLD": "250", "SPY": "10"})
    run = only_run(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    rename_assets(book, {"id-TLT": "BOND", "id-SPY": "TLT", "id-GLD": "GOLD"})
    followed = only_run(book)
    assert followed.weights.symbols == ("TLT", "BOND")
    named = {"SPY": "TLT", "TLT": "BOND", "GLD": "GOLD"}
    after = plan_of(book.database, followed)
    assert after is not None
    assert sorted((line.symbol, line.side, line.qty, line.notional) for line in after.lines) == sorted(
        (named[line.symbol], line.side, line.qty, line.notional) for line in plan.lines
    )
    advance_to(book, "2026-03-02 10:30")
    advance(book, 30)
    (done,) = all_runs(book)
    assert done.status.final
    assert {(order.symbol, order.side.value) for order in orders(book, done)} == {
        ("GOLD", "sell"), ("TLT", "buy"), ("BOND", "buy"),
    }  # fmt: skip
    assert holding(book) == {"TLT": "id-SPY", "BOND": "id-TLT"}
    assert check_book(book.database, broker(book)).faults == ()


def test_a_run_keeps_its_asset_when_its_symbol_is_given_away_twice() -> None:
    book = selling_book({"GLD": "250", "SPY": "10"})
    assert book.sandbox is not None
    for first, second in (("id-SPY", "second"), ("second", "third")):
        held = replace(book.assets_by_id[first], status=AssetStatus.INACTIVE)
        new = Asset(second, "SPY", "Another company", "NYSE", AssetStatus.ACTIVE, True, True)
        book.sandbox.add_assets([held, new])
        advance(book, 1)
    (run,) = all_runs(book)
    assert run.weights.symbols == ("SPY#id-S", "TLT")
    assert check_book(book.database, broker(book)).faults == ()


def test_a_listing_without_a_price_leaves_the_last_one() -> None:
    book = simple_book(held=HELD)
    before = book.assets["SPY"]
    with book.write() as tx:
        save_assets(tx, [replace(before, price=None, price_at=None)])
    stored = asset_store.load(book.database)["SPY"]
    assert (stored.price, stored.price_at) == (before.price, before.price_at)
    require_consistent(book)


def test_stored_decisions_keep_the_label_of_their_time() -> None:
    book = simple_book(held=HELD, cash="0")
    scheduler.tick(book)
    (before,) = latest_decisions(book.database, "a")
    rename_assets(book, {"id-SPY": "TLT", "id-TLT": "SPY"})
    assert latest_decisions(book.database, "a") == [before]
    assert check_book(book.database, broker(book)).faults == ()


def test_a_book_opened_again_is_the_same(tmp_path: Path) -> None:
    book = simple_book(held=HELD, path=tmp_path / "book.db")
    rename_assets(book, {"id-SPY": "TLT", "id-TLT": "SPY"})
    before = (holding(book), weights(book), prices(book))
    again = reopen(book)
    assert (holding(again), weights(again), prices(again)) == before
    again.database.close()


def test_an_order_placed_outside_is_booked_under_its_asset() -> None:
    from rebal_tui.domain.orders import OrderRequest, Side

    book = simple_book(held=HELD, follows=balanced(conditions=()))
    assert book.sandbox is not None
    scheduler.tick(book)
    request = OrderRequest("a", "outside-1", "SPY", Side.SELL, qty=parse_qty("1"))
    book.sandbox.place_external_order("a", request, book.now())
    rename_assets(book, {"id-SPY": "TLT", "id-TLT": "SPY"})
    rows = book.database.rows(
        "SELECT assets.id FROM fills JOIN assets ON assets.key = asset WHERE client_order_id = 'outside-1'"
    )
    assert rows == [("id-SPY",)]


def test_the_file_never_has_two_active_assets_under_one_symbol() -> None:
    book = simple_book(held=HELD)
    spy = replace(book.assets["SPY"], price=parse_price("1"))
    with pytest.raises(Conflict, match="id-GLD and id-SPY"), book.write() as tx:
        asset_store.save(tx, [spy, replace(book.assets["GLD"], symbol="SPY")])
    assert book.assets["SPY"].price == parse_price("400")


def test_a_dead_namesake_in_the_list_changes_nothing_of_the_live_asset() -> None:
    """As a real broker lists it: the same symbol, inactive, and priced by the symbol."""
    book = simple_book(held=HELD)
    dead = replace(book.assets["SPY"], id="dead-spy-1", status=AssetStatus.INACTIVE, name="Dead")
    for listed in ([dead, *book.assets.values()], [*book.assets.values(), dead]):
        with book.write() as tx:
            save_assets(tx, listed)
    assert book.assets["SPY"].id == "id-SPY"
    assert book.portfolio("balanced").status.value == "active"
    assert (book.assets["SPY#dead"].price, book.assets["SPY#dead"].id) == (None, "dead-spy-1")
    require_consistent(book)
