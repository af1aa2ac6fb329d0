"""A simulated broker on a calendar of three days, with prices and a clock set manually."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import pytest

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import Broker, BrokerEvent, SandboxControls
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.broker.simulated.ports import Tables
from rebal_tui.broker.simulated.schema import create_tables
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.orders import Order, OrderRequest, Side
from rebal_tui.domain.quantities import Money, Price, Qty, parse_money, parse_price, parse_qty
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day
from rebal_tui.store.database import MEMORY, Database

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
DAYS = (MONDAY, TUESDAY, WEDNESDAY)


def on(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A New York wall time in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=NEW_YORK).astimezone(UTC)


class ThreeDays:
    """Monday to Wednesday, 9:30 to 16:00; each day settles on the next day."""

    def __init__(self) -> None:
        self._sessions = {day: Session(day, on(day, 9, 30), on(day, 16), day + timedelta(days=1), None) for day in DAYS}

    def session(self, day: date) -> Session | None:
        return self._sessions.get(day)

    def at(self, current_time: datetime) -> Session | None:
        return self.session(new_york_day(current_time))

    def next_after(self, day: date) -> Session | None:
        return next((session for known, session in self._sessions.items() if known > day), None)


@dataclass(frozen=True, slots=True)
class FixedQuote:
    price: Price
    at: datetime


def named(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def usd(text: str) -> Money:
    return parse_money(text)


def shares(text: str) -> Qty:
    return parse_qty(text)


ALICE, BOB = named("alice"), named("bob")


def refusal(act: Callable[[], object]) -> str:
    """The error code of a refused action."""
    with pytest.raises(BrokerRefused) as caught:
        act()
    return caught.value.code


class Harness:
    """The broker under test: ALICE with 1000.00 cash and 10 SPY, BOB with 500.00, and SPY at 100, TLT at 50.

    BRK is not fractionable.
    """

    def __init__(self, model: FillModel | None = None, path: Path | str = MEMORY, *, populate: bool = True) -> None:
        self.current_time = on(MONDAY, 10)
        self.quoted_at: datetime | None = None
        self.model = model or FillModel.immediate()
        self.prices = {"SPY": parse_price("100"), "TLT": parse_price("50"), "BRK": parse_price("300")}
        self.database = Database(path)
        with self.database.write() as tx:
            create_tables(tx)
        self.broker = self.broker_on(self.database)
        self.as_broker: Broker = self.broker
        self.as_controls: SandboxControls = self.broker
        if populate:
            self.broker.add_assets([asset("SPY"), asset("TLT"), asset("BRK", fractionable=False)])
            self.broker.open_accounts(
                [
                    account(ALICE, "1000", Position("SPY", shares("10"), parse_price("90"))),
                    account(BOB, "500"),
                ]
            )

    def broker_on(self, tables: Tables) -> SimulatedBroker:
        """A broker with the same dependencies on other tables."""
        return SimulatedBroker(tables, ThreeDays(), self._quote, lambda: self.current_time, named, self.model)

    def _quote(self, symbol: str) -> FixedQuote | None:
        price = self.prices.get(symbol)
        return None if price is None else FixedQuote(price, self.quoted_at or self.current_time)

    def set_price(self, symbol: str, text: str) -> None:
        self.prices[symbol] = parse_price(text)

    def advance_to(self, current_time: datetime) -> None:
        """Move the clock and advance the broker to it."""
        self.current_time = current_time
        self.broker.advance(current_time)

    def advance_seconds(self, seconds: int) -> None:
        self.advance_to(self.current_time + timedelta(seconds=seconds))

    def buy(
        self, name: str, symbol: str, *, notional: str | None = None, qty: str | None = None, who: str = ALICE
    ) -> Order:
        return self.broker.submit_order(request(name, symbol, Side.BUY, notional, qty, who))

    def sell(
        self, name: str, symbol: str, *, notional: str | None = None, qty: str | None = None, who: str = ALICE
    ) -> Order:
        return self.broker.submit_order(request(name, symbol, Side.SELL, notional, qty, who))

    def order(self, name: str, who: str = ALICE) -> Order:
        order = self.broker.order_by_client_id(who, name)
        assert order is not None
        return order

    def cash(self, who: str = ALICE) -> Money:
        return self.broker.account(who).cash

    def held(self, symbol: str, who: str = ALICE) -> Qty:
        return self.broker.account(who).holding(symbol)

    def new_events(self, after: int) -> list[BrokerEvent]:
        return list(self.broker.events(after))


def request(
    name: str, symbol: str, side: Side, notional: str | None = None, qty: str | None = None, who: str = ALICE
) -> OrderRequest:
    return OrderRequest(
        who,
        name,
        symbol,
        side,
        None if notional is None else parse_money(notional),
        None if qty is None else parse_qty(qty),
    )


def asset(symbol: str, *, fractionable: bool = True) -> Asset:
    return Asset(named(f"asset {symbol}"), symbol, f"{symbol} Inc", "NYSE", AssetStatus.ACTIVE, True, fractionable)


def account(
    account_id: str, cash: str, *positions: Position, restrictions: frozenset[Restriction] = frozenset()
) -> Account:
    return Account(
        id=account_id,
        account_number=account_id[:8],
        name="A Client",
        status=AccountStatus.ACTIVE,
        cash=parse_money(cash),
        unsettled=Money(0),
        restrictions=restrictions,
        positions=positions,
        created_at=on(MONDAY, 8),
    )
