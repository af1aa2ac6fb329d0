"""Rows of the Cash list."""

from __future__ import annotations

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import Money
from rebal_tui.services.view_models.cash import CashSnapshot, JournalView, WithdrawalView
from rebal_tui.tui.screens.cash.columns import cash_rows, columns
from rebal_tui.tui.screens.cash.lines import movement_lines, retry_text, withdrawal_lines
from tests.services.factories import new_york

AT = new_york("2026-03-02 10:00")


def text_of(lines: object) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)  # type: ignore[attr-defined]


def test_a_withdrawal_and_the_journal_that_pays_it_name_each_other() -> None:
    """Their amount appears in both rows, which a reader would add otherwise."""
    paid, amount = "b3c0ffee-1", Money(5_000_000_000_000)
    steps = tuple((stage, "done", "") for stage in ("unsubscribe", "sell", "settle", "journal", "subscribe again"))
    withdrawal = WithdrawalView(
        "3fa2b1c0-2", "a", "Ruiz, Ana", "Balanced", amount, WithdrawalStage.COMPLETED.value, None, False, None, steps,
        AT, AT, False, journal_id=paid,
    )  # fmt: skip
    journals = (
        JournalView(paid, "a", "Ruiz, Ana", False, amount, "executed", "", None, AT, AT),
        JournalView("other", "a", "Ruiz, Ana", False, amount, "executed", "fee", None, AT, AT),
    )
    rows = {row.key: row for row in cash_rows(CashSnapshot(1, (withdrawal,), journals, ()))}
    cells = {column.key: column.cell for column in columns()}

    def cell(row: str, column: str) -> str:
        shown = cells[column](rows[row])
        return shown if isinstance(shown, str) else "".join(text for text, _ in shown)

    assert (cell(paid, "stages"), cell("other", "stages")) == ("payout", "journal")
    assert cell(paid, "line").startswith("pays withdrawal 3fa2b1c0")
    assert cell(withdrawal.id, "line").endswith("by journal b3c0ffee")
    assert "Pays withdrawal 3fa2b1c0, a row of its own." in text_of(movement_lines(rows[paid])(60, 20))
    assert "Pays" not in text_of(movement_lines(rows["other"])(60, 20))
    assert "Paid by journal b3c0ffee, a row of its own." in text_of(withdrawal_lines(withdrawal, ())(60, 20))


@pytest.mark.parametrize(
    ("stage", "said", "unsaid"),
    [
        (WithdrawalStage.UNSUBSCRIBED, "may send sells", "is done"),
        (WithdrawalStage.SETTLING, "sells first only if its cash is not enough", "is done"),
        (WithdrawalStage.JOURNALING, "continues with its journal", "sells"),
        (WithdrawalStage.RESUBSCRIBING, "Only this is left: the account is subscribed to Balanced again", "may"),
    ],
)
def test_a_retry_says_only_what_is_still_to_be_done(stage: WithdrawalStage, said: str, unsaid: str) -> None:
    view = WithdrawalView(
        "3fa2b1c0-2", "a", "Ruiz, Ana", "Balanced", Money(5_000_000_000_000), stage.value, "refused", False, None, (),
        AT, AT, False,
    )  # fmt: skip
    text = retry_text(view)
    assert said in text
    assert unsaid not in text
