"""Notes next to the fields of the portfolio form: what a valid value means."""

from __future__ import annotations

from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.tui.screens.portfolios.form import (
    CASH,
    COOLDOWN,
    DAY,
    DAY_HINTS,
    LEAST,
    LEAST_PERCENT,
    REVIEW,
    STAGGER,
    PortfolioForm,
    band_location,
    whole_number,
)


def field_notes(form: PortfolioForm, body: PortfolioBody | None, *, book_reviews: bool) -> dict[str, str]:
    """Return the note next to each field below the weights, by location.

    `body` is the portfolio if the form is valid; `book_reviews` is whether the book requires review of every automatic
    run.
    """
    return {
        CASH: "cash target" if form.cash else "no cash target",
        **_band_notes(form),
        **setting_notes(form, book_reviews=book_reviews),
        DAY: "" if form.day else DAY_HINTS[form.calendar],
        COOLDOWN: _cooldown_note(body.cooldown_days if body else whole_number(form.cooldown)),
    }


def _cooldown_note(days: int | None) -> str:
    if not days:
        return "" if days is None else "none: rebalances can follow at once"
    return f"{'day' if days == 1 else 'days'} after each full rebalance"


def _band_notes(form: PortfolioForm) -> dict[str, str]:
    units = {"absolute": "percentage points from the target", "relative": "% of the target"}
    return {
        band_location(index): units[kind] if percent else "no band" for index, (kind, percent) in enumerate(form.bands)
    }


def setting_notes(form: PortfolioForm, *, book_reviews: bool) -> dict[str, str]:
    """Return the notes next to the fields for review, calendar sessions and minimum trade, by location.

    `book_reviews` is whether the book requires review of every automatic run.
    """
    of_book = not form.least and not form.least_percent
    none = "none here: the book's counts" if of_book else "none, whatever the book has"
    return {
        REVIEW: "the book reviews all" if book_reviews else "",
        STAGGER: "sessions; accounts take turns" if form.stagger else "one session for all accounts",
        LEAST: "replaces the book's; smaller are left out" if form.least else none,
        LEAST_PERCENT: "of equity; the larger of $ and % counts" if form.least_percent else none,
    }
