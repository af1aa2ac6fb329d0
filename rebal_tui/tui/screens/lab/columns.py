"""Columns of the table of policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.table_layout import Column

if TYPE_CHECKING:
    from rebal_tui.services.backtest.comparison import PolicyRow


def policy_columns(own: str) -> tuple[Column[PolicyRow], ...]:
    """Return the columns of the table. A narrow terminal hides the columns with the largest `priority` number first.

    `own` names the policy of the tested portfolio, such as `yours`.
    """
    return (
        Column("policy", "Policy", 26, lambda row: _label(row, own), sort=lambda row: row.label, grow=1, max_width=34),
        Column("rebalances", "Rebal/y", 7, lambda row: f"{row.rebalances:.1f}", "right", 4, lambda row: row.rebalances),
        Column("turnover", "Turn.%/y", 8, _turnover, "right", sort=lambda row: row.turnover),
        Column("rms", "Rms", 5, lambda row: f"{100 * row.rms:.2f}", "right", 0, lambda row: row.rms),
        Column("worst", "Worst", 5, lambda row: f"{100 * row.worst:.1f}", "right", 3, lambda row: row.worst),
        Column("outside", "Out %", 5, lambda row: f"{100 * row.outside:.1f}", "right", 5, lambda row: row.outside),
        Column("return", "Ret.%/y", 7, _return, "right", 0, lambda row: row.annual_return, True),
        Column("luck", f"vs {own}, bp", 13, _interval, "right", 2),
    )  # fmt: skip


def _label(row: PolicyRow, own: str) -> Line:
    """The policy; the portfolio's own policy, named `own`, and the policy that costs less have the same mark as in the
    chart.
    """
    if row.own:
        return (("◆ ", "accent"), (row.label, "accent"), (f" {own}", "accent"))
    if row.cheaper:
        return (("▼ ", "good"), (row.label, "good"))
    return (("  ", ""), (row.label, "muted" if row.worse else ""))


def _turnover(row: PolicyRow) -> Line:
    return ((f"{100 * row.turnover:.1f}", "good" if row.cheaper else ""),)


def _return(row: PolicyRow) -> Line:
    return ((f"{100 * row.annual_return:6.2f}", ""), ("^" if row.edge else " ", "warn"))


def _interval(row: PolicyRow) -> Line:
    """The 95 % interval of the policy's return less the return of the portfolio's own policy, in basis points a year;
    muted if it contains 0.
    """
    if row.own or row.low is None or row.high is None:
        return (("", ""),)
    style = "muted" if row.low <= 0 <= row.high else "warn"
    return ((f"{10_000 * row.low:+.0f} … {10_000 * row.high:+.0f}", style),)
