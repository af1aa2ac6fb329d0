"""An order is known before its account shows it: no buy is sized from cash without the proceeds of the sale."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.live.scripted_books import ASSETS, ScriptedAccount, ScriptedBook

pytestmark = pytest.mark.slow

SOLD, PROCEEDS = Decimal("36.25"), Decimal(14_500)
"""A 5/60/35 portfolio sells this much of 100 SPY when it also has $2,500 in cash."""
BOUGHT = Decimal(14_875)


class SaleWithoutAnswer:
    """The broker fills the sale, its answer is lost, and its reports of the account arrive piece by piece."""

    def __init__(self, live: ScriptedBook) -> None:
        self.live = live
        self.order: dict[str, Any] = {}

    def __call__(self, request: httpx.Request) -> None:
        if request.method != "POST" or self.order:
            return
        at = self.live.clock.now().isoformat()
        self.order = {
            "id": "sale", "status": "filled", "created_at": at, "submitted_at": at, "filled_at": at, "account_id": "a",
            **json.loads(request.content), "filled_qty": str(SOLD), "filled_avg_price": "400",
        }  # fmt: skip
        self.live.broker.orders.append(self.order)
        raise httpx.ReadTimeout("lost", request=request)

    def arrive(self, what: str) -> None:
        if what == "event":
            order = {**self.order, "asset_id": ASSETS["SPY"], "side": "sell", "symbol": "SPY"}
            body = {
                "event": "fill", "account_id": "a", "execution_id": "x-1", "qty": str(SOLD), "price": "400",
                "timestamp": self.live.clock.now().isoformat(), "order": order,
            }  # fmt: skip
            self.live.receive("trades", body)
        else:
            account = self.live.broker.accounts["a"]
            account.cash = str(2_500 + PROCEEDS)
            account.positions["SPY"] = str(100 - SOLD)

    def bought(self) -> list[Decimal]:
        return [Decimal(order["notional"]) for order in self.live.broker.orders if order["side"] == "buy"]


@pytest.mark.parametrize("arrivals", [("figures", "event"), ("event", "figures"), ("figures",)])
def test_no_buy_is_sized_before_the_account_shows_the_sale(arrivals: tuple[str, ...]) -> None:
    live = ScriptedBook({"a": ScriptedAccount("2500", {"SPY": "100"})}, follow=["a"])
    sale = live.broker.called = SaleWithoutAnswer(live)
    live.advance_to("2026-11-23 10:15")
    live.tick(count=20)
    assert sale.order["side"] == "sell"
    assert sale.bought() == []
    for what in arrivals:
        sale.arrive(what)
        live.tick(2, count=10)
        if what == arrivals[0] == "event":
            assert sale.bought() == []
    assert sale.bought() == [BOUGHT]
    assert not live.book.holds
