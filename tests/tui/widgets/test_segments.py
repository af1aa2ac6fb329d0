import pytest
from rich.cells import cell_len

from rebal_tui.tui.segments import beside, fit, fit_line, heading, line_width, noted, wrap

NAMES = ["Ruiz", "日本投資信託会社の顧客", "a🙂b🙂c🙂d🙂e🙂", "x" * 200, "[/]", "", "José"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [0, 1, 2, 7, 16])
def test_text_is_fitted_by_cells(name: str, width: int) -> None:
    assert cell_len(fit(name, width)) == width
    assert cell_len(fit(name, width, "right")) == width


def test_truncated_text_ends_in_an_ellipsis() -> None:
    assert fit("Lindqvist Family", 10) == "Lindqvist…"
    assert fit("日本投資", 6) == "日本… "
    assert fit("5.42", 6, "right") == "  5.42"


@pytest.mark.parametrize("name", NAMES)
def test_a_status_line_has_exactly_its_width(name: str) -> None:
    assert line_width(fit_line(((name, ""), (name, "bad")), 23)) == 23


@pytest.mark.parametrize("name", NAMES)
def test_wrapped_lines_fit_and_keep_every_word(name: str) -> None:
    text = f"the client {name} has drifted"
    lines = wrap(text, 12)
    assert all(cell_len(line) <= 12 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    assert wrap("cooldown 7 d · 20 % of it", 10) == ["cooldown", "7 d · 20 %", "of it"]
    assert wrap("next Fri 27 Nov 2026 · Fri 04 Dec 2026", 30) == ["next Fri 27 Nov 2026 ·", "Fri 04 Dec 2026"]
    assert wrap("cooldown to 02 Dec", 15) == ["cooldown to", "02 Dec"]
    assert wrap("to Fri 04 Dec 2026", 8) == ["to Fri", "04 Dec", "2026"]
    assert wrap("3 days, 5 dollars", 5) == ["3", "days,", "5", "dolla", "rs"]


@pytest.mark.parametrize("width", [10, 20, 46])
def test_a_heading_runs_to_the_edge(width: int) -> None:
    assert line_width(heading("Holdings", width, "6 assets")) == width


def test_columns_are_side_by_side() -> None:
    lines = beside([(("left", ""),)], [(("one", ""),), (("two", ""),)], 6)
    assert ["".join(text for text, _ in line) for line in lines] == ["left     one", "         two"]


def test_a_note_without_room_beside_its_line_has_the_whole_width_below() -> None:
    line = (("23 Nov 10:00", "muted"), (" raised", "title"))
    note = "$4,982.52 of $5,000.00 raised and reserved"

    def shown(width: int, note: str = note) -> list[str]:
        return ["".join(text for text, _ in one) for one in noted(line, note, width, (("│ ", ""),))]

    assert shown(46) == ["23 Nov 10:00 raised", "│ $4,982.52 of $5,000.00 raised and reserved"]
    assert shown(46, "reserved") == ["23 Nov 10:00 raised reserved"]
    assert shown(60) == ["23 Nov 10:00 raised $4,982.52 of $5,000.00 raised and", "│                   reserved"]
    assert shown(46, "") == ["23 Nov 10:00 raised "]
