"""The row under the cursor and its panel show figures of the same time, though prices stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.advisory import withdrawals
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.store import cash
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from tests.services import factories
from tests.tui.driving import WIDE, press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import small_book, type_text

pytestmark = pytest.mark.slow

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


class CancelsOnce(BookBackend):
    """A backend that cancels the withdrawal after the rows of Cash were read, when `armed`."""

    armed = False

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        answer = await super().ask(service, *args, **kwargs)
        if self.armed and getattr(service, "name", "").startswith("cash_"):
            self.armed = False
            await super().ask(cancel_all)
        return answer


def cancel_all(book: Book) -> None:
    for one in cash.withdrawals(book.database):
        withdrawals.cancel_withdrawal(book, one.id)


def test_a_withdrawal_and_its_history_are_of_the_same_time() -> None:
    book = small_book()
    withdrawals.request_withdrawal(book, "a", parse_money("250"))
    backend = CancelsOnce(BookThread(lambda: book))
    app = RebalApp(backend, heartbeat=False)

    async def main() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await settle(pilot)
            await press(pilot, "5")
            withdrawals.request_withdrawal(book, "b", parse_money("300"))
            backend.armed = True
            assert app.section is not None
            for canceled in (False, True):
                await app.section.pull()
                await settle(pilot)
                row: Any = app.screen.table.cursor_row  # type: ignore[attr-defined]  # the screen of a section
                assert (row.withdrawal.stage == "canceled") is canceled
                assert ("canceled" in screen_text(app).partition("History")[2]) is canceled

    asyncio.run(main())
