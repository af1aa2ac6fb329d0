"""A split at a live broker, in any order of price, positions, activity and announcement: nothing is traded between."""

from __future__ import annotations

from itertools import permutations

import pytest

from rebal_tui.store import audit, corporate_actions, jobs
from tests.live.scripted_books import ScriptedAccount, ScriptedBook

CA = "7a3c1c0e-0000-4000-8000-000000000001"
DAY = "2026-11-24"
STEPS = ("price", "positions", "activity")


def live_book(names: str = "ab") -> ScriptedBook:
    """Accounts on target the day before the split."""
    live = ScriptedBook(
        {name: ScriptedAccount("2500", {"SPY": "75", "TLT": "175"}) for name in names}, follow=list(names)
    )
    live.advance_to("2026-11-23 15:59")
    return live


def take(live: ScriptedBook, step: str) -> None:
    """One part of the split becomes visible."""
    if step == "price":
        live.price("SPY", "40")
    for name, account in live.broker.accounts.items():
        if step == "positions":
            account.positions["SPY"] = "750"
        elif step == "activity":
            details = {"ca_id": CA, "symbol": "SPY", "ex_date": DAY, "old_rate": "1", "new_rate": "10",
                       "old_qty": "75", "new_qty": "750"}  # fmt: skip
            live.activity(name, "SPLIT", "FSPLIT", ref_id=f"split-{name}", net_amount="0", details=details)
    if step == "announcement":
        details = {"id": CA, "symbol": "SPY", "ex_date": DAY, "process_date": DAY, "old_rate": "1", "new_rate": "10"}
        live.receive("corporate_actions", {"event_type": "forward_split_corporateaction_event", "action": "insert",
                     "at": live.clock.now().isoformat(), "ca": details})  # fmt: skip


def applied_once(live: ScriptedBook) -> None:
    entries = [entry for entry in audit.entries(live.database, 2_000) if entry.action == "corporate_action"]
    assert len(entries) == 1
    (stored,) = corporate_actions.newest(live.database)
    assert stored.report.text == "SPY 10 for 1: 2 accounts, 0 unexplained"


def play(live: ScriptedBook, steps: list[str]) -> None:
    """Let the steps happen one by one, with minutes in between in which runs could start."""
    live.advance_to(f"{DAY} 09:30")
    for step in steps:
        take(live, step)
        live.tick(1, count=2)
        live.tick(60, count=3)
        assert not live.broker.orders
    live.tick(60, count=3)
    assert (live.book.holds, live.book.asset_holds) == ({}, {})
    live.tick(600, count=6)
    assert not live.broker.orders
    applied_once(live)


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(STEPS)))
def test_a_split_is_applied_once_in_any_order_and_never_traded_on(order: tuple[str, ...]) -> None:
    play(live_book(), list(order))


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_announcement_and_activities_are_one_action(at: int) -> None:
    steps = ["positions", "price", "activity"]
    steps.insert(at, "announcement")
    play(live_book(), steps)


@pytest.mark.slow
def test_an_announcement_alone_explains_a_split() -> None:
    play(live_book(), ["announcement", "price", "positions"])


def test_a_split_is_explained_over_a_restart() -> None:
    live = live_book()
    live.advance_to(f"{DAY} 09:30")
    take(live, "announcement")
    take(live, "positions")
    live.tick(1, count=3)
    live.restart()
    take(live, "price")
    live.tick(60, count=5)
    assert (live.book.holds, live.book.asset_holds) == ({}, {})
    assert not live.broker.orders
    applied_once(live)


def test_a_holder_whose_shares_do_not_follow_is_not_traded_and_counts_as_unexplained() -> None:
    live = live_book()
    live.advance_to(f"{DAY} 09:30")
    for step in ("activity", "price", "positions"):
        take(live, step)
    live.broker.accounts["b"].positions["SPY"] = "75"
    live.tick(60, count=13)
    assert list(live.book.holds) == ["b"]
    (stored,) = corporate_actions.newest(live.database)
    assert stored.report.text == "SPY 10 for 1: 2 accounts, 1 unexplained"
    (alert,) = (one.text for one in jobs.open_alerts(live.database))
    assert "Client b" in alert
    assert "as after a" in alert
    assert not live.broker.orders


def test_a_price_that_halves_without_an_action_puts_the_asset_on_hold() -> None:
    live = live_book("a")
    live.advance_to(f"{DAY} 09:30")
    live.price("SPY", "200")
    live.tick(60, count=20)
    assert list(live.book.asset_holds) == ["SPY"]
    assert not live.broker.orders


def test_the_guards_of_a_live_book_are_on() -> None:
    guards = live_book("a").book.settings.guards
    assert (guards.jump_guard, guards.surge_guard) == (True, True)
