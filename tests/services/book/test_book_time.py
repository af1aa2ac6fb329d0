"""Everything that a transaction stores has one time, although the clock runs on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book_time import BookTime
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from tests.services import factories
from tests.services.factories import new_york

START = new_york("2026-03-02 15:30")


class _RunningClock(FixedClock):
    """A second passes at each look."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


def test_time_is_fixed_inside_and_runs_outside() -> None:
    time = BookTime(_RunningClock(START))

    with time.fixed():
        first = time.now()
        with time.fixed():
            inner = time.now()
        last = time.now()

    assert first == inner == last == START + timedelta(seconds=1)
    assert time.now() == START + timedelta(seconds=2)


def test_time_runs_again_after_an_error() -> None:
    time = BookTime(_RunningClock(START))

    with pytest.raises(RuntimeError), time.fixed():
        raise RuntimeError

    assert time.now() < time.now()


def test_what_a_pass_stores_has_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factories, "FixedClock", _RunningClock)
    book = factories.simple_book("2026-03-02 10:00")
    evaluation_pass(book, explain=False)

    (passed,) = book.database.rows("SELECT at FROM audit WHERE action = 'evaluation'")
    assert book.database.rows("SELECT DISTINCT at FROM drift_history") == [passed]
    assert passed in book.database.rows("SELECT at FROM contexts")
