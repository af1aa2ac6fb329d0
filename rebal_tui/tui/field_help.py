"""Help for the focused field, by the id of its widget."""

from __future__ import annotations

from textual.widget import Widget

from rebal_tui.domain.text import MAX_NAME_LENGTH, MAX_NOTE_LENGTH

NO_HELP = "There is no help for this; ? shows the keys of a section."

_HELP: dict[str, str] = {
    "name": f"Name: what lists, runs and reports call the portfolio; at most {MAX_NAME_LENGTH} characters.",
    "description": "Description: free text beside the name; it has no effect on trading.",
    "cash": "Cash: the share of equity that stays cash, in percent; weights and cash sum to 100.00.",
    "band-0": "Absolute drift: a run is made when an asset is more percentage points from its target.",
    "band-1": "Relative drift: a run is made when an asset is further from its target than this percent of the target.",
    "calendar": "Calendar: how often a run is made on a date, whatever the drift; left and right choose.",
    "day": "Day: the weekday, the day of the month or MM-DD; a day without a session moves to the next one.",
    "on-update": "After an edit: whether changed weights or conditions make subscribers rebalance.",
    "cooldown": "Cooldown: calendar days after a full rebalance in which no drift band makes another run.",
    "review": "Automatic runs: whether a person approves each one before orders are sent.",
    "symbol": "Asset: a symbol that can be bought; right or end accepts the completion.",
    "percent": "Weight: the share of equity in percent, 0.01 to 100.00; = gives this line what is missing.",
    "filter": "Filter: words in any order, or terms such as drift>5; enter keeps the filter, escape clears it.",
    "note": f"Note: kept in the audit trail with your decision; at most {MAX_NOTE_LENGTH:,} characters.",
    "confirm-typed": "On a live book, orders are sent and money is moved only after this word is typed.",
    "export-path": "Path: the file to write; its ending, .csv or .json, chooses the format.",
    "field-account": "Account: the client, account number or id; right or end accepts the completion.",
    "field-amount": "Amount: dollars above 0 in whole cents, such as 2500 or 1,204.50.",
    "field-note": "Description: the purpose of the journal, kept with it and in the audit trail.",
    "field-symbol": "Asset: a symbol that the book knows; right or end accepts the completion.",
    "field-qty": "Shares: a quantity above 0 with up to nine decimals, such as 12.5.",
}


def field_help(widget: Widget | None) -> str:
    """One sentence on the focused field."""
    if widget is None:
        return NO_HELP
    named = next((name for name in ("symbol", "percent") if widget.has_class(name)), widget.id or "")
    return _HELP.get(named, NO_HELP)
