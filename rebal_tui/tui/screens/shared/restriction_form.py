"""The form that adds a restriction to accounts or to a portfolio (R-60)."""

from __future__ import annotations

from datetime import date

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import parse_scaled
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trading_rules import Concerned, RangeUnit, RestrictionDraft, RestrictionKind
from rebal_tui.services.book.book import Book
from rebal_tui.tui.book_services import restrictions
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.widgets.lines import nothing

_KINDS = {kind.value.replace("_", " "): kind for kind in RestrictionKind}
_UNITS = {"%": RangeUnit.PERCENT, "$": RangeUnit.DOLLARS, "shares": RangeUnit.SHARES}
EFFECTS = {
    RestrictionKind.NO_BUY: "no run buys {asset}",
    RestrictionKind.NO_SELL: "no run sells {asset}",
    RestrictionKind.LOCK: "no run buys or sells {asset}",
    RestrictionKind.RANGE: "runs keep {asset} between these bounds",
    RestrictionKind.UNMANAGED: "{asset} is left out of equity, and no run trades it",
    RestrictionKind.HOLD: "no run trades the account",
    RestrictionKind.BUY_ONLY: "no run sells anything",
    RestrictionKind.SELL_ONLY: "no run buys anything",
}
"""What a restriction does, by kind; `{asset}` stands for the symbol."""


def restriction_form(title: str, concerned: Concerned, symbols: tuple[str, ...]) -> FormScreen:
    """Create the form; `concerned` are the accounts or the portfolio that get the restriction.

    `symbols` are the completions of the field for the asset.
    """

    def propose(book: Book, values: Values) -> Proposal:
        draft = read_draft(values)
        restrictions.check_draft(book, draft)
        count = len(concerned.account_ids)
        whom = count_text(count, "account") if count > 1 else title
        effect = EFFECTS[draft.kind].format(asset=draft.symbol)
        asset = "" if draft.symbol is None else f" {draft.symbol}"

        def act(book: Book) -> str:
            made = restrictions.add_restrictions(book, draft, concerned)
            return f"{draft.kind.replace('_', ' ')}{asset}, {count_text(len(made), 'restriction')}"

        ends = "until somebody lifts it" if draft.until is None else f"through {draft.until}"
        effects = (Effect(f"Added for {whom}"), Effect(f"From now on {effect}, {ends}."))
        return Proposal(nothing, "Add the restriction?", "", "Add", act, "Added", effects)

    fields = [
        Field("kind", "Kind", hint="lock, no buy, range… f1 lists all", choices=tuple(_KINDS)),
        Field("symbol", "Asset", hint="not for hold, buy only, sell only", choices=symbols),
        Field("min", "At least", hint="of a range: 10 %, $500, 20 shares"),
        Field("max", "At most", hint="of a range, in the same unit"),
        Field("until", "Last day", hint="YYYY-MM-DD; empty: no end"),
        Field("reason", "Reason", hint="required; kept in the audit trail"),
    ]
    return FormScreen(f"New restriction · {title}", fields, propose, blame="kind")


def read_draft(values: Values) -> RestrictionDraft:
    """Parse the fields into a draft of a restriction. Raises `Invalid` with a fault for each
    field that cannot be parsed.
    """
    faults = []
    kind = _KINDS.get(" ".join(values["kind"].replace("_", " ").casefold().split()))
    if kind is None:
        faults.append(Fault("kind", f"expected one of {', '.join(_KINDS)}"))
    bounds: dict[str, int | None] = {}
    units: set[RangeUnit] = set()
    for name in ("min", "max"):
        try:
            bounds[name] = _bound(values[name], units)
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    if len(units) > 1:
        faults.append(Fault("max", "expected the unit of the other bound"))
    until = None
    try:
        until = read_last_day(values["until"])
    except Invalid as error:
        faults.extend(error.faults)
    if faults or kind is None:
        raise Invalid(faults)
    return RestrictionDraft(
        kind, values["reason"], values["symbol"].strip().upper() or None, bounds["min"], bounds["max"],
        next(iter(units), None), until,
    )  # fmt: skip


def read_last_day(text: str) -> date | None:
    """Parse the last day of a restriction; None if the text is empty. Raises `Invalid` at the field `until`."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid([Fault("until", "expected a day as YYYY-MM-DD")]) from None


def _bound(text: str, units: set[RangeUnit]) -> int | None:
    text = text.strip().replace(",", "")
    if not text:
        return None
    for mark, unit in _UNITS.items():
        if mark in text:
            units.add(unit)
            number = text.replace(mark, "").strip()
            break
    else:
        raise ValueError("expected a number with %, $ or shares")
    try:
        found = parse_scaled(number, 2 if unit is RangeUnit.PERCENT else 9)
    except ValueError:
        found = -1
    if found < 0:
        raise ValueError("expected a number of 0 or more with %, $ or shares")
    return found
