"""While the kill switch is on, a withdrawal that has sold creates no journal; released, it continues."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.cash import WithdrawalStage as Stage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.advisory.withdrawals import process_withdrawals
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.queries.cash import cash_snapshot
from rebal_tui.store import cash
from rebal_tui.tui.screens.cash.columns import withdrawal_state
from tests.services.advisory.test_withdrawals import now, rebalanced, withdraw
from tests.services.brokers import BrokerWrapper, broker
from tests.services.factories import advance_to


def state_shown(book: Book) -> str:
    return withdrawal_state(cash_snapshot(book).withdrawals[0])


def test_a_withdrawal_that_has_sold_waits_for_the_release_and_says_so() -> None:
    book = rebalanced()
    withdraw(book, "9000")
    set_halt(book, True)
    advance_to(book, "2026-03-03 10:00")
    assert now(book).stage is Stage.JOURNALING
    assert cash.journals(book.database) == []
    assert state_shown(book) == "waits: kill switch on"
    set_halt(book, False)
    assert state_shown(book) != "waits: kill switch on"
    advance_to(book, "2026-03-03 10:01")
    assert now(book).stage is Stage.COMPLETED
    assert [j.amount for j in cash.journals(book.database)] == [parse_money("9000")]
    assert broker(book).invariants() == []


class Clearing(BrokerWrapper):
    """Reports journals as sent to clearing until `done`."""

    done = False

    def create_journal(self, *arguments: Any) -> Journal:
        return self._reported(self.inner.create_journal(*arguments))

    def journal(self, journal_id: str) -> Journal:
        return self._reported(self.inner.journal(journal_id))

    def _reported(self, journal: Journal) -> Journal:
        return journal if self.done else replace(journal, status=JournalStatus.SENT_TO_CLEARING)


def test_a_journal_that_exists_is_followed_while_the_switch_is_on() -> None:
    book = rebalanced()
    clearing = Clearing(book)
    withdraw(book, "9000")
    advance_to(book, "2026-03-03 09:30")
    assert now(book).stage is Stage.JOURNALING
    assert len(cash.journals(book.database)) == 1
    set_halt(book, True)
    clearing.done = True
    process_withdrawals(book)
    assert now(book).stage is Stage.COMPLETED
