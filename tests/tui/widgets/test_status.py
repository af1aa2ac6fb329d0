import pytest

from rebal_tui.services.view_models.status import WorkView
from rebal_tui.tui.segments import line_width
from rebal_tui.tui.widgets.status import status_line
from tests.tui.views import status


def text(width: int, trouble: str = "", **changes: object) -> str:
    return "".join(part for part, _ in status_line(status(**changes), trouble, width))


def test_everything_fits_on_a_wide_terminal() -> None:
    assert text(200) == (
        " demo · SIMULATED ×600 · Mon 16 Mar 2026 · 10:42:15 NY · OPEN · rebalancing until 15:30, 4 h 48 m left · "
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
    assert "■ HALTED" in text(80, halted=True)
    assert "■ NOT UPDATING: disk full" in text(80, trouble="disk full")
    assert "alert" not in text(200, alerts=0)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_long_work_is_shown_with_a_bar_and_its_count(width: int) -> None:
    assert "runs ███░░░ 50,000 of 100,000" in text(width, work=WorkView("runs", 50_000, 100_000))
