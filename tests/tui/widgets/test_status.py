from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.services.view_models.status import NEW_MODE, TIME_STOPPED, ConnectionView, WorkView
from rebal_tui.tui.sections import EXCEPTIONS, REVIEW, Section
from rebal_tui.tui.segments import line_width
from rebal_tui.tui.widgets.status import section_of, status_line
from tests.tui.views import status


def text(width: int, trouble: str = "", **changes: object) -> str:
    return "".join(part for part, _ in status_line(status(**changes), trouble, width))


def test_everything_fits_on_a_wide_terminal() -> None:
    assert text(200) == (
        " demo · SIMULATED ×600 · Mon 16 Mar 2026 · 10:42:15 NY · OPEN · rebalancing until 15:30, 4 h 47 m left · "
        "next evaluation 10:45 · prices 3 s old · ▲ 2 alerts"
    )


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_important_columns_stay_on_a_narrow_terminal(width: int) -> None:
    line = text(width)
    assert line_width(status_line(status(), "", width)) <= width
    for part in ("demo", "SIMULATED ×600", "10:42:15", "2 alerts"):
        assert part in line


def test_live_is_red_and_old_prices_are_marked() -> None:
    assert ("LIVE", "bad") in status_line(status(mode="LIVE"), "", 200)
    assert "▲ prices 3 m old" in text(120, price_age_seconds=200)
    assert "■ NOT UPDATING: disk full" in text(80, trouble="disk full")
    assert "alert" not in text(200, alerts=0)
    assert text(200, exceptions=3).endswith("! 3 exceptions, 2 alerts")
    assert text(200, exceptions=1, alerts=0).endswith("! 1 exception")
    assert text(80, exceptions=3).endswith("! 3 exceptions")
    assert section_of(" ! 3 exceptions ") == EXCEPTIONS


def test_a_book_whose_kind_is_not_chosen_shows_no_time() -> None:
    assert text(200, mode=NEW_MODE, alerts=0, price_age_seconds=None) == " demo · NEW"


def test_that_time_stands_still_is_always_said_in_few_words_where_more_do_not_fit() -> None:
    changes: dict[str, Any] = {"mode": f"SIMULATED ×60{TIME_STOPPED}", "awaiting": 2, "exceptions": 3}
    assert text(80, **changes) == " demo · TIME STOPPED · 10:42:15 NY · OPEN · ◇ 2 to review · ! 3 exceptions"
    assert TIME_STOPPED in text(120, **changes)
    assert section_of(" TIME STOPPED ") == Section.MARKET


def test_width_that_a_more_important_part_leaves_free_is_used() -> None:
    changes: dict[str, Any] = {"session": "CLOSED · opens Tue 17 Mar 09:30, in 17 h 28 m 4 s", "exceptions": 7}
    line = text(110, price_age_seconds=90, **changes)
    assert "opens" not in line
    assert "Mon 16 Mar 2026 · 10:42:15 NY · CLOSED · ▲ prices 1 m old · ! 7 exceptions, 2 alerts" in line


def test_counts_lose_their_words_rather_than_be_cut() -> None:
    changes: dict[str, Any] = {"work": WorkView("orders", 0, 8), "awaiting": 2, "exceptions": 3}
    line = " demo · SIMULATED ×600 · orders ░░░░░░ 0 of 8 · 10:42:15 NY · "
    assert text(84, **changes) == f"{line}◇ 2 to review · ! 3"
    assert text(76, **changes) == f"{line}◇ 2 · ! 3"
    assert section_of(" ◇ 2 ") == REVIEW


@pytest.mark.parametrize("width", [80, 120, 200])
def test_long_work_is_shown_with_a_bar_and_its_count(width: int) -> None:
    assert "runs ███░░░ 50,000 of 100,000" in text(width, work=WorkView("runs", 50_000, 100_000))


HEALTHY = ConnectionView(5, 5, (), 200, 187, 0)
LOST = ConnectionView(5, 3, ("trades", "activities"), 200, 9, -7, True, 15 * 60)


def test_a_healthy_connection_is_shown_where_there_is_room() -> None:
    line = text(220, mode="PAPER", connection=HEALTHY)
    assert "streams 5 of 5 · clock ok · 187 of 200 requests left" in line
    assert "streams" not in text(80, mode="PAPER", connection=HEALTHY)


@pytest.mark.parametrize("width", [120, 200])
def test_faults_of_the_connection_are_shown(width: int) -> None:
    line = text(width, mode="PAPER", connection=LOST)
    assert "▲ 2 of 5 streams down · ▲ clock 7 s ahead · ▲ prices 15 m late" in line
    assert "old" not in line
    assert len(line) <= width


def test_on_a_narrow_terminal_several_faults_are_shown_in_short_and_one_in_full() -> None:
    line = text(80, mode="PAPER", connection=LOST)
    assert "▲ 3 faults: streams, clock, prices" in line
    assert len(line) <= 80
    two = text(80, mode="PAPER", connection=replace(LOST, price_delay=None))
    assert "▲ 2 streams down, clock off · " in two
    assert len(two) <= 80
    for part in ("▲ 3 faults: streams, clock, prices", "▲ 1 stream down, clock off", "▲ clock off, prices late"):
        assert section_of(part) == Section.LOG
    assert "▲ 2 of 5 streams down" in text(80, mode="PAPER", connection=replace(HEALTHY, down=("trades", "journals")))


def test_few_requests_left_are_marked() -> None:
    assert "▲ 9 of 200 requests left" in text(200, mode="PAPER", connection=LOST)
