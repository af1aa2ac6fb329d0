"""What an account is paused by, kept with the pause: with it, what is told later can be judged as if told in time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync import missed_events
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.store import book_settings
from rebal_tui.store.account_table import Accounts, AccountTable

EventPosition = tuple[int, list[int]]
"""How far events were read at a moment, and the numbers that had been passed over by then."""


def event_position(book: Book) -> EventPosition:
    return int(book_settings.get(book.database, CURSOR, "0")), missed_events.numbers(book.database)


@dataclass(frozen=True, slots=True)
class PauseBaseline:
    """An account's figures before a reconciliation took over anything, how far events had been read then, and the run
    that was under way, empty when there was none."""

    cursor: int
    missed: frozenset[int]
    cash: Money
    held: dict[str, Qty]
    run: str

    @classmethod
    def of(cls, text: str) -> PauseBaseline:
        raw = json.loads(text)
        held = {symbol: Qty(qty) for symbol, qty in raw["held"].items()}
        return cls(raw["cursor"], frozenset(raw["passed"]), Money(raw["cash"]), held, raw["run"])

    def is_new(self, event: BrokerEvent) -> bool:
        """Whether an event was not read yet at that time."""
        return event.seq > self.cursor or event.seq in self.missed

    def restore(self, account: Account) -> Account:
        """An account as it was at that time."""
        held = tuple(Position(symbol, qty) for symbol, qty in sorted(self.held.items()))
        return replace(account, cash=self.cash, positions=held)


def baseline_of(book: Book, known: AccountTable, read: EventPosition, account_id: str) -> str:
    """The ground of an account that is being paused, as it is kept."""
    account, run, (cursor, missed) = Accounts(known)[account_id], book.open_runs.get(account_id), read
    return json.dumps(
        {
            "cursor": cursor, "passed": missed, "cash": account.cash,
            "held": {position.symbol: position.qty for position in account.positions}, "run": run.id if run else "",
        }
    )  # fmt: skip
