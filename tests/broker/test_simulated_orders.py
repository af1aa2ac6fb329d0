"""Orders at the simulated broker: refusals, fills, final statuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from rebal_tui.broker.failures import RefusalCode
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.broker.simulated.fills import FillModel, average_price
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.orders import OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import NANO, Money, parse_price
from tests.broker.harness import ALICE, BOB, MONDAY, TUESDAY, Harness, named, on, refusal, request, shares, usd

SLOW = FillModel(latency_seconds=(2, 2), partial_chance=0)
PIECES = FillModel(latency_seconds=(2, 2), partial_chance=100, max_pieces=5)

REFUSED = [
    (request("x", "SPY", Side.BUY, "1000.01"), RefusalCode.INSUFFICIENT_BUYING_POWER),
    (request("x", "SPY", Side.BUY, qty="9.6"), RefusalCode.INSUFFICIENT_BUYING_POWER),
    (request("x", "SPY", Side.BUY, "0.999999999"), RefusalCode.BELOW_MINIMUM),
    (request("x", "SPY", Side.BUY, qty="0.0099"), RefusalCode.BELOW_MINIMUM),
    (request("x", "SPY", Side.SELL, qty="10.000000001"), RefusalCode.INSUFFICIENT_QTY),
    (request("x", "SPY", Side.SELL, "1000.01"), RefusalCode.INSUFFICIENT_QTY),
    (request("x", "TLT", Side.SELL, "1"), RefusalCode.INSUFFICIENT_QTY),
    (request("x", "BRK", Side.BUY, "500"), RefusalCode.ASSET_NOT_FRACTIONABLE),
    (request("x", "BRK", Side.BUY, qty="1.5"), RefusalCode.ASSET_NOT_FRACTIONABLE),
    (request("x", "NONE", Side.BUY, "10"), RefusalCode.ASSET_NOT_TRADABLE),
    (request("x", "SPY", Side.BUY, "10", who=named("nobody")), RefusalCode.NOT_FOUND),
    (request("x", "SPY", Side.BUY), RefusalCode.REJECTED),
    (request("x", "SPY", Side.BUY, "10", "1"), RefusalCode.REJECTED),
    (request("x", "SPY", Side.BUY, "-10"), RefusalCode.REJECTED),
    (request("", "SPY", Side.BUY, "10"), RefusalCode.REJECTED),
    (request("x" * 129, "SPY", Side.BUY, "10"), RefusalCode.REJECTED),
    (request("\x1b[2J", "SPY", Side.BUY, "10"), RefusalCode.REJECTED),
    (OrderRequest(ALICE, "x", "SPY", Side.BUY, Money(10**40)), RefusalCode.REJECTED),
]


@pytest.mark.parametrize(("wrong", "code"), REFUSED)
def test_a_refused_order_has_a_reason_and_leaves_no_row(wrong: OrderRequest, code: RefusalCode) -> None:
    harness = Harness()
    before, last = harness.broker.accounts(), harness.broker.last_event()
    assert refusal(lambda: harness.broker.submit_order(wrong)) == code
    assert harness.broker.accounts() == before
    assert harness.broker.last_event() == last
    assert harness.broker.order_by_client_id(wrong.account_id, wrong.client_order_id) is None


@pytest.mark.parametrize("current_time", [on(MONDAY, 9, 29, 59), on(MONDAY, 16), on(MONDAY, 10) + timedelta(days=5)])
def test_no_order_is_accepted_outside_a_session(current_time: datetime) -> None:
    harness = Harness()
    harness.current_time = current_time
    assert refusal(lambda: harness.buy("b", "SPY", notional="10")) == RefusalCode.MARKET_CLOSED


def test_no_order_is_accepted_without_a_price() -> None:
    harness = Harness()
    del harness.prices["SPY"]
    assert refusal(lambda: harness.buy("b", "SPY", notional="10")) == RefusalCode.NO_PRICE


@pytest.mark.parametrize("restriction", list(Restriction))
def test_a_restricted_account_trades_again_once_the_restriction_is_lifted(restriction: Restriction) -> None:
    harness = Harness()
    harness.broker.set_restrictions(ALICE, frozenset({restriction}), harness.current_time)
    assert refusal(lambda: harness.sell("s", "SPY", qty="1")) == RefusalCode.ACCOUNT_RESTRICTED
    harness.broker.set_restrictions(ALICE, frozenset(), harness.current_time)
    assert harness.sell("s", "SPY", qty="1").status is OrderStatus.FILLED


def test_an_account_that_is_not_active_does_not_trade() -> None:
    harness = Harness()
    harness.broker.set_account_status(ALICE, "DISABLED", harness.current_time)
    assert refusal(lambda: harness.sell("s", "SPY", qty="1")) == RefusalCode.ACCOUNT_RESTRICTED


def test_a_buy_for_an_amount_gets_the_most_shares_and_never_spends_more() -> None:
    harness = Harness()
    harness.set_price("SPY", "417.83")
    order = harness.buy("b", "SPY", notional="333.33")
    bought = order.filled_qty
    assert order.status is OrderStatus.FILLED
    assert bought == usd("333.33") * NANO // harness.prices["SPY"]
    spent = usd("1000") - harness.cash()
    assert spent == -(-bought * harness.prices["SPY"] // NANO)
    assert spent <= usd("333.33")
    assert harness.held("SPY") == shares("10") + bought


def test_a_sell_gets_proceeds_rounded_down() -> None:
    harness = Harness()
    harness.set_price("SPY", "33.333333333")
    harness.sell("s", "SPY", qty="0.000000001")
    assert harness.cash() == usd("1000.000000033")
    harness.sell("t", "SPY", notional="10")
    assert usd("1010") <= harness.cash() <= usd("1010.000000033")


def test_a_full_exit_ends_the_position() -> None:
    harness = Harness()
    harness.sell("s", "SPY", qty="10")
    assert harness.broker.account(ALICE).positions == ()
    assert harness.cash() == usd("2000")


def test_the_entry_price_is_the_average_of_what_was_bought() -> None:
    harness = Harness()
    harness.buy("b", "SPY", qty="5")
    harness.sell("s", "SPY", qty="3")
    (position,) = harness.broker.account(ALICE).positions
    assert position.avg_entry_price == parse_price("93.333333333")
    assert position.qty == shares("12")


@pytest.mark.parametrize(
    ("parts", "average"), [([(1, 1), (1, 2)], 2), ([(2, 1), (1, 2)], 1), ([(3, 5), (1, 6)], 5), ([(1, 5), (1, 6)], 6)]
)
def test_averages_are_rounded_half_up(parts: list[tuple[int, int]], average: int) -> None:
    assert average_price(parts) == average


def test_a_client_order_id_is_used_only_once() -> None:
    harness = Harness(SLOW)
    order = harness.buy("b", "SPY", notional="100")
    harness.broker.cancel_order(ALICE, order.id)
    for who in (ALICE, BOB):
        again = request("b", "SPY", Side.BUY, "1", who=who)
        assert refusal(partial(harness.broker.submit_order, again)) == RefusalCode.DUPLICATE_CLIENT_ORDER_ID


def test_orders_are_found_by_their_own_account_only() -> None:
    harness = Harness(SLOW)
    order = harness.buy("b", "SPY", notional="100")
    assert harness.broker.order_by_client_id(ALICE, "b") == order
    assert harness.broker.order_by_client_id(BOB, "b") is None
    assert list(harness.broker.open_orders(ALICE)) == [order]
    assert list(harness.broker.open_orders(BOB)) == []
    assert refusal(lambda: harness.broker.cancel_order(BOB, order.id)) == RefusalCode.NOT_FOUND


def test_a_refused_order_does_not_affect_orders_placed_with_it() -> None:
    harness = Harness()
    with harness.broker.batch():
        harness.buy("first", "SPY", notional="600")
        assert (
            refusal(lambda: harness.buy("refused", "TLT", notional="400.01")) == RefusalCode.INSUFFICIENT_BUYING_POWER
        )
        harness.buy("last", "TLT", notional="400")
    assert harness.order("first").status is harness.order("last").status is OrderStatus.FILLED
    assert harness.broker.order_by_client_id(ALICE, "refused") is None
    assert (harness.cash(), harness.broker.invariants()) == (0, [])


def test_orders_placed_together_are_all_kept_or_none() -> None:
    harness = Harness()
    before, last = harness.broker.accounts(), harness.broker.last_event()

    def interrupted() -> None:
        with harness.broker.batch():
            harness.buy("first", "SPY", notional="600")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert harness.broker.order_by_client_id(ALICE, "first") is None
    assert (harness.broker.accounts(), harness.broker.last_event()) == (before, last)


def test_open_orders_reserve_cash_and_shares() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", notional="600")
    assert refusal(lambda: harness.buy("c", "TLT", notional="400.01")) == RefusalCode.INSUFFICIENT_BUYING_POWER
    harness.buy("d", "TLT", notional="400")
    harness.sell("s", "SPY", qty="7")
    assert refusal(lambda: harness.sell("t", "SPY", qty="3.1")) == RefusalCode.INSUFFICIENT_QTY
    assert harness.broker.cash_transferable(ALICE) == 0
    harness.broker.cancel_order(ALICE, harness.order("b").id)
    assert harness.broker.cash_transferable(ALICE) == usd("600")
    assert harness.broker.invariants() == []


def test_a_delayed_order_fills_at_the_price_of_its_time() -> None:
    harness = Harness(SLOW)
    assert harness.buy("b", "SPY", notional="100").status is OrderStatus.NEW
    harness.advance_seconds(1)
    assert harness.order("b").status is OrderStatus.NEW
    harness.set_price("SPY", "125")
    harness.advance_seconds(1)
    order = harness.order("b")
    assert (order.status, order.filled_qty) == (OrderStatus.FILLED, shares("0.8"))
    assert order.filled_at == harness.current_time
    assert harness.cash() == usd("900")


def test_a_fill_is_no_earlier_than_it_was_due_and_than_its_quote() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", notional="100")
    quoted = harness.current_time
    harness.quoted_at = quoted
    harness.advance_seconds(60)
    assert harness.order("b").filled_at == quoted + timedelta(seconds=2)
    harness.buy("c", "SPY", notional="100")
    harness.quoted_at = harness.current_time + timedelta(seconds=30)
    harness.advance_seconds(60)
    assert harness.order("c").filled_at == harness.quoted_at


def test_a_partially_filled_sell_reserves_its_remaining_shares() -> None:
    harness = Harness(FillModel(latency_seconds=(10, 10), partial_chance=100, max_pieces=2))
    harness.sell("s", "SPY", qty="6")
    harness.advance_seconds(10)
    sold = harness.order("s").filled_qty
    assert 0 < sold < shares("6")
    assert refusal(lambda: harness.sell("t", "SPY", qty="4.000000001")) == RefusalCode.INSUFFICIENT_QTY
    harness.sell("u", "SPY", qty="4")
    harness.advance_seconds(60)
    assert harness.held("SPY") == 0


def test_pieces_add_up_to_the_order() -> None:
    harness = Harness(PIECES)
    last = harness.broker.last_event()
    harness.buy("b", "SPY", notional="100")
    seen: set[OrderStatus] = set()
    while not harness.order("b").status.final:
        harness.set_price("SPY", f"{100 + len(seen)}")
        harness.advance_seconds(1)
        seen.add(harness.order("b").status)
    order = harness.order("b")
    fills = [event.fill for event in harness.new_events(last) if event.fill]
    assert OrderStatus.PARTIALLY_FILLED in seen
    assert 2 <= len(fills) <= 5
    assert len({fill.execution_id for fill in fills}) == len(fills)
    assert sum(fill.qty for fill in fills) == order.filled_qty
    assert order.filled_avg_price == average_price([(fill.qty, fill.price) for fill in fills])
    assert sum(fill.amount for fill in fills) == usd("1000") - harness.cash() <= usd("100")
    assert usd("100") - (usd("1000") - harness.cash()) < 200


def test_the_same_seed_fills_alike_and_another_differently() -> None:
    def story(seed: int) -> list[BrokerEvent]:
        harness = Harness(
            FillModel(latency_seconds=(1, 30), partial_chance=50, max_pieces=4, reject_chance=10, seed=seed)
        )
        for n in range(8):
            harness.buy(f"b{n}", "SPY", notional="50")
        for _ in range(200):
            harness.advance_seconds(1)
        return harness.new_events(0)

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_a_quantity_is_bought_only_as_far_as_cash_goes() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", qty="9.5")
    harness.set_price("SPY", "200")
    harness.advance_seconds(2)
    order = harness.order("b")
    assert (order.status, order.filled_qty) == (OrderStatus.CANCELED, shares("5"))
    assert order.reject_reason == "insufficient buying power: the price rose"
    assert harness.cash() == 0
    assert harness.broker.invariants() == []


def test_a_sell_for_an_amount_sells_only_what_is_held() -> None:
    harness = Harness(SLOW)
    harness.sell("s", "SPY", notional="1000")
    harness.set_price("SPY", "50")
    harness.advance_seconds(2)
    order = harness.order("s")
    assert (order.status, order.filled_qty) == (OrderStatus.CANCELED, shares("10"))
    assert harness.cash() == usd("1500")


def test_whole_shares_are_filled_in_whole_pieces() -> None:
    harness = Harness(PIECES)
    harness.set_price("BRK", "30")
    harness.buy("b", "BRK", qty="25")
    harness.advance_seconds(30)
    fills = [event.fill for event in harness.new_events(0) if event.fill]
    assert harness.held("BRK") == shares("25")
    assert all(fill.qty % NANO == 0 for fill in fills)


def test_day_orders_expire_at_the_close_and_keep_their_fills() -> None:
    harness = Harness(FillModel(latency_seconds=(600, 600), partial_chance=100, max_pieces=2))
    harness.current_time = on(MONDAY, 15, 45)
    harness.buy("b", "SPY", notional="100")
    harness.advance_to(on(MONDAY, 15, 56))
    filled = harness.order("b").filled_qty
    assert filled > 0
    harness.advance_to(on(TUESDAY, 9))
    order = harness.order("b")
    assert (order.status, order.filled_qty) == (OrderStatus.EXPIRED, filled)
    assert order.expired_at == on(MONDAY, 16)
    assert harness.broker.cash_transferable(ALICE) == harness.cash()


def test_orders_due_before_the_close_fill_even_when_time_jumps() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", notional="100")
    harness.advance_to(on(TUESDAY, 8))
    order = harness.order("b")
    assert order.status is OrderStatus.FILLED
    assert order.filled_at is not None
    assert order.filled_at < on(MONDAY, 16)


@pytest.mark.parametrize("model", [SLOW, FillModel.immediate()])
def test_a_halted_asset_waits(model: FillModel) -> None:
    harness = Harness(model)
    harness.broker.halt("SPY", True, harness.current_time)
    harness.buy("b", "SPY", notional="100")
    harness.advance_seconds(600)
    assert harness.order("b").status is OrderStatus.NEW
    harness.broker.halt("SPY", False, harness.current_time)
    harness.advance_seconds(1)
    order = harness.order("b")
    assert order.status is OrderStatus.FILLED
    assert order.filled_at is not None
    assert order.filled_at >= on(MONDAY, 10, 10)


def test_a_halt_until_the_close_expires_the_order() -> None:
    harness = Harness(SLOW)
    harness.broker.halt("SPY", True, harness.current_time)
    harness.buy("b", "SPY", notional="100")
    harness.advance_to(on(MONDAY, 16))
    assert harness.order("b").status is OrderStatus.EXPIRED


def test_a_missing_price_makes_an_order_wait() -> None:
    harness = Harness(SLOW)
    harness.buy("b", "SPY", notional="100")
    del harness.prices["SPY"]
    harness.advance_seconds(60)
    assert harness.order("b").status is OrderStatus.NEW
    harness.set_price("SPY", "80")
    harness.advance_seconds(60)
    assert harness.order("b").filled_qty == shares("1.25")
    assert harness.order("b").filled_at == harness.current_time


@pytest.mark.parametrize("change", [{"tradable": False}, {"status": "inactive"}])
def test_orders_end_when_their_asset_ceases_to_be_tradable(change: dict[str, object]) -> None:
    harness = Harness(FillModel(latency_seconds=(10, 10), partial_chance=100, max_pieces=2))
    harness.buy("started", "SPY", notional="100")
    harness.advance_seconds(15)
    harness.buy("waiting", "SPY", notional="100")
    harness.buy("other", "TLT", notional="100")
    harness.broker.set_asset("SPY", harness.current_time, **change)  # type: ignore[arg-type]
    assert harness.order("started").status is OrderStatus.CANCELED
    assert harness.order("waiting").status is OrderStatus.REJECTED
    assert harness.order("waiting").reject_reason == "the asset is no longer tradable"
    assert harness.order("other").status is OrderStatus.NEW
    assert refusal(lambda: harness.buy("again", "SPY", notional="100")) == RefusalCode.ASSET_NOT_TRADABLE
    assert harness.broker.invariants() == []


@pytest.mark.parametrize("model", [SLOW, FillModel.immediate()])
def test_the_next_order_is_rejected_once_on_request(model: FillModel) -> None:
    harness = Harness(model)
    harness.broker.reject_next(ALICE, "SPY", "no luck")
    harness.buy("other", "TLT", notional="100")
    harness.buy("unlucky", "SPY", notional="100")
    harness.buy("lucky", "SPY", notional="100")
    harness.advance_seconds(5)
    unlucky = harness.order("unlucky")
    assert (unlucky.status, unlucky.reject_reason) == (OrderStatus.REJECTED, "no luck")
    assert unlucky.failed_at is not None
    assert harness.order("lucky").status is OrderStatus.FILLED
    assert harness.order("other").status is OrderStatus.FILLED
    assert harness.cash() == usd("800")


def test_the_market_can_reject_every_order() -> None:
    harness = Harness(FillModel(reject_chance=100))
    harness.buy("b", "SPY", notional="100")
    harness.advance_seconds(5)
    assert harness.order("b").status is OrderStatus.REJECTED
    assert harness.cash() == usd("1000")


def test_a_cancel_takes_effect_at_once() -> None:
    harness = Harness(SLOW)
    order = harness.buy("b", "SPY", notional="100")
    harness.broker.cancel_order(ALICE, order.id)
    assert harness.order("b").status is OrderStatus.CANCELED
    harness.advance_seconds(60)
    assert harness.held("SPY") == shares("10")
    assert refusal(lambda: harness.broker.cancel_order(ALICE, order.id)) == RefusalCode.NOT_CANCELABLE
    assert refusal(lambda: harness.broker.cancel_order(ALICE, named("no order"))) == RefusalCode.NOT_FOUND


@pytest.mark.parametrize(("latency", "status"), [(5, OrderStatus.FILLED), (1, OrderStatus.CANCELED)])
def test_a_fill_may_precede_a_slow_cancel(latency: int, status: OrderStatus) -> None:
    harness = Harness(FillModel(latency_seconds=(3, 3), partial_chance=0, cancel_latency=latency))
    order = harness.buy("b", "SPY", notional="100")
    harness.broker.cancel_order(ALICE, order.id)
    harness.broker.cancel_order(ALICE, order.id)
    assert harness.order("b").status is OrderStatus.PENDING_CANCEL
    harness.advance_seconds(10)
    assert harness.order("b").status is status


def test_an_external_order_is_an_ordinary_order() -> None:
    harness = Harness(SLOW)
    harness.broker.place_external_order(ALICE, request("theirs", "SPY", Side.BUY, "100", who=BOB), harness.current_time)
    assert [order.client_order_id for order in harness.broker.open_orders(ALICE)] == ["theirs"]


def test_an_order_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    harness = Harness(SLOW, path)
    harness.buy("b", "SPY", notional="100")
    harness.database.close()
    again = Harness(SLOW, path, populate=False)
    again.advance_seconds(2)
    assert again.order("b").status is OrderStatus.FILLED


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_seconds": (3, 2)},
        {"partial_chance": 101},
        {"reject_chance": -1},
        {"max_pieces": 0},
        {"cancel_latency": -1},
    ],
)
def test_a_fill_model_refuses_figures_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        FillModel(**wrong)  # type: ignore[arg-type]
