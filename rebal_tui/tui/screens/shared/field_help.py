"""Help for the focused field (key f1): what the field is, its unit and range, and an example."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from rebal_tui.services.book.policy_options import MAX_EVALUATE_MINUTES, MAX_FRESH_SECONDS, MAX_ORDERS_PER_MINUTE
from rebal_tui.services.parsing.portfolio_body import MAX_COOLDOWN
from rebal_tui.tui.text import ui_text

FORM_PREFIX = "field-"
"""Prefix of the ids of the fields of a `FormScreen`."""
_MINIMUM_AMOUNT = (
    "Orders below it are left out, such as 25. The first that is set counts: of subscription, account, portfolio, "
    "book. Cash runs need $10.00."
)
_MINIMUM_PERCENT = (
    "Orders below this share of the equity are left out: 0 to 100 %, such as 0.5. With dollars, too, the larger counts."
)
_COOLDOWN = f"Days without another full rebalance after one: 0 to {MAX_COOLDOWN:,}, such as 30."
_NOTE = "Why you decide so, in your words, such as “agreed by phone”; it is kept in the audit trail."
_PATH = "Where the file is, such as ~/books/model.json; ~ is your home folder."
FORM_HELP: Mapping[str, str] = MappingProxyType(
    {
        "account": "The account: its client's name, number or the beginning of its id, such as Ruiz; tab completes "
        "it, tab or down lists matches.",
        "amount": "How much, in dollars and whole cents above 0, such as 2,500 or 1234.56. Withdrawable cash is shown "
        "rounded down to the cent.",
        "symbol": "The asset by its symbol, such as VTI; right completes what you type.",
        "qty": "How many shares, above 0 with at most nine decimals, such as 12.5.",
        "shares": "How many shares: 0 or more with at most nine decimals, such as 12.5.",
        "whole": "Whether orders of this account are in whole shares: whole or fractions.",
        "price": "The price of one share in dollars, above 0, such as 285.42.",
        "cash": "The cash of the account in dollars, such as 12,500.40.",
        "number": "The account's number as the custodian's files have it, such as A-100.",
        "full_number": "The whole account number that uploads need where files shorten it, such as 4857-1234.",
        "name": "A name for people, up to 200 characters, such as Ruiz, Ana.",
        "fees": "What the broker charged for this execution, in dollars, 0 or more; empty for none, such as 4.95.",
        "list": "The number of the trade list, a whole number such as 3.",
        "line": "The number of the line in its trade list, a whole number such as 12.",
        "custodian": "Who holds the accounts: schwab, fidelity, ibkr, vanguard or generic.",
        "counted": "Symbols that count as cash, such as SWVXX, SNSXX; none empties the list, an empty field keeps it.",
        "pairs": "Symbols that the custodian writes otherwise, such as BRKB=BRK.B; none empties the list.",
        "fractions": "Whether the custodian trades fractions of a share: yes or no.",
        "date": "The day, or day and New York time, that the figures are of, such as 2026-11-27 or 2026-11-27 16:00.",
        "kind": "One of no buy, no sell, lock, range, unmanaged, hold, buy only and sell only; right completes.",
        "min": "The least that runs leave: a number with %, $ or shares, such as 10 % or $5,000; for ranges only.",
        "max": "The most that runs leave, in the unit of the other bound, such as 20 %; for ranges only.",
        "until": "The last day on which it holds, such as 2027-01-31; empty until somebody lifts it.",
        "reason": "Why, in your words, such as “low basis”; required, and kept in the audit trail.",
        "note": _NOTE,
        "restrictions": "Which restriction this run may ignore: the beginning of its name, or all.",
        "minimum_amount": _MINIMUM_AMOUNT,
        "minimum_percent": _MINIMUM_PERCENT,
        "cooldown": f"{_COOLDOWN} Empty: as the portfolio has it.",
        "review": "Whether automatic runs wait for approval in Review before an order is sent.",
    }
)
"""Help texts for the fields of a `FormScreen`, by field key."""
HELP: Mapping[str, str] = MappingProxyType(
    {
        "note": _NOTE,
        "confirm-typed": "The word in the placeholder, typed in full: orders of a live book are sent by it.",
        "minimum_amount": _MINIMUM_AMOUNT,
        "minimum_percent": _MINIMUM_PERCENT,
        "review": "Whether automatic runs wait for approval in Review before an order is sent.",
        "cooldown": _COOLDOWN,
        "theme": "The colors of the screens; ansi themes take those of the terminal.",
        "notify": "Whether the terminal notifies you of new alerts, or rings its bell where it knows no notifications.",
        "density": "How tight the screens are: compact, or comfortable with more space.",
        "evaluate_minutes": f"Minutes between evaluations from the open on: 1 to {MAX_EVALUATE_MINUTES}, such as 15.",
        "evaluate_at": "New York times of evaluations in place of the minutes, 09:30 to 15:29, such as 10:00, 14:30; "
        "may be empty.",
        "quarterly_months": "The months of quarterly rebalances: 1 to 12, separated by commas, such as 3, 6, 9, 12.",
        "fresh_seconds": f"The oldest price that may be traded on, in seconds: 0 (any age) to {MAX_FRESH_SECONDS:,}, "
        "such as 60.",
        "orders_per_minute": f"How many orders are sent a minute at most: 0 (no limit) to {MAX_ORDERS_PER_MINUTE:,}, "
        "such as 200.",
        "jump_guard": "Whether an asset whose price jumps is put on hold until you release it.",
        "surge_guard": "Whether runs that together trade unusually much wait for review.",
        "jump_limit": "The largest price change since the last close in percent, above 0 and below 100, such as 20.",
        "surge_limit": "The largest total of a session in percent of all equity, 0 (off) or more, such as 10.",
        "surge_run_limit": "The largest run in dollars, 0 (off) or more, such as 250,000.",
        "surge_order_limit": "The largest order in dollars, 0 (off) or more, such as 100,000.",
        "name": "What the portfolio is called in lists, up to 200 characters, such as Growth 80/20.",
        "description": "What the portfolio is for, up to 1,024 characters; optional.",
        "symbol": "The asset by its symbol, such as VTI; enter takes the one suggested. A number is its percent, in a "
        "blank last line cash; a paste fills all.",
        "percent": "The asset's share of the portfolio in percent, above 0 to 100 with two decimals, such as 12.50; "
        "= takes what is left.",
        "cash": "The share that stays cash, 0 to 100 % with two decimals, such as 2; all weights sum to 100.",
        "absolute-band": "The drift from a target that makes a run, in percentage points above 0, such as 5; "
        "empty for none.",
        "relative-band": "The drift that makes a run, in percent of the target above 0, such as 20; empty for none.",
        "calendar": "How often the portfolio is rebalanced whatever its drift; left and right choose.",
        "day": "The day of the calendar: a weekday, 1 to 31, or month and day, such as Friday, 15 or 12-31.",
        "on-update": "Whether a change of weights or conditions rebalances the subscribers; left and right choose.",
        "rebalance-to": "Where a run of a drift band stops: the target, the edge of the band, or halfway between.",
        "rebalance-scope": "Whether a run of a drift band trades all assets or only those outside their bands.",
        "least": _MINIMUM_AMOUNT,
        "least-percent": _MINIMUM_PERCENT,
        "stagger": "Sessions over which the accounts of a calendar rebalance are spread: 1 or more, such as 5.",
        "new-name": "The name of the copy, up to 200 characters.",
        "shock-percent": "How much the prices change at once, in percent above -100 to 1000, such as -8; up and down "
        "choose the asset's price or all prices.",
        "action-kind": "What the company does, such as split, dividend or merger; the line below lists all.",
        "action-ratio": "New shares for old ones, above 0, such as 10, 3:2 or 1:8.",
        "action-amount": "Dollars for each share, above 0, such as 0.42.",
        "action-new_symbol": "The symbol of the asset that the holders get, such as NEW.",
        "action-price": "The first price of the new asset in dollars, above 0, such as 25.10.",
        "lab-closes": "A file of daily closes with the header date,SYM,SYM, such as closes.csv; ~ is your home folder.",
        "path-input": _PATH,
        "first-path": _PATH,
        "export-path": "The file to write, such as ~/accounts.csv; an existing one is replaced only after a question.",
        "filter": "Words of any column, or an id; terms such as drift>5 or portfolio:growth; in Runs 23 nov, 11/23 or "
        "2026-11-23; escape clears it.",
    }
)
"""Help texts for all other fields, by widget id, or by style class if several fields are alike."""
_CLASSES = ("symbol", "percent", "absolute-band", "relative-band")


@runtime_checkable
class ExplainsFields(Protocol):
    """A form that can explain its fields."""

    def explain(self, key: str) -> str:
        """Return the explanation of the field with this key."""


class FieldNote(Static):
    """A line of a dialog that shows the dialog's keys or, after key f1, the explanation of the focused field.

    `elsewhere` are the keys shown while the focus is not in a field that has an explanation. The widget has the style
    class `-explains` while it shows an explanation.
    """

    DEFAULT_CSS = """
    FieldNote { width: 1fr; height: auto; min-height: 1; color: $foreground 60%; }
    """

    explanation: reactive[str] = reactive("", init=False, repaint=False)
    """The explanation shown in place of the keys, until another widget gets the focus; empty for none."""

    def __init__(self, keys: str, elsewhere: str = "", *, id: str | None = None) -> None:
        super().__init__(ui_text(keys), id=id, markup=False)
        self._keys, self._elsewhere = keys, elsewhere

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self._focus_moved, init=False)

    def name_keys(self, keys: str, elsewhere: str) -> None:
        """Show other keys: `keys` in a field that has an explanation, `elsewhere` in another widget."""
        self._keys, self._elsewhere = keys, elsewhere
        self._show()

    def _focus_moved(self) -> None:
        self.explanation = ""
        self._show()

    def watch_explanation(self, explanation: str) -> None:
        self.set_class(bool(explanation), "-explains")
        self._show()

    def _show(self) -> None:
        keys = self._keys if help_of(self.screen.focused) else self._elsewhere
        self.update(ui_text(self.explanation or keys))


def help_of(widget: Widget | None) -> str:
    """Return the explanation of a field; empty for None or another widget."""
    if widget is None:
        return ""
    identity, screen = widget.id or "", widget.screen
    if isinstance(screen, ExplainsFields) and identity.startswith(FORM_PREFIX):
        return screen.explain(identity.removeprefix(FORM_PREFIX))
    if identity in HELP:
        return HELP[identity]
    return next((HELP[name] for name in _CLASSES if widget.has_class(name)), "")
