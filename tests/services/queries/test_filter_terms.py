"""The filter language of lists."""

from __future__ import annotations

from random import Random

import pytest

from rebal_tui.domain.quantities import NANO
from rebal_tui.services.queries.accounts import accounts_snapshot
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.filter_terms import DESK_CHOICES, DESK_FIELDS, filter_words, parse_filter
from rebal_tui.services.view_models.standing import Tile
from tests.services.random_books import act, random_book


def fault(text: str) -> str:
    return parse_filter(text, DESK_FIELDS, DESK_CHOICES).fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drift>abc", "drift>abc: expected a number, such as drift>5 (above +5 or below -5)"),
        ("cash>abc", "cash>abc: expected a number, such as cash>5"),
        ("drfit>5", "drfit: no such field; did you mean drift?"),
        ("qqq:1", "qqq: no such field; fields are drift, band, equity, cash, portfolio, client, worst, state, is"),
        ("portfolio>growth", "portfolio>: expected portfolio: and text, such as portfolio:growth"),
        ("is:late", "is:late: expected one of outside, near, calendar, cash, first, cooldown, unable"),
        ("cash<nan", "cash<nan: expected a number of at most 15 digits"),
        ("cash<1e99", "cash<1e99: expected a number of at most 15 digits"),
        ("drift>", ""),
        ("drift>5 portfolio:growth state:waits cash<0", ""),
        ("10:45 ruiz", ""),
    ],
)
def test_a_filter_that_cannot_be_read_says_what_is_expected(text: str, message: str) -> None:
    assert fault(text) == message


def test_an_unfinished_or_wrong_term_filters_nothing() -> None:
    found = parse_filter("Ruiz drift> equity>x", DESK_FIELDS)
    assert (found.words, found.terms) == (("ruiz",), ())


def shown(text: str, seed: int = 3) -> tuple[list[DeskRow], list[DeskRow]]:
    random = Random(seed)
    book = random_book(random)
    for _ in range(6):
        act(book, random)
    rows = desk_snapshot(book).rows
    return list(rows), [rows[int(at)] for at in rows.arrange(None, text, None, False)]  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "accept"),
    [
        ("drift>5", lambda row: abs(row.drift_bp) > 500),
        ("drift<-0.5", lambda row: row.drift_bp < -50),
        ("drift>=1.005", lambda row: abs(row.drift_bp) >= 101),
        ("band>100", lambda row: row.band_used is not None and row.band_used > 1000),
        ("band<80", lambda row: row.band_used is not None and row.band_used < 800),
        ("equity>=20,000", lambda row: row.equity >= 20_000 * NANO),
        ("cash<0", lambda row: row.cash < 0),
        ("portfolio:plain", lambda row: "plain" in row.portfolio.casefold()),
        ("worst=spy", lambda row: row.worst == "SPY"),
        ("is:outside", lambda row: Tile.OUTSIDE in row.tiles),
        ("state:waits", lambda row: Tile.WAITS in row.tiles),
        ("state:needs", lambda row: Tile.NEEDS_YOU in row.tiles),
        ("state:in_range band>10", lambda row: Tile.IN_RANGE in row.tiles and (row.band_used or 0) > 100),
    ],
)
def test_terms_over_the_columns_accept_the_rows_that_fulfill_them(text: str, accept) -> None:  # type: ignore[no-untyped-def]
    rows, found = shown(text)
    assert sorted(row.account_id for row in found) == sorted(row.account_id for row in rows if accept(row))


def test_accounts_have_terms_of_their_own() -> None:
    random = Random(4)
    book = random_book(random)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    rows = snapshot.rows
    found: list[AccountRow] = [rows[int(at)] for at in rows.arrange(None, "equity>10000", None, False)]  # type: ignore[attr-defined]
    assert {row.account_id for row in found} == {row.account_id for row in rows if row.equity > 10_000 * NANO}


def test_a_comma_joins_the_parts_of_a_name() -> None:
    """Else the first letter of a first name would match any column."""
    assert filter_words("Goldberg, B") == ["goldberg, b"]
    assert filter_words("b goldberg,") == ["b", "goldberg,"]
    assert filter_words("Ng, Ada  growth") == ["ng, ada", "growth"]
    assert filter_words("Goldberg,B growth") == ["goldberg, b", "growth"]
    assert filter_words("client:ng,ada cash>1,000") == ["client:ng, ada", "cash>1,000"]
