"""Portfolios: refusals of section 6, reactivation (R-13), changes under the same rules (R-17)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    Condition,
    Destination,
    DriftBand,
    MinimumTrade,
    Portfolio,
    PortfolioStatus,
    PortfolioUpdate,
    RebalanceScope,
    Weights,
)
from rebal_tui.domain.quantities import NANO, Money, Percent
from rebal_tui.domain.runs import Approval, RunStatus, RunType
from rebal_tui.services.advisory import portfolios as service
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import jobs, run_orders
from tests.services.brokers import broker
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    monthly,
    new_york,
    set_price,
    simple_book,
    unsubscribe_account,
)


def weights(cash: int = 0, **percents: int) -> Weights:
    return Weights(tuple(AssetWeight(s, Percent(p * 100)) for s, p in percents.items()), Percent(cash * 100))


def body(of: Portfolio, **changes: Any) -> PortfolioBody:
    original = PortfolioBody(of.name, of.description, of.weights, of.cooldown_days, of.conditions, of.review)
    return replace(original, **changes)


def tables(book: Book) -> list[Any]:
    names = ("portfolios", "portfolio_weights", "portfolio_conditions", "subscriptions", "runs", "audit", "meta")
    return [book.database.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names]


def test_created_a_portfolio_is_active_and_survives_a_reload() -> None:
    book = simple_book()
    made = service.create_portfolio(book, body(balanced(), name="Two", weights=weights(10, GLD=90)))
    assert made.status is PortfolioStatus.ACTIVE
    book.reload()
    assert book.portfolios[made.id] == made


@pytest.mark.parametrize(
    ("change", "symbol", "why"),
    [
        ({"tradable": False}, "GLD", "not tradable"),
        ({"fractionable": False}, "GLD", "not fractionable"),
        ({"status": "inactive"}, "GLD", "inactive"),
        ({}, "XYZ", "unknown"),
    ],
)
def test_an_ineligible_asset_is_refused_with_name_and_location(change: dict[str, Any], symbol: str, why: str) -> None:
    book = simple_book()
    if change:
        broker(book).set_asset("GLD", book.now(), **change)
        scheduler.advance_market(book, book.now())
    before = tables(book)
    wanted = weights(0, SPY=50, **{symbol: 50})
    refused = rf"weights\[1\]\.symbol: asset {symbol} is .*{why}"
    with pytest.raises(Conflict, match=refused):
        service.create_portfolio(book, body(balanced(), weights=wanted))
    with pytest.raises(Conflict, match=refused):
        service.update_portfolio(book, "balanced", body(balanced(), weights=wanted))
    assert tables(book) == before


def test_an_unknown_portfolio_is_not_found() -> None:
    book = simple_book()
    with pytest.raises(NotFound, match="no portfolio none"):
        service.update_portfolio(book, "none", body(balanced()))
    with pytest.raises(NotFound, match="no portfolio none"):
        service.inactivate_portfolio(book, "none")
    with pytest.raises(NotFound, match="no portfolio none"):
        service.reactivate_portfolio(book, "none")
    with pytest.raises(NotFound, match="no portfolio none"):
        service.duplicate_portfolio(book, "none", "copy")


def test_a_portfolio_with_subscribers_is_not_inactivated() -> None:
    book = simple_book()
    before = tables(book)
    with pytest.raises(Conflict, match="has 1 subscriber;"):
        service.inactivate_portfolio(book, "balanced")
    assert tables(book) == before
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    assert service.inactivate_portfolio(book, "balanced").status is PortfolioStatus.INACTIVE
    with pytest.raises(Conflict, match="already inactive"):
        service.inactivate_portfolio(book, "balanced")
    with pytest.raises(Conflict, match="is inactive; reactivate it first"):
        service.update_portfolio(book, "balanced", body(balanced()))
    assert service.reactivate_portfolio(book, "balanced").status is PortfolioStatus.ACTIVE


def mark_portfolio(book: Book) -> None:
    """Deactivate TLT and let an evaluation find it."""
    broker(book).set_asset("TLT", book.now(), tradable=False)
    scheduler.tick(book)
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    assert [alert.kind for alert in jobs.open_alerts(book.database)] == ["needs_adjustment"]


def test_reactivation_names_the_ineligible_assets_until_there_are_none() -> None:
    book = simple_book()
    mark_portfolio(book)
    with pytest.raises(Conflict, match="asset TLT is not tradable"):
        service.reactivate_portfolio(book, "balanced")
    broker(book).set_asset("TLT", book.now(), tradable=True)
    advance_to(book, "2026-03-02 09:45")
    assert all_runs(book) == [], "it needs adjustment until someone reactivates it"
    service.reactivate_portfolio(book, "balanced")
    assert jobs.open_alerts(book.database) == []
    advance_to(book, "2026-03-02 10:00")
    assert len(all_runs(book)) == 1


def test_eligible_weights_reactivate_and_other_changes_do_not() -> None:
    book = simple_book()
    mark_portfolio(book)
    renamed = service.update_portfolio(book, "balanced", body(balanced(), name="Renamed"))
    assert (renamed.name, renamed.status) == ("Renamed", PortfolioStatus.NEEDS_ADJUSTMENT)
    replaced = service.update_portfolio(book, "balanced", body(renamed, weights=weights(5, SPY=60, GLD=35)))
    assert replaced.status is PortfolioStatus.ACTIVE
    assert jobs.open_alerts(book.database) == []
    advance_to(book, "2026-03-02 09:45")
    assert {o.symbol for _, o, _ in run_orders.of_run(book.database, all_runs(book)[0].id)} == {"SPY", "GLD"}


def test_an_asset_that_becomes_ineligible_cancels_queued_runs() -> None:
    book = simple_book(follows=balanced(review=True))
    scheduler.tick(book)
    assert all_runs(book)[0].approval is Approval.AWAITING
    fill = [account("b", "50000")]
    broker(book).open_accounts(fill)
    scheduler.advance_market(book, book.now())
    subscriptions.subscribe(book, "b", "balanced")
    broker(book).set_asset("TLT", book.now(), status="inactive")
    advance_to(book, "2026-03-02 09:45")
    assert [(r.status, "needs adjustment" in str(r.reason)) for r in all_runs(book)] == [(RunStatus.CANCELED, True)]


def test_replaced_weights_are_not_marked_for_assets_they_no_longer_hold() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    broker(book).set_asset("TLT", book.now(), tradable=False)
    scheduler.advance_market(book, book.now())
    service.update_portfolio(book, "balanced", body(balanced(), weights=weights(5, SPY=60, GLD=35)))
    advance(book, 30)
    assert all_runs(book)[0].status is RunStatus.COMPLETED_ADJUSTED
    assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE


def test_changed_weights_are_traded_at_the_next_opportunity() -> None:
    book = simple_book(follows=balanced(cooldown=0))
    scheduler.tick(book)
    service.update_portfolio(book, "balanced", body(balanced(cooldown=0), weights=weights(5, SPY=30, TLT=65)))
    advance_to(book, "2026-03-02 09:45")
    assert len(all_runs(book)) == 1, "one system run a session"
    advance_to(book, "2026-03-03 09:30")
    assert [r.type for r in all_runs(book)][1:] == [RunType.FULL_REBALANCE]
    assert all_runs(book)[1].weights == weights(5, SPY=30, TLT=65)


def test_changed_weights_wait_for_the_cooldown() -> None:
    book = simple_book()
    scheduler.tick(book)
    service.update_portfolio(book, "balanced", body(balanced(), weights=weights(5, SPY=30, TLT=65)))
    for day in ("03", "06"):
        advance_to(book, f"2026-03-{day} 10:00")
    assert len(all_runs(book)) == 1
    advance_to(book, "2026-03-09 09:30")
    assert [r.type for r in all_runs(book)][1:] == [RunType.FULL_REBALANCE]


def test_weights_changed_within_the_bands_cause_no_trade() -> None:
    book = simple_book(follows=balanced(cooldown=0))
    scheduler.tick(book)
    service.update_portfolio(book, "balanced", body(balanced(cooldown=0), weights=weights(5, SPY=58, TLT=37)))
    advance_to(book, "2026-03-03 10:00")
    assert len(all_runs(book)) == 1


def test_a_run_keeps_the_weights_of_its_creation() -> None:
    book = simple_book(follows=balanced(review=True))
    scheduler.tick(book)
    service.update_portfolio(book, "balanced", body(balanced(review=True), weights=weights(5, SPY=30, TLT=65)))
    assert all_runs(book)[0].weights == balanced().weights


def test_a_duplicate_has_equal_content_under_another_name_and_id() -> None:
    book = simple_book()
    copy = service.duplicate_portfolio(book, "balanced", "Copy")
    source = book.portfolios["balanced"]
    assert copy.id != source.id
    assert (copy.name, body(copy, name="")) == ("Copy", body(source, name=""))
    assert [s.portfolio_id for s in book.subscriptions.values()] == ["balanced"]


def test_the_list_is_filtered_by_every_filter_given() -> None:
    book = make_book()
    gold = replace(balanced("gold", {"GLD": "100"}, cash="0"), description="Shiny things")
    fill_book(book, [], [balanced(), gold, balanced("balanced-two", {"SPY": "100"}, cash="0")], {})
    service.inactivate_portfolio(book, "gold")

    def found(**filters: Any) -> list[str]:
        return [p.id for p in service.list_portfolios(book, **filters)]

    assert found() == ["balanced", "gold", "balanced-two"]
    assert found(name="BALANCED") == ["balanced", "balanced-two"]
    assert found(name="balanced", symbol="TLT") == ["balanced"]
    assert found(description="shiny") == ["gold"]
    assert found(status=PortfolioStatus.INACTIVE) == ["gold"]
    assert found(portfolio_id="gold", status=PortfolioStatus.ACTIVE) == []
    assert found(symbol="SP") == []
    assert found(name="%") == []


def test_conditions_are_replaced_whole() -> None:
    book = simple_book()
    after = service.update_portfolio(
        book, "balanced", body(balanced(), conditions=(DriftBand(BandType.ABSOLUTE, Percent(100)),))
    )
    book.reload()
    assert book.portfolios["balanced"].conditions == after.conditions == (DriftBand(BandType.ABSOLUTE, Percent(100)),)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        ({"weights": weights(5, SPY=50, TLT=45)}, True),
        ({"weights": weights(5, TLT=35, SPY=60)}, False),
        ({"conditions": (PortfolioUpdate(),)}, True),
        ({"conditions": balanced().conditions[::-1]}, False),
        ({"name": "Other", "description": "text", "cooldown_days": 30, "review": True}, False),
    ],
)
def test_only_another_set_of_weights_or_conditions_is_a_change_of_the_model(
    changes: dict[str, Any], moves: bool
) -> None:
    book = simple_book()
    before = book.portfolio("balanced")
    advance(book, 60)
    after = service.update_portfolio(book, "balanced", body(before, **changes))
    assert after.updated_at == book.now()
    assert after.changed_at == (book.now() if moves else before.changed_at)
    assert book.portfolio("balanced") == after


def test_a_change_of_the_status_is_no_change_of_the_model() -> None:
    book = simple_book()
    before = book.portfolio("balanced")
    advance(book, 60)
    unsubscribe_account(book, "a")
    service.inactivate_portfolio(book, "balanced")
    assert service.reactivate_portfolio(book, "balanced").changed_at == before.changed_at


def follower(*conditions: Condition, cooldown: int = 0) -> Book:
    """Before the open: an account on its targets of 5/60/35, rebalanced two weeks ago."""
    book = make_book("2026-03-02 09:00")
    model = balanced(cooldown=cooldown, conditions=conditions)
    on_target = account("a", "2500", {"SPY": "75", "TLT": "175"})
    fill_book(book, [on_target], [model], {"a": "balanced"}, {"a": new_york("2026-02-16 10:00")})
    advance_to(book, "2026-03-02 09:30")
    assert all_runs(book) == []
    return book


def set_weights(book: Book, spy: int, tlt: int) -> None:
    service.update_portfolio(book, "balanced", body(book.portfolio("balanced"), weights=weights(5, SPY=spy, TLT=tlt)))


def test_subscribers_are_evaluated_with_changed_weights_at_the_next_slot_under_the_same_rules() -> None:
    small, large = follower(*balanced().conditions), follower(*balanced().conditions)
    set_weights(small, 58, 37)
    set_weights(large, 50, 45)
    for book in (small, large):
        advance_to(book, "2026-03-02 09:45")
    assert all_runs(small) == []
    assert [run.status for run in all_runs(large)] == [RunStatus.COMPLETED_SUCCESS]


def test_with_the_condition_a_small_change_rebalances_at_the_next_slot_and_once() -> None:
    book = follower(PortfolioUpdate())
    set_weights(book, 58, 37)
    advance_to(book, "2026-03-02 09:45")
    assert [run.status for run in all_runs(book)] == [RunStatus.COMPLETED_SUCCESS]
    set_weights(book, 59, 36)
    advance_to(book, "2026-03-02 10:00")
    assert len(all_runs(book)) == 1
    for at in ("2026-03-03 09:30", "2026-03-04 09:30"):
        advance_to(book, at)
    assert len(all_runs(book)) == 2


def test_a_change_of_the_conditions_rebalances_as_well() -> None:
    book = follower()
    conditions = (PortfolioUpdate(),)
    set_price(book, "SPY", "420")
    service.update_portfolio(book, "balanced", body(book.portfolio("balanced"), conditions=conditions))
    advance_to(book, "2026-03-02 09:45")
    assert len(all_runs(book)) == 1


def test_in_the_cooldown_a_change_waits_for_its_end() -> None:
    book = follower(PortfolioUpdate(), cooldown=16)
    set_weights(book, 58, 37)
    for at in ("2026-03-02 09:45", "2026-03-03 09:30"):
        advance_to(book, at)
    assert all_runs(book) == []
    advance_to(book, "2026-03-04 09:30")
    assert len(all_runs(book)) == 1


def test_an_update_and_a_copy_keep_where_a_rebalance_stops() -> None:
    book = simple_book()
    stops: dict[str, Any] = {
        "rebalance_to": Destination.MIDDLE,
        "rebalance_scope": RebalanceScope.BREACHED,
        "minimum_trade": MinimumTrade(Money(50 * NANO), Percent(25)),
        "stagger_sessions": 3,
    }
    before = book.portfolio("balanced")
    service.update_portfolio(book, "balanced", replace(PortfolioBody.of(before), conditions=(monthly("15"),), **stops))
    copy = service.duplicate_portfolio(book, "balanced", "Copy")
    book.reload_portfolios()
    for portfolio in (book.portfolio("balanced"), book.portfolio(copy.id)):
        assert {name: getattr(portfolio, name) for name in stops} == stops
