"""The oracle's own ledger: cash and shares of every account, only from openings, transfers and executions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
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
    """Integers in billionths. `outflow` is cash that left an account other than through this program's orders.

    `open_of` gives the open of the session at a time. `whole` are the assets without fractions, `origins` the first
    symbols of renamed assets. `on_rename` is called with a new symbol, or None for an asset that has ended. Since a
    caller has cleared them, `act_held` has the shares before a corporate action and `act_paid` the cash paid.
    """

    def __init__(self, open_of: Callable[[datetime], datetime | None]) -> None:
        self._open_of = open_of
        self._opening: dict[str, tuple[date, dict[str, Fraction]]] = {}
        self.whole: set[str] = set()
        self.origins: dict[str, str] = {}
        self.act_held: dict[str, int] = {}
        self.act_paid: dict[str, int] = {}
        self.prices: Callable[[], dict[str, int]] = dict
        self.on_rename: Callable[[str, str | None], None] = lambda before, after: None
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

    def transfer_in(self, account_id: str, symbol: str, qty: int, at: datetime) -> None:
        self._note_opening(account_id, at)
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
                self._act(event.account_id or "", event.action, event.at)
            elif event.action is not None:
                self._acted(event.action)
        return events

    def origin(self, symbol: str) -> str:
        """The first symbol of an asset."""
        return self.origins.get(symbol, symbol)

    def _note_opening(self, account_id: str, at: datetime) -> None:
        """Before a change after the open: the shares held at the open, for a dividend of the day."""
        opened, day = self._open_of(at), at.astimezone(NEW_YORK).date()
        if opened is None or at < opened or self._opening.get(account_id, (None,))[0] == day:
            return
        self._opening[account_id] = (day, {symbol: Fraction(qty) for symbol, qty in self.shares[account_id].items()})

    def _entitled(self, account_id: str, symbol: str, at: datetime) -> int:
        """The shares held at the open, counted after the splits of the day."""
        day, held = self._opening.get(account_id, (None, {}))
        if day != at.astimezone(NEW_YORK).date():
            return self.shares[account_id].get(symbol, 0)
        return int(held.get(symbol, 0))

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
        self._note_opening(fill.account_id, fill.at)
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

    def _act(self, account_id: str, notice: ActionNotice, at: datetime) -> None:
        """Apply a corporate action to the ledger's own shares, and compare cash and shares with the broker's notice."""
        action, holder = notice.terms.action, notice.holder
        assert holder is not None
        held, kind = self.shares[account_id], action.kind.value
        self._note_opening(account_id, at)
        entitled = self._entitled(account_id, action.symbol, at)
        before = held.pop(action.symbol, 0)
        ratio, expected = action.ratio or Fraction(0), 0
        kept = {"split": ratio, "stock_dividend": 1 + ratio}.get(kind, Fraction(1))
        left, new = Fraction(before) * kept, action.new_symbol or ""
        if kind in ("split", "stock_dividend"):
            left, expected = self._whole(action.symbol, left, (notice.terms.price or 0) / kept)
            opening = self._opening.get(account_id, (None, {}))[1]
            if action.symbol in opening:
                opening[action.symbol] *= kept
        if kind in ("cash_merger", "stock_merger", "delisting"):
            left = Fraction(0)
        if left:
            held[new if kind == "symbol_change" else action.symbol] = int(left)
        if kind == "symbol_change":
            opening = self._opening.get(account_id, (None, {}))[1]
            if action.symbol in opening:
                opening[new] = opening.pop(action.symbol)
        if kind == "spin_off" and action.symbol in self.whole:
            self.whole.add(new)
        if kind in ("spin_off", "stock_merger"):
            received, expected = self._whole(new, before * ratio, Fraction(self.prices().get(new, 0)))
            if received:
                held[new] = held.get(new, 0) + int(received)
        if kind == "cash_dividend":
            expected = round(Fraction(entitled * (action.amount or 0), NANO * NANO // 100)) * (NANO // 100)
        elif kind in ("cash_merger", "delisting"):
            expected = before * (action.amount or 0) // NANO
        self.act_held[account_id], self.act_paid[account_id] = before, expected
        if (paid := self.paid[notice.id, account_id]) != expected:
            self.faults.append(f"{action.text}: account {account_id} was paid {paid}, expected {expected}")
        if (holder.held.qty, holder.qty) != (before, int(left)):
            self.faults.append(f"{action.text}: account {account_id} had {before} and has {int(left)}: {holder}")

    def _whole(self, symbol: str, shares: Fraction, price: Fraction) -> tuple[Fraction, int]:
        """Shares that can be held, and what is paid for the fraction of an asset held in whole shares."""
        if symbol not in self.whole:
            return Fraction(int(shares)), 0
        whole = int(shares) // NANO * NANO
        return Fraction(whole), int((shares - whole) * round(price)) // NANO

    def _acted(self, notice: ActionNotice) -> None:
        """An action is complete: nobody holds an asset that has ended, and a renamed one keeps its first symbol."""
        action, kind = notice.terms.action, notice.terms.action.kind.value
        if kind in ("cash_merger", "stock_merger", "delisting", "symbol_change"):
            for account_id, held in self.shares.items():
                if action.symbol in held:
                    self.faults.append(f"{action.text}: account {account_id} still has {held[action.symbol]}")
            self.on_rename(action.symbol, action.new_symbol if kind == "symbol_change" else None)
        if kind == "symbol_change":
            self.origins[action.new_symbol or ""] = self.origin(action.symbol)
            if action.symbol in self.whole:
                self.whole.add(action.new_symbol or "")

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

    def equity(self, account_id: str, prices: dict[str, int], missing: int | None = None) -> int:
        """Equity in billionths of billionths of a dollar; with `missing`, that is the price of what has none."""
        held = self.shares[account_id]
        worth = sum(
            qty * (prices[symbol] if missing is None else prices.get(symbol, missing)) for symbol, qty in held.items()
        )
        return self.cash[account_id] * NANO + worth
