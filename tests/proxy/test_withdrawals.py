"""A withdrawal ends when its money is gone (L1)."""

from __future__ import annotations

from pathlib import Path

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.store import cash
from tests.proxy.rewrites import JournalsInV2
from tests.proxy.story import FRIDAY, TUESDAY, WEDNESDAY, check_end, invested
from tests.proxy.world import World, at

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
    assert len([call for call in world.proxy.calls.all() if call.is_journal and call.reached]) == 1
    executed = world.sandbox.ask(lambda book: cash.journals(book.database))
    assert [journal.amount for journal in executed] == [parse_money(AMOUNT)]
