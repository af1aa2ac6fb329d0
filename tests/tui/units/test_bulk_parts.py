"""Bulk actions in parts: the same result as at once, with other work of the book's thread in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.services.advisory import bulk, undo
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.host import Host
from rebal_tui.tui.screens.accounts import bulk_parts
from rebal_tui.tui.screens.accounts.bulk_parts import change_in_parts, preview_in_parts
from tests.services.factories import account, balanced, fill_book, make_book

NAMES = [f"c{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def two_in_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_parts, "PART", 2)


class FakeHost:
    """Asks on the book's thread and notes the services asked; `refuse_after` requests fail from then on."""

    def __init__(self) -> None:
        self.thread = BookThread(_book)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.refuse_after = 1_000

    async def ask(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if len(self.asked) >= self.refuse_after:
            raise Conflict("the book is closed")
        self.asked.append(service.__name__)
        return await self.thread.ask(lambda book: service(book, *args, **kwargs))

    def say(self, text: str) -> None:
        self.said.append(text)


def _book() -> Book:
    book = make_book()
    models = [balanced(), balanced("other", {"SPY": "50", "TLT": "45"})]
    fill_book(book, [account(name, "50000") for name in NAMES], models, dict.fromkeys(NAMES[:6], "balanced"))
    return book


def follows(book: Book) -> dict[str, str]:
    return {name: one.portfolio_id for name, one in sorted(book.subscriptions.items())}


def test_a_move_in_parts_is_that_of_all_accounts_at_once() -> None:
    host = FakeHost()

    async def moved() -> None:
        preview = await preview_in_parts(_host(host), bulk.preview_subscriptions, NAMES, "other", moving=True)
        assert preview == await host.thread.ask(lambda b: bulk.preview_subscriptions(b, NAMES, "other", moving=True))
        results, change = await change_in_parts(_host(host), "Moved", undo.subscribe_all, preview, "other", moving=True)
        assert [(one.account_id, one.refusal) for one in results] == [(name, "") for name in NAMES]
        assert await host.thread.ask(follows) == dict.fromkeys(NAMES, "other")
        assert change is not None
        await host.thread.ask(lambda book: undo.undo(book, change))
        assert await host.thread.ask(follows) == dict.fromkeys(NAMES[:6], "balanced")

    asyncio.run(moved())
    assert host.asked == ["preview_subscriptions"] * 4 + ["subscribe_all"] * 4
    assert host.said == []


def test_other_work_of_the_book_runs_between_the_parts() -> None:
    host, order = FakeHost(), list[str]()

    async def heartbeat() -> None:
        for _ in range(3):
            await host.thread.ask(lambda _book: order.append("heartbeat"))

    def part(book: Book, ids: list[str]) -> Any:
        order.append("part")
        return bulk.preview_unsubscriptions(book, ids)

    async def both() -> None:
        await asyncio.gather(preview_in_parts(_host(host), part, NAMES), heartbeat())

    asyncio.run(both())
    assert order == ["part", "heartbeat", "part", "heartbeat", "part", "heartbeat", "part"]


def test_when_a_later_part_is_refused_the_earlier_ones_are_reported_and_can_be_undone() -> None:
    host = FakeHost()

    async def ended() -> None:
        preview = await preview_in_parts(_host(host), bulk.preview_unsubscriptions, NAMES)
        host.refuse_after = len(host.asked) + 2
        results, change = await change_in_parts(_host(host), "Unsubscribed", undo.unsubscribe_all, preview)
        assert [one.refusal for one in results] == [""] * 4 + ["the book is closed"] * 3
        assert change is not None
        await host.thread.ask(lambda book: undo.undo(book, change))
        assert await host.thread.ask(follows) == dict.fromkeys(NAMES[:6], "balanced")
        with pytest.raises(Conflict, match="the book is closed"):
            await change_in_parts(_host(host), "Unsubscribed", undo.unsubscribe_all, preview)

    asyncio.run(ended())


def test_progress_is_told_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_parts, "MESSAGE_SECONDS", 0.0)
    host = FakeHost()
    asyncio.run(preview_in_parts(_host(host), bulk.preview_unsubscriptions, NAMES))
    assert host.said == [f"Checked {done} of 7 accounts …" for done in (2, 4, 6)]


def _host(fake: FakeHost) -> Host:
    return cast(Host, fake)
