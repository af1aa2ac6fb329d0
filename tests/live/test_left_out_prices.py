"""A symbol that a response about prices leaves out is requested at once, and never more than once a round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from rebal_tui.domain.quantities import Price, parse_price
from rebal_tui.market.live import LivePrices
from tests.services.factories import new_york

START = new_york("2026-11-23 10:00")
INTERVAL = timedelta(seconds=5)


class Fetches:
    """A broker that gives a price of each symbol but those in `silent`, and a feed that asks it."""

    def __init__(self) -> None:
        self.needed = {"SPY", "TLT", "GLD"}
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.feed = LivePrices(self._fetch, lambda: self.needed, INTERVAL)
        self._now = START

    def after(self, seconds: float) -> list[str]:
        """The symbols with a new quote in a heartbeat some seconds later; its requests are answered by then."""
        self._now += timedelta(seconds=seconds)
        changed = sorted(self.feed.advance(self._now))
        pending = self.feed._pending_fetch
        if pending is not None:
            pending.exception(5)
        return changed

    def _fetch(self, symbols: Sequence[str]) -> dict[str, tuple[Price, datetime]]:
        self.asked.append(" ".join(symbols))
        return {symbol: (parse_price("100"), self._now) for symbol in symbols if symbol not in self.silent}


@pytest.fixture
def fetches() -> Iterator[Fetches]:
    made = Fetches()
    yield made
    made.feed.close()


def test_it_is_asked_for_in_the_next_heartbeat_and_not_in_the_next_round(fetches: Fetches) -> None:
    fetches.silent = {"TLT"}
    fetches.after(0)
    fetches.silent = set()
    assert fetches.after(0.25) == ["GLD", "SPY"]
    assert fetches.asked == ["GLD SPY TLT", "TLT"]
    assert fetches.after(0.25) == ["TLT"]
    fetches.after(4)
    assert len(fetches.asked) == 2


def test_one_that_never_has_a_price_costs_one_more_request_in_all(fetches: Fetches) -> None:
    fetches.silent = {"TLT"}
    for _ in range(60):
        fetches.after(0.5)
    rounds = fetches.asked.count("GLD SPY TLT")
    assert rounds == 6
    assert fetches.asked.count("TLT") == len(fetches.asked) - rounds == 1


def test_one_that_is_left_out_again_later_is_asked_for_at_once_again(fetches: Fetches) -> None:
    fetches.after(0)
    fetches.after(0.25)
    for _ in range(2):
        fetches.silent = {"SPY"}
        fetches.after(5)
        fetches.silent = set()
        fetches.after(0.25)
        assert fetches.after(0.25) == ["SPY"]
    assert fetches.asked == ["GLD SPY TLT", "GLD SPY TLT", "SPY", "GLD SPY TLT", "SPY"]


def test_the_round_stays_at_its_interval(fetches: Fetches) -> None:
    fetches.silent = {"TLT"}
    fetches.after(0)
    fetches.after(4.75)
    assert fetches.asked == ["GLD SPY TLT", "TLT"]
    fetches.after(0.25)
    assert fetches.asked == ["GLD SPY TLT", "TLT", "GLD SPY TLT"]
