"""Assets and their closes through changes of symbols, spin-offs and mergers (R-54), and the jumps left (R-55)."""

from __future__ import annotations

import io
from datetime import date

import pytest

from rebal_tui.domain.corporate_actions import DatedAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import parse_price
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.parsing.actions_file import read_actions
from rebal_tui.services.simulation.asset_tracks import TrackedAssets, track_assets
from rebal_tui.services.simulation.closes_arrangement import ArrangedCloses, arrange_closes
from rebal_tui.services.simulation.closes_review import closes_notes, find_jumps

SESSIONS = [date(2024, 6, day) for day in (3, 4, 5, 6, 7)]
Row = dict[str, str]


def actions(*rows: str) -> tuple[DatedAction, ...]:
    """Rows of day of June, symbol, kind and the other fields."""
    lines = [f"2024-06-0{row}" for row in rows]
    return read_actions(io.StringIO("\n".join(["date,symbol,kind,ratio,amount,new_symbol,price", *lines])))


def tracked(symbols: str, *rows: str) -> TrackedAssets:
    return track_assets(symbols.split(), actions(*rows), SESSIONS)


def closes(header: str, *rows: str) -> Closes:
    """Rows of the days from 2024-06-03 on."""
    lines = [f"{day},{row}" for day, row in zip(SESSIONS, rows, strict=False)]
    return read_closes(io.StringIO("\n".join([f"date,{header}", *lines])))


def by_symbol(arranged: ArrangedCloses) -> dict[str, str]:
    """Prices of each column, one character a day, `.` for none."""
    columns = zip(*arranged.closes.rows, strict=True)
    shown = ("".join("." if price is None else str(price // 10**9) for price in column) for column in columns)
    return dict(zip(arranged.closes.symbols, shown, strict=True))


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("FB,META", ("1,8", "2,8", "7,3", "7,4", "7,5")),
        ("META,FB", ("8,1", ",2", "3,", "4,", "5,")),
        ("FB", ("1", "2", "3", "4", "5")),
        ("META", ("1", "2", "3", "4", "5")),
    ],
)
@pytest.mark.parametrize("book", ["FB", "META"])
def test_a_renamed_asset_takes_the_column_of_the_symbol_it_bears_or_the_only_one(
    header: str, rows: tuple[str, ...], book: str
) -> None:
    renamed = tracked(book, "5,FB,symbol_change,,,META,")

    arranged = arrange_closes(closes(header, *rows), renamed.tracks)

    assert by_symbol(arranged) == ({"FB": "12...", "META": "..345"} if book == "FB" else {"META": "12345"})
    assert len(renamed.actions) == (1 if book == "FB" else 0)
    assert closes_notes(arranged, SESSIONS) == []


def test_later_actions_follow_an_asset_under_its_market_symbol_or_that_of_the_book() -> None:
    rows = ("4,FB,split,2,,,", "5,FB,symbol_change,,,META,", "6,META,split,3,,,")

    for book, expected in (("FB", ["FB", "FB", "META"]), ("META", ["META", "META"])):
        carried_out = tracked(book, *rows).actions
        found = [dated.action.symbol for day in SESSIONS for dated in carried_out.get(day, ())]
        assert found == expected


def test_actions_outside_the_days_or_of_other_symbols_are_noted_and_not_carried_out() -> None:
    found = track_assets(
        ["SPY"],
        actions("3,SPY,split,2,,,", "4,QQQ,split,2,,,", "8,SPY,split,2,,,", "5,SPY,split,2,,,"),
        SESSIONS,
    )

    assert list(found.actions) == [date(2024, 6, 5)]
    assert found.notes == (
        "2 corporate actions ignored: up to the first session, or after the last (first: line 2, SPY on 2024-06-03)",
        "1 corporate action ignored: of symbols that are neither held nor targeted (first: line 3, QQQ on 2024-06-04)",
    )


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (("5,SPY,symbol_change,,,TLT,",), "line 2, new_symbol: got TLT, expected a symbol that no asset has"),
        (("4,SPY,split,2,,,", "5,SPY,symbol_change,,,TLT,"), "line 3, new_symbol: got TLT, expected a symbol"),
    ],
)
def test_a_rename_to_the_symbol_of_another_asset_is_refused(rows: tuple[str, ...], fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        tracked("SPY TLT", *rows)


def test_an_action_on_a_day_without_a_session_is_refused() -> None:
    days = [*SESSIONS, date(2024, 6, 10)]

    with pytest.raises(Invalid, match="line 2, date: got 2024-06-08, expected a trading session"):
        track_assets(["SPY"], actions("8,SPY,split,2,,,"), days)


def test_the_asset_of_a_spin_off_is_there_from_its_day_and_one_that_ends_up_to_its_day() -> None:
    found = tracked("GE TW", "5,GE,spin_off,1:4,,GEV,2", "6,TW,cash_merger,,54,,")
    history = closes("GE,GEV,TW", "5,9,1", "5,9,2", "4,3,3", "4,4,9", "4,,9")

    arranged = arrange_closes(history, found.tracks)

    assert by_symbol(arranged) == {"GE": "55444", "TW": "123..", "GEV": "..34."}
    assert closes_notes(arranged, SESSIONS) == [
        "GEV has no close since 2024-06-07: valued at its last one, $4.00 on 2024-06-06"
    ]


def test_every_asset_without_a_column_is_named_with_its_symbols() -> None:
    found = tracked("GE FB AGG", "5,GE,spin_off,1:4,,GEV,2", "5,FB,symbol_change,,,META,")

    with pytest.raises(Invalid) as refusal:
        arrange_closes(closes("GE", "5"), found.tracks)

    assert [fault.location for fault in refusal.value.faults] == ["FB or META", "AGG", "GEV"]


def test_a_column_of_two_assets_on_one_day_is_refused() -> None:
    """AAA gives its symbol to BBB; without a column for its new symbol its closes are unknown."""
    found = tracked("AAA BBB", "5,AAA,symbol_change,,,OLD,", "5,BBB,symbol_change,,,AAA,")

    with pytest.raises(Invalid, match=r"AAA: column of both .* on 2024-06-05"):
        arrange_closes(closes("AAA,BBB", "1,2", "1,2", "2,", "2,"), found.tracks)


@pytest.mark.parametrize(
    ("rows", "prices"),
    [
        (("5,SPY,split,10,,,",), ("100", "100", "10")),
        (("5,SPY,split,1:10,,,",), ("10", "10", "100")),
        (("5,SPY,split,10,,,",), ("100", "", "", "10")),
        (("4,SPY,split,4,,,", "5,SPY,split,5,,,"), ("200", "", "10")),
        (("5,SPY,stock_dividend,1,,,",), ("100", "100", "50")),
        (("5,SPY,cash_dividend,,50,,",), ("100", "100", "50")),
        (("5,SPY,cash_dividend,,200,,",), ("100", "100", "50")),
        (("5,SPY,spin_off,1,,NEW,60",), ("100", "100", "40")),
        (("5,SPY,symbol_change,,,NEW,", "5,NEW,split,2,,,"), ("100", "100", "50")),
    ],
)
def test_an_action_explains_a_jump_of_its_day(rows: tuple[str, ...], prices: tuple[str, ...]) -> None:
    found = tracked("SPY", *rows)
    other = "60" if "spin_off" in rows[0] else ""
    history = closes("SPY,NEW", *(f"{price},{other if number > 1 else ''}" for number, price in enumerate(prices)))
    if "symbol_change" in rows[0]:
        history = closes("SPY", *prices)
    arranged = arrange_closes(history, found.tracks)

    assert find_jumps(arranged.closes, SESSIONS, found.actions) == []
    assert len(find_jumps(arrange_closes(history, track_assets(["SPY"]).tracks).closes, SESSIONS, {})) == 1


def test_a_move_beyond_the_action_is_a_jump_against_the_adjusted_close() -> None:
    found = tracked("SPY", "5,SPY,split,2,,,")

    (jump,) = find_jumps(closes("SPY", "100", "100", "100"), SESSIONS, found.actions)

    assert (jump.day, jump.jump.split_text) == (date(2024, 6, 5), "1-for-2 reverse split")
    assert str(jump) == (
        "the close $100.00 is 2 times the last one, $100.00 on 2024-06-04 ($50.00 after corporate actions), as after a "
        "1-for-2 reverse split"
    )


def test_the_first_close_after_a_spin_off_is_compared_with_its_first_price() -> None:
    found = tracked("GE", "5,GE,spin_off,1:4,,GEV,20")
    history = closes("GE,GEV", "100,", "100,", "95,200")

    (jump,) = find_jumps(arrange_closes(history, found.tracks).closes, SESSIONS, found.actions)

    assert (jump.symbol, jump.last_close, jump.ratio_text) == ("GEV", parse_price("20"), "10")
