"""What an account is paused by, kept with the pause: with it, what is told later can be judged as if told in time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.services import passed_over
from rebal_tui.services.book import Book
from rebal_tui.services.sync import CURSOR
from rebal_tui.store import meta
from rebal_tui.store.account_table import Accounts, AccountTable

ReadTo = tuple[int, list[int]]
"""How far events were read at a moment, and the numbers that had been passed over by then."""


def read_to(book: Book) -> ReadTo:
    return int(meta.get(book.database, CURSOR, "0")), passed_over.numbers(book.database)


@dataclass(frozen=True, slots=True)
class Ground:
    """An account's figures before a reconciliation took over anything, how far events had been read then, and the run
    that was under way, empty when there was none."""

    cursor: int
    passed: frozenset[int]
    cash: Money
    held: dict[str, Qty]
    run: str

    @classmethod
    def of(cls, text: str) -> Ground:
        told = json.loads(text)
        held = {symbol: Qty(qty) for symbol, qty in told["held"].items()}
        return cls(told["cursor"], frozenset(told["passed"]), Money(told["cash"]), held, told["run"])

    def is_new(self, event: BrokerEvent) -> bool:
        """Whether an event was not read yet at that time."""
        return event.seq > self.cursor or event.seq in self.passed

    def figures(self, account: Account) -> Account:
        """An account as it was at that time."""
        held = tuple(Position(symbol, qty) for symbol, qty in sorted(self.held.items()))
        return replace(account, cash=self.cash, positions=held)


def ground_of(book: Book, known: AccountTable, read: ReadTo, account_id: str) -> str:
    """The ground of an account that is being paused, as it is kept."""
    account, run, (cursor, passed) = Accounts(known)[account_id], book.open_runs.get(account_id), read
    return json.dumps(
        {
            "cursor": cursor, "passed": passed, "cash": account.cash,
            "held": {position.symbol: position.qty for position in account.positions}, "run": run.id if run else "",
        }
    )  # fmt: skip
