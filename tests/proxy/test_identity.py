"""Renamed, unknown, doubled and unreadable: one bad row, account or asset affects nothing else (R-50 to R-52)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rebal_tui.domain.portfolios import PortfolioStatus
from tests.proxy.rewrites import (
    Namesake,
    NotAllowed,
    PositionAway,
    Renamed,
    Rewrite,
    TwoRows,
    UnknownPosition,
    Unreadable,
)
from tests.proxy.story import (
    WEDNESDAY,
    check_end,
    check_others,
    invested,
    named_once,
    nothing_said,
    tuesday,
    wrong_tuesday,
)
from tests.proxy.world import World

ANN = "Ann Ames"


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), [("VTI", "VTIX"), ("QQQ", "QQQX")], ids=["held", "held by nobody"])
@pytest.mark.samples(1)
def test_a_renamed_asset_is_traded_on_under_its_new_symbol(tmp_path: Path, old: str, new: str) -> None:
    with invested(tmp_path) as world, world.rewriting(Renamed(old, new)):
        tuesday(world)
        check_others(world, [])
        assert new in world.book.assets
        assert old not in world.book.assets
        assert (new if old == "VTI" else "VTI") in world.book.portfolios["growth"].weights.symbols
        nothing_said(world)
        world.reopen()
        world.trade(WEDNESDAY)
        check_others(world, [])
        nothing_said(world)


@pytest.mark.slow
def test_a_dead_namesake_changes_nothing(tmp_path: Path) -> None:
    with invested(tmp_path) as world, world.rewriting(Namesake("SPY")):
        tuesday(world)
        world.trade(WEDNESDAY)
        check_others(world, [])
        assert {model.status for model in world.book.portfolios.values()} == {PortfolioStatus.ACTIVE}
        check_end(world)


WRONG: dict[str, Callable[[World], Rewrite]] = {
    "an unknown position": lambda world: UnknownPosition(world.ids[ANN]),
    "two rows of one symbol": lambda world: TwoRows(world.ids[ANN], "SPY"),
    "a position that is away for a day": lambda world: PositionAway("VTI", world.ids[ANN]),
    "an account that cannot be read": lambda world: Unreadable(world.ids[ANN]),
    "an account that the key may not see": lambda world: NotAllowed(world.ids[ANN]),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.samples(1)
def test_what_is_wrong_about_one_account_stops_it_alone_with_one_alert(tmp_path: Path, wrong: str) -> None:
    wrong_tuesday(tmp_path, lambda world: [WRONG[wrong](world)], [ANN], named_once(ANN))


@pytest.mark.skipif(not os.environ.get("LONG"), reason="LONG=1 runs it")
def test_an_unreadable_account_at_the_start_stops_itself_alone(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        with world.rewriting(Unreadable(world.ids[ANN])):
            world.reopen()
            tuesday(world)
            check_others(world, [ANN])
            named_once(ANN)(world)
        world.trade(WEDNESDAY)
        check_end(world)
