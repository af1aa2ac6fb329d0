"""Lab section: placeholder that lists planned and available features."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.text import ui_text

PLACEHOLDER_TEXT = "Not available yet. Backtest will compare rebalancing policies side by side over years of prices."
TODAY = (
    ("rebal-tui replay closes.csv", "one policy over a price history, from the command line"),
    ("2, then p", "what a portfolio's subscribers would do now"),
    ("1, then p", "what the current policy would do now for one account"),
)


class LabScreen(SectionScreen):
    """A panel with the placeholder text."""

    SECTION = Section.LAB
    CSS_PATH = "lab.tcss"

    def compose_body(self) -> ComposeResult:
        today = "\n".join(f"{keys}\n  {what}" for keys, what in TODAY)
        with Vertical(id="middle"), Vertical(id="coming"):
            yield Static(ui_text(self.SECTION.label, "bold"), classes="title", markup=False)
            yield Static(ui_text(PLACEHOLDER_TEXT), classes="says", markup=False)
            yield Static(ui_text("Available today", "bold"), classes="title", markup=False)
            yield Static(ui_text(today), markup=False)
