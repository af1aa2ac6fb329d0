"""Wrappers of the simulated broker that misbehave as real ones do: lost requests, lost replies, repeated events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.orders import Order, OrderRequest
from rebal_tui.domain.quantities import Money
from rebal_tui.services.book.book import Book
from tests.services.factories import make_book


def broker(book: Book) -> SimulatedBroker:
    """The simulated broker inside all wrappers."""
    inner = book.broker
    while isinstance(inner, BrokerWrapper):
        inner = inner.inner
    assert isinstance(inner, SimulatedBroker)
    return inner


def reopen(book: Book, *, model: FillModel | None = None, at: datetime | None = None) -> Book:
    """Close the book and open a new one over the same file, at the same prices and, by default, the same time."""
    quotes = book.feed.quotes() if book.feed else {}
    now, path = at or book.now(), Path(book.database.path)
    book.database.close()
    prices = {symbol: f"{quote.price / 10**9:.9f}" for symbol, quote in quotes.items()}
    return make_book(now, path=path, model=model, prices=prices)


class BrokerWrapper:
    """Forwards every call."""

    def __init__(self, book: Book) -> None:
        self.inner: Any = book.broker
        book.broker = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Unreliable(BrokerWrapper):
    """Loses requests before they arrive or replies afterwards, as `outcome` decides for each call."""

    def __init__(self, book: Book, outcome: Callable[[str], str]) -> None:
        super().__init__(book)
        self._outcome = outcome

    def submit_order(self, request: OrderRequest) -> Order:
        answer: Order = self._call("submit_order", request)
        return answer

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        answer: Order | None = self._call("order_by_client_id", account_id, client_order_id)
        return answer

    def cancel_order(self, account_id: str, order_id: str) -> None:
        self._call("cancel_order", account_id, order_id)

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> Journal:
        answer: Journal = self._call("create_journal", from_account, to_account, amount, description, idempotency_key)
        return answer

    def journal(self, journal_id: str) -> Journal:
        answer: Journal = self._call("journal", journal_id)
        return answer

    def cash_transferable(self, account_id: str) -> Money:
        answer: Money = self._call("cash_transferable", account_id)
        return answer

    def _call(self, name: str, *arguments: Any) -> Any:
        outcome = self._outcome(name)
        if outcome == "request lost":
            raise BrokerUnavailable(name)
        answer = getattr(self.inner, name)(*arguments)
        if outcome == "reply lost":
            raise BrokerUnavailable(name)
        return answer


class Refusing(BrokerWrapper):
    """Refuses every order of some symbols."""

    def __init__(self, book: Book, *symbols: str) -> None:
        super().__init__(book)
        self._symbols = symbols

    def submit_order(self, request: OrderRequest) -> Order:
        if request.symbol in self._symbols:
            raise BrokerRefused(RefusalCode.INSUFFICIENT_BUYING_POWER, "no funds")
        order: Order = self.inner.submit_order(request)
        return order


class Repeating(BrokerWrapper):
    """Delivers every batch twice, and afterwards all events from the beginning."""

    def __init__(self, book: Book, *, backwards: bool = False) -> None:
        super().__init__(book)
        self._repeat = False
        self._backwards = backwards

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        fresh = list(self.inner.events(after, limit))
        if fresh:
            self._repeat = True
            again = [*fresh, *fresh]
            return again[::-1] if self._backwards else again
        if self._repeat:
            self._repeat = False
            return list(self.inner.events(0, limit))
        return []
