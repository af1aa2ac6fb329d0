"""The next evaluation that is announced is one that takes place."""

from __future__ import annotations

import pytest

from rebal_tui.services.book.slots import next_slot
from rebal_tui.store import jobs
from tests.services.factories import advance_to, new_york, simple_book


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-03-02 15:14:59", "2026-03-02 15:15"),
        ("2026-03-02 15:15", "2026-03-03 09:30"),
        ("2026-11-27 12:14", "2026-11-27 12:15"),
        ("2026-11-27 12:20", "2026-11-30 09:30"),
    ],
)
def test_no_evaluation_is_announced_for_the_very_end_of_the_window(now: str, following: str) -> None:
    book = simple_book(now)

    assert next_slot(book, book.now()) == new_york(following)


def test_half_a_second_after_the_end_of_the_window_no_evaluation_takes_place() -> None:
    book = simple_book("2026-03-02 15:20")
    advance_to(book, "2026-03-02 15:20:01")
    advance_to(book, "2026-03-02 15:30:00.5")

    assert jobs.last_slot(book.database, "2026-03-02") == new_york("2026-03-02 15:15")
