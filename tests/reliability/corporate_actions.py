"""Corporate actions of a simulated lifetime: all kinds, and what the oracle expects of them (R-54)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action
from tests.reliability.market import SYMBOLS
from tests.reliability.oracle import Violation

if TYPE_CHECKING:
    from tests.reliability.simulation import Simulation

PERMILLE = 30


def apply_random_action(simulation: Simulation) -> None:
    """Sometimes an action, while the program has every event; equity before and after must agree."""
    random, book, oracle = simulation.actions, simulation.book, simulation.oracle
    if random.randrange(1000) >= PERMILLE or not book.reconciled:
        return
    oracle.after()
    if any(oracle.behind(account_id) for account_id in book.accounts) or book.holds:
        return
    action = _action(simulation)
    before = _equities(simulation)
    oracle.log(f"{simulation.clock.now()} {action.text}")
    simulation.broker.calm, calm = True, simulation.broker.calm
    try:
        report = apply_corporate_action(book, action)
    finally:
        simulation.broker.calm = calm
    oracle.ledger.catch_up(simulation.broker.inner)
    oracle.counts[f"action {action.kind.value}"] += 1
    if report.unexplained:
        raise Violation("corporate action", report.text)
    if simulation.broker.inner.invariants():
        raise Violation("corporate action", str(simulation.broker.inner.invariants()))
    if action.kind in (ActionKind.CASH_DIVIDEND, ActionKind.CASH_MERGER, ActionKind.STOCK_MERGER, ActionKind.DELISTING):
        return
    prices = _prices(simulation)
    for account_id, equity in _equities(simulation).items():
        held = oracle.ledger.shares[account_id]
        unit = sum(prices[symbol] + qty for symbol, qty in held.items()) + max(prices.values())
        if abs(equity - before[account_id]) > unit:
            raise Violation("equity", f"{action.text}: {account_id} had {before[account_id]} and has {equity}")


def _action(simulation: Simulation) -> CorporateAction:
    random, prices = simulation.actions, _prices(simulation)
    extra = sorted(s for s in prices if s not in SYMBOLS and simulation.book.assets[s].status.value == "active")
    if extra and random.random() < 0.6:
        symbol = random.choice(extra)
        kind = random.choice(("symbol_change", "cash_merger", "stock_merger", "delisting"))
        return CorporateAction(
            ActionKind(kind), symbol,
            ratio=Fraction(random.randint(1, 9), 7) if kind == "stock_merger" else None,
            amount=Price(prices[symbol]) if kind == "cash_merger" else None,
            new_symbol={"symbol_change": f"{symbol}X", "stock_merger": random.choice(SYMBOLS)}.get(kind),
        )  # fmt: skip
    symbol = random.choice(SYMBOLS)
    kind = random.choice(("split", "cash_dividend", "stock_dividend", "spin_off"))
    part = Fraction(1, random.randint(2, 5))
    if kind == "split":
        return CorporateAction(ActionKind.SPLIT, symbol, part if prices[symbol] < 50 * NANO else 1 / part)
    if kind == "cash_dividend":
        return CorporateAction(ActionKind.CASH_DIVIDEND, symbol, amount=Price(random.randrange(1, 3 * NANO)))
    if kind == "stock_dividend":
        return CorporateAction(ActionKind.STOCK_DIVIDEND, symbol, part / 10)
    price = Price(max(1, int(prices[symbol] / part / 10)))
    name = f"N{simulation.oracle.counts['action spin_off']}"
    return CorporateAction(ActionKind.SPIN_OFF, symbol, part, new_symbol=name, price=price)


def _prices(simulation: Simulation) -> dict[str, int]:
    return {symbol: int(quote.price) for symbol, quote in simulation.feed.quotes().items()}


def _equities(simulation: Simulation) -> dict[str, int]:
    ledger, prices = simulation.oracle.ledger, _prices(simulation)
    return {account_id: ledger.equity(account_id, prices) for account_id in ledger.cash}
