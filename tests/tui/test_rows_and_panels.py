"""The row under the cursor and its panel show figures of the same moment, though prices stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from tests.services import factories
from tests.tui.driving import WIDE, press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import small_book, type_text

P = ParamSpec("P")
T = TypeVar("T")


class Streaming(BookBackend):
    """A backend between whose calls the price of SPY rises by a dollar, as a heartbeat between two calls raises it."""

    price = 400

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        answer = await super().ask(service, *args, **kwargs)
        self.price += 1
        await super().ask(factories.set_price, "SPY", f"{self.price}.00")
        return answer


def panel_of(app: RebalApp, label: str) -> str:
    """The figure after a label in the panel."""
    found = re.search(rf"{label} +([\d,.]+\.\d\d)", screen_text(app))
    assert found is not None, screen_text(app)
    return found[1].replace(",", "")


@pytest.mark.parametrize("section", ["1", "3"])
def test_a_row_has_the_equity_of_its_panel_after_a_deposit(section: str) -> None:
    book = small_book()
    app = RebalApp(Streaming(BookThread(lambda: book)), heartbeat=False)

    async def main() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await settle(pilot)
            await press(pilot, "3")
            await press(pilot, "slash")
            await type_text(pilot, "n-a")
            await press(pilot, "enter", section, "d")
            await type_text(pilot, "250")
            await press(pilot, "enter", "y")
            assert any("Deposit" in message for message in shown_messages(app)), shown_messages(app)
            row: Any = app.screen.table.cursor_row  # type: ignore[attr-defined]  # the screen of a section
            assert row.account_id == "a"
            assert f"{row.equity / 10**9:.2f}" == panel_of(app, "Equity")

    asyncio.run(main())
