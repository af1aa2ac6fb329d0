"""Control of a simulated market: actions are recorded, and impossible ones are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.simulation import simulator
from rebal_tui.store import audit
from tests.services.factories import new_york, simple_book
from tests.tui.simulated import market_book


def last_action(book: object) -> tuple[str, str]:
    entry = audit.entries(book.database, 1)[0]  # type: ignore[attr-defined]
    return entry.action, entry.subject


def test_a_halt_and_its_end_are_seen_and_on_record() -> None:
    book = market_book(2)
    assert book.sandbox is not None
    version = book.version
    simulator.halt(book, "SPY", True)
    assert book.sandbox.halted() == {"SPY"}
    assert last_action(book) == ("market.halt", "SPY")
    assert book.version > version
    simulator.halt(book, "SPY", False)
    assert book.sandbox.halted() == frozenset()
    assert last_action(book) == ("market.unhalt", "SPY")


def test_an_asset_becomes_untradable_and_tradable_again() -> None:
    book = market_book(2)
    simulator.set_tradable(book, "GLD", False)
    assert not book.assets["GLD"].eligible
    assert last_action(book) == ("market.untradable", "GLD")
    simulator.set_tradable(book, "GLD", True)
    assert book.assets["GLD"].eligible


def test_unknown_symbols_and_impossible_shocks_are_refused() -> None:
    book = market_book(2)
    for act in (simulator.halt, simulator.set_tradable):
        with pytest.raises(NotFound):
            act(book, "NOPE", True)
    with pytest.raises(NotFound):
        simulator.shock(book, "NOPE", Percent(100))
    with pytest.raises(Invalid):
        simulator.shock(book, None, Percent(-10_000))
    with pytest.raises(Conflict):
        simulator.shock(simple_book(), "SPY", Percent(100))


@pytest.mark.slow
def test_a_step_ends_at_the_same_hour_of_the_next_session_with_its_evaluations_made() -> None:
    book = market_book(2, "2026-03-06 11:00")
    before = book.now()
    simulator.step_day(book)
    assert book.today().isoformat() == "2026-03-09", "over the weekend"
    assert book.now() - before >= timedelta(days=2, hours=23)
    assert audit.verify(book.database) == []


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-25 12:20", "2026-11-27 12:20"),
        ("2026-11-25 15:25", "2026-11-27 13:00"),
        ("2026-11-25 18:00", "2026-11-27 13:00"),
        ("2026-11-27 15:25", "2026-11-30 15:25"),
        ("2026-11-27 18:00", "2026-11-30 16:00"),
    ],
)
def test_a_step_ends_no_later_than_the_next_session(at: str, end: str) -> None:
    """Friday 27 November closes at 13:00; after the close, a running clock would skip the night to the next session."""
    book = market_book(1, at)
    simulator.begin_step(book)
    assert simulator.simulated_clock(book).stepping_to == new_york(end)


def test_the_evaluations_of_a_step_are_at_their_scheduled_times() -> None:
    book = market_book(1, "2026-03-06 11:23")
    simulator.begin_step(book)
    times: list[str] = []
    while simulator.step_on(book) and len(times) < 3:
        times.append(f"{book.now().astimezone(NEW_YORK):%H:%M}")
    assert times == ["11:30", "11:45", "12:00"]
