"""Renamed, unknown, doubled and unreadable: one bad row, account or asset affects nothing else (R-50 to R-52)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.portfolios import PortfolioStatus
from tests.proxy.rewrites import Namesake, Renamed, UnknownPosition
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

ANN = "Ann Ames"


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


def test_a_dead_namesake_changes_nothing(tmp_path: Path) -> None:
    with invested(tmp_path) as world, world.rewriting(Namesake("SPY")):
        tuesday(world)
        world.trade(WEDNESDAY)
        check_others(world, [])
        assert {model.status for model in world.book.portfolios.values()} == {PortfolioStatus.ACTIVE}
        check_end(world)


def test_an_unknown_position_pauses_its_account_alone(tmp_path: Path) -> None:
    wrong_tuesday(tmp_path, lambda world: [UnknownPosition(world.ids[ANN])], [ANN], named_once(ANN))
