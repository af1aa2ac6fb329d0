"""The reference of a change of cash on an account's page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.services.view_models.accounts import LedgerEntry
from rebal_tui.tui.screens.account.tables import ledger_columns, reference
from rebal_tui.tui.widgets.table_layout import fit_cell, lay_out_columns, widest_texts

ID = "580382a0-90c7-5ec3-9d4c-111111111111"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("journal_out", ID, "journal 580382a0"),
        ("journal_in", ID, "journal 580382a0"),
        ("journal_in", "", ""),
        ("buy", "1.5 SPY", "1.5 SPY"),
        ("deposit", "bank", "bank"),
    ],
)
def test_a_journal_is_named_by_its_short_id(kind: str, text: str, shown: str) -> None:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert reference(LedgerEntry(at, kind, Money(0), "2026-03-03", False, text)) == shown


def test_a_trade_outside_is_named_on_a_narrow_terminal() -> None:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    text = "1.523456789 SPY, outside rebal-tui"
    rows = [(1, LedgerEntry(at, "sell", parse_money("609.38"), "2026-03-03", False, text))]
    placed = lay_out_columns(ledger_columns(), 80, widest_texts(ledger_columns(), rows))
    shown = "".join(part for one in placed for part, _ in fit_cell(one, one.column.cell(rows[0])))
    assert "1.523456789 SPY, outside" in shown
