from datetime import UTC, datetime

import pytest

from rebal_tui.services.view_models.desk import DriftPoint
from rebal_tui.tui.segments import Line, line_width
from rebal_tui.tui.widgets import bars


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def test_a_bar_counts_eighths_of_a_cell() -> None:
    assert bars.bar(900, 1000, 10) == "█████████ "
    assert bars.bar(845, 1000, 10) == "████████▍ "
    assert bars.bar(1084, 1000, 10) == "██████████"
    assert bars.bar(0, 1000, 4) == "    "
    assert bars.bar(1, 1_000_000, 4) == "▏   "


def test_band_usage_shows_its_figure_and_not_only_a_color() -> None:
    assert text(bars.band_bar(1084)) == "▕█████┃▍    ▏ 108 %"
    assert text(bars.band_bar(500)) == "▕██▌  ┃     ▏  50 %"
    assert text(bars.band_bar(2500)) == "▕█████┃█████▏ 250 %"
    assert len(text(bars.band_bar(None))) == len(text(bars.band_bar(1084))) == bars.USAGE_WIDTH
    assert text(bars.band_bar(None)).strip() == "–"

    def styles(tenths: int) -> set[str]:
        return {style for _, style in bars.band_bar(tenths)} - {"rule", "title"}

    assert styles(799) == {"muted"}
    assert styles(800) == {"warn-bar", "warn"}
    assert styles(1000) == {"warn-bar", "warn"}, "exactly at the band is not outside (R-15)"
    assert styles(1001) == {"bad-bar", "bad"}


def test_drift_grows_from_the_target_to_its_side() -> None:
    over = text(bars.drift_bar(500, -1000, 1000, 1000, 21))
    under = text(bars.drift_bar(-500, -1000, 1000, 1000, 21))
    assert over == "┊─────────│█████────┊"
    assert under == "┊────█████│─────────┊"


def test_an_end_of_the_band_stays_visible_when_exceeded() -> None:
    line = bars.drift_bar(900, -500, 500, 1000, 21)
    assert text(line) == "────┊─────│█████╋███─"
    assert ("╋", "bad-bar") in line


@pytest.mark.parametrize("side", [1, -1])
def test_the_bar_crosses_an_end_of_the_band_exactly_when_it_is_exceeded(side: int) -> None:
    for limit in (100, 180, 200, 290, 499):
        at_limit = text(bars.drift_bar(side * limit, -limit, limit, 1000, 27))
        beyond = text(bars.drift_bar(side * (limit + 1), -limit, limit, 1000, 27))
        assert "╋" not in at_limit, (limit, at_limit)
        assert "╋" in beyond, (limit, beyond)


def test_a_small_drift_is_half_a_cell() -> None:
    assert "▌" in text(bars.drift_bar(50, None, None, 1000, 21))
    assert text(bars.drift_bar(0, None, None, 1000, 21)) == "──────────│──────────"


@pytest.mark.parametrize("drift", [-20_000, -1, 0, 1, 333, 20_000])
@pytest.mark.parametrize("width", [3, 9, 10, 40])
def test_a_drift_bar_keeps_its_width(drift: int, width: int) -> None:
    reach = max(abs(drift), 100)
    assert line_width(bars.drift_bar(drift, -250, 250, reach, width)) in (width, width - 1)


def test_stacked_weights_fill_the_width_exactly() -> None:
    thirds = [("A", 3333), ("B", 3333), ("C", 3334)]
    line = bars.weights_bar(thirds, 10)
    assert line_width(line) == 10
    assert sorted(len(part) for part, _ in line) == [3, 3, 4]
    assert len({part[0] for part, _ in line}) == 3, "distinguished without color"


def test_what_weights_lack_of_the_whole_is_empty_and_cash_looks_like_no_asset() -> None:
    assert text(bars.weights_bar([("A", 4000)], 10, 10_000)) == "████      "
    five = [("A", 2000), ("B", 2000), ("C", 2000), ("D", 2000), ("cash", 2000)]
    assert text(bars.weights_bar(five, 10, 10_000)) == "██▓▓▒▒░░▄▄"
    assert text(bars.weights_bar([("A", 15_000)], 10, 10_000)) == "█" * 10


def test_history_marks_the_runs_under_their_columns() -> None:
    at = datetime(2026, 3, 16, tzinfo=UTC)
    points = [DriftPoint(at, used, run) for used, run in [(500, False), (1000, True), (100, False)]]
    lines = [text(line) for line in bars.drift_history(points, 10, 1)]
    assert lines == ["▄█▁", "─▴─"]
    assert bars.drift_history([], 10) == []
