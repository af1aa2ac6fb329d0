"""A price feed that is minutes late is reported, instead of blocking every account without words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.broker.alpaca.price_delay import price_delay
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.cli import connect_command
from rebal_tui.credentials import Keys
from rebal_tui.domain.quantities import parse_price
from rebal_tui.engine.situation import PRICE_MAX_AGE
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.status import status_line
from rebal_tui.services.schedule import scheduler
from tests.live.test_differences_without_events import advance_clock, alerts, remote_book
from tests.live.transports import NOW


class Late(FixedPrices):
    """A feed whose prices are `delay` old."""

    delay = timedelta(minutes=15)

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        return super().advance(now - self.delay)


def late_book(at: str) -> Book:
    book, _ = remote_book(at)
    start = book.now() - timedelta(hours=1)
    book.feed = Late({"SPY": parse_price("400"), "TLT": parse_price("100"), "GLD": parse_price("180")}, start)
    book.settings = replace(book.settings, price_max_age=PRICE_MAX_AGE)
    return book


def test_in_an_open_market_prices_of_fifteen_minutes_are_an_alert_and_in_the_status_line() -> None:
    book = late_book("2026-03-02 09:39")
    scheduler.tick(book)
    assert "prices" not in alerts(book), "the market has just opened"
    advance_clock(book, minutes=20)
    scheduler.tick(book)
    assert "the newest price is 15 minutes old while the market is open" in alerts(book)["prices"]
    assert "no account is evaluated (limit 60 s)" in alerts(book)["prices"]
    connection = status_line(book).connection
    assert connection is not None
    assert connection.price_delay == 15 * 60
    assert isinstance(book.feed, Late)
    book.feed.delay = timedelta(0)
    scheduler.tick(book)
    assert "prices" not in alerts(book)


def test_a_closed_market_and_a_simulated_broker_have_no_delay() -> None:
    book = late_book("2026-03-02 17:00")
    scheduler.tick(book)
    assert "prices" not in alerts(book)
    simulated = late_book("2026-03-02 11:00")
    simulated.live = None
    assert status_line(simulated).connection is None


def client_with(status: int, body: object) -> AlpacaClient:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text=json.dumps(body)))
    endpoints = Endpoints("https://broker.test", "https://data.test", "https://stream.test", live=False)
    return AlpacaClient(endpoints, Keys("KEYKEYKEY", "SECRET"), lambda: NOW, sleep=lambda _s: None, transport=transport)


@pytest.mark.parametrize(
    ("snapshot", "delay"),
    [
        ({"latestTrade": {"t": "2026-11-23T14:45:00Z", "p": 1}, "latestQuote": {"t": "2026-11-23T14:44:00Z"}}, 900),
        ({"latestTrade": {"t": "2026-11-23T14:00:00Z"}, "latestQuote": {"t": "2026-11-23T14:59:59Z"}}, 1),
        ({"latestTrade": {"t": "2026-11-23T15:00:03Z"}}, 0),
        ({}, None),
        (None, None),
    ],
)
def test_the_delay_is_the_age_of_the_newest_trade_or_quote(snapshot: object, delay: int | None) -> None:
    found = price_delay(client_with(200, {"SPY": snapshot}), NOW)
    assert found == (None if delay is None else timedelta(seconds=delay))


def test_market_data_that_cannot_be_read_says_so() -> None:
    with pytest.raises(BrokerUnavailable, match="market data cannot be read: forbidden"):
        price_delay(client_with(403, {"code": 40310000, "message": "forbidden"}), NOW)


@pytest.mark.parametrize(
    ("status", "body", "note"),
    [
        (200, {"SPY": {"latestTrade": {"t": "2026-11-23T14:45:00Z"}}}, "note: prices are 15 minutes late"),
        (200, {"SPY": {"latestTrade": {"t": "2026-11-23T14:59:30Z"}}}, ""),
        (200, {}, "note: the broker has no price of SPY"),
        (403, {"code": 40310000, "message": "forbidden"}, "note: market data cannot be read"),
    ],
)
def test_connect_says_how_late_the_prices_are(
    status: int, body: object, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connect_command._report_delay(client_with(status, body), NOW)
    said = capsys.readouterr().err
    assert (note in said) if note else not said
