"""Columns and status tabs of the Portfolios list."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.portfolios import PortfolioStatus, Weights
from rebal_tui.domain.text import fold
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.segments import Line, TextSegment
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.table_layout import LOW_PRIORITY, Column
from rebal_tui.tui.widgets.tabs import ALL, Tab

STATUSES: dict[str, tuple[str, str, str]] = {
    PortfolioStatus.ACTIVE: ("●", "active", "good"),
    PortfolioStatus.NEEDS_ADJUSTMENT: (STOPPED, "adjust", "bad"),
    PortfolioStatus.INACTIVE: ("◌", "inactive", "muted"),
}
BARRED = "asset to replace"
"""Key and label of the tab for active portfolios with an asset that can no longer be bought (R-1)."""
BARRED_GLYPH = "!"
ORDER = (PortfolioStatus.NEEDS_ADJUSTMENT, PortfolioStatus.ACTIVE, PortfolioStatus.INACTIVE)
BAR_WIDTH = 10
WORTH = 15


def status_segment(status: str) -> TextSegment:
    """Return mark and text of a portfolio status, styled."""
    glyph, _, style = STATUSES[status]
    return (f"{glyph} {formats.words(status)}", style)


def has_barred(row: PortfolioRow) -> bool:
    """Return whether a portfolio is still active although it has an asset that can no longer be bought."""
    return bool(row.barred) and row.status == PortfolioStatus.ACTIVE


def natural(row: PortfolioRow) -> tuple[int, bool, str]:
    """Sort key of the default order: portfolios that need adjustment, then active ones, then
    inactive ones; each by name.

    Of the active ones, those with an asset to replace come first.
    """
    return ([status.value for status in ORDER].index(row.status), not has_barred(row), fold(row.name))


def search(row: PortfolioRow) -> str:
    """Return the text of a row in which the text filter searches."""
    symbols = " ".join(row.weights.symbols)
    status = f"{formats.words(row.status)} {BARRED if has_barred(row) else ''}"
    return f"{row.name} {row.description} {status} {symbols} {row.conditions_text}"


def status_tabs(found: Sequence[PortfolioRow], rows: Sequence[PortfolioRow], current: str = ALL) -> tuple[Tab, ...]:
    """Return a tab for each status with its number of rows `found` by the text filter.

    The tab for portfolios with an asset to replace is included only if there are any in all `rows`, or if it is
    `current`.
    """
    tabs = [Tab(ALL, ALL, figure=f"{len(found):,}")]
    for status in ORDER:
        count = sum(row.status == status for row in found)
        glyph, _, style = STATUSES[status]
        label = formats.words(status).capitalize()
        tabs.append(Tab(status, label, mark=glyph, figure=f"{count:,}", style=style if count else "muted"))
    barred = sum(map(has_barred, found))
    if current == BARRED or any(map(has_barred, rows)):
        style = "bad" if barred else "muted"
        tabs.insert(2, Tab(BARRED, BARRED.capitalize(), mark=BARRED_GLYPH, figure=f"{barred:,}", style=style))
    return tuple(tabs)


def in_tab(tab: str, row: PortfolioRow) -> bool:
    """Return whether a tab shows this portfolio; `tab` is not the tab that shows all."""
    return has_barred(row) if tab == BARRED else row.status == tab


def shares_of(weights: Weights) -> list[tuple[str, int]]:
    """Return (symbol, weight in hundredths of a percent) pairs, cash last."""
    shares = [(weight.symbol, int(weight.percent)) for weight in weights.assets]
    return [*shares, ("cash", int(weights.cash))] if weights.cash else shares


def _status(row: PortfolioRow) -> Line:
    glyph, word, style = STATUSES[row.status]
    return ((f"{BARRED_GLYPH} {word}", "bad"),) if has_barred(row) else ((f"{glyph} {word}", style),)


def _weights(row: PortfolioRow) -> Line:
    return bars.weights_bar(shares_of(row.weights), BAR_WIDTH)


def _weights_text(row: PortfolioRow) -> str:
    return "; ".join(f"{symbol} {formats.percent(share)}" for symbol, share in shares_of(row.weights))


def _subscribers(row: PortfolioRow) -> Line:
    count = row.subscribers
    if not count:
        return (("·", "rule"),)
    text = f"{count:,}" if count < 10_000 else str(count) if count < 100_000 else f"{count // 1_000}k"
    return ((text, ""),)


def _worth(row: PortfolioRow) -> str:
    """Format the equity of the subscribers in dollars, without cents if they do not fit (from $1 billion)."""
    if not row.subscribers:
        return "–"
    text = formats.value(row.assets_under_model)
    return text if len(text) <= WORTH else text.partition(".")[0]


def review_text(row: PortfolioRow) -> str:
    """Return whether automatic runs await review: `on`, `off`, or `by book` if only the book requires it."""
    return "on" if row.review else "by book" if row.book_reviews else "off"


def columns() -> tuple[Column[PortfolioRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column("status", "Status", 10, _status, sort=natural),
        Column(
            "name", "Name", 13, lambda row: row.name, sort=lambda row: fold(row.name), grow=3, max_width=40, whole=True
        ),
        Column(
            "weights",
            "Weights",
            BAR_WIDTH,
            _weights,
            priority=1,
            sort=lambda row: len(row.weights.assets),
            plain=_weights_text,
        ),
        Column(
            "subscribers",
            "Accounts",
            8,
            _subscribers,
            "right",
            0,
            lambda row: row.subscribers,
            True,
            plain=lambda row: str(row.subscribers),
        ),
        Column(
            "assets",
            "AUM $",
            WORTH,
            _worth,
            "right",
            0,
            lambda row: row.assets_under_model,
            True,
            plain=lambda row: formats.value(row.assets_under_model),
        ),
        Column(
            "conditions",
            "Conditions",
            30,
            lambda row: row.conditions_text,
            priority=LOW_PRIORITY + 1,
            grow=4,
            max_width=80,
        ),
        Column("review", "Review", 7, review_text, sort=review_text, priority=LOW_PRIORITY),
    )
