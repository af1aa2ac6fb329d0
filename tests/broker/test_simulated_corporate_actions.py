"""Corporate actions at the simulated broker: shares, cost, cash, canceled orders, equity (R-54, R-56)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import EventKind
from rebal_tui.broker.simulated import schema
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.accounts import Position
from rebal_tui.domain.action_effects import Terms
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import NANO, Money, Price, Qty, parse_price
from rebal_tui.store.database import Database
from tests.broker.harness import ALICE, BOB, TUESDAY, Harness, account, asset, named, on, refusal, shares, usd


def act(harness: Harness, kind: str, symbol: str = "SPY", **given: object) -> str:
    """Carry out an action and adjust the harness's prices, as the market does."""
    price = harness.prices.get(symbol)
    action = CorporateAction(ActionKind(kind), symbol, **given)  # type: ignore[arg-type]
    identity = harness.broker.corporate_action(action, harness.current_time)
    terms = Terms(action, price, True)
    if action.kind is ActionKind.SYMBOL_CHANGE:
        harness.prices[action.new] = harness.prices.pop(symbol)
    elif price is not None and terms.price_after is not None:
        harness.prices[symbol] = terms.price_after
        if action.new_symbol is not None and action.new_symbol not in harness.prices:
            harness.prices[action.new_symbol] = action.price or Price(round(price / action.rate))
    assert harness.broker.invariants() == []
    return identity


def position(harness: Harness, symbol: str, who: str = ALICE) -> Position | None:
    return next((p for p in harness.broker.account(who).positions if p.symbol == symbol), None)


def test_a_split_multiplies_shares_and_divides_cost() -> None:
    harness = Harness()
    act(harness, "split", ratio=Fraction(10))
    assert position(harness, "SPY") == Position("SPY", shares("100"), parse_price("9"))
    assert harness.cash() == usd("1000")


def test_a_reverse_split_keeps_fractions_of_a_fractionable_asset() -> None:
    harness = Harness()
    act(harness, "split", ratio=Fraction(1, 8))
    assert position(harness, "SPY") == Position("SPY", shares("1.25"), parse_price("720"))
    assert harness.cash() == usd("1000")


def test_a_reverse_split_of_whole_shares_pays_the_fraction_in_cash() -> None:
    harness = Harness()
    harness.broker.transfer_in(BOB, "BRK", shares("13"), parse_price("250"), harness.current_time)
    seq = harness.broker.last_event()
    identity = act(harness, "split", "BRK", ratio=Fraction(1, 8))
    # 13 / 8 = 1.625 shares; 0.625 × $2,400 = $1,500.
    assert position(harness, "BRK", BOB) == Position("BRK", shares("1"), parse_price("2000"))
    assert harness.cash(BOB) == usd("2000")
    paid = [event.cash for event in harness.new_events(seq) if event.cash]
    assert [(entry.kind, entry.amount, entry.reference) for entry in paid] == [
        (CashKind.CORPORATE_ACTION, usd("1500"), identity)
    ]


def test_a_stock_dividend_adds_shares_at_no_cost() -> None:
    harness = Harness()
    act(harness, "stock_dividend", ratio=Fraction(1, 20))
    assert position(harness, "SPY") == Position("SPY", shares("10.5"), Price(round(Fraction(90 * NANO * 20, 21))))


@pytest.mark.parametrize(
    ("amount", "paid"), [("0.485", "4.85"), ("0.0005", "0"), ("0.0015", "0.02"), ("0.0025", "0.02")]
)
def test_a_cash_dividend_is_settled_cash_in_cents_half_even(amount: str, paid: str) -> None:
    harness = Harness()
    act(harness, "cash_dividend", amount=parse_price(amount))
    found = harness.broker.account(ALICE)
    assert (found.cash, found.unsettled, found.holding("SPY")) == (usd("1000") + usd(paid), 0, shares("10"))


def test_a_dividend_is_paid_on_the_shares_held_at_the_open() -> None:
    harness = Harness()
    harness.advance_to(on(TUESDAY, 10))
    harness.sell("all", "SPY", qty="10")
    harness.buy("new", "SPY", notional="300", who=BOB)
    before = harness.cash(), harness.cash(BOB)
    act(harness, "cash_dividend", amount=parse_price("1"))
    assert (harness.cash() - before[0], harness.cash(BOB) - before[1]) == (usd("10"), 0)


def test_a_dividend_after_a_split_of_the_same_day_is_paid_on_the_shares_after_it() -> None:
    harness = Harness()
    harness.advance_to(on(TUESDAY, 10))
    harness.sell("half", "SPY", qty="5")
    act(harness, "split", ratio=Fraction(2))
    before = harness.cash()
    act(harness, "cash_dividend", amount=parse_price("1"))
    assert harness.cash() - before == usd("20")


def test_a_spin_off_lists_the_new_asset_and_splits_cost_by_market_value() -> None:
    harness = Harness()
    act(harness, "spin_off", ratio=Fraction(1, 4), new_symbol="NEW", price=parse_price("80"))
    # The parent falls from $100 to $80, so a fifth of the cost of $900 goes to 2.5 new shares.
    assert position(harness, "SPY") == Position("SPY", shares("10"), parse_price("72"))
    assert position(harness, "NEW") == Position("NEW", shares("2.5"), parse_price("72"))
    new = next(asset for asset in harness.broker.assets() if asset.symbol == "NEW")
    assert new.eligible
    assert new.price == parse_price("80")


def test_a_spin_off_worth_more_than_its_parent_is_refused() -> None:
    harness = Harness()
    before = harness.broker.account(ALICE), harness.broker.last_event()
    action = CorporateAction(ActionKind.SPIN_OFF, "SPY", Fraction(1), None, "NEW", parse_price("100"))
    assert refusal(lambda: harness.broker.corporate_action(action, harness.current_time)) == RefusalCode.REJECTED
    assert (harness.broker.account(ALICE), harness.broker.last_event()) == before


def test_a_merger_for_cash_pays_every_share_and_ends_the_asset() -> None:
    harness = Harness()
    act(harness, "cash_merger", amount=parse_price("54.20"))
    found = harness.broker.account(ALICE)
    assert (found.cash, found.unsettled, found.positions) == (usd("1542"), 0, ())
    spy = next(asset for asset in harness.broker.assets() if asset.symbol == "SPY")
    assert (spy.status, spy.tradable) == (AssetStatus.INACTIVE, False)


def test_a_merger_for_shares_adds_to_a_position_in_the_new_asset() -> None:
    harness = Harness()
    harness.broker.transfer_in(ALICE, "TLT", shares("5"), parse_price("40"), harness.current_time)
    act(harness, "stock_merger", ratio=Fraction(2), new_symbol="TLT")
    # 20 shares at $45 and 5 at $40.
    assert harness.broker.account(ALICE).positions == (Position("TLT", shares("25"), parse_price("44")),)


def test_a_changed_symbol_keeps_the_id_and_everything_else() -> None:
    harness = Harness()
    before = {asset.id: asset for asset in harness.broker.assets()}
    act(harness, "symbol_change", new_symbol="SPX")
    after = {asset.id: asset for asset in harness.broker.assets()}
    assert after.keys() == before.keys()
    assert position(harness, "SPX") == Position("SPX", shares("10"), parse_price("90"))
    assert position(harness, "SPY") is None


def test_a_symbol_of_another_active_asset_is_refused() -> None:
    harness = Harness()
    action = CorporateAction(ActionKind.SYMBOL_CHANGE, "SPY", new_symbol="TLT")
    with pytest.raises(BrokerRefused, match="another active asset has the symbol TLT"):
        harness.broker.corporate_action(action, harness.current_time)


def test_a_symbol_of_an_asset_that_ended_can_be_used_again() -> None:
    harness = Harness()
    act(harness, "delisting", "TLT")
    act(harness, "symbol_change", new_symbol="TLT")
    assert position(harness, "TLT") == Position("TLT", shares("10"), parse_price("90"))


@pytest.mark.parametrize(("amount", "cash"), [(None, "1000"), ("0.1", "1001")])
def test_a_delisting_removes_the_shares(amount: str | None, cash: str) -> None:
    harness = Harness()
    act(harness, "delisting", amount=None if amount is None else parse_price(amount))
    assert (harness.broker.account(ALICE).positions, harness.cash()) == ((), usd(cash))


def test_open_orders_in_the_asset_are_canceled_and_others_stay_open() -> None:
    harness = Harness(FillModel(latency_seconds=(60, 60), partial_chance=0))
    harness.sell("spy", "SPY", qty="10")
    harness.buy("tlt", "TLT", notional="100")
    act(harness, "split", ratio=Fraction(2))
    assert (harness.order("spy").status, harness.order("tlt").status) == (OrderStatus.CANCELED, OrderStatus.NEW)
    assert harness.held("SPY") == shares("20")


def test_the_broker_reports_each_account_and_then_the_whole_action() -> None:
    harness = Harness()
    harness.broker.transfer_in(BOB, "SPY", shares("3"), parse_price("95"), harness.current_time)
    seq = harness.broker.last_event()
    identity = act(harness, "split", ratio=Fraction(10))
    notices = [event for event in harness.new_events(seq) if event.kind is EventKind.CORPORATE_ACTION]
    assert [event.account_id for event in notices] == [ALICE, BOB, None]
    assert {event.action.id for event in notices if event.action} == {identity}
    holders = [event.action.holder for event in notices if event.action]
    assert [(h.held.qty, h.qty, h.paid) if h else None for h in holders] == [
        (shares("10"), shares("100"), 0), (shares("3"), shares("30"), 0), None,
    ]  # fmt: skip
    assert notices[-1].action is not None
    assert notices[-1].action.accounts == 2


def test_an_action_that_exceeds_the_largest_position_changes_nothing() -> None:
    harness = Harness()
    harness.broker.transfer_in(BOB, "SPY", shares("9000000"), parse_price("95"), harness.current_time)
    before = harness.broker.accounts()
    action = CorporateAction(ActionKind.SPLIT, "SPY", Fraction(10_000))
    assert refusal(lambda: harness.broker.corporate_action(action, harness.current_time)) == RefusalCode.REJECTED
    assert harness.broker.accounts() == before


_RATIOS = st.builds(Fraction, st.integers(1, 50), st.integers(1, 50))


@pytest.mark.slow
@given(
    kind=st.sampled_from(["split", "stock_dividend", "spin_off", "stock_merger", "symbol_change"]),
    ratio=_RATIOS,
    qty=st.integers(1, 10**15),
    price=st.integers(10**6, 10**13),
    share=st.integers(1, 99),
    fractionable=st.booleans(),
)
def test_equity_before_and_after_agrees_within_a_unit_of_price_and_of_quantity(
    kind: str, ratio: Fraction, qty: int, price: int, share: int, fractionable: bool
) -> None:
    harness = Harness(populate=False)
    harness.prices = {"OLD": Price(price)}
    harness.broker.add_assets([asset("OLD", fractionable=fractionable)])
    harness.broker.open_accounts([account(named("carol"), "7", Position("OLD", Qty(qty), Price(price)))])
    given: dict[str, object] = {"ratio": ratio}
    if kind == "split" and ratio == 1:
        given["ratio"] = Fraction(2)
    if kind == "symbol_change":
        given = {"new_symbol": "NEW"}
    if kind in ("spin_off", "stock_merger"):
        given["new_symbol"] = "NEW"
    if kind == "spin_off":
        given["price"] = Price(max(1, int(price * share / 100 / ratio) - 1))
        if given["price"] * ratio >= price:  # type: ignore[operator]
            return
    before = _equity(harness)
    act(harness, kind, "OLD", **given)
    found = harness.broker.account(named("carol"))
    unit = sum(harness.prices[p.symbol] + p.qty for p in found.positions) + max(harness.prices.values()) + NANO
    assert abs(_equity(harness) - before) <= unit


def _equity(harness: Harness) -> int:
    found = harness.broker.account(named("carol"))
    return Money(found.cash) * NANO + sum(p.qty * harness.prices[p.symbol] for p in found.positions)


def test_a_file_of_the_first_version_gets_the_new_kinds() -> None:
    database = Database()
    released, schema.MIGRATIONS = schema.MIGRATIONS, schema.MIGRATIONS[:1]
    try:
        with database.write() as tx:
            schema.create_tables(tx)
    finally:
        schema.MIGRATIONS = released
    with database.write() as tx:
        schema.create_tables(tx)
        schema.create_tables(tx)
    harness = Harness()
    harness.database = database
    harness.broker = harness.broker_on(database)
    harness.broker.add_assets([asset("SPY")])
    harness.broker.open_accounts([account(ALICE, "1000", Position("SPY", shares("10"), parse_price("90")))])
    act(harness, "cash_dividend", amount=parse_price("1"))
    assert harness.cash() == usd("1010")
