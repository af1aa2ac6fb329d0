"""The head of an account's page (client, portfolio, status, balances), and amounts in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.cells import cell_len

from rebal_tui.domain.quantities import Money
from rebal_tui.services.view_models.accounts import AccountDetail, LedgerEntry, restriction_words
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.screens.shared.status_styles import glyph
from rebal_tui.tui.segments import Line, TextSegment, fit, packed, paragraph

RESERVED = "Reserved cash"
WITHDRAWABLE = "Withdrawable"


def signed(amount: Money | None) -> TextSegment:
    """Return `+1,204.00`, styled by sign; a dash for None."""
    if amount is None:
        return ("–", "muted")
    text = formats.money(amount)
    if amount > 0:
        return (f"+{text}", "good")
    return (text, "bad" if amount < 0 else "muted")


def settlement(entry: LedgerEntry) -> TextSegment:
    """Return `settled`, or the day on which a change of cash settles; a credit is highlighted until it settles."""
    if entry.settled:
        return ("settled", "muted")
    style = "warn" if entry.amount > 0 else "muted"
    return (f"settles {formats.day(date.fromisoformat(entry.settles_on))}", style)


def head_lines(view: AccountDetail, width: int) -> list[Line]:
    """Return client, portfolio, status, the reasons why the account is stopped, and balances."""
    row = view.row
    mark, style = glyph(row)
    name = fit(row.client, max(width - len(row.account_number) - 5, 4)).rstrip()
    word = "account " if cell_len(name) + len(f"{mark}   account {row.account_number}") <= width else ""
    lines: list[Line] = [((f"{mark} ", style), (name, "title"), (f"  {word}{row.account_number}", "muted"))]
    states: list[TextSegment] = [(row.portfolio or "follows no portfolio", "accent" if row.portfolio else "muted")]
    if row.portfolio:
        last = view.last_rebalanced
        states.append((f"last rebalanced {formats.day(last, view.year)}" if last else "never rebalanced", "muted"))
        if view.rebalanced_before_runs:
            states.append(("(no run stored)", "muted"))
    states.append((f"broker status {row.status}", "muted" if row.status == "ACTIVE" else "warn"))
    lines += packed([[state] for state in states], width)
    stopped = restriction_words(row.restrictions)
    if row.exception and row.exception not in stopped:
        stopped = [row.exception]
    for reason in stopped:
        lines.extend(paragraph(f"{STOPPED} stopped: {reason}", width, "bad"))
    figures = [
        ("Equity", row.equity),
        ("Cash", row.cash),
        (WITHDRAWABLE, row.withdrawable),
        ("Unsettled", view.unsettled),
        (RESERVED, row.reserve),
    ]
    amounts: list[Sequence[TextSegment]] = []
    for label, amount in figures:
        if label in ("Unsettled", RESERVED) and not amount:
            continue
        text = formats.withdrawable(amount) if label == WITHDRAWABLE else formats.money(amount)
        amounts.append([(f"{label} ", "muted"), (text, "warn" if label == RESERVED else "")])
    return [*lines, *packed(amounts, width)]
