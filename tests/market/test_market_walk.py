from __future__ import annotations

import math
import statistics
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from rebal_tui.domain.errors import Invalid, NotFound
from rebal_tui.domain.quantities import CENT, NANO, Percent, Price
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from rebal_tui.market.walk import MAX_PRICE, MIN_PRICE, RandomWalk, WalkAsset, WalkState

SPY = WalkAsset("SPY", Price(500 * NANO), 17, 1.0, 0.0)
QQQ = WalkAsset("QQQ", Price(400 * NANO), 22, 1.2, 0.0)
TLT = WalkAsset("TLT", Price(90 * NANO), 14, -0.1, 2.2)
AGG = WalkAsset("AGG", Price(98 * NANO), 6, 0.0, 1.0)
TABLE = (SPY, QQQ, TLT, AGG)
OPEN = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
PINNED = {"SPY": 49_804, "QQQ": 39_752, "TLT": 9_012, "AGG": 9_808}
CLOSE = datetime(2026, 3, 5, 21, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return TradingCalendar(build_sessions(date(2018, 1, 1), date(2027, 12, 31)))


def walk(
    calendar: TradingCalendar,
    start: datetime | WalkState = OPEN,
    *,
    assets: tuple[WalkAsset, ...] = TABLE,
    seed: str = "seed",
    turbulence: float = 1.0,
    step_seconds: int = 60,
) -> RandomWalk:
    return RandomWalk(assets, calendar, seed=seed, start=start, turbulence=turbulence, step_seconds=step_seconds)


def test_a_walk_starts_at_the_prices_of_the_table(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    assert {symbol: quote.price for symbol, quote in feed.quotes().items()} == {
        asset.symbol: asset.price for asset in TABLE
    }
    assert {quote.at for quote in feed.quotes().values()} == {OPEN}


def test_the_path_does_not_depend_on_how_often_it_is_advanced(calendar: TradingCalendar) -> None:
    often, once = walk(calendar), walk(calendar)
    timestamp, end = OPEN, OPEN + timedelta(days=5, hours=2)
    while timestamp < end:
        timestamp += timedelta(seconds=937)
        often.advance(timestamp)
    once.advance(timestamp)
    assert often.state() == once.state()
    assert often.quotes() == once.quotes()


def test_the_path_resumes_from_a_state_at_any_step(calendar: TradingCalendar) -> None:
    end = OPEN + timedelta(days=4, minutes=17)
    straight = walk(calendar)
    straight.advance(end)
    for minutes in (0, 1, 200, 390, 600, 1_440, 2_000):
        first = walk(calendar)
        first.advance(OPEN + timedelta(minutes=minutes))
        resumed = walk(calendar, first.state())
        assert resumed.quotes() == first.quotes()
        resumed.advance(end)
        assert resumed.state() == straight.state()


def test_a_price_path_does_not_depend_on_other_symbols(calendar: TradingCalendar) -> None:
    whole, alone = walk(calendar), walk(calendar, assets=(TLT,))
    whole.advance(CLOSE)
    alone.advance(CLOSE)
    assert whole.quotes()["TLT"] == alone.quotes()["TLT"]


def test_the_path_of_a_seed_is_pinned(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    feed.advance(OPEN + timedelta(days=1))
    assert {symbol: quote.price // CENT for symbol, quote in feed.quotes().items()} == PINNED


def test_another_seed_gives_another_path(calendar: TradingCalendar) -> None:
    one, other = walk(calendar, seed="a"), walk(calendar, seed="b")
    one.advance(CLOSE)
    other.advance(CLOSE)
    assert one.quotes() != other.quotes()


def test_prices_move_only_during_sessions(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    feed.advance(CLOSE)
    at_close = feed.state()
    assert at_close.at == CLOSE
    assert feed.advance(CLOSE + timedelta(hours=12)) == {}
    assert feed.state() == at_close
    next_open = OPEN + timedelta(days=1)
    changed = feed.advance(next_open)
    assert set(changed) == {asset.symbol for asset in TABLE}
    assert {quote.at for quote in changed.values()} == {next_open}
    assert feed.state().prices != at_close.prices


def test_a_quote_has_the_time_of_the_last_whole_step(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    changed = feed.advance(OPEN + timedelta(seconds=119))
    assert {quote.at for quote in changed.values()} == {OPEN + timedelta(seconds=60)}
    assert feed.advance(OPEN + timedelta(seconds=119)) == {}


def test_time_never_goes_back(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    feed.advance(CLOSE)
    before = feed.state()
    assert feed.advance(OPEN) == {}
    assert feed.state() == before


def test_a_walk_started_at_night_is_quoted_at_the_last_close(calendar: TradingCalendar) -> None:
    feed = walk(calendar, CLOSE + timedelta(hours=5))
    assert {quote.at for quote in feed.quotes().values()} == {CLOSE}


def test_a_walk_started_before_the_calendar_waits_for_its_first_open(calendar: TradingCalendar) -> None:
    start = datetime(2017, 12, 1, tzinfo=UTC)
    feed = walk(calendar, start)
    assert feed.advance(start + timedelta(days=2)).keys() <= {asset.symbol for asset in TABLE}
    first = calendar.next_open(start)
    assert first is not None
    feed.advance(first)
    assert {quote.at for quote in feed.quotes().values()} == {first}


def test_a_walk_ends_at_the_last_close_the_calendar_knows(calendar: TradingCalendar) -> None:
    feed = walk(calendar, datetime(2027, 12, 30, 20, tzinfo=UTC))
    feed.advance(datetime(2028, 6, 1, tzinfo=UTC))
    last = calendar.session(calendar.known_through)
    assert last is not None
    assert {quote.at for quote in feed.quotes().values()} == {last.close}


def test_quotes_are_positive_whole_cents_even_at_high_turbulence(calendar: TradingCalendar) -> None:
    penny = WalkAsset("PNY", Price(2 * CENT), 100, 0.0, 0.0)
    feed = walk(calendar, assets=(*TABLE, penny), turbulence=100, step_seconds=600)
    for day in range(1, 60):
        feed.advance(OPEN + timedelta(days=day))
        for quote in feed.quotes().values():
            assert quote.price % CENT == 0
            assert MIN_PRICE <= quote.price <= MAX_PRICE


def test_quotes_handed_out_do_not_change_afterwards(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    before = feed.quotes()
    copy = dict(before)
    feed.shock(None, Percent(500))
    feed.advance(CLOSE)
    assert before == copy


def daily_returns(calendar: TradingCalendar, turbulence: float = 1.0) -> dict[str, list[float]]:
    start = datetime(2018, 1, 2, tzinfo=UTC)
    feed = walk(calendar, start, turbulence=turbulence, step_seconds=1_800)
    closes: dict[str, list[int]] = {asset.symbol: [] for asset in TABLE}
    for day in calendar.days(date(2018, 1, 2), date(2027, 12, 31)):
        session = calendar.session(day)
        assert session is not None
        feed.advance(session.close)
        for symbol, quote in feed.quotes().items():
            closes[symbol].append(quote.price)
    return {symbol: [math.log(b / a) for a, b in pairwise(prices)] for symbol, prices in closes.items()}


@pytest.mark.slow
def test_volatility_and_correlation_are_those_of_the_table(calendar: TradingCalendar) -> None:
    returns = daily_returns(calendar)
    for asset in TABLE:
        annual = statistics.stdev(returns[asset.symbol]) * math.sqrt(252) * 100
        assert annual == pytest.approx(asset.volatility, rel=0.08)
    assert statistics.correlation(returns["SPY"], returns["QQQ"]) > 0.7
    assert statistics.correlation(returns["TLT"], returns["AGG"]) > 0.7
    assert abs(statistics.correlation(returns["SPY"], returns["AGG"])) < 0.1


@pytest.mark.slow
def test_turbulence_scales_every_move(calendar: TradingCalendar) -> None:
    calm, wild = daily_returns(calendar), daily_returns(calendar, turbulence=3)
    assert statistics.stdev(wild["AGG"]) / statistics.stdev(calm["AGG"]) == pytest.approx(3, rel=0.02)


def test_a_shock_moves_one_price_at_once_and_permanently(calendar: TradingCalendar) -> None:
    shocked, plain = walk(calendar), walk(calendar)
    shocked.shock("SPY", Percent(-1_000))
    assert shocked.quotes()["SPY"].price == 450 * NANO
    assert shocked.quotes()["QQQ"] == plain.quotes()["QQQ"]
    resumed = walk(calendar, shocked.state())
    for feed in (shocked, plain, resumed):
        feed.advance(CLOSE)
    assert resumed.quotes() == shocked.quotes()
    assert shocked.quotes()["QQQ"] == plain.quotes()["QQQ"]
    ratio = shocked.quotes()["SPY"].price / plain.quotes()["SPY"].price
    assert ratio == pytest.approx(0.9, rel=1e-4)


def test_a_shock_in_the_night_is_reported_by_the_next_advance(calendar: TradingCalendar) -> None:
    feed = walk(calendar, CLOSE)
    feed.shock(None, Percent(1_000))
    changed = feed.advance(CLOSE + timedelta(minutes=1))
    assert {symbol: quote.price for symbol, quote in changed.items()} == {
        asset.symbol: asset.price * 110 // 100 for asset in TABLE
    }
    assert feed.advance(CLOSE + timedelta(minutes=2)) == {}


def test_a_frozen_price_stays_and_its_quote_becomes_stale(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    feed.advance(OPEN + timedelta(minutes=10))
    held = feed.quotes()["TLT"]
    feed.freeze("TLT")
    assert "TLT" not in feed.advance(OPEN + timedelta(minutes=20))
    resumed = walk(calendar, feed.state())
    assert resumed.frozen == {"TLT"}
    resumed.advance(OPEN + timedelta(minutes=30))
    assert resumed.quotes()["TLT"] == held
    resumed.unfreeze("TLT")
    assert resumed.advance(OPEN + timedelta(minutes=31))["TLT"].at == OPEN + timedelta(minutes=31)
    assert resumed.frozen == frozenset()


def test_a_symbol_new_to_the_table_joins_a_resumed_walk(calendar: TradingCalendar) -> None:
    first = walk(calendar, assets=(SPY, QQQ))
    first.advance(OPEN + timedelta(minutes=10))
    resumed = walk(calendar, first.state(), assets=(SPY, TLT))
    assert resumed.quotes()["SPY"] == first.quotes()["SPY"]
    assert resumed.quotes()["TLT"].price == TLT.price
    assert "QQQ" not in resumed.quotes()


@pytest.mark.parametrize("percent", [-10_000, -20_000, 100_001])
def test_an_impossible_shock_is_refused(calendar: TradingCalendar, percent: int) -> None:
    feed = walk(calendar)
    with pytest.raises(Invalid, match="percent"):
        feed.shock(None, Percent(percent))
    assert feed.quotes()["SPY"].price == SPY.price


def test_an_unknown_symbol_is_refused(calendar: TradingCalendar) -> None:
    feed = walk(calendar)
    with pytest.raises(NotFound):
        feed.shock("XXX", Percent(1))
    with pytest.raises(NotFound):
        feed.freeze("XXX")
    with pytest.raises(NotFound):
        feed.unfreeze("XXX")


def test_every_fault_of_the_table_is_listed(calendar: TradingCalendar) -> None:
    with pytest.raises(Invalid) as refusal:
        walk(
            calendar,
            assets=(WalkAsset("A", Price(0), 17, 1.0, 0.0), WalkAsset("B", Price(NANO), -1, float("nan"), 0.0)),
            turbulence=-1,
            step_seconds=7,
        )
    assert [fault.location for fault in refusal.value.faults] == ["A", "B", "B", "turbulence", "step_seconds"]
