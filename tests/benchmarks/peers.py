"""The same accounts through other rebalancers, which only the `bench` extra installs.

lumibot is installed by `pip install --no-deps lumibot==4.6.30`: of its dependencies, its drift logic needs only pandas.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from decimal import Decimal
from importlib import import_module
from typing import Any

from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO
from rebal_tui.engine.situation import Situation

Job = Callable[[], object]


class _Strategy:
    """The part of a lumibot strategy that its drift logic needs."""

    is_backtesting = True
    buy_trading_fees: tuple[object, ...] = ()
    sell_trading_fees: tuple[object, ...] = ()
    logger = logging.getLogger("lumibot-quiet")

    def __init__(self, situation: Situation, asset: Any) -> None:
        self.quote_asset = asset("USD", "forex")
        self._prices = {s: Decimal(price) / NANO for s, price in situation.prices.items()}
        self._held = [_Held(asset(s), Decimal(qty) / NANO) for s, qty in situation.positions.items()]
        self._held.append(_Held(self.quote_asset, Decimal(situation.account.cash) / NANO))
        self.cash = float(situation.account.cash / NANO)
        self.sent: list[object] = []

    def get_positions(self) -> list[_Held]:
        return self._held

    def get_last_price(self, asset: Any, quote: Any) -> Decimal:
        return self._prices[asset.symbol]

    def get_portfolio_value(self) -> Decimal:
        return sum((h.quantity * self._prices.get(h.symbol, Decimal(1)) for h in self._held), Decimal(0))

    def update_broker_balances(self, force_update: bool) -> None:
        """No update: the balances are those of the situation."""

    def create_order(self, **order: object) -> dict[str, object]:
        return order

    def submit_order(self, order: object) -> None:
        self.sent.append(order)


class _Held:
    def __init__(self, asset: Any, quantity: Decimal) -> None:
        self.asset, self.symbol, self.quantity = asset, asset.symbol, quantity


def lumibot_jobs(situations: list[Situation]) -> tuple[Job, Job] | None:
    """lumibot's drift logic, without and with orders, over some accounts; None when it is not installed."""
    try:
        with redirect_stdout(sys.stderr):
            logic = import_module("lumibot.components.drift_rebalancer_logic")
            asset = import_module("lumibot.entities").Asset
    except ImportError:
        return None
    _Strategy.logger.setLevel(logging.CRITICAL)

    def one(situation: Situation, orders: bool) -> object:
        strategy = _Strategy(situation, asset)
        found = logic.DriftRebalancerLogic(
            strategy=strategy, drift_type=logic.DriftType.ABSOLUTE, drift_threshold=Decimal("0.05"),
            order_type="market", fractional_shares=True,
        )  # fmt: skip
        weights = [
            {"base_asset": asset(w.symbol), "weight": Decimal(w.percent) / HUNDRED_PERCENT}
            for w in situation.portfolio.weights.assets
        ]
        frame = found.calculate(weights)
        if orders:
            found.order_logic._rebalance(frame)
        return strategy.sent if orders else frame

    return (lambda: [one(s, False) for s in situations]), (lambda: [one(s, True) for s in situations])


def rebalance_jobs(situations: list[Situation]) -> tuple[Job, Job] | None:
    """`rebalance.check_bands`, and its MILP for orders, over some accounts; None when it is not installed."""
    try:
        assets = import_module("rebalance.asset")
        money = import_module("rebalance.money")
        portfolio = import_module("rebalance.portfolio")
        bands = import_module("rebalance.band_checker")
        solver = import_module("rebalance.rebalancing_helper")
        import_module("loguru").logger.remove()
    except ImportError:
        return None
    prices = situations[0].assets
    vars(assets)["fetch_yfinance_price"] = lambda ticker: money.Price((prices[ticker].price or 0) / NANO, "USD")

    def made(situation: Situation) -> tuple[Any, dict[str, float]]:
        found = portfolio.Portfolio()
        found.common_currency = "USD"
        found.selling_allowed = True
        found.add_cash(situation.account.cash / NANO, "USD")
        held = situation.positions
        for symbol in situation.portfolio.weights.symbols:
            found.add_asset(assets.Asset(symbol, int(held.get(symbol, 0) // NANO)))
        weights = situation.portfolio.weights
        left = 100 - weights.cash / 100
        return found, {w.symbol: w.percent / left for w in weights.assets}

    pairs = [made(situation) for situation in situations]

    def check() -> object:
        return [bands.check_bands(p, targets, dict.fromkeys(targets, 25 / 1.5)) for p, targets in pairs]

    def solve() -> object:
        return [solver.rebalance(p, targets, objective="absolute-l1") for p, targets in pairs]

    return check, solve
