"""Renamed, duplicate, malformed and unknown assets over the live adapter (R-50, R-51)."""

from __future__ import annotations

from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.services.advisory.subscriptions import subscribe_manually
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.held_back import held_back
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries.exceptions import list_exceptions
from rebal_tui.services.view_models.exceptions import ExceptionKind
from tests.live.scripted import (
    ScriptedBroker,
    alert_texts,
    asset_row,
    identity,
    live_book_of,
    pass_time,
    position_row,
    read_all,
    refused,
)
from tests.services.factories import entries

ANN, BEN = identity("Ann"), identity("Ben")


def two_accounts() -> ScriptedBroker:
    broker = ScriptedBroker()
    broker.add_account("Ann", "1000", {"SPY": "10"})
    broker.add_account("Ben", "1000", {"TLT": "10"})
    return broker


def held(book: Book, account_id: str) -> dict[str, int]:
    return {position.symbol: position.qty // 10**9 for position in book.account(account_id).positions}


def row_of(broker: ScriptedBroker, symbol: str) -> dict[str, object]:
    return next(row for row in broker.assets if row["symbol"] == symbol)


def test_a_held_and_targeted_asset_with_a_new_symbol_keeps_its_id_and_everything_follows() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    broker.prices["SPYX"] = broker.prices["SPY"]
    row_of(broker, "SPY")["symbol"] = "SPYX"
    broker.positions[ANN] = [position_row("SPYX", "10", "SPY")]
    read_all(book)
    assert held(book, ANN) == {"SPYX": 10}
    assert set(book.portfolios["balanced"].weights.symbols) == {"SPYX", "TLT"}
    assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE
    assert [subject for subject, *_ in entries(book, "asset.renamed")] == [identity("SPY")]
    assert alert_texts(book, "quarantine") == alert_texts(book, "broker") == []
    assert not book.is_paused(ANN)


def test_a_position_under_a_new_symbol_asks_for_that_asset_alone() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    row_of(broker, "SPY")["symbol"] = "SPYX"
    broker.positions[ANN] = [position_row("SPYX", "10", "SPY")]
    broker.paths.clear()
    for _ in range(3):
        pass_time(book, seconds=1)
    assert held(book, ANN) == {"SPYX": 10}
    assert f"/v1/assets/{identity('SPY')}" in broker.paths
    assert "/v1/assets" not in broker.paths


def test_an_asset_that_nobody_holds_may_change_its_symbol_or_swap_it() -> None:
    broker = two_accounts()
    broker.assets += [asset_row("AAA"), asset_row("BBB")]
    book = live_book_of(broker)
    row_of(broker, "GLD")["symbol"] = "GLDX"
    first, second = row_of(broker, "AAA"), row_of(broker, "BBB")
    first["symbol"], second["symbol"] = "BBB", "AAA"
    read_all(book)
    assert book.assets["GLDX"].id == identity("GLD")
    assert (book.assets["AAA"].id, book.assets["BBB"].id) == (identity("BBB"), identity("AAA"))
    assert alert_texts(book, "quarantine") == []


def test_a_namesake_listed_later_changes_nothing_about_the_active_asset() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    broker.assets.append(asset_row("SPY", "dead spy", status="inactive", tradable=False))
    read_all(book)
    assert book.assets["SPY"].id == identity("SPY")
    assert book.assets["SPY"].eligible
    assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE
    assert held(book, ANN) == {"SPY": 10}


def test_two_active_assets_under_one_symbol_are_an_alert_that_names_both_and_ends_with_the_conflict() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    broker.assets.append(asset_row("SPY", "second"))
    read_all(book)
    (alert,) = alert_texts(book, "asset_conflict")
    assert identity("SPY") in alert
    assert identity("second") in alert
    assert book.assets["SPY"].id == identity("SPY")
    broker.assets[-1]["status"] = "inactive"
    read_all(book)
    assert alert_texts(book, "asset_conflict") == []


def test_a_broken_asset_that_nobody_holds_stops_nobody() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    del row_of(broker, "GLD")["symbol"]
    broker.assets.append(asset_row("NEW"))
    read_all(book)
    assert "NEW" in book.assets
    (alert,) = alert_texts(book, "quarantine")
    assert alert == "the asset GLD in the broker's list cannot be used: invalid response: symbol is missing"
    assert not any(book.is_paused(one) or held_back(book, one, ()) for one in (ANN, BEN))
    row_of_gld = next(row for row in broker.assets if row["id"] == identity("GLD"))
    row_of_gld["symbol"] = "GLD"
    pass_time(book, minutes=16)
    assert alert_texts(book, "quarantine") == []


def test_a_broken_asset_stops_system_runs_of_those_who_hold_or_target_it_only() -> None:
    broker = two_accounts()
    broker.positions[BEN] = [position_row("GLD", "3")]
    book = live_book_of(broker)
    subscribe_manually(book, ANN, "balanced")
    row_of(broker, "GLD")["tradable"] = "perhaps"
    read_all(book)
    (listed,) = list_exceptions(book, 10, kind=ExceptionKind.QUARANTINED).items
    assert (listed.symbol, listed.accounts) == ("GLD", 1)
    assert held_back(book, BEN, ())
    assert not held_back(book, ANN, book.portfolios["balanced"].weights.symbols)
    assert "GLD" not in evaluate_account(book, ANN).reason


def test_a_list_that_cannot_be_read_as_a_whole_changes_no_asset() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    for row in broker.assets[:2]:
        row["symbol"] = None
    read_all(book)
    assert alert_texts(book, "quarantine") == []
    assert "assets cannot be read" in " ".join(alert_texts(book, "broker"))
    assert {"SPY", "TLT", "GLD"} <= book.assets.keys()


def test_a_position_in_an_unknown_asset_is_asked_for_at_once_and_counts() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    broker.assets.append(asset_row("NEWCO"))
    broker.positions[ANN].append(position_row("NEWCO", "5"))
    broker.paths.clear()
    for _ in range(3):
        pass_time(book, seconds=1)
    assert held(book, ANN) == {"SPY": 10, "NEWCO": 5}
    assert broker.paths.count(f"/v1/assets/{identity('NEWCO')}") == 1
    assert "/v1/assets" not in broker.paths
    assert "NEWCO: 0 in the book, 5 at the broker" in book.paused(ANN)[0], "nothing explains the shares (R-53)"


def test_while_an_asset_is_unknown_its_account_is_paused_and_nobody_else() -> None:
    broker = two_accounts()
    book = live_book_of(broker)
    broker.positions[ANN].append(position_row("NEWCO", "5"))
    broker.faults[f"/v1/assets/{identity('NEWCO')}"] = refused(404, "asset not found")
    for _ in range(3):
        pass_time(book, seconds=1)
    assert "does not know the asset of 5 NEWCO" in book.paused(ANN)[0]
    assert not book.is_paused(BEN)
    broker.faults.clear()
    broker.assets.append(asset_row("NEWCO"))
    for _ in range(3):
        pass_time(book, seconds=61)
    assert held(book, ANN) == {"SPY": 10, "NEWCO": 5}
    assert "NEWCO: 0 in the book, 5 at the broker" in book.paused(ANN)[0], "nothing explains the shares (R-53)"
