"""The oracle's own ledger: cash and shares of every account, only from openings, transfers and executions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction

from rebal_tui.broker.protocol import ActionNotice, BrokerEvent, EventKind
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.cash import CashEntry
from rebal_tui.domain.orders import Fill, OrderStatus
from rebal_tui.domain.sessions import NEW_YORK

NANO = 10**9


class Ledger:
    """Integers in billionths. `outflow` is cash that left an account other than through this program's orders."""

    def __init__(self) -> None:
        self.cursor = 0
        self.cash: dict[str, int] = {}
        self.shares: dict[str, dict[str, int]] = {}
        self.outflow: defaultdict[str, int] = defaultdict(int)
        self.sold: dict[str, tuple[date, int]] = {}
        self.filled: defaultdict[str, int] = defaultdict(int)
        self.executions: set[str] = set()
        self.last_event: defaultdict[str, int] = defaultdict(int)
        self.last_cash: dict[str, datetime] = {}
        self.open_orders: dict[str, str] = {}
        self.faults: list[str] = []
        self.paid: defaultdict[tuple[str, str], int] = defaultdict(int)

    def open(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            self.cash[account.id] = account.cash
            self.shares[account.id] = {position.symbol: position.qty for position in account.positions}

    def transfer_in(self, account_id: str, symbol: str, qty: int) -> None:
        held = self.shares[account_id]
        held[symbol] = held.get(symbol, 0) + qty

    def catch_up(self, broker: SimulatedBroker) -> list[BrokerEvent]:
        """Book the broker's executions since the last call."""
        events = list(broker.events(self.cursor))
        for event in events:
            self.cursor = event.seq
            self.last_event[event.account_id or ""] = event.seq
            if event.order is not None:
                self._order(event.order.client_order_id, event.order.status)
            if event.fill is not None:
                self._fill(event.fill)
            if event.kind is EventKind.CASH and event.cash is not None:
                self._cash(event.cash)
            if event.action is not None and event.action.holder is not None:
                self._act(event.account_id or "", event.action)
        return events

    def _order(self, client_order_id: str, status: OrderStatus) -> None:
        if status.final:
            self.open_orders.pop(client_order_id, None)
        else:
            self.open_orders[client_order_id] = status

    def _fill(self, fill: Fill) -> None:
        if fill.execution_id in self.executions:
            self.faults.append(f"execution {fill.execution_id} happened twice")
        self.executions.add(fill.execution_id)
        buy = fill.side == "buy"
        amount = -(-fill.qty * fill.price // NANO) if buy else fill.qty * fill.price // NANO
        account, held = fill.account_id, self.shares[fill.account_id]
        self.cash[account] += -amount if buy else amount
        left = held.get(fill.symbol, 0) + (fill.qty if buy else -fill.qty)
        held[fill.symbol] = left
        if left < 0:
            self.faults.append(f"account {account} sold {fill.symbol} that it did not have")
        if left == 0:
            del held[fill.symbol]
        if buy and self.cash[account] < 0:
            self.faults.append(f"account {account} bought {fill.symbol} on margin")
        self.filled[fill.client_order_id] += fill.qty
        if not buy:
            day = fill.at.astimezone(NEW_YORK).date()
            before, sum_ = self.sold.get(account, (day, 0))
            self.sold[account] = (day, amount + (sum_ if before == day else 0))
        elif not fill.client_order_id.startswith("rt-"):
            self.outflow[account] += amount

    def _act(self, account_id: str, notice: ActionNotice) -> None:
        """Apply a corporate action to the ledger's own shares, and compare cash and shares with the broker's notice."""
        action, holder = notice.terms.action, notice.holder
        assert holder is not None
        held, kind = self.shares[account_id], action.kind.value
        before = held.pop(action.symbol, 0)
        ratio, expected = action.ratio or Fraction(0), 0
        kept = {"split": ratio, "stock_dividend": 1 + ratio}.get(kind, Fraction(1))
        left = 0 if kind in ("cash_merger", "stock_merger", "delisting") else int(before * kept)
        label = action.new_symbol if kind == "symbol_change" else action.symbol
        if left:
            held[label or ""] = left
        if kind in ("spin_off", "stock_merger") and int(before * ratio):
            held[action.new_symbol or ""] = held.get(action.new_symbol or "", 0) + int(before * ratio)
        if kind == "cash_dividend":
            expected = round(Fraction(holder.held.entitled * (action.amount or 0), NANO * NANO // 100)) * (NANO // 100)
        elif kind in ("cash_merger", "delisting"):
            expected = before * (action.amount or 0) // NANO
        if (paid := self.paid[notice.id, account_id]) != expected:
            self.faults.append(f"{action.text}: account {account_id} was paid {paid}, expected {expected}")
        if (holder.held.qty, holder.qty) != (before, left):
            self.faults.append(f"{action.text}: account {account_id} had {before} and has {left}: {holder}")

    def _cash(self, entry: CashEntry) -> None:
        if entry.kind.value == "opening":
            return
        self.cash[entry.account_id] += entry.amount
        self.last_cash[entry.account_id] = entry.at
        self.paid[entry.reference, entry.account_id] += entry.amount
        if entry.amount < 0:
            self.outflow[entry.account_id] -= entry.amount

    def sold_on(self, account_id: str, today: date) -> int:
        """Proceeds of today's sales, which settle on the next day (T+1) at the earliest."""
        day, amount = self.sold.get(account_id, (today - timedelta(days=1), 0))
        return amount if day == today else 0

    def equity(self, account_id: str, prices: dict[str, int]) -> int:
        """Equity in billionths of billionths of a dollar."""
        held = self.shares[account_id]
        return self.cash[account_id] * NANO + sum(qty * prices[symbol] for symbol, qty in held.items())
