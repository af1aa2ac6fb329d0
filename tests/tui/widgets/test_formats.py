from datetime import UTC, datetime

import pytest

from rebal_tui.domain.quantities import Money, Price, Qty, parse_money
from rebal_tui.tui import formats
from rebal_tui.tui.text import printable, ui_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("104311.2", "104,311.20"),
        ("0.004999999", "0.00"),
        ("-0.004", "0.00"),
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("999.996", "1,000.00"),
        ("-1234.567", "-1,234.57"),
        ("9000000000", "9,000,000,000.00"),
    ],
)
def test_money_text_is_to_the_nearest_cent(amount: str, text: str) -> None:
    assert formats.money(parse_money(amount)) == text


@pytest.mark.parametrize(
    ("units", "text"), [(542, "+5.42"), (-30, "-0.30"), (0, "0.00"), (-1200, "-12.00"), (5, "+0.05")]
)
def test_drift_has_its_sign(units: int, text: str) -> None:
    assert formats.drift(units) == text


@pytest.mark.parametrize(
    ("tenths", "text"),
    [(0, "0 %"), (976, "98 %"), (999, "99 %"), (1000, "100 %"), (1001, "101 %"), (1084, "108 %"), (1085, "109 %")],
)
def test_band_usage_is_rounded_to_the_nearest_percent_but_not_to_100(tenths: int, text: str) -> None:
    assert formats.band_percent(tenths) == text


def test_prices_keep_the_decimals_they_use() -> None:
    assert formats.price(Price(417_800_000_000)) == "417.80"
    assert formats.price(Price(1_234_567_800_000)) == "1,234.5678"
    assert formats.price(None) == "–"


def test_the_decimal_points_of_a_column_of_prices_are_below_each_other() -> None:
    prices = [Price(73_696_000_000), Price(417_800_000_000), None, Price(107_503_300_000)]
    column = [text.rjust(10) for text in formats.aligned_prices(prices)]
    assert column == ["   73.696 ", "  417.80  ", "         –", "  107.5033"]
    assert formats.aligned_prices(prices[1:3]) == ["417.80", "–"]


def test_shares_are_rounded_to_the_requested_decimals() -> None:
    assert formats.qty(Qty(72_865_432_211)) == "72.8654"
    assert formats.qty(Qty(18_269_352_384)) == "18.2694"
    assert formats.qty(Qty(-999_999_950_000)) == "-1,000.0000"
    assert formats.qty(Qty(-49_999)) == "0.0000"
    assert formats.qty(Qty(1_000_500_000_000), 0) == "1,001"
    assert formats.qty(Qty(-72_865_432_211), 9) == "-72.865432211"


def test_times_are_new_york() -> None:
    at = datetime(2026, 3, 16, 14, 42, 15, tzinfo=UTC)
    assert formats.clock(at) == "10:42:15"
    assert formats.timestamp(at) == "16 Mar 10:42:15"
    assert formats.short_timestamp(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "3 s"), (2_880, "48 m"), (17_280, "4 h 48 m"), (3_660, "1 h 01 m"), (200_000, "2 d 7 h"), (-5, "0 s")],
)
def test_durations(seconds: int, text: str) -> None:
    assert formats.duration(seconds) == text


def test_money_type_is_not_needed_for_zero() -> None:
    assert formats.money(Money(0)) == "0.00"


def test_markup_is_plain_text_in_widgets() -> None:
    content = ui_text("[@click=app.quit]x[/] [/]")
    assert content.plain == "[@click=app.quit]x[/] [/]"
    assert not content.spans


def test_escape_codes_and_direction_overrides_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\x9b") == "a�[2Jb�c�"
    assert ui_text("two\nlines\x07").plain == "two\nlines�"
    assert printable("José 日本 🙂") == "José 日本 🙂"


@pytest.mark.parametrize(
    ("figure", "shown"),
    [("13000.00", "13,000.00"), ("-1234567.5", "-1,234,567.5"), ("-0.50", "-0.50"), ("12", "12"), ("known", "known")],
)
def test_plain_figures_have_thousands_separators(figure: str, shown: str) -> None:
    assert formats.grouped(figure) == shown


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("950.50", "$951"),
        ("9999.50", "$10 k"),
        ("84500", "$85 k"),
        ("99499", "$99 k"),
        ("99500", "$0.10 M"),
        ("238954", "$0.24 M"),
        ("526475", "$0.53 M"),
        ("-1039979", "-$1.04 M"),
        ("9000000000", "$9,000.00 M"),
    ],
)
def test_short_sums_are_rounded(amount: str, text: str) -> None:
    assert formats.short_dollars(parse_money(amount)) == text
