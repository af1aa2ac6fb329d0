"""What the events of a live broker do not explain is not traded, and is reported with both figures (R-53)."""

from __future__ import annotations

import pytest

from rebal_tui.domain.quantities import parse_money, parse_qty
from rebal_tui.services.broker_sync.reconciliation.release import differences, release
from rebal_tui.store import explained
from tests.live.scripted_books import ASSETS, ScriptedAccount, ScriptedBook


def scripted(cash: str = "2500", spy: str = "75", tlt: str = "175", at: str = "2026-11-23 10:00") -> ScriptedBook:
    """An account near its targets that follows the portfolio."""
    return ScriptedBook({"a": ScriptedAccount(cash, {"SPY": spy, "TLT": tlt})}, at, follow=["a"])


def settled(live: ScriptedBook, seconds: int = 70) -> None:
    """Let the account be read several times."""
    live.tick(2, count=seconds // 2)


def test_shares_that_double_without_an_event_pause_the_account_at_once_and_nothing_is_traded() -> None:
    live = scripted()
    live.broker.accounts["a"].positions["SPY"] = "150"
    live.tick(2)
    hold = live.book.holds["a"]
    assert "SPY: 75 in the book, 150 at the broker, as after a 2-for-1 split" in hold.reason
    assert not hold.waits
    assert "150 at the broker" in live.alerts("reconciliation")[0]
    live.advance_to("2026-11-23 12:00")
    assert not live.broker.orders


def test_a_position_away_for_a_day_pauses_and_resumes_by_itself_when_it_is_back() -> None:
    live = scripted()
    held = live.broker.accounts["a"].positions.pop("SPY")
    live.tick(2)
    assert "SPY: 75 in the book, 0 at the broker" in live.book.holds["a"].reason
    live.restart()
    live.advance_to("2026-11-24 10:00")
    assert "a" in live.book.holds
    assert not live.broker.orders
    live.broker.accounts["a"].positions["SPY"] = held
    settled(live)
    assert not live.book.holds
    assert not live.alerts("reconciliation")


def test_cash_waits_for_its_event_without_an_alert_and_is_reported_after_a_minute() -> None:
    live = scripted()
    live.broker.accounts["a"].cash = "3500"
    live.tick(2)
    hold = live.book.holds["a"]
    assert hold.waits
    assert not live.alerts("reconciliation")
    settled(live)
    assert "cash is 2500.00 in the book, 3500.00 at the broker" in live.alerts("reconciliation")[0]
    live.activity("a", "CSD", net_amount="1000")
    live.tick(1)
    assert not live.book.holds
    assert not live.alerts("reconciliation")


def test_an_event_before_or_after_its_figures_explains_them_alike() -> None:
    for event_first in (True, False):
        live = scripted()
        if event_first:
            live.activity("a", "FEE", "REG", net_amount="-0.37")
            live.tick(2)
        live.broker.accounts["a"].cash = "2499.63"
        live.tick(2)
        if not event_first:
            assert "a" in live.book.holds
            live.activity("a", "FEE", "REG", net_amount="-0.37")
            live.tick(2)
        settled(live, 12)
        assert not live.book.holds
        found = explained.figures(live.database, "a")
        assert found is not None
        assert found.cash == parse_money("2499.63")


def test_a_cent_of_rounding_is_taken_over_with_a_change_and_never_without_one() -> None:
    live = scripted()
    live.activity("a", "CSD", net_amount="10.004")
    live.broker.accounts["a"].cash = "2510"
    live.tick(2)
    assert not live.book.holds
    live.broker.accounts["a"].cash = "2510.01"
    live.tick(2)
    assert "2510.01" in live.book.holds["a"].reason.replace(",", "")


def test_a_canceled_activity_is_taken_back_once_and_reported() -> None:
    live = scripted()
    live.activity("a", "DIV", "CDIV", ref_id="div-1", net_amount="12")
    live.broker.accounts["a"].cash = "2512"
    live.tick(2)
    assert not live.book.holds
    live.broker.accounts["a"].cash = "2500"
    for _ in range(2):
        live.activity("a", "DIV", "CDIV", ref_id="div-2", previous_id="div-1", status="canceled")
    live.tick(2)
    settled(live, 12)
    assert not live.book.holds
    assert len(live.alerts("broker_notice")) == 1
    assert "canceled the activity DIV CDIV of $12.00" in live.alerts("broker_notice")[0]


@pytest.mark.slow
def test_a_correction_books_the_difference_and_the_account_pauses_until_the_figures_show_it() -> None:
    live = scripted()
    live.tick(90)
    live.activity("a", "DIV", "CDIV", ref_id="div-1", net_amount="12")
    live.broker.accounts["a"].cash = "2512"
    live.tick(2)
    live.activity("a", "DIV", "CDIV", ref_id="div-2", previous_id="div-1", status="correct", net_amount="9")
    settled(live)
    assert "2509.00 in the book" in live.book.holds["a"].reason.replace(",", "")
    live.broker.accounts["a"].cash = "2509"
    settled(live)
    assert not live.book.holds


def test_a_reversal_of_an_activity_that_was_never_booked_is_named() -> None:
    live = scripted()
    live.activity("a", "CGD", ref_id="c-2", previous_id="c-1", status="canceled")
    live.tick(2)
    assert "canceled the activity CGD c-1, which this book has not booked" in live.alerts("broker_notice")[0]
    assert not live.book.holds


def test_a_busted_execution_pauses_the_account_until_a_person_releases_it() -> None:
    live = scripted()
    order = {"side": "buy", "symbol": "SPY"}
    live.receive("trades", {"event": "trade_bust", "account_id": "a", "previous_execution_id": "x-1", "order": order})
    live.tick(2)
    assert "busted execution x-1" in live.book.holds["a"].reason
    live.tick(10, count=8)
    assert "a" in live.book.holds
    release(live.book, "a")
    assert not live.book.holds


def test_a_released_account_takes_over_the_brokers_figures_and_shows_them_before() -> None:
    live = scripted()
    live.broker.accounts["a"].positions["SPY"] = "80"
    live.tick(2)
    assert ("SPY", "75", "80") in differences(live.book, "a")
    release(live.book, "a")
    settled(live, 12)
    assert not live.book.holds
    found = explained.figures(live.database, "a")
    assert found is not None
    assert found.held[ASSETS["SPY"]] == parse_qty("80")


def test_a_kind_that_no_rule_covers_is_named_and_its_shares_stay_a_difference() -> None:
    live = scripted()
    live.activity("a", "VOF", "VTND", qty="5", details={"symbol": "SPY"})
    live.broker.accounts["a"].positions["SPY"] = "70"
    live.tick(2)
    assert "no rule covers the activity VOF VTND" in live.alerts("broker_notice")[0]
    assert "SPY: 75 in the book, 70 at the broker" in live.book.holds["a"].reason


def test_other_accounts_are_not_concerned() -> None:
    figures = {name: ScriptedAccount("2500", {"SPY": "75", "TLT": "175"}) for name in ("a", "b")}
    live = ScriptedBook(figures, follow=["a", "b"])
    live.broker.accounts["a"].positions["SPY"] = "750"
    settled(live, 12)
    assert list(live.book.holds) == ["a"]


@pytest.mark.slow
def test_every_account_is_compared_at_the_open_before_anything_is_traded() -> None:
    names = [f"a{number:02d}" for number in range(30)]
    live = ScriptedBook({name: ScriptedAccount("2500", {"SPY": "75", "TLT": "175"}) for name in names}, follow=names)
    live.advance_to("2026-11-24 09:29")
    for name in names[20:]:
        live.broker.accounts[name].positions["SPY"] = "150"
    live.advance_to("2026-11-24 09:30")
    assert sorted(live.book.holds) == names[20:]
    live.tick(60, count=5)
    assert not live.broker.orders
