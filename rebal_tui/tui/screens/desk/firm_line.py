"""The line with the firm's totals above the list of the Desk."""

from __future__ import annotations

from fractions import Fraction

from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.desk import FirmView
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, TextSegment, line_width
from rebal_tui.tui.widgets.styles import StyledView

GAP = 3


class FirmLine(StyledView, can_focus=False):
    """`AUM $11.42 M cash $0.41 M (3.6 %) outside a band 2 accounts, $0.24 M`; the last totals are left out on a narrow
    terminal.
    """

    DEFAULT_CSS = "FirmLine { height: 1; background: $surface; }"
    firm: reactive[FirmView | None] = reactive(None)

    def render_line(self, y: int) -> Strip:
        del y
        width = self.size.width
        return self.strip(firm_line(self.firm, width) if self.firm else (), width, self.base)


def firm_line(firm: FirmView, width: int) -> Line:
    """Return the firm's totals that fit into `width` cells, the most important first."""
    permille = round(Fraction(firm.cash * 1000, firm.equity)) if firm.equity > 0 else 0
    share = f" ({permille // 10}.{permille % 10} %)" if firm.cash >= 0 and firm.equity > 0 else ""
    outside = count_text(firm.outside, "account")
    if firm.outside:
        outside += f", {formats.short_dollars(firm.outside_equity)}"
    parts = [
        ("AUM", formats.short_dollars(firm.equity), ""),
        ("cash", f"{formats.short_dollars(firm.cash)}{share}", "bad" if firm.cash < 0 else ""),
        ("outside a band", outside, "warn" if firm.outside else ""),
    ]
    if firm.working_orders is None:
        parts.append(("open orders", "many", "accent"))
    elif firm.working_orders:
        orders = f"{firm.working_orders:,}, {formats.short_dollars(firm.working)}"
        parts.append(("open orders", orders, "accent"))
    if firm.traded_today is not None:
        parts.append(("traded today", formats.short_dollars(firm.traded_today), ""))
    if firm.next_evaluation:
        parts.append(("next evaluation", firm.next_evaluation, ""))
    segments: list[TextSegment] = [(" ", "")]
    for label, figure, style in parts:
        gap = " " * GAP if len(segments) > 1 else ""
        added: list[TextSegment] = [(f"{gap}{label} ", "muted"), (figure, style)]
        if line_width((*segments, *added)) > width:
            break
        segments += added
    return tuple(segments)
