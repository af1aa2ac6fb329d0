"""Rows, columns and filter tabs (groups) of the Cash list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rebal_tui.domain.cash import WITHDRAWAL_JOURNAL, JournalStatus, WithdrawalStage
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import fold
from rebal_tui.services.view_models.cash import NO_SALE, CashSnapshot, JournalView, WithdrawalView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.segments import Line, TextSegment
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import ALL, Tab

Kind = Literal["withdrawal", "journal", "deposit"]
GROUPS = {
    "In progress": ("▸", "accent"),
    "Needs you": ("!", "bad"),
    "Withdrawals": ("▼", "key"),
    "Journals": ("⇄", "key"),
    "Deposits": ("▲", "key"),
}
STEP_MARKS: dict[str, TextSegment] = {
    "done": ("✓", "good"),
    "now": ("▸", "key"),
    "stopped": (STOPPED, "bad"),
    "canceled": ("◌", "muted"),
    "waiting": ("·", "rule"),
}
STAGE_VERBS = {
    "unsubscribe": ("unsubscribed", "unsubscribing", "unsubscribe"),
    "sell": ("sold", "selling", "sell"),
    NO_SALE: ("nothing sold", "selling", "sell"),
    "settle": ("settled", "settling", "settle"),
    "journal": ("journaled", "journaling", "journal"),
    "subscribe again": ("resubscribed", "resubscribing", "resubscribe"),
}
"""Text of a withdrawal's step when it is completed, in progress, and pending."""


@dataclass(frozen=True, slots=True)
class CashRow:
    """A withdrawal, journal or deposit in the list. `amount` is positive for cash into the account.

    `rank` orders the list: 0 for stopped withdrawals, 1 for those in progress, 2 for the rest. `pays` is the id of the
    withdrawal that a journal pays out, empty for other rows. The amounts of such a journal and its withdrawal are the
    same cash.
    """

    key: str
    kind: Kind
    account_id: str
    client: str
    amount: Money
    at: datetime
    state: str
    style: str
    rank: int
    withdrawal: WithdrawalView | None = None
    journal: JournalView | None = None
    pays: str = ""
    number: str = ""


def cash_rows(snapshot: CashSnapshot) -> tuple[CashRow, ...]:
    """Return all rows: stopped withdrawals, withdrawals in progress, then the rest, each newest first.

    Deposits have no id. The row key of a deposit consists of its data, so it stays the same when other deposits
    arrive.
    """
    numbers = snapshot.numbers
    rows = [_withdrawal(view, numbers.get(view.account_id, "")) for view in snapshot.withdrawals]
    pays = _payouts(snapshot)
    rows += [_journal(view, pays.get(view.id, ""), numbers.get(view.account_id, "")) for view in snapshot.journals]
    alike: Counter[str] = Counter()
    for at, account, client, amount, kind in snapshot.deposits:
        key = f"deposit-{account}-{at.isoformat()}-{kind}-{amount}"
        style = "bad" if amount <= 0 or kind == "ach_return" else "good"
        numbered = f"{key}-{alike[key]}"
        state = "received" if kind == "deposit" else formats.words(kind)
        rows.append(
            CashRow(numbered, "deposit", account, client, amount, at, state, style, 2, number=numbers.get(account, ""))
        )
        alike[key] += 1
    return tuple(sorted(rows, key=lambda row: (row.rank, -row.at.timestamp())))


def _payouts(snapshot: CashSnapshot) -> dict[str, str]:
    """Return, by the id of each journal that pays a withdrawal, the id of that withdrawal.

    A withdrawal has the id of its journal only when that journal has ended. Until then, its journal is the open one of
    the same account and amount.
    """
    paid = {view.journal_id: view.id for view in snapshot.withdrawals if view.journal_id}
    paying = {
        (view.account_id, view.amount): view.id
        for view in snapshot.withdrawals
        if view.stage == WithdrawalStage.JOURNALING
    }
    for journal in snapshot.journals:
        if (
            not journal.incoming
            and journal.description == WITHDRAWAL_JOURNAL
            and not JournalStatus(journal.status).final
            and (withdrawal := paying.get((journal.account_id, journal.amount)))
        ):
            paid.setdefault(journal.id, withdrawal)
    return paid


def _withdrawal(view: WithdrawalView, number: str) -> CashRow:
    final = WithdrawalStage(view.stage).final
    style = "bad" if view.stopped else "muted" if final else "accent"
    return CashRow(
        view.id, "withdrawal", view.account_id, view.client, Money(-view.amount), view.created_at,
        withdrawal_state(view), style, 0 if view.stopped else 2 if final else 1, withdrawal=view, number=number,
    )  # fmt: skip


def _journal(view: JournalView, pays: str, number: str) -> CashRow:
    bad = view.status in (JournalStatus.REJECTED, JournalStatus.REFUSED, JournalStatus.CANCELED)
    style = "bad" if bad else "good" if view.status == JournalStatus.EXECUTED else "accent"
    amount = view.amount if view.incoming else Money(-view.amount)
    return CashRow(
        view.id, "journal", view.account_id, view.client, amount, view.created_at, formats.words(view.status), style, 2,
        journal=view, pays=pays, number=number,
    )  # fmt: skip


def withdrawal_state(view: WithdrawalView) -> str:
    """Return the state of a withdrawal in a few words; days are given without the weekday."""
    if view.stopped:
        return f"stopped: {view.stopped}"
    if view.stage == WithdrawalStage.COMPLETED:
        return "completed"
    if view.stage == WithdrawalStage.CANCELED:
        return "canceled"
    if view.held:
        return "waits: kill switch on"
    stage, _, note = next(step for step in view.steps if step[1] == "now")
    return _doing(stage, note.partition(" ")[2])


def _doing(stage: str, note: str) -> str:
    """Return the text of a step (`stage`) in progress, such as `settles Tue 03 Mar`."""
    return f"settles {note}" if note and stage == "settle" else STAGE_VERBS[stage][1]


def stages_line(view: WithdrawalView) -> Line:
    """Return the steps of a withdrawal: `✓ sold ▸ settles Tue 03 Mar · journal · resubscribe`.

    The first step, to unsubscribe, is left out once it is done.
    """
    segments: list[TextSegment] = []
    steps = view.steps[1:] if view.steps[0][1] == "done" else view.steps
    for index, (stage, state, note) in enumerate(steps):
        done, _, coming = STAGE_VERBS[stage]
        text = done if state == "done" else _doing(stage, note) if state == "now" else coming
        mark, style = STEP_MARKS[state]
        segments += [("  ", "")] if index else []
        segments.append((f"{mark} {text}", "muted" if state == "waiting" else style))
    return tuple(segments)


def strip(row: CashRow) -> Line:
    """Return one mark for each of the five steps of a withdrawal; for other rows, the kind in words."""
    if row.withdrawal is None:
        return (("payout" if row.pays else row.kind, "muted"),)
    marks: list[TextSegment] = []
    for index, (_, state, _) in enumerate(row.withdrawal.steps):
        marks += [(" ", "")] if index else []
        marks.append(STEP_MARKS[state])
    return tuple(marks)


def _whole_line(row: CashRow) -> Line:
    if row.withdrawal is not None:
        journal = row.withdrawal.journal_id
        return (
            *stages_line(row.withdrawal),
            *(((f"  by journal {formats.short_id(journal)}", "muted"),) if journal else ()),
        )
    if row.journal is not None:
        if row.pays:
            return ((f"pays withdrawal {formats.short_id(row.pays)}  {row.journal.description}", "muted"),)
        way = "from the firm" if row.journal.incoming else "to the firm"
        return ((f"{way}  {row.journal.description}", "muted"),)
    return (("external", "muted"),)


def _amount(row: CashRow) -> Line:
    """Return the amount with its sign. The amount of a payout is in parentheses, because the row of its withdrawal
    shows the same cash.
    """
    text = formats.money(row.amount)
    if row.pays:
        return ((f"({text})", "muted"),)
    return ((f"+{text}" if row.amount > 0 else text, "good" if row.amount > 0 else ""),)


def _counted_amount(row: CashRow) -> str:
    """Return the amount for an export; empty for a payout, so that a sum of the exported amounts counts its cash
    once.
    """
    return "" if row.pays else formats.money(row.amount)


def in_group(row: CashRow, group: str) -> bool:
    """Return whether a row belongs to a group. A payout is never in progress by itself; its withdrawal is."""
    if group == "In progress":
        journal = row.journal if not row.pays else None
        return row.rank < 2 or (journal is not None and not JournalStatus(journal.status).final)
    if group == "Needs you":
        return row.rank == 0
    return group == ALL or group == f"{row.kind.capitalize()}s"


def group_tabs(rows: Sequence[CashRow], cut: Collection[str] = ()) -> tuple[Tab, ...]:
    """Return a tab for each group with its row count; a count of zero is muted.

    `cut` has the groups of which only the latest rows are loaded. The counts of their tabs, and of the tab of all rows,
    begin with `latest`.
    """
    tabs = [Tab(ALL, ALL, figure=_figure(len(rows), bool(cut)))]
    for group, (mark, style) in GROUPS.items():
        count = sum(in_group(row, group) for row in rows)
        latest = group.lower().removesuffix("s") in cut
        tabs.append(Tab(group, group, mark, _figure(count, latest), style if count else "muted"))
    return tuple(tabs)


def _figure(count: int, latest: bool) -> str:
    return f"latest {count:,}" if latest else f"{count:,}"


def search(row: CashRow) -> str:
    """Return the text of a row in which the text filter searches; the amount also without commas."""
    cells = (strip(row), _whole_line(row), _amount(row))
    shown = " ".join(text for cell in cells for text, _ in cell)
    amount = formats.money(row.amount).replace(",", "")
    return f"{formats.day(new_york_day(row.at))} {row.client} {row.number} {row.kind} {row.state} {shown} {amount}"


def ids(row: CashRow) -> tuple[str, ...]:
    """Return the ids that the text filter finds: those of the account and of the withdrawal or journal."""
    return (row.account_id,) if row.kind == "deposit" else (row.account_id, row.key)


def columns() -> tuple[Column[CashRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column(
            "at", "Date", 6, lambda row: formats.day(new_york_day(row.at)), sort=lambda row: row.at, descending=True,
            priority=2, plain=lambda row: new_york_day(row.at).isoformat(),
        ),
        Column(
            "client", "Client", 11, lambda row: row.client, sort=lambda row: fold(row.client), grow=1, max_width=40,
            whole=True,
        ),
        Column("amount", "Amount $", 12, _amount, "right", 0, lambda row: row.amount, plain=_counted_amount),
        Column("stages", "Stages", 9, strip, sort=lambda row: row.kind),
        Column(
            "state", "State", 16, lambda row: ((row.state, row.style),), sort=lambda row: (row.rank, row.state), grow=2,
            max_width=44,
        ),
        Column("line", "Details", 55, _whole_line, priority=4, grow=1, max_width=84),
        Column(
            "number", "Account", 9, lambda row: row.number, sort=lambda row: row.number, priority=7, exported=True
        ),
    )  # fmt: skip
