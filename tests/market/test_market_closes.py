from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import NANO, parse_price
from rebal_tui.market import closes as module
from rebal_tui.market.closes import Closes, ClosesFeed, read_closes
from rebal_tui.market.sessions import TradingCalendar, build_sessions

SAMPLE = Path(__file__).parent / "closes_2020_03.csv"
HISTORY = Path(__file__).parents[2].parent / "shared" / "data" / "etf_daily_close_2009_2024.csv"


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return TradingCalendar(build_sessions(date(2009, 1, 1), date(2026, 12, 31)))


def read(text: str) -> Closes:
    return read_closes(io.StringIO(text))


def faults(text: str) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read(text)
    return [str(fault) for fault in refusal.value.faults]


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=UTC)


def test_prices_are_read_exactly_and_an_empty_cell_is_no_price() -> None:
    closes = read("date,SPY,BRK.B\n2024-01-02,0.123456789,123456789.123456789\n2024-01-03,,7\n")
    assert closes.symbols == ("SPY", "BRK.B")
    assert closes.days == (date(2024, 1, 2), date(2024, 1, 3))
    assert closes.rows == ((123_456_789, 123_456_789_123_456_789), (None, 7 * NANO))
    assert list(closes.priced(1)) == [("BRK.B", 7 * NANO)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_mark_quotes_and_blank_lines_are_accepted(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "closes.csv"
    text = ending.join(['"date","SPY"', "2024-01-02,1", "", "2024-01-03,2", ""])
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_closes(path) == Closes(
        ("SPY",), (date(2024, 1, 2), date(2024, 1, 3)), ((parse_price("1"),), (parse_price("2"),))
    )


def test_every_fault_is_listed_with_its_location() -> None:
    assert faults(
        "date,SPY,TLT\n"
        "2024-01-02,1,0\n"
        "2024-01-02,1,1\n"
        "2024-02-30,1,-5\n"
        "2024-01-03,1e3,1\n"
        "2024-01-04,1\n"
        '2024-01-05,"1,1\n'
        "2024-01-08, 1,１\n"
        "20240109,1_0,nan\n"
    ) == [
        "line 2, TLT: expected a price above 0",
        "line 3, date: expected a day after 2024-01-02, got 2024-01-02",
        "line 4, date: expected a date such as 2024-03-28",
        "line 4, TLT: expected a price above 0",
        "line 5, SPY: expected a plain decimal number such as 1234.56",
        "line 6: expected 3 cells, got 2",
        "line 7: not readable as CSV: unexpected end of data",
        "line 8, SPY: expected a plain decimal number such as 1234.56",
        "line 8, TLT: expected a plain decimal number such as 1234.56",
        "line 9, date: expected a date such as 2024-03-28",
        "line 9, SPY: expected a plain decimal number such as 1234.56",
        "line 9, TLT: expected a plain decimal number such as 1234.56",
    ]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("day,SPY", "line 1, column 1: expected the heading date"),
        ("date,SPY,SPY", "line 1, SPY: expected every symbol once, got it 2 times"),
        ("date,spy", "line 1, column 2: expected a symbol such as SPY or BRK.B"),
        ("date,[@click=app.quit]", "line 1, column 2: expected a symbol such as SPY or BRK.B"),
        ("date,", "line 1, column 2: expected a symbol such as SPY or BRK.B"),
        ("date", "line 1: expected 1 to 5,000 symbols after date"),
    ],
)
def test_a_faulty_header_is_refused(header: str, fault: str) -> None:
    assert fault in faults(header + "\n2024-01-02,1\n")


@pytest.mark.parametrize("char", ["\x00", "\x07", "\t", "\x0b", "\x0c", "\x1b", "\x85", "\u200b", "\u2028", "\u202e"])
def test_control_and_invisible_characters_are_refused_and_not_repeated(char: str) -> None:
    found = faults(f"date,S{char}PY\n2024-01-02,1{char}\n{char}2024-01-03,1\n")
    locations = ["line 1, column 2", "line 2, column 2", "line 3, date"]
    assert [fault.split(": ")[0] for fault in found] == locations
    assert all("control or invisible character" in fault for fault in found)
    assert not any(char in fault for fault in found)


@pytest.mark.parametrize("text", ["", "\n\n", "date,SPY\n"])
def test_a_file_without_closes_is_refused(text: str) -> None:
    assert len(faults(text)) == 1


def test_a_file_that_is_missing_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(tmp_path / "none.csv")
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(tmp_path)
    with pytest.raises(Invalid, match="cannot be read"):
        read_closes(Path("a\x00b"))
    path = tmp_path / "latin.csv"
    path.write_bytes(b"date,SPY\n2024-01-02,\xe9\n")
    with pytest.raises(Invalid, match="line 2: expected UTF-8 text"):
        read_closes(path)
    with path.open(encoding="utf-8") as stream, pytest.raises(Invalid, match="UTF-8"):
        read_closes(stream)


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = ",".join(f"S{number}" for number in range(5_001))
    assert faults(f"date,{symbols}\n") == ["line 1: expected 1 to 5,000 symbols after date"]
    assert "line 2: expected at most 200,000 characters" in faults("date,SPY\n" + "," * 200_001)
    path = tmp_path / "large.csv"
    path.write_text("date,SPY\n2024-01-02,1\n")
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(Invalid, match="larger"):
        read_closes(path)
    with pytest.raises(Invalid, match="larger"):
        read("date,SPY\n2024-01-02,1\n")


def test_faults_beyond_the_limit_are_counted() -> None:
    found = faults("date,SPY\n" + "x,x\n" * 6_000)
    assert len(found) == 10_001
    assert found[-1] == "and 2,000 more faults"


@given(st.text(alphabet=st.sampled_from('date,SPY\n\r"0123456789-.\x00\u202eé'), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        closes = read(text)
    except Invalid:
        return
    assert all(len(row) == len(closes.symbols) for row in closes.rows)


def test_closes_are_quoted_from_the_open_of_their_day_on(calendar: TradingCalendar) -> None:
    closes = read("date,SPY,AGG\n2020-03-12,248.11,109.5\n2020-03-13,269.32,110\n2020-03-16,239.85,109\n")
    feed = ClosesFeed(closes, calendar)
    assert feed.advance(utc(12, 13, 29)) == {}
    assert feed.quotes() == {}
    assert set(feed.advance(utc(12, 13, 30))) == {"SPY", "AGG"}
    assert (feed.quotes()["SPY"].price, feed.quotes()["SPY"].at) == (parse_price("248.11"), utc(12, 13, 30))
    feed.advance(utc(12, 15, 45))
    assert feed.quotes()["SPY"].at == utc(12, 15, 45)
    feed.advance(utc(12, 23))
    assert feed.quotes()["SPY"].at == utc(12, 20)
    assert feed.advance(utc(13, 13, 29)) == {}
    feed.advance(utc(14, 18))
    assert (feed.quotes()["SPY"].price, feed.quotes()["SPY"].at) == (parse_price("269.32"), utc(13, 20))


def test_a_symbol_without_a_price_keeps_its_older_quote_whatever_the_stride(calendar: TradingCalendar) -> None:
    closes = read("date,SPY,AGG\n2020-03-12,248.11,109.5\n2020-03-13,269.32,\n2020-03-16,239.85,\n")
    days, leap = ClosesFeed(closes, calendar), ClosesFeed(closes, calendar)
    for day in (12, 13, 16):
        days.advance(utc(day, 21))
    leap.advance(utc(16, 21))
    assert days.quotes() == leap.quotes()
    assert leap.quotes()["AGG"].at == utc(12, 20)
    assert leap.quotes()["SPY"].at == utc(16, 20)


def test_a_session_without_closes_and_the_time_after_the_last_leave_old_quotes(calendar: TradingCalendar) -> None:
    feed = ClosesFeed(read("date,SPY\n2020-03-12,248.11\n"), calendar)
    feed.advance(utc(12, 21))
    assert feed.advance(utc(13, 15)) == {}
    assert feed.quotes()["SPY"].at == utc(12, 20)


def test_replay_never_goes_back(calendar: TradingCalendar) -> None:
    feed = ClosesFeed(read("date,SPY\n2020-03-12,248.11\n2020-03-13,269.32\n"), calendar)
    feed.advance(utc(13, 15))
    before = feed.quotes()
    assert feed.advance(utc(13, 14)) == {}
    assert feed.advance(utc(12, 15)) == {}
    assert feed.quotes() == before


def test_days_without_a_session_are_named_and_not_replayed(calendar: TradingCalendar) -> None:
    feed = ClosesFeed(read("date,SPY\n2020-03-13,269.32\n2020-03-14,1\n2020-03-16,239.85\n"), calendar)
    assert feed.days_without_session == (date(2020, 3, 14),)
    feed.advance(utc(15, 12))
    assert feed.quotes()["SPY"].price == parse_price("269.32")


@pytest.mark.parametrize("path", [path for path in (SAMPLE, HISTORY) if path.exists()], ids=lambda path: path.stem)
def test_a_real_history_replays_over_every_session(path: Path, calendar: TradingCalendar) -> None:
    closes = read_closes(path)
    feed = ClosesFeed(closes, calendar)
    assert feed.days_without_session == ()
    for day, row in list(zip(closes.days, closes.rows, strict=True))[-250:]:
        session = calendar.session(day)
        assert session is not None
        feed.advance(session.open)
        assert tuple(feed.quotes()[symbol].price for symbol in closes.symbols) == row
        assert {quote.at for quote in feed.quotes().values()} == {session.open}
