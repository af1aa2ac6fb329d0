"""Corporate actions in a simulated book: broker, prices and book agree, confirmed once for all holders (R-54)."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.broker.protocol import ActionNotice, BrokerEvent
from rebal_tui.domain.corporate_actions import ActionKind, ActionReport, CorporateAction
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action, preview_corporate_action
from rebal_tui.store import corporate_actions
from tests.services.brokers import BrokerWrapper
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    simple_book,
)


def act(book: Book, kind: str, symbol: str = "SPY", **given: object) -> ActionReport:
    return apply_corporate_action(book, CorporateAction(ActionKind(kind), symbol, **given))  # type: ignore[arg-type]


def holders() -> Book:
    """Two accounts at target, on a portfolio of 60 SPY, 35 TLT, and one account without SPY."""
    book = make_book()
    fill_book(
        book,
        [
            account("a", "500", {"SPY": "15", "TLT": "35"}),
            account("b", "500", {"SPY": "15", "TLT": "35"}),
            account("c", "100", {"TLT": "3"}),
        ],
        [balanced()],
        {"a": "balanced", "b": "balanced"},
        {"a": book.now(), "b": book.now()},
    )
    return book


def audit_of(book: Book) -> list[dict[str, object]]:
    rows = book.database.rows("SELECT detail FROM audit WHERE action = 'corporate_action' ORDER BY seq")
    return [json.loads(detail) for (detail,) in rows]


def audit_size(book: Book) -> int:
    return len(book.database.rows("SELECT seq FROM audit"))


def test_a_split_is_confirmed_once_for_all_its_accounts() -> None:
    book = holders()
    before = {name: value_of(book, name).equity for name in "abc"}
    report = act(book, "split", ratio=Fraction(10))
    assert report.text == "SPY 10 for 1: 2 accounts, 0 unexplained"
    assert book.account("a").holding("SPY") == parse_qty("150")
    assert book.assets["SPY"].price == parse_price("40")
    assert {name: value_of(book, name).equity for name in "abc"} == before
    (entry,) = audit_of(book)
    assert [change[0] for change in entry["changes"]] == ["a", "b"]  # type: ignore[attr-defined]
    assert book.holds == {}


def test_a_split_moves_no_account_out_of_its_bands() -> None:
    book = holders()
    act(book, "split", ratio=Fraction(10))
    scheduler.run_now(book, "evaluation")
    assert all_runs(book) == []


def test_the_price_history_is_adjusted() -> None:
    book = holders()
    advance_to(book, "2026-03-03 10:00")
    close = book.price_history.last_close("SPY")
    act(book, "split", ratio=Fraction(10))
    assert close == parse_price("400")
    assert book.price_history.last_close("SPY") == parse_price("40")
    assert set(book.price_history.of("SPY")) == {parse_price("40")}


def test_a_dividend_is_an_inflow_that_the_next_evaluation_invests() -> None:
    book = holders()
    act(book, "cash_dividend", amount=parse_price("2"))
    assert book.account("a").cash == parse_money("530")
    assert book.account("a").unsettled == 0
    scheduler.run_now(book, "evaluation")
    assert {(run.account_id, run.type.value, run.status) for run in all_runs(book)} == {
        (name, "invest_cash", RunStatus.COMPLETED_SUCCESS) for name in "ab"
    }


def test_a_spin_off_leaves_equity_as_it_is_and_closes_the_new_holding_later() -> None:
    book = holders()
    before = value_of(book, "a").equity
    report = act(book, "spin_off", ratio=Fraction(1, 4), new_symbol="NEW", price=parse_price("80"))
    assert report.unexplained == 0
    assert value_of(book, "a").equity == before
    assert book.account("a").holding("NEW") == parse_qty("3.75")
    assert (book.assets["SPY"].price, book.assets["NEW"].price) == (parse_price("380"), parse_price("80"))


def test_a_changed_symbol_keeps_the_id_and_portfolios_follow() -> None:
    book = holders()
    identity = book.assets["SPY"].id
    report = act(book, "symbol_change", new_symbol="SPX")
    assert report.text == "SPY becomes SPX: 2 accounts, 0 unexplained"
    assert book.assets["SPX"].id == identity
    assert book.assets["SPX"].price == parse_price("400")
    assert book.portfolios["balanced"].weights.symbols == ("SPX", "TLT")
    scheduler.run_now(book, "evaluation")
    assert all_runs(book) == []


def test_a_merged_asset_makes_its_portfolios_need_adjustment() -> None:
    book = holders()
    report = act(book, "cash_merger", amount=parse_price("410"))
    assert report.paid == parse_money("12300")
    assert book.account("a").positions == book.account("b").positions
    scheduler.run_now(book, "evaluation")
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT


def test_a_merger_into_a_new_symbol_lists_it_at_the_price_that_keeps_equity() -> None:
    book = holders()
    before = value_of(book, "a").equity
    act(book, "stock_merger", ratio=Fraction(1, 2), new_symbol="NEW")
    assert book.assets["NEW"].price == parse_price("800")
    assert value_of(book, "a").equity == before


def test_a_run_cut_short_uses_no_quota_and_is_planned_again() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    (run,) = all_runs(book)
    assert run.status is RunStatus.IN_PROGRESS
    report = act(book, "split", ratio=Fraction(2))
    advance(book, 1)
    first = next(found for found in all_runs(book) if found.id == run.id)
    assert report.canceled_orders > 0
    assert (first.status, first.reason) == (RunStatus.CANCELED_MID_RUN, "cut short: SPY 2 for 1")
    assert book.subscriptions["a"].last_rebalanced_at is None
    assert book.quota_run("a", first.session) is None
    book.reload()
    assert book.quota_run("a", first.session) is None
    scheduler.run_now(book, "evaluation")
    advance(book, 30)
    assert [found.status for found in all_runs(book)] == [RunStatus.CANCELED_MID_RUN, RunStatus.COMPLETED_SUCCESS]


def test_a_preview_names_the_holders_and_changes_nothing() -> None:
    book = holders()
    before = audit_size(book)
    preview = preview_corporate_action(book, CorporateAction(ActionKind.SPLIT, "SPY", Fraction(4)))
    assert (preview.accounts, preview.shares, preview.portfolios) == (2, parse_qty("30"), ("Balanced",))
    assert (preview.price, preview.price_after) == (parse_price("400"), parse_price("100"))
    assert audit_size(book) == before


@pytest.mark.parametrize(
    ("kind", "symbol", "given", "message"),
    [
        ("split", "NOPE", {"ratio": Fraction(2)}, "symbol: unknown asset NOPE"),
        ("symbol_change", "SPY", {"new_symbol": "TLT"}, "new_symbol: another active asset has the symbol TLT"),
        (
            "spin_off", "SPY", {"ratio": Fraction(1), "new_symbol": "N", "price": parse_price("400")},
            "price: expected price × ratio below",
        ),
    ],
)  # fmt: skip
def test_a_refused_action_changes_nothing(kind: str, symbol: str, given: dict[str, object], message: str) -> None:
    book = holders()
    before = book.accounts["a"], dict(book.assets), audit_size(book)
    with pytest.raises(Conflict, match=message):
        act(book, kind, symbol, **given)
    assert (book.accounts["a"], dict(book.assets), audit_size(book)) == before


class _Altered(BrokerWrapper):
    """A broker whose corporate actions are reported with a wrong figure for account `b`."""

    def events(self, after: int, limit: int = 10_000) -> list[BrokerEvent]:
        return [self._altered(event) for event in self.inner.events(after, limit)]

    def _altered(self, event: BrokerEvent) -> BrokerEvent:
        notice = event.action
        if notice is None or notice.holder is None or event.account_id != "b":
            return event
        holder = replace(notice.holder, qty=notice.holder.held.qty)
        return replace(event, action=_with_holder(notice, holder))


def _with_holder(notice: ActionNotice, holder: object) -> ActionNotice:
    return replace(notice, holder=holder)  # type: ignore[arg-type]


def test_an_account_that_nothing_explains_is_paused_with_both_figures() -> None:
    book = holders()
    _Altered(book)
    report = act(book, "split", ratio=Fraction(10))
    assert report.text == "SPY 10 for 1: 2 accounts, 1 unexplained"
    assert list(book.holds) == ["b"]
    assert book.holds["b"].reason == "SPY 10 for 1: expected 150 shares after it, found 15"
    stored = corporate_actions.newest(book.database)
    assert [(found.report.unexplained, found.price_factor) for found in stored] == [(1, Fraction(1, 10))]


def test_a_payment_that_does_not_arrive_pauses_the_account() -> None:
    class _Silent(BrokerWrapper):
        def events(self, after: int, limit: int = 10_000) -> list[BrokerEvent]:
            return [replace(e, cash=None) if e.cash else e for e in self.inner.events(after, limit)]

    book = holders()
    _Silent(book)
    report = act(book, "cash_dividend", amount=parse_price("2"))
    assert report.unexplained == 2
    assert book.holds["a"].reason == "SPY pays $2 a share: expected $30.00 of cash, found $0.00"
