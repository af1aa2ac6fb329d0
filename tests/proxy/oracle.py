"""An independent oracle: it knows the true state of the sandbox and checks every order, journal and request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Protocol, TypeVar

import httpx

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.quantities import NANO
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.book.book import Book as SandboxBook
from tests.engine import oracle as rules
from tests.proxy.calls import Call

T = TypeVar("T")
CENTS = Fraction(2, 100)
"""Proceeds are rounded, so the buys of a plan may differ by this much a line."""

LEAST = 10
"""Dollars of free cash from which it is invested."""

_GIVEN = ("_ask", "_models")
"""What an oracle is made from; its other attributes are what it has seen."""


@dataclass(frozen=True)
class Model:
    """A portfolio as the oracle knows it: weights and bands in percent."""

    weights: Mapping[str, int]
    cash: int
    bands: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that the sandbox accepted."""

    day: date
    account_id: str
    side: str
    symbol: str
    size: Fraction


@dataclass
class _Run:
    """What the rules require of a run, computed from the true state at its first order."""

    kind: str
    buys: Mapping[str, Fraction]
    sells: Mapping[str, Fraction]
    sold_dollars: Fraction | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)


class Ask(Protocol):
    """Runs work on the sandbox's own book."""

    def __call__(self, work: Callable[[SandboxBook], T]) -> T: ...


class Oracle:
    """Watches the proxy. `faults` has each order or journal that does not follow from the rules.

    `ask` runs work on the sandbox's own book; `models` has the portfolio of each account.
    """

    def __init__(self, ask: Ask, models: Mapping[str, Model]) -> None:
        self._ask = ask
        self._models = models
        self.faults: list[str] = []
        self.placed: list[Placed] = []
        self.raising: dict[str, Fraction] = {}
        self._queued: dict[str, str] = {}
        """The types of runs that were queued by the rules before their accounts were paused."""
        self._runs: dict[str, _Run] = {}
        self._floor: dict[str, Fraction] = {}
        self._rebalanced: set[str] = set()
        self._journals: dict[str, str] = {}

    def copy(self, ask: Ask) -> Oracle:
        """An oracle that knows what this one does, and watches a copy of the sandbox."""
        made = Oracle(ask, self._models)
        vars(made).update(deepcopy({name: value for name, value in vars(self).items() if name not in _GIVEN}))
        return made

    def before(self, call: Call) -> None:
        """Check a write that is about to reach the sandbox."""
        if call.is_order:
            self._ask(lambda book: self._judge(book, call))

    def after(self, call: Call, response: httpx.Response) -> None:
        """Record what the sandbox accepted."""
        if not response.is_success:
            return
        if call.is_order:
            day = call.at.astimezone(NEW_YORK).date()
            placed = Placed(day, _account(call), str(call.body["side"]), str(call.body["symbol"]), _size(call))
            self.placed.append(placed)
        if call.is_journal:
            journal_id = response.json()["id"]
            if self._journals.setdefault(call.key, journal_id) != journal_id:
                self.faults.append(f"two journals for one key {call.key}")

    def orders_of(self, account_id: str) -> list[Placed]:
        return [order for order in self.placed if order.account_id == account_id]

    def owed(self, account_id: str, day: date) -> str | None:
        """The run that follows from the rules and the account's true state, and has not begun on a day."""
        if account_id in self.raising or any(order.day == day for order in self.orders_of(account_id)):
            return None
        model = self._models[account_id]
        true = self._ask(lambda book: _true(book, account_id, model))
        if rules.wants_order(true, _bands(model)):
            return "full_rebalance"
        keep = max(true.cash_target, self._floor.get(account_id, Fraction(0)))
        return "invest_cash" if true.free - keep >= LEAST else None

    def close(self, account_id: str, day: date, queued: str | None) -> None:
        """Note at the close the type of the run that an account has queued.

        A run keeps the type that its evaluation gave it (R-14), and its orders are planned when it starts (R-20, R-21):
        after a pause that may be in a later session, when an evaluation would give another type.
        """
        if queued is None:
            self._queued.pop(account_id, None)
        elif account_id not in self._queued and queued == self.owed(account_id, day):
            self._queued[account_id] = queued

    def _judge(self, book: SandboxBook, call: Call) -> None:
        account_id, side, symbol = _account(call), str(call.body["side"]), str(call.body["symbol"])
        run = call.key.rpartition("-")[0]
        known = self._runs.get(run)
        if known is None:
            known = self._runs[run] = self._planned(book, account_id)
        what = f"{call.at:%m-%d %H:%M} {account_id[-4:]} {known.kind}: {side} {float(_size(call))} {symbol}"
        if (side, symbol) in known.seen:
            return  # Asked again under its own id: the broker refuses or knows it.
        known.seen.add((side, symbol))
        if side == "buy":
            wanted = known.buys.get(symbol)
            if wanted is None or abs(wanted - _size(call)) > CENTS:
                self.faults.append(f"{what}, the rules give {wanted and float(wanted)}")
        elif known.sold_dollars is None:
            wanted = known.sells.get(symbol)
            if wanted is None or abs(wanted - _size(call)) * NANO > 1:
                self.faults.append(f"{what}, the rules give {wanted and float(wanted)}")
        else:
            price = _true(book, account_id, self._models[account_id]).prices[symbol]
            known.sold_dollars -= _size(call) * price
            if known.sold_dollars < -1:
                self.faults.append(f"{what}, more than the withdrawal needs")

    def _planned(self, book: SandboxBook, account_id: str) -> _Run:
        model = self._models[account_id]
        true = _true(book, account_id, model)
        raising = self.raising.get(account_id)
        if raising is not None:
            return _Run("withdrawal", {}, {}, raising)
        keep = max(true.cash_target, self._floor.get(account_id, Fraction(0)))
        kind = self._queued.pop(account_id, None) or self._due(account_id, true, keep)
        if kind == "full_rebalance":
            full = rules.full_rebalance(true)
            self._rebalanced.add(account_id)
            self._floor[account_id] = true.cash_target
            return _Run(kind, full.buys, full.sells)
        if kind == "invest_cash":
            self._floor[account_id] = keep
            return _Run(kind, rules.invest_cash(true, keep).buys, {})
        return _Run("no run", {}, {})

    def _due(self, account_id: str, true: rules.Book, keep: Fraction) -> str | None:
        if account_id not in self._rebalanced or rules.wants_order(true, _bands(self._models[account_id])):
            return "full_rebalance"
        return "invest_cash" if true.free - keep >= LEAST else None


def _bands(model: Model) -> list[tuple[str, Fraction]]:
    return [(kind, Fraction(percent)) for kind, percent in model.bands]


def _true(book: SandboxBook, account_id: str, model: Model) -> rules.Book:
    """An account as it truly is."""
    account = book.broker.account(account_id)
    assets = {asset.symbol: asset for asset in book.assets.values()}
    return rules.Book(
        Fraction(account.cash, NANO),
        Fraction(0),
        {position.symbol: Fraction(position.qty, NANO) for position in account.positions},
        {symbol: Fraction(asset.price, NANO) for symbol, asset in assets.items() if asset.price},
        {symbol: Fraction(percent, 100) for symbol, percent in model.weights.items()},
        Fraction(model.cash, 100),
        inactive=frozenset(symbol for symbol, asset in assets.items() if asset.status is not AssetStatus.ACTIVE),
        closing_only=frozenset(symbol for symbol, asset in assets.items() if not asset.tradable),
        unfractionable=frozenset(symbol for symbol, asset in assets.items() if not asset.fractionable),
    )


def _account(call: Call) -> str:
    return call.path.split("/")[4]


def _size(call: Call) -> Fraction:
    """Dollars of a buy, shares of a sell."""
    return Fraction(str(call.body.get("notional") or call.body.get("qty")))
