"""Account details as lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import (
    AccountDetail,
    LedgerEntry,
    PositionView,
    restriction_words,
)
from rebal_tui.tui import formats
from rebal_tui.tui.screens.accounts.columns import glyph
from rebal_tui.tui.screens.runs.columns import TYPES
from rebal_tui.tui.screens.shared.account_lines import OUTCOMES
from rebal_tui.tui.screens.shared.run_lines import status_segment
from rebal_tui.tui.segments import Line, TextSegment, fit, heading, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder

ENTRY_MIN_WIDTH = 64
RESERVED = "Reserved cash"


def signed(amount: Money | None) -> TextSegment:
    """Return `+1,204.00`, styled by sign; a dash for None."""
    if amount is None:
        return ("–", "muted")
    text = formats.money(amount)
    if amount > 0:
        return (f"+{text}", "good")
    return (text, "bad" if amount < 0 else "muted")


def settlement(entry: LedgerEntry) -> TextSegment:
    """Return `settled`, or the settlement day of a ledger entry; highlighted if its cash cannot be withdrawn before."""
    if entry.settled:
        return ("settled", "muted")
    style = "warn" if entry.amount > 0 else "muted"
    return (f"settles {formats.day(date.fromisoformat(entry.settles_on))}", style)


def head_lines(view: AccountDetail, width: int) -> list[Line]:
    """Return client, portfolio, status, restrictions and balances."""
    row = view.row
    mark, style = glyph(row)
    name = fit(row.client, max(width - len(row.account_number) - 5, 4)).rstrip()
    lines: list[Line] = [((f"{mark} ", style), (name, "title"), ("  ", ""), (row.account_number, "muted"))]
    follows: list[TextSegment] = [(row.portfolio or "follows no portfolio", "accent" if row.portfolio else "muted")]
    if row.portfolio:
        last = view.last_rebalanced
        follows.append((f"  rebalanced {formats.day(last)}" if last else "  never rebalanced", "muted"))
    lines.append((*follows, ("  " + row.status, "muted" if row.status == "ACTIVE" else "warn")))
    stopped = restriction_words(row.restrictions)
    if row.exception and row.exception not in stopped:
        stopped = [row.exception]
    for reason in stopped:
        lines.extend(paragraph(f"◌ {reason}", width, "bad"))
    figures = [
        ("Equity", row.equity),
        ("Cash", row.cash),
        ("Withdrawable", row.withdrawable),
        ("Unsettled", view.unsettled),
        (RESERVED, row.reserve),
    ]
    line: list[TextSegment] = []
    used = 0
    for label, amount in figures:
        if label in ("Unsettled", RESERVED) and not amount:
            continue
        text = formats.money(amount)
        size = len(label) + len(text) + 3
        if line and used + size > width + 2:
            lines.append(tuple(line))
            line, used = [], 0
        line += [(f"{label} ", "muted"), (text, "warn" if label == RESERVED else ""), ("  ", "")]
        used += size
    return [*lines, tuple(line)]


def detail_lines(view: AccountDetail) -> Builder:
    """Build the detail panel: as many entries of each section as fit; enter shows all of them."""

    def build(width: int, height: int) -> Sequence[Line]:
        lines = [*head_lines(view, width), ()]
        room = max(height - len(lines) - 10, 8)
        lines += _positions(view, width, max(room * 4 // 10, 3))
        lines += [(), *_ledger(view, width, max(room * 3 // 10, 2))]
        lines += [(), *_runs(view, width, max(room // 10, 2))]
        return [*lines, (), *_decisions(view, width, max(room * 2 // 10, 2))]

    return build


def _more(count: int, shown: int) -> list[Line]:
    return [((f"… {count - shown:,} more, enter shows all", "muted"),)] if count > shown else []


def _positions(view: AccountDetail, width: int, limit: int) -> list[Line]:
    lines: list[Line] = [heading("Positions", width, count_text(len(view.positions), "asset"))]
    if not view.positions:
        return [*lines, (("No positions.", "muted"),)]
    entry = width >= ENTRY_MIN_WIDTH
    titles = [("", 7, "left", ""), ("Quantity", 12, "right", "muted"), ("Price", 9, "right", "muted")]
    titles += [("Entry", 9, "right", "muted")] if entry else []
    gain = [("Gain", 11, "right", "muted")] if width >= 55 else []
    lines.append(table_line([*titles, ("Value", 13, "right", "muted"), *gain]))
    for position in view.positions[:limit]:
        lines.append(_position(position, entry, bool(gain)))
    return [*lines, *_more(len(view.positions), limit)]


def _position(position: PositionView, entry: bool, with_gain: bool) -> Line:
    cells = [
        (position.symbol, 7, "left", "title"),
        (formats.qty(position.qty), 12, "right", ""),
        (formats.price(position.price), 9, "right", ""),
    ]
    if entry:
        cells.append((formats.price(position.avg_entry_price), 9, "right", "muted"))
    cells.append((formats.money(position.value), 13, "right", ""))
    if with_gain:
        text, style = signed(position.gain)
        cells.append((text, 11, "right", style))
    return table_line(cells)


def _ledger(view: AccountDetail, width: int, limit: int) -> list[Line]:
    note = f"{formats.money(view.unsettled)} of sells unsettled" if view.unsettled else "no unsettled sells"
    lines: list[Line] = [heading("Cash", width, note)]
    if not view.ledger:
        lines.append((("No cash movements.", "muted"),))
    for entry in view.ledger[:limit]:
        when, (amount, _) = formats.day(entry.at.date()), signed(entry.amount)
        settles, style = settlement(entry)
        lines.append(
            table_line(
                [
                    (when, 6, "left", "muted"),
                    (formats.words(entry.kind), 11, "left", ""),
                    (amount, 13, "right", ""),
                    (settles, 14, "left", style),
                ]
            )
        )
    return [*lines, *_more(len(view.ledger), limit)]


def _runs(view: AccountDetail, width: int, limit: int) -> list[Line]:
    lines: list[Line] = [heading("Runs", width)]
    if not view.runs:
        lines.append((("No run yet.", "muted"),))
    for run in view.runs[:limit]:
        text, style = status_segment(run.status)
        lines.append(
            table_line(
                [
                    (formats.day(run.created_at.date()), 6, "left", "muted"),
                    (TYPES.get(run.type, run.type), 11, "left", ""),
                    (formats.money(run.amount), 13, "right", ""),
                    (text.replace("completed ", ""), 14, "left", style),
                ]
            )
        )
    return [*lines, *_more(len(view.runs), limit)]


def _decisions(view: AccountDetail, width: int, limit: int) -> list[Line]:
    lines: list[Line] = [heading("Decisions", width)]
    if not view.decisions:
        lines.append((("No evaluation has been stored.", "muted"),))
    for decision in view.decisions[:limit]:
        text, style = OUTCOMES[decision.outcome]
        when = formats.short_timestamp(decision.at)
        reason = fit(decision.reason, max(width - 32, 8)).rstrip()
        lines.append((*table_line([(when, 12, "left", "muted"), (text, 17, "left", style)]), (f"  {reason}", "muted")))
    return [*lines, *_more(len(view.decisions), limit)]
