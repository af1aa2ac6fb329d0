"""Details of an account for the panel in Accounts, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from rebal_tui.domain.quantities import nearest_cents
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import OUTSIDE_TRADE, AccountDetail, LedgerEntry, PositionView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.account.head import head_lines, settlement, signed
from rebal_tui.tui.screens.runs.columns import TYPES
from rebal_tui.tui.screens.runs.columns import amount as run_amount
from rebal_tui.tui.screens.shared.account_lines import OUTCOMES
from rebal_tui.tui.screens.shared.run_lines import status_segment
from rebal_tui.tui.segments import Line, heading, line_width, noted, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder

ENTRY_MIN_WIDTH = 64
WHEN_WIDTH = 12
"""Width in cells of the time of a decision."""
OUTCOME_WIDTH = max(cell_len(text) for text, _ in OUTCOMES.values())
"""Width in cells of the outcome of a decision."""


def detail_lines(view: AccountDetail) -> Builder:
    """Build the detail panel: as many positions, changes of cash, runs and decisions as fit; enter shows all."""

    def build(width: int, height: int) -> Sequence[Line]:
        lines = head_lines(view, width)
        if view.sentence and not view.row.exception:
            lines += paragraph(view.sentence, width)
        lines.append(())
        room = max(height - len(lines) - 10, 8)
        lines += _positions(view, width, max(room * 4 // 10, 3))
        lines += [(), *_ledger(view, width, max(room * 3 // 10, 2))]
        lines += [(), *_runs(view, width, max(room // 10, 2))]
        return [*lines, (), *_decisions(view, width, max(room * 2 // 10, 2))]

    return build


def _amount_width(width: int) -> int:
    """Width in terminal cells of an amount at the end of a line: 13, less in a narrow panel, but at least 11.

    Before it, the line has a date, a kind and 14 cells of text.
    """
    return min(13, max(width - 34, 11))


def _more(count: int, shown: int) -> list[Line]:
    return [((f"… {count - shown:,} more, enter shows all", "muted"),)] if count > shown else []


def _positions(view: AccountDetail, width: int, limit: int) -> list[Line]:
    lines: list[Line] = [heading("Positions", width, count_text(len(view.positions), "asset"))]
    if not view.positions:
        return [*lines, (("No positions.", "muted"),)]
    entry = width >= ENTRY_MIN_WIDTH
    titles = [("", 7, "left", ""), ("Quantity", 12, "right", "muted"), ("Price $", 9, "right", "muted")]
    titles += [("Cost $", 9, "right", "muted")] if entry else []
    gain = [("Gain $", 11, "right", "muted")] if width >= 55 else []
    lines.append(table_line([*titles, ("Value $", 13, "right", "muted"), *gain]))
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
    cells.append((formats.worth(position.value, position.price), 13, "right", ""))
    if with_gain:
        text, style = signed(position.gain)
        cells.append((text, 11, "right", style))
    return table_line(cells)


def _ledger(view: AccountDetail, width: int, limit: int) -> list[Line]:
    note = f"{formats.money(view.unsettled)} of sells unsettled" if view.unsettled else "no unsettled sells"
    lines: list[Line] = [heading("Cash", width, note)]
    if not view.ledger:
        lines.append((("No cash movements.", "muted"),))
    shown = 0
    for entry in view.ledger[:limit]:
        block = _ledger_entry(entry, width)
        if shown and len(lines) - 1 + len(block) > limit:
            break
        lines += block
        shown += 1
    return [*lines, *_more(len(view.ledger), shown)]


def _ledger_entry(entry: LedgerEntry, width: int) -> list[Line]:
    """A change of cash in a line. A trade that no run made is marked, in a second line if the first is full."""
    when, (amount, _) = formats.day(entry.at.date()), signed(nearest_cents(entry.amount))
    settles, style = settlement(entry)
    line = table_line(
        [
            (when, 6, "left", "muted"),
            (formats.words(entry.kind), 11, "left", ""),
            (amount, _amount_width(width), "right", ""),
            (settles, 14, "left", style),
        ]
    )
    return noted(line, OUTSIDE_TRADE, width, ((" " * 7, ""),)) if entry.text.endswith(OUTSIDE_TRADE) else [line]


def _runs(view: AccountDetail, width: int, limit: int) -> list[Line]:
    lines: list[Line] = [heading("Runs", width)]
    if not view.runs:
        lines.append((("No run yet.", "muted"),))
    for run in view.runs[:limit]:
        text, style = status_segment(run.status, run.phase)
        lines.append(
            table_line(
                [
                    (formats.day(run.created_at.date()), 6, "left", "muted"),
                    (TYPES.get(run.type, run.type), 11, "left", ""),
                    (run_amount(run)[0][0], _amount_width(width), "right", run_amount(run)[0][1]),
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
        made = table_line([(when, WHEN_WIDTH, "left", "muted"), (text, OUTCOME_WIDTH, "left", style)])
        reason = paragraph(decision.reason, width - line_width(made) - 2, "muted")
        if len(reason) <= 1:
            lines.append((*made, ("  ", ""), *(reason[0] if reason else ())))
        else:
            lines += [made, *paragraph(decision.reason, width, "muted", indent=2)]
    return [*lines, *_more(len(view.decisions), limit)]
