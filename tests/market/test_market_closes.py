from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from rebal_tui.domain.quantities import parse_price
from rebal_tui.market.closes import Closes, ClosesFeed
from rebal_tui.market.closes_file import read_closes
from rebal_tui.market.sessions import TradingCalendar, build_sessions

SAMPLE = Path(__file__).parent / "closes_2020_03.csv"
HISTORY = Path(__file__).parents[2].parent / "shared" / "data" / "etf_daily_close_2009_2024.csv"


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return TradingCalendar(build_sessions(date(2009, 1, 1), date(2026, 12, 31)))


def read(text: str) -> Closes:
    return read_closes(io.StringIO(text))


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=UTC)


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


def test_days_without_a_session_are_not_replayed(calendar: TradingCalendar) -> None:
    feed = ClosesFeed(read("date,SPY\n2020-03-13,269.32\n2020-03-14,1\n2020-03-16,239.85\n"), calendar)
    feed.advance(utc(15, 12))
    assert feed.quotes()["SPY"].price == parse_price("269.32")


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in (SAMPLE, HISTORY) if path.exists()], ids=lambda path: path.stem)
def test_a_real_history_replays_over_every_session(path: Path, calendar: TradingCalendar) -> None:
    closes = read_closes(path)
    feed = ClosesFeed(closes, calendar)
    assert all(calendar.session(day) is not None for day in closes.days)
    for day, row in list(zip(closes.days, closes.rows, strict=True))[-250:]:
        session = calendar.session(day)
        assert session is not None
        feed.advance(session.open)
        assert tuple(feed.quotes()[symbol].price for symbol in closes.symbols) == row
        assert {quote.at for quote in feed.quotes().values()} == {session.open}
