"""Rows of the Cash list."""

from __future__ import annotations

import pytest

from rebal_tui.domain.cash import WITHDRAWAL_JOURNAL, JournalStatus, WithdrawalStage
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.view_models.cash import CashSnapshot, JournalView, WithdrawalView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.cash.columns import CashRow, cash_rows, columns, ids, in_group, search
from rebal_tui.tui.screens.cash.lines import movement_lines, retry_text, withdrawal_lines
from rebal_tui.tui.screens.shared.export_choices import cell_text
from rebal_tui.tui.widgets.table_order import arrange
from tests.services.factories import new_york

AT = new_york("2026-03-02 10:00")


def text_of(lines: object) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)  # type: ignore[attr-defined]


def test_a_withdrawal_and_the_journal_that_pays_it_name_each_other() -> None:
    """They are of the same cash, which nobody may add up twice: the payout's amount is in parentheses."""
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
    rows = {row.key: row for row in cash_rows(CashSnapshot(1, (withdrawal,), journals, (), {"a": "780-1"}))}
    shown_columns = {column.key: column for column in columns()}

    def cell(row: str, column: str) -> str:
        shown = shown_columns[column].cell(rows[row])
        return shown if isinstance(shown, str) else "".join(text for text, _ in shown)

    assert (cell(paid, "stages"), cell("other", "stages")) == ("payout", "journal")
    assert [cell(key, "amount") for key in (withdrawal.id, paid, "other")] == ["-5,000.00", "(-5,000.00)", "-5,000.00"]
    exported = [cell_text(shown_columns["amount"], rows[key]) for key in (withdrawal.id, paid, "other")]
    assert exported == ["-5000.00", "", "-5000.00"]
    assert {row.number for row in rows.values()} == {"780-1"}
    assert cell(paid, "line").startswith("pays withdrawal 3fa2b1c0")
    assert cell(withdrawal.id, "line").endswith("by journal b3c0ffee")
    panel = text_of(movement_lines(rows[paid])(80, 20))
    assert "Pays withdrawal 3fa2b1c0, a row of its own. Its amount is in parentheses" in panel
    assert "Amount  -$5,000.00" in panel, "the sign of the list"
    assert "Amount -$5,000.00" in text_of(withdrawal_lines(withdrawal, ())(60, 20))
    assert "Pays" not in text_of(movement_lines(rows["other"])(60, 20))
    panel = text_of(withdrawal_lines(withdrawal, ())(100, 20))
    assert "Paid by journal b3c0ffee, the row “payout” with this amount in parentheses." in panel


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("23 nov", ["b", "c"]),
        ("nov 23", ["b", "c"]),
        ("11/23", ["b", "c"]),
        ("11/23/2026", ["b"]),
        ("2026-11-23", ["b"]),
        ("nov", ["a", "b", "c"]),
        ("11/23 3100", ["b"]),
        ("3,100", ["a", "b"]),
        ("-3100", ["b"]),
        ("11", []),
    ],
)
def test_a_filter_finds_days_and_amounts_as_they_are_typed(text: str, keys: list[str]) -> None:
    """Not the 23 Oct of Ivanova, whose name has `nov` in it; the digits of a date are no text."""
    amounts = {"a": ("2026-10-23", 3_100), "b": ("2026-11-23", -3_100), "c": ("2025-11-23", 20), "d": ("2026-10-22", 5)}
    rows = [
        CashRow(key, "deposit", "x", "Ivanova, Lea" if key == "a" else "Ruiz, Ana", Money(dollars * 10**9),
                new_york(f"{day} 10:00"), "received", "", 2)
        for key, (day, dollars) in amounts.items()
    ]  # fmt: skip
    found = arrange(rows, None, search, text, None, False, ids, lambda row: new_york_day(row.at))
    assert [row.key for row in found] == keys


@pytest.mark.parametrize("journal_id", ["paid", None])
def test_a_withdrawal_and_its_payout_under_way_are_one_movement_in_progress(journal_id: str | None) -> None:
    """Also before the withdrawal names its journal, which it does once that has ended."""
    steps = tuple((stage, "now" if stage == "journal" else "done", "") for stage in ("unsubscribe", "sell", "journal"))
    amount = Money(5_000_000_000_000)
    withdrawal = WithdrawalView(
        "w", "a", "Ruiz, Ana", "Balanced", amount, WithdrawalStage.JOURNALING.value, None, False, None, steps,
        AT, AT, False, journal_id=journal_id,
    )  # fmt: skip
    journals = tuple(
        JournalView(key, "a", "Ruiz, Ana", False, amount, "queued", why, None, AT, AT)
        for key, why in (("paid", WITHDRAWAL_JOURNAL), ("other", ""))
    )
    rows = cash_rows(CashSnapshot(1, (withdrawal,), journals, ()))
    assert [row.key for row in rows if in_group(row, "In progress")] == ["w", "other"]
    assert {row.key for row in rows if in_group(row, "Journals")} == {"paid", "other"}


def test_the_state_of_a_journal_is_never_cut() -> None:
    width = next(column.width for column in columns() if column.key == "state")
    assert all(len(formats.words(status)) <= width for status in JournalStatus)


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
