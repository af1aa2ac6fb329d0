"""Cash, journals, accounts and events at the simulated broker."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.broker.simulated.schema import create_tables
from rebal_tui.domain.accounts import Position, Restriction
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import CashKind, JournalStatus
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty
from rebal_tui.store.database import Database
from tests.broker.harness import (
    ALICE,
    BOB,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Harness,
    account,
    named,
    on,
    refusal,
    shares,
    usd,
)

SLOW = FillModel(latency_seconds=(2, 2), partial_chance=0)


def test_proceeds_buy_at_once_and_are_transferable_when_the_next_session_opens() -> None:
    harness = Harness()
    harness.sell("s", "SPY", qty="10")
    assert harness.broker.account(ALICE).unsettled == usd("1000")
    assert harness.broker.cash_transferable(ALICE) == usd("1000")
    harness.buy("b", "TLT", notional="1500")
    harness.advance_to(on(TUESDAY, 9, 29))
    assert harness.broker.cash_transferable(ALICE) == 0
    last = harness.broker.last_event()
    harness.advance_to(on(TUESDAY, 9, 30))
    assert harness.broker.account(ALICE).unsettled == 0
    assert harness.broker.cash_transferable(ALICE) == usd("500")
    (event,) = harness.new_events(last)
    assert (event.kind, event.account_id) == (EventKind.SETTLEMENT, ALICE)
    assert (event.settled, event.cash) == (usd("1000"), None)


def test_a_missed_settlement_day_is_settled_later() -> None:
    harness = Harness()
    harness.sell("s", "SPY", qty="1")
    harness.advance_to(on(WEDNESDAY, 3))
    assert harness.broker.account(ALICE).unsettled == 0


def test_advancing_with_nothing_due_changes_nothing() -> None:
    harness = Harness()
    last = harness.broker.last_event()
    harness.advance_to(on(TUESDAY, 10))
    harness.advance_to(on(TUESDAY, 10))
    assert harness.broker.last_event() == last


def test_a_deposit_is_booked_and_settled_at_once() -> None:
    harness = Harness()
    last = harness.broker.last_event()
    entry = harness.broker.deposit(BOB, usd("10.01"), harness.current_time)
    assert (entry.kind, entry.amount, entry.account_id) == (CashKind.DEPOSIT, usd("10.01"), BOB)
    assert harness.broker.cash_transferable(BOB) == usd("510.01")
    (event,) = harness.new_events(last)
    assert (event.kind, event.cash) == (EventKind.CASH, entry)


@pytest.mark.parametrize("amount", [Money(0), Money(-1), Money(MAX_NANO + 1), Money(MAX_NANO)])
def test_a_deposit_out_of_range_is_refused(amount: Money) -> None:
    harness = Harness()
    assert refusal(lambda: harness.broker.deposit(BOB, amount, harness.current_time)) == RefusalCode.REJECTED
    assert harness.cash(BOB) == usd("500")


def test_a_returned_deposit_takes_the_cash_and_restricts_the_account() -> None:
    harness = Harness()
    harness.broker.set_restrictions(BOB, frozenset({Restriction.CRYPTO}), harness.current_time)
    entry = harness.broker.return_deposit(BOB, usd("200"), harness.current_time)
    assert entry.amount == -usd("200")
    assert harness.cash(BOB) == usd("300")
    assert harness.broker.account(BOB).restrictions == {Restriction.CRYPTO, Restriction.ACH_RETURN}


def test_a_returned_deposit_never_takes_cash_that_is_spent_or_reserved() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", notional="450", who=BOB)
    entry = harness.broker.return_deposit(BOB, usd("200"), harness.current_time)
    assert entry.amount == -usd("50")
    assert harness.broker.return_deposit(BOB, usd("200"), harness.current_time).amount == 0
    harness.advance_seconds(5)
    assert harness.cash(BOB) == 0
    assert harness.broker.invariants() == []


def test_a_returned_deposit_takes_nothing_from_cash_below_zero() -> None:
    harness = Harness()
    harness.broker.open_account(account("debtor", "-20"))
    assert harness.broker.return_deposit("debtor", usd("5"), harness.current_time).amount == 0
    assert harness.cash("debtor") == -usd("20")
    assert harness.broker.account("debtor").restrictions == {Restriction.ACH_RETURN}
    assert harness.broker.invariants() == []


def test_a_journal_is_reserved_from_its_creation_and_moves_cash_when_executed() -> None:
    harness = Harness(SLOW)
    journal = harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("400"), "to the client", "key")
    assert journal.status is JournalStatus.QUEUED
    assert (harness.cash(), harness.broker.cash_transferable(ALICE)) == (usd("1000"), usd("600"))
    assert refusal(lambda: harness.buy("b", "SPY", notional="600.01")) == RefusalCode.INSUFFICIENT_BUYING_POWER
    harness.advance_seconds(2)
    assert harness.broker.journal(journal.id).status is JournalStatus.SENT_TO_CLEARING
    harness.advance_seconds(2)
    assert harness.broker.journal(journal.id).status is JournalStatus.EXECUTED
    assert (harness.cash(), harness.broker.cash_transferable(ALICE)) == (usd("600"), usd("600"))
    kinds = [event.cash.kind for event in harness.new_events(0) if event.cash]
    assert kinds == [CashKind.JOURNAL_OUT]


def test_a_journal_is_immediate_under_immediate_fills() -> None:
    harness = Harness()
    out = harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("1000"), "", "out")
    into = harness.broker.create_journal(FIRM_ACCOUNT, BOB, usd("5"), "", "in")
    assert out.status is into.status is JournalStatus.EXECUTED
    assert (harness.cash(ALICE), harness.cash(BOB)) == (0, usd("505"))
    states = [event.journal.status for event in harness.new_events(0) if event.journal and event.journal.id == out.id]
    assert states == [JournalStatus.QUEUED, JournalStatus.SENT_TO_CLEARING, JournalStatus.EXECUTED]


def test_a_rejected_journal_gives_the_cash_back() -> None:
    harness = Harness(SLOW)
    journal = harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("400"), "/fixtures/status=rejected/fixtures/", "k")
    assert harness.broker.cash_transferable(ALICE) == usd("600")
    harness.advance_seconds(10)
    ended = harness.broker.journal(journal.id)
    assert ended.status is JournalStatus.REJECTED
    assert ended.reason
    assert harness.broker.cash_transferable(ALICE) == usd("1000")


@pytest.mark.parametrize("model", [SLOW, FillModel.immediate()])
def test_a_pending_journal_waits_for_the_next_day(model: FillModel) -> None:
    harness = Harness(model)
    journal = harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("400"), "/fixtures/status=pending/fixtures/", "k")
    harness.advance_to(on(MONDAY, 23, 59))
    assert harness.broker.journal(journal.id).status is JournalStatus.PENDING
    assert harness.broker.cash_transferable(ALICE) == usd("600")
    harness.advance_to(on(TUESDAY, 0, 1))
    assert harness.broker.journal(journal.id).status is JournalStatus.EXECUTED


def test_a_used_idempotency_key_gives_the_same_journal() -> None:
    harness = Harness(SLOW)
    first = harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("800"), "d", "key")
    assert harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("800"), "d", "key") == first
    other = refusal(lambda: harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("1"), "d", "key"))
    assert other == RefusalCode.REJECTED
    assert harness.broker.cash_transferable(ALICE) == usd("200")


@pytest.mark.parametrize(
    ("source", "target", "amount", "code"),
    [
        (ALICE, FIRM_ACCOUNT, "1000.000000001", RefusalCode.AMOUNT_NOT_AVAILABLE),
        (ALICE, BOB, "1", RefusalCode.REJECTED),
        (FIRM_ACCOUNT, FIRM_ACCOUNT, "1", RefusalCode.REJECTED),
        (named("nobody"), FIRM_ACCOUNT, "1", RefusalCode.NOT_FOUND),
        (ALICE, FIRM_ACCOUNT, "0", RefusalCode.REJECTED),
    ],
)
def test_journals_that_are_refused(source: str, target: str, amount: str, code: RefusalCode) -> None:
    harness = Harness()
    assert refusal(lambda: harness.broker.create_journal(source, target, usd(amount), "", "k")) == code


def test_unsettled_proceeds_are_not_transferable_by_journal() -> None:
    harness = Harness()
    harness.sell("s", "SPY", qty="1")
    code = refusal(lambda: harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("1000.01"), "", "k"))
    assert code == RefusalCode.AMOUNT_NOT_AVAILABLE


def test_cash_can_move_to_active_accounts_and_from_closed_ones_too() -> None:
    harness = Harness()
    harness.broker.set_account_status(ALICE, "ACCOUNT_CLOSED", harness.current_time)
    code = refusal(lambda: harness.broker.create_journal(FIRM_ACCOUNT, ALICE, usd("1"), "", "in"))
    assert code == RefusalCode.ACCOUNT_RESTRICTED
    assert harness.broker.create_journal(ALICE, FIRM_ACCOUNT, usd("1"), "", "out").status is JournalStatus.EXECUTED


def test_an_incoming_journal_bounces_when_the_account_closes_meanwhile() -> None:
    harness = Harness(SLOW)
    journal = harness.broker.create_journal(FIRM_ACCOUNT, ALICE, usd("1"), "", "in")
    harness.broker.set_account_status(ALICE, "ACCOUNT_CLOSED", harness.current_time)
    harness.advance_seconds(10)
    assert harness.broker.journal(journal.id).status is JournalStatus.REJECTED
    assert harness.cash() == usd("1000")


def test_external_shares_join_the_position() -> None:
    harness = Harness()
    last = harness.broker.last_event()
    harness.broker.transfer_in(ALICE, "SPY", shares("10"), Price(usd("110")), harness.current_time)
    harness.broker.transfer_in(BOB, "TLT", shares("2.5"), Price(usd("40")), harness.current_time)
    assert harness.broker.account(ALICE).positions == (Position("SPY", shares("20"), Price(usd("100"))),)
    assert harness.broker.account(BOB).positions == (Position("TLT", shares("2.5"), Price(usd("40"))),)
    assert [event.kind for event in harness.new_events(last)] == [EventKind.ACCOUNT, EventKind.ACCOUNT]
    assert harness.broker.invariants() == []


@pytest.mark.parametrize(("symbol", "qty"), [("NONE", shares("1")), ("SPY", Qty(0)), ("SPY", Qty(MAX_NANO))])
def test_shares_that_cannot_be_transferred_in_are_refused(symbol: str, qty: Qty) -> None:
    harness = Harness()
    before = harness.broker.account(ALICE)
    with pytest.raises(BrokerRefused):
        harness.broker.transfer_in(ALICE, symbol, qty, Price(usd("1")), harness.current_time)
    assert harness.broker.account(ALICE) == before


def test_accounts_read_alike_one_by_one_and_together() -> None:
    harness = Harness()
    harness.broker.transfer_in(ALICE, "BRK", shares("1"), Price(usd("1")), harness.current_time)
    everyone = harness.broker.accounts()
    assert list(everyone) == [harness.broker.account(ALICE), harness.broker.account(BOB)]
    assert [position.symbol for position in everyone[0].positions] == ["BRK", "SPY"]
    assert refusal(lambda: harness.broker.account(FIRM_ACCOUNT)) == RefusalCode.NOT_FOUND


def test_accounts_open_all_or_none() -> None:
    harness = Harness()
    fresh = account(named("new"), "1")
    stray = account(named("stray"), "1", Position("NONE", shares("1")))
    twice = account(named("twice"), "1", Position("SPY", shares("1")), Position("SPY", shares("1")))
    for wrong in (account(ALICE, "1"), account(FIRM_ACCOUNT, "1"), stray, twice):
        with pytest.raises(BrokerRefused):
            harness.broker.open_accounts([fresh, wrong])
    assert [known.id for known in harness.broker.accounts()] == [ALICE, BOB]


def test_assets_have_their_price_and_trading_flags() -> None:
    harness = Harness()
    del harness.prices["TLT"]
    harness.broker.set_asset("SPY", harness.current_time, status="inactive", tradable=False, fractionable=False)
    brk, spy, tlt = harness.broker.assets()
    assert (brk.symbol, brk.eligible, brk.price) == ("BRK", False, harness.prices["BRK"])
    assert (spy.status, spy.tradable, spy.fractionable) == (AssetStatus.INACTIVE, False, False)
    assert (tlt.price, tlt.price_at, tlt.eligible) == (None, None, True)


@pytest.mark.parametrize("status", ["active", "", "CLOSED"])
def test_an_unknown_account_status_is_refused(status: str) -> None:
    harness = Harness()
    assert (
        refusal(lambda: harness.broker.set_account_status(ALICE, status, harness.current_time)) == RefusalCode.REJECTED
    )


def test_events_have_the_state_of_their_time() -> None:
    harness = Harness(FillModel(latency_seconds=(2, 2), partial_chance=100, max_pieces=2))
    last = harness.broker.last_event()
    harness.buy("b", "SPY", notional="100")
    harness.advance_seconds(60)
    reported = [event.order for event in harness.new_events(last) if event.order]
    assert [order.status for order in reported] == [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]
    assert reported[0].filled_qty == 0 < reported[1].filled_qty < reported[2].filled_qty
    assert reported[2] == harness.order("b")


def test_events_are_paged_in_order_and_read_alike_again() -> None:
    harness = Harness()
    for n in range(5):
        harness.buy(f"b{n}", "SPY", notional="10")
    everything = harness.new_events(0)
    paged: list[BrokerEvent] = []
    while page := harness.broker.events(paged[-1].seq if paged else 0, 3):
        paged += page
    assert paged == everything
    assert [event.seq for event in everything] == sorted({event.seq for event in everything})


def test_events_and_ledger_cannot_be_rewritten() -> None:
    harness = Harness()
    for table in ("sim_events", "sim_ledger"):
        for statement in (f"UPDATE {table} SET at = 0", f"DELETE FROM {table}"):
            with pytest.raises(sqlite3.IntegrityError), harness.database.write() as tx:
                tx.execute(statement)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sim_accounts SET cash = cash + 1 WHERE n = 1",
        "UPDATE sim_accounts SET unsettled = unsettled + 1 WHERE n = 1",
        "UPDATE sim_accounts SET cash = cash - 1000000000 WHERE n = 1",
        "UPDATE sim_positions SET qty = qty + 1",
        "UPDATE sim_positions SET qty = 9000000000000000000",
        "UPDATE sim_shares SET qty = qty - 1",
        "DELETE FROM sim_positions",
        "UPDATE sim_orders SET reserved_cash = 10000000000000 WHERE client_order_id = 'open'",
        "UPDATE sim_orders SET reserved_qty = 1 WHERE client_order_id = 'open'",
        "UPDATE sim_orders SET filled_qty = filled_qty - 1 WHERE client_order_id = 'sold'",
        "UPDATE sim_fills SET amount = amount + 1",
        "DELETE FROM sim_unsettled",
    ],
)
def test_invariants_detect_damage(damage: str) -> None:
    harness = Harness(SLOW)
    harness.sell("sold", "SPY", qty="2")
    harness.advance_seconds(5)
    harness.buy("open", "SPY", notional="100")
    assert harness.broker.invariants() == []
    with harness.database.write() as tx:
        tx.execute(damage)
    assert harness.broker.invariants()


def test_creating_the_tables_again_changes_nothing() -> None:
    harness = Harness()
    before = harness.new_events(0)
    with harness.database.write() as tx:
        create_tables(tx)
    assert harness.new_events(0) == before


def test_creating_the_tables_belongs_to_its_transaction() -> None:
    database = Database()
    with suppress(RuntimeError), database.write() as tx:
        create_tables(tx)
        raise RuntimeError
    assert database.rows("SELECT name FROM sqlite_master WHERE name LIKE 'sim_%'") == []


def test_an_account_may_open_on_margin_and_then_buys_nothing() -> None:
    harness = Harness()
    harness.broker.open_account(account(named("margin"), "-60000", Position("SPY", shares("170"))))
    assert harness.broker.account(named("margin")).cash == usd("-60000")
    assert harness.broker.cash_transferable(named("margin")) == 0
    assert harness.broker.invariants() == []
