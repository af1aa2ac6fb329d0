"""The replay's own logic: where it starts, what it measures, what it refuses."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest

from rebal_tui.bootstrap import replay_book
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import ATTO
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.simulation import replay
from rebal_tui.services.simulation.asset_tracks import track_assets
from rebal_tui.services.simulation.closes_arrangement import arrange_closes

FLAT = "date,SPY,TLT\n" + "".join(f"2020-03-{day:02},100,100\n" for day in (2, 3, 4, 5, 6, 9, 10))


def closes(text: str = FLAT) -> Closes:
    return read_closes(io.StringIO(text))


def test_constant_prices_cause_one_run_and_no_drift() -> None:
    history = closes()
    sessions = replay.sessions_of(history, None, None)
    first, last = sessions[0], sessions[-1]
    book = replay_book(history, first, last)
    replay.begin(book, first)
    replay.create_default_book(book)
    seen: list[tuple[int, int, date]] = []

    result = replay.replay(book, first, last, lambda *step: seen.append(step))

    assert result.by_type == {"full_rebalance": 1}
    assert result.first_equity == result.final_equity == 100_000 * ATTO
    assert result.days_outside == 0
    assert result.worst is not None
    assert result.worst.points == 0
    assert (result.turnover.first_purchase, result.turnover.two_sided) == (95_000 * 10**9, 0)
    assert seen == [(number, 7, day) for number, day in enumerate(history.days, start=1)]


def test_a_replay_starts_at_the_first_open() -> None:
    history = closes()
    book = replay_book(history, history.days[0], history.days[-1])

    replay.begin(book, history.days[0])
    replay.create_default_book(book)

    assert book.now() == datetime(2020, 3, 2, 14, 30, tzinfo=UTC)
    (subscription,) = book.subscriptions.values()
    assert (subscription.created_at, subscription.last_rebalanced_at) == (book.now(), None)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (date(2020, 3, 2), date(2020, 3, 10))),
        (date(2020, 3, 7), None, (date(2020, 3, 9), date(2020, 3, 10))),
        (None, date(2020, 3, 8), (date(2020, 3, 2), date(2020, 3, 6))),
        (date(2020, 3, 4), date(2020, 3, 4), (date(2020, 3, 4), date(2020, 3, 4))),
    ],
)
def test_the_period_is_limited_to_days_with_closes(
    since: date | None, until: date | None, expected: tuple[date, date]
) -> None:
    sessions = replay.sessions_of(closes(), since, until)

    assert (sessions[0], sessions[-1]) == expected


def test_dates_without_a_day_between_them_are_refused() -> None:
    with pytest.raises(Invalid, match="2020-03-02 to 2020-03-10"):
        replay.sessions_of(closes(), date(2020, 3, 7), date(2020, 3, 8))


def test_closes_of_days_without_a_session_are_refused() -> None:
    with pytest.raises(Invalid, match="no trading session from 2020-03-07 to 2020-03-07"):
        replay.sessions_of(closes("date,SPY\n2020-03-07,100\n"), None, None)


def test_every_missing_column_is_named() -> None:
    parsed = parse_book(
        '{"assets": [{"symbol": "AAA"}, {"symbol": "BBB"}, {"symbol": "CCC"}], "accounts": [{"id": "a", "cash": "1", '
        '"positions": [{"symbol": "AAA", "qty": "1"}]}], "portfolios": [{"name": "P", "weights": '
        '[{"type": "asset", "symbol": "BBB", "percent": "100"}]}]}'
    )
    needed = replay.needed_symbols(parsed)

    with pytest.raises(Invalid) as refused:
        arrange_closes(closes(), track_assets(needed).tracks)

    assert needed == ["BBB", "AAA"]
    assert [fault.location for fault in refused.value.faults] == ["BBB", "AAA"]


def test_a_half_day_is_evaluated_before_its_early_close() -> None:
    history = closes("date,SPY,TLT\n2020-11-25,100,100\n2020-11-27,100,100\n")
    book = replay_book(history, date(2020, 11, 27), date(2020, 11, 27))
    replay.begin(book, date(2020, 11, 27))
    replay.create_default_book(book)

    result = replay.replay(book, date(2020, 11, 27), date(2020, 11, 27))

    (made,) = result.runs
    assert made.run.created_at == datetime(2020, 11, 27, 17, 30, tzinfo=UTC)
