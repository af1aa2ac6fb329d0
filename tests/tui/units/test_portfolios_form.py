"""Model of the portfolio form with incomplete input, without a screen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.portfolios import BandType, PortfolioUpdate
from rebal_tui.services.view_models.portfolios import AssetChoice
from rebal_tui.tui.screens.portfolios import form as forms
from rebal_tui.tui.screens.portfolios.form import PortfolioForm, WeightText
from rebal_tui.tui.screens.portfolios.notes import field_notes, setting_notes
from tests.services import factories

ASSETS = {
    "SPY": AssetChoice("SPY", "S&P 500", ""),
    "TLT": AssetChoice("TLT", "Treasuries", "not tradable"),
    "V": AssetChoice("V", "Visa", ""),
    "VTI": AssetChoice("VTI", "Total market", ""),
}

NOTE_WIDTH = 42
"""Cells of a note in a terminal of 120 columns."""


def form(*lines: tuple[str, str], cash: str = "") -> PortfolioForm:
    return PortfolioForm("P", lines=tuple(WeightText(*line) for line in lines), cash=cash)


def test_stored_values_round_trip() -> None:
    stored = factories.balanced(
        conditions=[factories.monthly("31"), PortfolioUpdate(), *factories.balanced().conditions], review=True
    )
    checked = forms.check(forms.form_of(stored), {}, stored.weights)
    assert checked.body is not None
    assert checked.body.weights == stored.weights
    assert set(checked.body.conditions) == set(stored.conditions)
    assert (checked.body.cooldown_days, checked.body.review) == (stored.cooldown_days, True)


def test_an_ineligible_asset_is_a_fault_only_when_the_weights_change() -> None:
    stored = factories.balanced(weights={"TLT": "100"}, cash="0")
    same = forms.form_of(stored)
    assert forms.check(same, ASSETS, stored.weights).body is not None
    other = replace(same, lines=(WeightText("TLT", "90"), WeightText("SPY", "10")))
    assert forms.check(other, ASSETS, stored.weights).faults == {"line 0": "TLT is not tradable"}


def test_blank_lines_are_left_out_and_faults_keep_their_line() -> None:
    checked = forms.check(form(("", ""), ("SPY", "x"), ("", ""), ("SPY", "5")), ASSETS, None)
    assert set(checked.faults) == {"line 1", "line 3"}
    assert checked.first_fault.startswith("weight line 2: ")


def test_a_line_names_the_half_that_is_missing() -> None:
    checked = forms.check(form(("SPY", ""), ("", "10")), ASSETS, None)
    assert checked.faults["line 0"] == "type its percent"
    assert checked.faults["line 1"] == "type its symbol"


@pytest.mark.parametrize(("least", "percent"), [("", ""), ("25", ""), ("", "0.5")])
def test_the_minimum_trade_of_the_book_counts_where_both_fields_are_empty(least: str, percent: str) -> None:
    notes = setting_notes(replace(form(), least=least, least_percent=percent), book_reviews=False)
    empty = [notes[name] for name, text in ((forms.LEAST, least), (forms.LEAST_PERCENT, percent)) if not text]
    none = "none, whatever the book has" if least or percent else "none here: the book's counts"
    assert empty == [none] * len(empty)


@pytest.mark.parametrize("book_reviews", [False, True])
def test_no_note_of_a_valid_field_is_cut_beside_the_preview(book_reviews: bool) -> None:
    settings: list[dict[str, Any]] = [
        {"cooldown": "0"},
        {"cooldown": "365", "least": "25", "least_percent": "0.5", "stagger": "5", "cash": "5"},
        {"least": "25", "bands": ((BandType.ABSOLUTE, "5"), (BandType.RELATIVE, "20"))},
    ]
    for changed in settings:
        notes = field_notes(replace(form(), **changed), None, book_reviews=book_reviews)
        assert max(map(len, notes.values())) <= NOTE_WIDTH, changed


@pytest.mark.parametrize(
    ("texts", "message"),
    [(("60", "39.99"), "0.01 missing"), (("60", "40.01"), "0.01 too much"), (("100", "100"), "100.00 too much")],
)
def test_a_wrong_sum_shows_the_difference(texts: tuple[str, str], message: str) -> None:
    checked = forms.check(form(("SPY", texts[0]), ("VTI", texts[1])), ASSETS, None)
    assert message in checked.faults[forms.SUM]
    assert checked.body is None


def test_rest_counts_cash_and_every_other_line() -> None:
    weights_form = form(("SPY", "60.5"), ("VTI", "7"), cash="5")
    assert forms.with_rest(weights_form, 1).lines[1].percent == "34.50"
    assert forms.with_rest(weights_form, None).cash == "32.50"
    with pytest.raises(ValueError, match=r"others sum to 100\.00"):
        forms.with_rest(form(("SPY", "95"), ("VTI", ""), cash="5"), 1)


def test_a_percentage_that_cannot_be_read_is_named_and_no_rest_is_made_with_it() -> None:
    weights_form = form(("SPY", "40.0039"), ("VTI", "60"), cash="")
    assert forms.check(weights_form, ASSETS, None).unreadable == ("line 0",)
    assert forms.check(replace(weights_form, cash="."), ASSETS, None).unreadable == ("line 0", "cash")
    with pytest.raises(ValueError, match="weight line 1 cannot be read"):
        forms.with_rest(weights_form, None)
    assert forms.with_rest(weights_form, 0).lines[0].percent == "40.00"


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200))
def test_scaled_amounts_sum_to_100_and_none_becomes_zero(amounts: list[int]) -> None:
    shares = forms.scaled(amounts)
    assert sum(shares) == 10_000
    assert min(shares) >= 1
    total = sum(amounts)
    if all(amount * 10_000 >= total for amount in amounts):
        assert all(abs(share * total - amount * 10_000) < total for share, amount in zip(shares, amounts, strict=True))


def test_weights_that_cannot_be_normalized_are_refused_with_a_message() -> None:
    for lines in ((("SPY", ""),), (("SPY", "0"),), (("", ""),)):
        with pytest.raises(ValueError, match="percent above 0"):
            forms.normalized(form(*lines))
    with pytest.raises(ValueError, match="Cash"):
        forms.normalized(form(("SPY", "1"), cash="."))


def test_completions_start_with_the_typed_text_and_omit_ineligible_assets() -> None:
    found = forms.matches(list(ASSETS.values()), "v", frozenset())
    assert [asset.symbol for asset in found] == ["V", "VTI"]
    assert [asset.symbol for asset in forms.matches(list(ASSETS.values()), "total", frozenset())] == ["VTI"]
    assert forms.matches(list(ASSETS.values()), "tlt", frozenset()) == []
    assert [asset.symbol for asset in forms.matches(list(ASSETS.values()), "v", frozenset({"V"}))] == ["VTI"]


def test_a_weekday_is_completed_from_its_first_letters() -> None:
    assert [forms.weekday_of(text) for text in ("fri", "MON", "t", "", "tu")] == [
        "Friday",
        "Monday",
        "t",
        "",
        "Tuesday",
    ]


@pytest.mark.parametrize("book_reviews", [True, False])
def test_the_choice_of_review_says_that_the_book_reviews_every_run(book_reviews: bool) -> None:
    note = setting_notes(form(), book_reviews=book_reviews)[forms.REVIEW]
    assert note == ("the book reviews all" if book_reviews else "")
