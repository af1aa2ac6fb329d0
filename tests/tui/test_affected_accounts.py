"""The accounts that a change of a portfolio affects, in a book with very many."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from textual.app import ComposeResult
from textual.geometry import Region

from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.trading_rules import NO_RULES
from rebal_tui.services.evaluation.what_if import WhatIfPlans
from rebal_tui.services.queries.affected import AffectedRows, Effects
from rebal_tui.services.view_models.portfolios import AffectedAccount
from rebal_tui.tui.questions import Item
from rebal_tui.tui.screens.portfolios.impact import AffectedItems
from rebal_tui.tui.screens.shared.confirm import item_columns
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable
from tests.services.factories import balanced

MANY = 100_000


class Counted(AffectedRows):
    """Counts the rows that are built."""

    built = 0

    def make(self, position: int) -> AffectedAccount:
        self.built += 1
        return super().make(position)


def affected() -> Counted:
    """Every account leaves its band; the later, the more it trades."""
    ids = tuple(f"id-{row}" for row in range(MANY))
    index = SimpleNamespace(ids=ids, names=tuple(f"Client {row}" for row in range(MANY)), row_of={})
    yes, no = np.ones(MANY, np.bool_), np.zeros(MANY, np.bool_)
    plans = WhatIfPlans([2] * MANY, [Money(row * NANO) for row in range(MANY)], {})
    model = balanced()
    accounts = SimpleNamespace(marks=np.zeros(MANY, np.int64))
    frame = SimpleNamespace(rules_of=lambda _row: NO_RULES, followed=lambda _row: model, accounts=accounts)
    effects = Effects(
        model,
        cast("Any", frame),
        np.arange(MANY),
        no,
        yes,
        no,
        no,
        yes,
        plans,
        np.zeros(MANY),
        cast("Any", None),
        np.zeros(MANY, np.int64),
        no,
    )
    return Counted(cast("Any", index), effects)


def test_only_the_accounts_on_the_screen_are_built() -> None:
    rows = affected()

    class Page(StyledApp):
        def compose(self) -> ComposeResult:
            yield BookTable[Item](item_columns(("Client", "What would happen", "Turnover $")), lambda item: item.key)

    async def look() -> list[str]:
        async with Page().run_test(size=(100, 12)) as pilot:
            table = pilot.app.query_one(BookTable)
            await pilot.pause()
            table.set_rows(AffectedItems(cast("Any", rows), cast("Any", None)))
            await pilot.pause()
            return [strip.text for strip in table.render_lines(Region(0, 1, 100, 11))]

    first, second, *_ = asyncio.run(look())
    assert "Client 99999" in first
    assert "2 orders, in range → outside" in first
    assert "99,999.00" in first
    assert "Client 99998" in second
    assert rows.built < 100
