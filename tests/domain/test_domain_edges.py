"""Domain decisions one unit on either side of each limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.errors import BrokenInvariant, Halt, ReadOnly, Refusal, require
from rebal_tui.domain.quantities import Money, Price, Qty, format_scaled, parse_price, parse_scaled
from rebal_tui.domain.sessions import Session, epoch_micros, from_epoch_micros
from rebal_tui.domain.text import name_text

OPEN = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)


def test_a_session_is_open_from_its_open_to_before_its_close() -> None:
    session = Session(OPEN.date(), OPEN, OPEN + timedelta(hours=6), OPEN.date(), None)
    least = timedelta(microseconds=1)
    timestamps = [OPEN - least, OPEN, session.close - least, session.close]
    assert [session.is_open(at) for at in timestamps] == [False, True, True, False]
    assert session.in_window(session.window_end)
    assert not session.in_window(session.window_end + least)


def test_microseconds_since_1970_round_trip() -> None:
    at = datetime(1970, 1, 2, 0, 0, 0, 7, tzinfo=UTC)
    assert epoch_micros(at) == 86_400_000_007
    assert isinstance(epoch_micros(at), int)
    assert from_epoch_micros(86_400_000_007) == at


def test_a_holding_is_the_position_of_its_symbol_or_nothing() -> None:
    held = (Position("SPY", Qty(3)), Position("TLT", Qty(5)))
    one = Account("a", "1", "N", AccountStatus.ACTIVE, Money(9), Money(4), frozenset(), held, OPEN)
    assert [one.holding(symbol) for symbol in ("SPY", "TLT", "GLD")] == [3, 5, 0]
    assert one.settled_cash == 5


def test_a_broken_invariant_is_reported() -> None:
    require(1, "one")
    with pytest.raises(BrokenInvariant, match=r"^two$"):
        require(0, "two")


def test_a_refusal_with_only_a_message_has_no_location() -> None:
    refusal = Refusal("not so")
    assert [(fault.location, fault.message) for fault in refusal.faults] == [("", "not so")]
    assert str(refusal) == "not so"


def test_the_smallest_price_is_one_and_none_is_none() -> None:
    assert parse_price("0.000000001") == Price(1)
    with pytest.raises(ValueError, match=r"^expected a price above 0$"):
        parse_price("0")
    with pytest.raises(ValueError, match=r"^expected a price within ±9,000,000,000$"):
        parse_price("9000000000.1")


@pytest.mark.parametrize(
    ("units", "decimals", "at_least", "text"),
    [
        (500_000_000, 9, 2, "0.50"),
        (-500_000_000, 9, 2, "-0.50"),
        (0, 9, 2, "0.00"),
        (10, 0, 0, "10"),
        (10, 0, 2, "10.00"),
        (1_250, 3, 1, "1.25"),
        (7, 3, 0, "0.007"),
    ],
)
def test_a_quantity_is_written_as_this_plain_decimal(units: int, decimals: int, at_least: int, text: str) -> None:
    assert format_scaled(units, decimals, at_least) == text


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("-1.50", 2, -150),
        ("1.500", 2, 150),
        ("0.05", 2, 5),
        ("7", 0, 7),
        ("1.505", 2, "expected at most 2 decimals"),
        ("--1", 2, "expected a plain decimal number such as 1234.56"),
        ("1e3", 2, "expected a plain decimal number such as 1234.56"),
        ("", 2, "expected a plain decimal number such as 1234.56"),
    ],
)
def test_a_plain_decimal_is_read_or_refused_with_this_message(text: str, decimals: int, expected: int | str) -> None:
    try:
        read: int | str = parse_scaled(text, decimals)
    except ValueError as refusal:
        read = str(refusal)
    assert read == expected


def test_a_read_only_book_reports_the_reason_and_its_name() -> None:
    refusal = ReadOnly(Halt.DISK_FULL, "the disk is full")
    assert (refusal.halt, str(refusal), refusal.status) == (Halt.DISK_FULL, "the disk is full", 503)


def test_a_blank_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^expected a name of 1 to 200 characters$"):
        name_text("  ")
