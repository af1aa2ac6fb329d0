"""Baseline recorded when an account is paused, so that later events can be replayed against it."""

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
"""The event cursor at a point in time, and the sequence numbers missed by then."""


def event_position(book: Book) -> EventPosition:
    """The current event cursor and missed sequence numbers."""
    return int(book_settings.get(book.database, CURSOR, "0")), missed_events.numbers(book.database)


@dataclass(frozen=True, slots=True)
class PauseBaseline:
    """The state of an account before a reconciliation applied anything to it.

    `held` are its shares by symbol. `cursor` and `missed` are the event cursor and the sequence numbers of missed
    events at that time. `run` is the id of the account's open run, empty without one.
    """

    cursor: int
    missed: frozenset[int]
    cash: Money
    held: dict[str, Qty]
    run: str

    @classmethod
    def from_json(cls, text: str) -> PauseBaseline:
        """The baseline that `baseline_of` serialized."""
        raw = json.loads(text)
        held = {symbol: Qty(qty) for symbol, qty in raw["held"].items()}
        return cls(raw["cursor"], frozenset(raw["passed"]), Money(raw["cash"]), held, raw["run"])

    def is_new(self, event: BrokerEvent) -> bool:
        """Whether an event had not yet been read when the baseline was recorded."""
        return event.seq > self.cursor or event.seq in self.missed

    def restore(self, account: Account) -> Account:
        """The account with its cash and positions replaced by those of the baseline."""
        held = tuple(Position(symbol, qty) for symbol, qty in sorted(self.held.items()))
        return replace(account, cash=self.cash, positions=held)


def baseline_of(book: Book, known: AccountTable, read: EventPosition, account_id: str) -> str:
    """The baseline of an account that is being paused, as JSON.

    `known` are the accounts, and `read` the event position, from before the reconciliation.
    """
    account, run, (cursor, missed) = Accounts(known)[account_id], book.open_runs.get(account_id), read
    return json.dumps(
        {
            "cursor": cursor, "passed": missed, "cash": account.cash,
            "held": {position.symbol: position.qty for position in account.positions}, "run": run.id if run else "",
        }
    )  # fmt: skip
