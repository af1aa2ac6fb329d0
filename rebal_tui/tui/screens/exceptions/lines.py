"""Columns, tabs and details of exceptions and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.exceptions import ExceptionKind, ExceptionView
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import LOW_PRIORITY, Column
from rebal_tui.tui.widgets.tabs import ALL, Tab

EXCEPTIONS_TAB, ALERTS_TAB = "Exceptions", "Alerts"
ORDER_TEXT = "most urgent first, then by client"
ANSWERS = {
    ExceptionKind.ASSET_ON_HOLD: "releases the asset for all its accounts together",
    ExceptionKind.UNEXPLAINED_DIFFERENCE: "shows the differences and releases the account",
    ExceptionKind.RUN_FAILED: "acknowledges the run",
    ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT: "edits the portfolio",
    ExceptionKind.ASSET_INELIGIBLE: "edits the portfolio",
}
"""How the key `l` resolves an exception, by kind; for other kinds it goes to the subject."""
ROOMY_HEIGHT = 12
"""From this height in lines, blank lines separate the parts of an exception."""
OF_PORTFOLIOS = frozenset({ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT, ExceptionKind.ASSET_INELIGIBLE})
"""The kinds that end when the portfolio is edited; enter shows the portfolio's page."""
ALERT_MARK = "▲"
ALERT_KINDS = {
    "restricted": "account",
    "account_ended": "account",
    "asset_hold": "asset",
    "surge": "runs",
    "needs_adjustment": "portfolio",
    "missed": "missed job",
    "stream": "broker stream",
    "clock": "computer clock",
    "journal": "journal",
    "reconciliation": "account",
}
"""What an alert is about, for kinds whose name does not show it."""

KIND_NAMES = {
    ExceptionKind.ACCOUNT_RESTRICTED: "account blocked",
    ExceptionKind.CANNOT_BE_CORRECTED: "rebalance impossible",
    ExceptionKind.UNFINISHED: "sells left undone",
    ExceptionKind.ASSET_INELIGIBLE: "asset to replace",
    ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT: "needs adjustment",
}
"""Names on the screen of kinds that are named differently in the API."""
REACTIVATES = "shows the portfolio, where r reactivates it"
"""How the key `l` resolves a portfolio that needs adjustment no more."""
Row = ExceptionView | AlertView


@dataclass(frozen=True, slots=True)
class Ended:
    """An exception or alert that has ended, in its last state; `at` is when it ended. It stays in the list until the
    rows are sorted again.
    """

    row: Row
    at: datetime


ShownRow = Row | Ended


def lasting(row: ShownRow) -> Row:
    """Return the exception or alert that a row shows, also if it has ended."""
    return row.row if isinstance(row, Ended) else row


def with_ended(before: Sequence[ShownRow], rows: Sequence[Row], at: datetime) -> list[ShownRow]:
    """Return the new `rows`, and those rows of `before` that are not among them, as ended at `at`."""
    shown: list[ShownRow] = list(rows)
    keys = [row_key(row) for row in rows]
    place = 0
    for row in before:
        key = row_key(row)
        if key in keys:
            place = keys.index(key) + 1
        else:
            shown.insert(place, row if isinstance(row, Ended) else Ended(row, at))
            keys.insert(place, key)
            place += 1
    return shown


def row_key(row: ShownRow) -> str:
    """Return the key of a row. It stays the same as long as the exception or alert lasts, and when it has ended."""
    row = lasting(row)
    if isinstance(row, AlertView):
        return f"alert:{row.key}"
    return ":".join(str(part or "") for part in (row.kind, row.account_id, row.symbol, row.portfolio_id, row.run_id))


def kind_text(row: ShownRow) -> str:
    """Return the mark and the name of a row's kind."""
    if isinstance(row, Ended):
        return ended_text(row)
    return f"{ALERT_MARK if isinstance(row, AlertView) else '!'} {kind_name(row)}"


def ended_text(row: Ended) -> str:
    """Return the text for an exception or alert that has ended, with the time in New York."""
    return f"✓ ended {formats.clock(row.at)[:-3]}"


def kind_name(row: Row) -> str:
    """Return the name of a row's kind."""
    if isinstance(row, AlertView):
        return f"alert: {ALERT_KINDS.get(row.kind, formats.words(row.kind))}"
    return KIND_NAMES.get(row.kind, formats.words(row.kind))


def columns() -> tuple[Column[ShownRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column("kind", "Kind", 20, _kind, sort=kind_text, grow=1, max_width=28, whole=True),
        Column("text", "What", 30, _what, grow=4, max_width=160, whole=True, plain=_whole_text),
        Column("accounts", "Accounts", 8, _accounts, "right", LOW_PRIORITY, _count, True),
        Column("since", "Since", 12, lambda row: formats.short_timestamp(_since(row)), sort=_since),
    )


def _whole_text(row: ShownRow) -> str:
    """Return the full text for an export. It contains the account number, which the screen leaves out."""
    return lasting(row).text


def _what(row: ShownRow) -> Line:
    return ((_brief(lasting(row)), "muted" if isinstance(row, Ended) else ""),)


def _brief(row: Row) -> str:
    return row.text if isinstance(row, AlertView) else row.brief


def _kind(row: ShownRow) -> Line:
    style = "muted" if isinstance(row, Ended) else "warn" if isinstance(row, AlertView) else "bad"
    return ((kind_text(row), style),)


def _since(row: ShownRow) -> datetime:
    one = lasting(row)
    return one.at if isinstance(one, AlertView) else one.since


def _count(row: ShownRow) -> int:
    one = lasting(row)
    return 0 if isinstance(one, AlertView) else one.accounts


def _accounts(row: ShownRow) -> Line:
    count = _count(row)
    return ((f"{count:,}", "") if count else ("·", "rule"),)


def search(row: ShownRow) -> str:
    """Return the text of a row in which the text filter searches."""
    one = lasting(row)
    return f"{kind_text(row)} {_brief(one)} {one.text} {formats.short_timestamp(_since(row))}"


def tabs(exceptions: int, alerts: int, *, sorted_by_column: bool) -> tuple[Tab, ...]:
    """Return the tabs with their counts; unless a column sorts the rows, the name of the default order is shown,
    too.
    """
    return (
        Tab(ALL, ALL, figure=f"{exceptions + alerts:,}"),
        Tab(EXCEPTIONS_TAB, EXCEPTIONS_TAB, mark="!", figure=f"{exceptions:,}", style=_style(exceptions, "bad")),
        Tab(ALERTS_TAB, ALERTS_TAB, mark=ALERT_MARK, figure=f"{alerts:,}", style=_style(alerts, "warn")),
        *(() if sorted_by_column else (Tab("order", ORDER_TEXT, style="muted", informs=True),)),
    )


def _style(count: int, style: str) -> str:
    return style if count else "muted"


def detail_lines(row: ShownRow) -> Builder:
    """Build what an exception blocks and how to resolve it, or the text of an alert."""

    def build(width: int, height: int) -> Sequence[Line]:
        if isinstance(row, Ended):
            lines = _ended(row, width)
        else:
            lines = _alert(row, width) if isinstance(row, AlertView) else _exception(row, width)
        return lines if height >= ROOMY_HEIGHT else [line for line in lines if line]

    return build


def _exception(row: ExceptionView, width: int) -> list[Line]:
    answer = REACTIVATES if row.over else ANSWERS.get(row.kind)
    keys = f"l resolves it: {answer}." if answer else f"l or g goes to {_subject(row)}."
    if row.kind in OF_PORTFOLIOS and not row.over:
        keys = f"enter shows the portfolio; l resolves it: {answer}."
    lines: list[Line] = [
        ((kind_text(row), "bad"), (f"  since {formats.timestamp(row.since)} NY", "muted")),
        (),
        *paragraph(row.text, width),
        (),
    ]
    for name, text in (
        ("Blocks", row.blocks),
        ("To do", row.remedy),
        ("Concerns", count_text(row.accounts, "account") if row.accounts else ""),
    ):
        if text:
            first, *rest = paragraph(text, width - 10)
            lines.append(((name.ljust(10), "muted"), *first))
            lines.extend(((" " * 10, ""), *part) for part in rest)
    return [*lines, (), *paragraph(keys, width, "muted")]


def _subject(row: ExceptionView) -> str:
    """What the keys `l` and `g` go to."""
    if row.run_id is not None:
        return "the run"
    if row.account_id is not None:
        return "the account"
    return "the portfolio" if row.portfolio_id is not None else "the asset"


def _ended(row: Ended, width: int) -> list[Line]:
    return [
        ((ended_text(row), "good"), (f"  {kind_name(row.row)}", "muted")),
        (),
        *paragraph(row.row.text, width, "muted"),
        (),
        *paragraph("It leaves the list when the rows are sorted again: with the key . or soon.", width, "muted"),
    ]


def _alert(row: AlertView, width: int) -> list[Line]:
    return [
        ((kind_text(row), "warn"), (f"  since {formats.timestamp(row.at)} NY", "muted")),
        (),
        *paragraph(row.text, width),
        (),
        *paragraph(f"About: {row.named}", width, "muted"),
        (),
        *paragraph("a acknowledges this alert; g goes to what it is about.", width, "muted"),
    ]
