"""Data of the Accounts screen, bulk actions before and after, and the simulator's account events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.accounts import AccountStatus, Position, Restriction
from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import Qty, parse_money, parse_price, parse_qty
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.advisory import bulk
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.queries.accounts import (
    account_detail,
    account_names,
    account_row,
    accounts_snapshot,
    find_account,
)
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import account_events
from rebal_tui.services.view_models.accounts import AccountGroup, InGroup
from rebal_tui.store import audit
from rebal_tui.tui.screens.accounts.bulk_lines import bulk_effects
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


def three() -> Book:
    """`a` follows Balanced and was rebalanced; `b` is unsubscribed; `r` is restricted. 10:00 on 2 March 2026."""
    book = make_book("2026-03-02 10:00")
    accounts = [account("a", "20000"), account("b", "10000"), account("r", "5000", {"SPY": "10"}, ["trading_blocked"])]
    growth = balanced("growth", {"SPY": "80", "GLD": "20"}, cash="0")
    fill_book(book, accounts, [balanced(), growth], {"a": "balanced"})
    scheduler.tick(book)
    return book


def test_rows_put_exceptions_first_and_describe_each_account() -> None:
    snapshot = accounts_snapshot(three())
    assert snapshot is not None
    assert [row.account_id for row in snapshot.rows] == ["r", "a", "b"]
    restricted, followed, free = snapshot.rows
    assert restricted.exception == "trading is blocked"
    assert (restricted.trade, restricted.state) == (None, "no trading")
    assert restricted.equity == parse_money("9000")
    assert (followed.portfolio, followed.trade) == ("Balanced", StatusKind.IN_RANGE)
    assert (free.trade, free.state, free.withdrawable) == (None, "unsubscribed", parse_money("10000"))


def test_a_run_in_review_is_not_in_progress() -> None:
    """The group agrees with the Desk, where an account in review needs a person and does not trade."""
    book = make_book(model=SLOW)
    accounts, follows = [account("a", "20000"), account("b", "0", {"SPY": "50"})], {"a": "balanced", "b": "free"}
    fill_book(book, accounts, [balanced(review=True), balanced("free")], follows)
    scheduler.tick(book)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    running = InGroup(AccountGroup.RUNNING)
    assert dict(snapshot.groups)[AccountGroup.RUNNING] == 1
    assert [row.account_id for row in snapshot.rows if running(row)] == ["b"]
    assert [running(account_row(book, account_id)) for account_id in "ab"] == [False, True]
    assert [row.state for row in snapshot.rows] == ["in review", "selling"]


def test_an_unchanged_book_is_not_read_again() -> None:
    book = three()
    first = accounts_snapshot(book)
    assert first is not None
    assert accounts_snapshot(book, first.version) is None
    deposit(book, "b", parse_money("1"))
    assert accounts_snapshot(book, first.version) is not None


def test_the_ledger_has_the_settled_cash() -> None:
    book = three()
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("4000"))
    view = account_detail(book, "a")
    sells = [entry for entry in view.ledger if entry.kind == "sell"]
    assert sells
    assert all((entry.settled, entry.settles_on) == (False, "2026-03-03") for entry in sells)
    assert view.unsettled == sum(entry.amount for entry in sells)
    buys = [entry for entry in view.ledger if entry.kind == "buy"]
    assert buys
    assert all((entry.settled, entry.settles_on) == (False, "2026-03-03") for entry in buys)
    advance_to(book, "2026-03-03 09:31")
    assert all(entry.settled for entry in account_detail(book, "a").ledger)


def test_the_ledger_names_trades_of_orders_that_no_run_placed() -> None:
    book = three()
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("4000"))
    request = OrderRequest("a", "outside-1", "SPY", Side.SELL, qty=parse_qty("1.5"))
    assert book.sandbox is not None
    book.sandbox.place_external_order("a", request, book.now())
    advance(book, 30)
    texts = [entry.text for entry in account_detail(book, "a").ledger if entry.kind in ("buy", "sell")]
    assert [text for text in texts if "outside" in text] == ["1.5 SPY, outside rebal-tui"]
    assert len(texts) > 1, "those of the run are not marked"


def test_a_position_shows_its_gain_over_its_entry_price() -> None:
    view = account_detail(three(), "r")
    (position,) = view.positions
    assert position.gain == parse_money("3500")
    assert position.value == parse_money("4000")


def test_a_gain_is_to_the_nearest_cent() -> None:
    held = Position("SPY", parse_qty("27"), parse_price("140.740740741"))
    book = make_book()
    fill_book(book, [replace(account("h"), positions=(held,))], [], {})
    (position,) = account_detail(book, "h").positions
    assert position.gain == parse_money("7000"), "10,800 less 3,800.000000007"


@pytest.mark.parametrize("text", ["a", "N-a", "client n-a", "Client a · N-a"])
def test_an_account_is_found_by_id_number_and_words(text: str) -> None:
    assert find_account(three(), text).account_id == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "expected a client"), ("zz", "no account has that"), ("client", "3 accounts: “Client a”, “")],
)
def test_an_ambiguous_account_is_refused_at_its_field(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        find_account(three(), text)
    (fault,) = refused.value.faults
    assert fault.location == "account"
    assert message in fault.message


def test_a_full_name_with_which_other_names_begin_is_its_account() -> None:
    book = make_book("2026-03-02 10:00")
    accounts = [replace(account(f"n{n}", "1"), name=f"Amber Holt {n}", account_number=f"N-{n}") for n in (1, 10, 11)]
    fill_book(book, accounts, [], {})
    assert find_account(book, "amber holt 1").account_number == "N-1"
    with pytest.raises(Invalid):
        find_account(book, "amber holt")


def test_every_completion_is_accepted() -> None:
    book = three()
    assert [find_account(book, name).account_number for name in account_names(book)] == ["N-a", "N-b", "N-r"]


def test_a_listed_account_is_found_though_another_number_begins_with_its_own() -> None:
    book = make_book("2026-03-02 10:00")
    accounts = [replace(account(number, "1"), name="Ruiz, Ana", account_number=number) for number in ("12", "123")]
    fill_book(book, accounts, [], {})
    assert [find_account(book, name).account_number for name in account_names(book)] == ["12", "123"]


def test_a_preview_of_subscriptions_shows_runs_notes_and_refusals_and_changes_nothing() -> None:
    book = three()
    before = audit.head(book.database)
    preview = bulk.preview_subscriptions(book, ["a", "b", "r"], "growth", moving=False)
    assert bulk_effects(preview, "Subscribe")[1].text == "The next evaluation creates 1 first run: 2 orders, turnover"
    a, b, r = preview.rows
    assert a.refusal == "subscription already exists: account N-a follows a portfolio"
    assert (b.orders, b.turnover, b.refusal) == (2, parse_money("10000"), "")
    assert (r.orders, r.refusal, r.note) == (0, "", "no run until the broker lifts the block: trading is blocked")
    assert audit.head(book.database) == before
    assert set(book.subscriptions) == {"a"}


def test_a_preview_of_subscriptions_says_that_their_first_runs_wait_for_approval() -> None:
    book = three()
    set_review(book, True)
    preview = bulk.preview_subscriptions(book, ["b"], "growth", moving=False)
    assert bulk_effects(preview, "Subscribe")[1].text == (
        "The next evaluation proposes 1 first run for review: 2 orders, turnover"
    )


def test_preview_and_action_refuse_the_same_requests() -> None:
    book = three()
    request_withdrawal(book, "a", parse_money("1000"))
    for moving in (False, True):
        preview = bulk.preview_subscriptions(book, ["a", "b", "r"], "balanced", moving=moving)
        done = bulk.subscribe_all(book, ["a", "b", "r"], "balanced", moving=moving)
        assert [row.refusal for row in preview.rows] == [result.refusal for result in done]


def test_a_move_previews_the_realignment_that_follows() -> None:
    book = three()
    (row,) = bulk.preview_subscriptions(book, ["a"], "growth", moving=True).rows
    assert (row.follows, row.orders) == ("Balanced", 3)
    bulk.subscribe_all(book, ["a"], "growth", moving=True)
    advance_to(book, "2026-03-03 09:30")
    assert all_runs(book)[-1].portfolio_id == "growth"


def test_ending_subscriptions_reports_each_outcome() -> None:
    book = three()
    preview = bulk.preview_unsubscriptions(book, ["a", "b"])
    assert [bool(row.refusal) for row in preview.rows] == [False, True]
    results = bulk.unsubscribe_all(book, ["a", "b"])
    assert [result.refusal for result in results] == ["", "account N-b follows no portfolio"]
    assert not book.subscriptions


def test_a_restriction_is_set_and_lifted_without_changing_the_others() -> None:
    book = three()
    account_events.set_restriction(book, "r", Restriction.CRYPTO, True)
    assert book.accounts["r"].restrictions == {Restriction.CRYPTO, Restriction.TRADING_BLOCKED}
    account_events.set_restriction(book, "r", Restriction.TRADING_BLOCKED, False)
    assert book.accounts["r"].restrictions == {Restriction.CRYPTO}
    assert [
        entry.actor
        for entry in audit.entries(book.database, 10, "account.restriction")
        if entry.action == "account.restriction"
    ] == ["advisor", "advisor"]


def test_status_return_and_holding_change_the_account_and_leave_a_record() -> None:
    book = three()
    account_events.set_status(book, "b", AccountStatus.LIMITED)
    assert book.accounts["b"].status is AccountStatus.LIMITED
    assert account_events.return_deposit(book, "b", parse_money("99999")) == parse_money("10000")
    assert book.accounts["b"].cash == 0
    account_events.transfer_in(book, "b", "GLD", parse_qty("2"))
    assert book.accounts["b"].holding("GLD") == parse_qty("2")
    actions = [entry.action for entry in audit.entries(book.database, 20) if entry.actor == "advisor"]
    assert actions == ["account.brought_in", "account.ach_return", "account.status"]
    assert book.broker.invariants() == []  # type: ignore[attr-defined]


def test_invalid_transfers_and_status_changes_are_refused() -> None:
    book = simple_book()
    with pytest.raises(Invalid, match="unknown asset NOPE"):
        account_events.transfer_in(book, "a", "NOPE", parse_qty("1"))
    with pytest.raises(Invalid, match="above 0"):
        account_events.transfer_in(book, "a", "SPY", Qty(0))
    with pytest.raises(Invalid, match="above 0"):
        account_events.return_deposit(book, "a", parse_money("0"))
    with pytest.raises(NotFound):
        account_events.set_status(book, "zz", AccountStatus.ACTIVE)


def test_without_a_simulator_all_of_it_is_refused() -> None:
    book = simple_book()
    book.sandbox = None
    with pytest.raises(Conflict, match="simulated broker only"):
        account_events.set_restriction(book, "a", Restriction.CRYPTO, True)
    with pytest.raises(Conflict, match="simulated broker only"):
        account_events.known_symbols(book)
