"""Columns and filter tabs (groups) of the Runs list."""

from __future__ import annotations

from rebal_tui.domain.runs import EVERY_RUN, RunGroup, RunStatus, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import fold
from rebal_tui.services.view_models.runs import RunRow, RunsSnapshot
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import HELD
from rebal_tui.tui.screens.shared.run_lines import origin_text, status_segment
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.table_layout import LOW_PRIORITY, Column
from rebal_tui.tui.widgets.tabs import ALL, Tab

AWAITING = "Review"
ORDERS_WIDTH = 9
MANY_ORDERS = 100
"""From this number of orders on, a bar does not fit next to their count."""
GROUPS: dict[str, RunGroup] = {
    "Unfinished": RunGroup(frozenset({RunStatus.QUEUED, RunStatus.IN_PROGRESS})),
    AWAITING: RunGroup(frozenset({RunStatus.QUEUED}), awaiting=True),
    "Success": RunGroup(frozenset({RunStatus.COMPLETED_SUCCESS})),
    "Adjusted": RunGroup(frozenset({RunStatus.COMPLETED_ADJUSTED})),
    "Failed": RunGroup(frozenset({RunStatus.ERROR, RunStatus.TIMEOUT})),
    "Canceled": RunGroup(frozenset({RunStatus.CANCELED, RunStatus.CANCELED_MID_RUN})),
}
TYPES: dict[str, str] = {
    RunType.FULL_REBALANCE: "rebalance",
    RunType.INVEST_CASH: "invest cash",
    RunType.PARTIAL_LIQUIDATION: "liquidation",
}
MARKS = {
    "Unfinished": ("▶", "accent"),
    AWAITING: ("◇", "key"),
    "Success": ("●", "good"),
    "Adjusted": ("▲", "warn"),
    "Failed": ("✗", "bad"),
    "Canceled": ("◌", "muted"),
}


def in_group(row: RunRow, group: str) -> bool:
    """Return whether a run belongs to a group."""
    return GROUPS.get(group, EVERY_RUN).has(row.status, awaiting=row.awaiting_approval)


def group_tabs(snapshot: RunsSnapshot, here: str) -> tuple[Tab, ...]:
    """Return a tab for each group with its number of runs; no number if there are too many runs to count.

    `here` is the tab whose runs are loaded. If only some of its runs are, its number is `500 of 912`, or `500+` if the
    total is unknown.
    """
    tabs = []
    for key, mark, style in ((ALL, "", ""), *((group, *MARKS[group]) for group in GROUPS)):
        count = _count(snapshot, key)
        figure = "" if count is None else f"{count:,}"
        if key == here and snapshot.more:
            loaded = f"{len(snapshot.rows):,}"
            figure = f"{loaded} of {figure}" if figure else f"{loaded}+"
        elif key == here and count is None:
            figure = f"{len(snapshot.rows):,}"
        tabs.append(Tab(key, key, mark=mark, figure=figure, style=style if figure != "0" else "muted"))
    return tuple(tabs)


def _count(snapshot: RunsSnapshot, tab: str) -> int | None:
    """The number of runs in a tab; None if they were not counted."""
    if tab == ALL:
        return snapshot.matching
    if snapshot.counts is None:
        return None
    group = GROUPS[tab]
    return sum(count for (status, awaiting), count in snapshot.counts.items() if group.has(status, awaiting=awaiting))


def client(row: RunRow) -> Line:
    """Return the name of the client, after `⊘` if the run overrides a restriction."""
    return ((f"{HELD} ", "warn"), (row.client, "")) if row.overrides else ((row.client, ""),)


def _status(row: RunRow) -> Line:
    if row.awaiting_approval:
        return (("◇ to review", "key"),)
    text, style = status_segment(row.status, row.phase)
    return ((text.replace("completed ", ""), style),)


def _orders(row: RunRow) -> Line:
    """The orders filled, of all that were planned: those not filled are open, or counted as not done."""
    planned = row.total + row.skipped
    if not planned:
        return (("–", "muted"),)
    count = f"{row.done}/{planned}"
    if planned >= MANY_ORDERS:
        return ((count, "muted"),)
    track, style = bars.fill_bar(row.done, planned, ORDERS_WIDTH - len(" 99/99"))
    return ((track, style), (f" {count}", "muted"))


def _origin(row: RunRow) -> str:
    return origin_text(row.initiated_from)


def amount(row: RunRow) -> Line:
    """Return the dollars filled; while nothing is filled, the dollars ordered, in gray; `–` for a run without
    orders.
    """
    if not row.total:
        return (("–", "muted"),)
    waits = row.ordered and not row.amount
    return ((formats.money(row.ordered if waits else row.amount), "muted" if waits else ""),)


def _filled(row: RunRow) -> Line:
    ((text, style),) = amount(row)
    return ((f"of {text}" if row.ordered and not row.amount else text, style),)


def _problems(row: RunRow) -> Line:
    return ((str(row.problems), "warn") if row.problems else ("·", "rule"),)


def columns() -> tuple[Column[RunRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column("status", "Status", 12, _status, sort=lambda row: row.status),
        Column(
            "type",
            "Type",
            11,
            lambda row: TYPES.get(row.type, row.type),
            sort=lambda row: row.type,
            priority=1,
        ),
        Column("client", "Client", 15, client, sort=lambda row: fold(row.client), grow=3, max_width=40, whole=True),
        Column(
            "portfolio",
            "Portfolio",
            12,
            lambda row: row.portfolio,
            sort=lambda row: fold(row.portfolio),
            priority=3,
            grow=2,
            max_width=36,
            whole=True,
        ),
        Column(
            "orders",
            "Orders",
            ORDERS_WIDTH,
            _orders,
            sort=lambda row: (row.done, row.total + row.skipped),
            descending=True,
            grow=1,
            max_width=15,
            whole=True,
        ),
        Column(
            "amount",
            "Filled $",
            16,
            _filled,
            "right",
            2,
            lambda row: row.amount or row.ordered,
            True,
            plain=lambda row: formats.money(row.amount) if row.total else "–",
        ),
        Column("problems", "Not done", 8, _problems, "right", LOW_PRIORITY, lambda row: row.problems, True),
        Column(
            "created",
            "Created",
            12,
            lambda row: formats.short_timestamp(row.created_at),
            "left",
            0,
            lambda row: row.created_at,
            True,
            plain=lambda row: row.created_at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M"),
        ),
        Column("from", "Origin", 9, _origin, sort=_origin, priority=5),
        Column("id", "Run", 8, lambda row: formats.short_id(row.id), sort=lambda row: row.id, priority=6),
        Column(
            "account",
            "Account",
            9,
            lambda row: row.account_number,
            sort=lambda row: row.account_number,
            priority=8,
            exported=True,
        ),
    )
