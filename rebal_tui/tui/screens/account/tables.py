"""Columns of the tables of an account's page: positions, changes of cash (the ledger), decisions and audit entries."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.decisions import REPORTED, Decision
from rebal_tui.domain.quantities import nearest_cents
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import minute_text
from rebal_tui.services.view_models.account_page import TrailEntry
from rebal_tui.services.view_models.accounts import LedgerEntry, PositionView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.account.head import settlement, signed
from rebal_tui.tui.screens.shared.account_lines import OUTCOMES
from rebal_tui.tui.widgets.table_layout import Column

Numbered = tuple[int, LedgerEntry]
"""A ledger entry with its number. Numbers count from the oldest entry, so that they never change."""
KeyedDecision = tuple[Hashable, Decision]
"""A decision with the key of its row."""


def keyed_decisions(decisions: Sequence[Decision]) -> list[KeyedDecision]:
    """Return decisions, newest first, each with the key of its row.

    The key consists of the day, portfolio, outcome and reported checks of the decision. A decision that replaces an
    earlier one has the same key, so its row stays where it is when the account is evaluated again.
    """
    keyed: list[KeyedDecision] = []
    taken: set[Hashable] = set()
    for one in reversed(decisions):
        checks = tuple(check.check for check in one.trace if check.verdict in REPORTED)
        key: Hashable = (new_york_day(one.at), one.portfolio_id, one.outcome, checks)
        # A decision that created a run is not replaced, so that there can be an equal one without a run.
        key = one.at if key in taken else key
        taken.add(key)
        keyed.append((key, one))
    return keyed[::-1]


def reference(entry: LedgerEntry) -> str:
    """What a change of cash refers to; a journal is given by its short id, as in Cash."""
    journal = entry.kind in (CashKind.JOURNAL_IN, CashKind.JOURNAL_OUT)
    return f"journal {formats.short_id(entry.text)}" if journal and entry.text else entry.text


def _gain(row: PositionView) -> tuple[tuple[str, str]]:
    return (signed(row.gain),)


def _value(row: PositionView) -> str:
    return formats.worth(row.value, row.price)


def position_columns() -> tuple[Column[PositionView], ...]:
    """Columns of positions: with price, value, average cost and gain."""
    return (
        Column("symbol", "Asset", 7, lambda row: ((row.symbol, "title"),), sort=lambda row: row.symbol),
        Column("name", "Name", 14, lambda row: row.name, sort=lambda row: row.name, priority=3, grow=2, max_width=40),
        Column("qty", "Quantity", 15, lambda row: formats.qty(row.qty, 9), "right", 0, lambda row: row.qty, True),
        Column("price", "Price $", 11, lambda row: formats.price(row.price), "right", 1),
        Column(
            "value",
            "Value $",
            14,
            lambda row: formats.worth(row.value, row.price),
            "right",
            0,
            lambda row: row.value,
            True,
        ),
        Column("entry", "Avg cost $", 11, lambda row: formats.price(row.avg_entry_price), "right", 2),
        Column("gain", "Gain $", 13, _gain, "right", 0, lambda row: row.gain or 0, True),
    )


def ledger_columns() -> tuple[Column[Numbered], ...]:
    """Columns of the changes of cash (the ledger), with their settlement day."""
    return (
        Column("at", "When", 15, lambda row: formats.timestamp(row[1].at), sort=lambda row: row[1].at, descending=True),
        Column(
            "kind", "Type", 11, lambda row: formats.words(row[1].kind), sort=lambda row: row[1].kind, grow=1,
            max_width=11,
        ),
        Column(
            "amount",
            "Amount $",
            15,
            lambda row: (signed(nearest_cents(row[1].amount)),),
            "right",
            0,
            lambda row: row[1].amount,
        ),
        Column(
            "settles", "Settlement", 14, lambda row: (settlement(row[1]),), sort=lambda row: row[1].settles_on, grow=1,
            max_width=14,
        ),
        Column("text", "Reference", 18, lambda row: reference(row[1]), priority=1, grow=1, max_width=50),
    )  # fmt: skip


def decision_columns() -> tuple[Column[KeyedDecision], ...]:
    """Columns of decisions with outcome and reason."""
    return (
        Column("at", "When", 15, lambda row: formats.timestamp(row[1].at), sort=lambda row: row[1].at, descending=True),
        Column("outcome", "Outcome", 21, lambda row: (OUTCOMES[row[1].outcome],), sort=lambda row: row[1].outcome),
        Column("reason", "Reason", 30, lambda row: ((row[1].reason, "muted"),), grow=1, max_width=160, whole=True),
    )


def trail_columns() -> tuple[Column[TrailEntry], ...]:
    """Columns of audit entries, described in words."""
    return (
        Column("at", "When", 21, lambda row: minute_text(row.at), sort=lambda row: row.seq, descending=True),
        Column("actor", "By", 12, lambda row: row.actor, sort=lambda row: row.actor, max_width=24),
        Column("text", "What", 30, lambda row: row.text, grow=1, max_width=160, whole=True),
        Column("seq", "Entry", 8, lambda row: f"{row.seq:,}", "right", 1),
    )
