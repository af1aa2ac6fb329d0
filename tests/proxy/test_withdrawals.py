"""A withdrawal ends when its money is gone, costs few requests, and raises an alert when it is reversed (L1, L2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.store import cash
from tests.proxy.faults import Fault
from tests.proxy.rewrites import JournalReversed, JournalsInV2
from tests.proxy.story import FRIDAY, TUESDAY, WEDNESDAY, check_end, invested
from tests.proxy.streams import Delivered
from tests.proxy.world import World, at

pytestmark = pytest.mark.slow

ANN, BOB = "Ann Ames", "Bob Bell"
AMOUNT = "5000"


def test_a_journal_that_reads_activity_created_is_executed(tmp_path: Path) -> None:
    with invested(tmp_path) as world, world.rewriting(JournalsInV2()):
        _withdraw(world)
        _settled(world)
        _money_left_once(world)
        world.trade(FRIDAY)
        check_end(world)
        assert world.ids[ANN] in world.book.subscriptions


def test_a_journal_whose_response_is_lost_is_not_made_twice(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        _withdraw(world)
        world.proxy.faults.of_next_writes(Fault.LOST_AFTER)
        _settled(world)
        assert world.proxy.faults.injected[Fault.LOST_AFTER] == 1
        _money_left_once(world)


def test_an_open_withdrawal_costs_at_most_two_requests_a_minute(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        world.to(f"{TUESDAY} 10:40")
        without = _requests_in_two_minutes(world)
        _withdraw(world)
        assert cash.withdrawals(world.book.database)[0].stage is WithdrawalStage.SETTLING
        assert _requests_in_two_minutes(world) - without <= 4


def test_a_reversed_journal_is_told_by_one_alert_that_names_the_client(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        _withdraw(world)
        _settled(world)
        journal_id = cash.withdrawals(world.book.database)[0].journal_id
        assert journal_id is not None
        with world.rewriting(JournalReversed(journal_id)):
            world.to(f"{WEDNESDAY} 13:00")
            event = {
                "event_id": "01KB00000000000000000REVRS", "at": world.clock.true.isoformat(), "entry_type": "JNLC",
                "journal_id": journal_id, "status_from": "executed", "status_to": "correct",
            }  # fmt: skip
            world.proxy.inject("/v2/events/journals/status", Delivered("01KB00000000000000000REVRS", "", event))
            for _ in range(5):
                world.beat()
            assert len(world.alerts_naming(ANN, world.ids[ANN])) == 1, world.alerts()
            assert len(world.alerts()) == 1
            assert world.ids[ANN] in world.book.holds
        assert world.oracle.faults == []


def _withdraw(world: World) -> None:
    """Ask for money on Tuesday, and sell for it."""
    if world.clock.true < at(f"{TUESDAY} 10:00"):
        world.to(f"{TUESDAY} 11:00")
    world.withdraw(ANN, AMOUNT)
    world.settle()
    world.beat()


def _settled(world: World) -> None:
    """Let the proceeds settle on Wednesday, and the money leave."""
    world.to(f"{WEDNESDAY} 10:00")
    world.settle(lambda book: cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED, beats=180)
    assert cash.withdrawals(world.book.database)[0].stage is WithdrawalStage.COMPLETED
    world.oracle.raising.clear()


def _money_left_once(world: World) -> None:
    (posted,) = (call for call in world.proxy.calls.all() if call.is_journal and call.reached)
    assert len(posted.key) <= 36, "the longest idempotency key that the broker accepts"
    executed = world.sandbox.ask(lambda book: cash.journals(book.database))
    assert [journal.amount for journal in executed] == [parse_money(AMOUNT)]


def _requests_in_two_minutes(world: World) -> int:
    """Requests of the broker's API in two minutes of heartbeats every five seconds."""
    since = world.clock.true
    while world.clock.true < since + timedelta(minutes=2):
        world.beat(5)
    return len([call for call in world.proxy.calls.all() if call.at >= since and not call.is_data])
