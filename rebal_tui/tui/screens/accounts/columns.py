"""Columns and filter tabs (groups) of the Accounts list."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.text import fold
from rebal_tui.services.view_models.accounts import RESTRICTION_LENGTH, AccountGroup, AccountRow, restriction_names
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.status_styles import glyph
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.table_layout import LOW_PRIORITY, Column
from rebal_tui.tui.widgets.tabs import ALL, Tab

GROUPS = {
    AccountGroup.EXCEPTIONS: ("!", "bad"),
    AccountGroup.RESTRICTED: ("◌", "warn"),
    AccountGroup.NOT_ACTIVE: ("✗", "warn"),
    AccountGroup.UNSUBSCRIBED: ("○", "key"),
    AccountGroup.RUNNING: ("▶", "accent"),
    AccountGroup.RESERVED: ("$", "key"),
}
LABELS = {
    AccountGroup.RESTRICTED: "Blocked",
    AccountGroup.EXCEPTIONS: "With exceptions",
    AccountGroup.RESERVED: "Reserved",
}
"""Tab labels that differ from the group's name. "Restricted" is shown as "Blocked": it means the broker's block
(R-40), not an advisor's restriction (R-60). In "With exceptions", an exception of a portfolio or asset counts for each
of its accounts; in Exceptions it counts once."""


def group_tabs(total: int, groups: Sequence[tuple[AccountGroup, int]], marked: int) -> tuple[Tab, ...]:
    """Return a tab for each group with its row count (muted if zero), and a tab for the marked accounts, which also
    counts those that a filter hides.
    """
    tabs = [Tab(ALL, ALL, figure=f"{total:,}")]
    for group, count in groups:
        mark, style = GROUPS[group]
        tabs.append(Tab(group, LABELS.get(group, group), mark, f"{count:,}", style if count else "muted"))
    if marked:
        tabs.append(Tab("marked", "Marked", mark="✓", figure=f"{marked:,}", style="key", informs=True))
    return tuple(tabs)


def search(row: AccountRow) -> str:
    """Return the text of a row in which the text filter searches."""
    texts = (row.account_number, row.client, row.portfolio, row.status, row.state)
    return " ".join((*texts, *restriction_names(row.restrictions)))


def _state(row: AccountRow) -> Line:
    style = "bad" if row.exception else "accent" if row.open_run else "muted"
    return ((row.state, style),)


def _portfolio(row: AccountRow) -> Line:
    return ((row.portfolio, "") if row.portfolio_id else ("–", "muted"),)


def _status(row: AccountRow) -> Line:
    return ((row.status, "muted" if row.status == AccountStatus.ACTIVE else "warn"),)


def _restrictions(row: AccountRow) -> Line:
    return ((", ".join(formats.words(Restriction(r))[:RESTRICTION_LENGTH] for r in row.restrictions) or "–", "muted"),)


def _amount(amount: int, text: str) -> Line:
    return ((text, "" if amount else "muted"),)


def columns() -> tuple[Column[AccountRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column("glyph", "", 1, lambda row: (glyph(row),)),
        Column(
            "client", "Client", 16, lambda row: row.client, sort=lambda row: fold(row.client), grow=3, max_width=48,
            whole=True,
        ),
        Column("status", "Broker status", 13, _status, sort=lambda row: row.status, priority=6, grow=1, max_width=18),
        Column(
            "equity", "Equity $", 13, lambda row: formats.money(row.equity), "right", 0, lambda row: row.equity, True
        ),
        Column(
            "cash", "Cash $", 11, lambda row: _amount(row.cash, formats.money(row.cash)), "right", LOW_PRIORITY,
            lambda row: row.cash, True,
        ),
        Column(
            "withdrawable", "Withdrawable $", 14,
            lambda row: _amount(row.withdrawable, formats.money_down(row.withdrawable)), "right", LOW_PRIORITY,
            lambda row: row.withdrawable, True,
        ),
        Column(
            "reserved", "Reserved $", 13, lambda row: _amount(row.reserve, formats.money(row.reserve)), "right", 7,
            lambda row: row.reserve, True,
        ),
        Column(
            "portfolio", "Portfolio", 12, _portfolio, sort=lambda row: fold(row.portfolio), priority=1, grow=2,
            max_width=36, whole=True,
        ),
        Column("restrictions", "Broker block", 14, _restrictions, priority=8, grow=2, max_width=30),
        Column("state", "Status", 15, _state, sort=lambda row: row.state, grow=2, max_width=22, whole=True),
        Column(
            "number", "Account", 9, lambda row: row.account_number, sort=lambda row: row.account_number, priority=5,
            grow=1, max_width=12, exported=True,
        ),
    )  # fmt: skip
