"""The form for the settings of an account, and for the overrides of its subscription (R-64, R-65, R-67)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.trading_rules import AccountSettings, Overrides
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import MAX_COOLDOWN
from rebal_tui.tui.book_services import trade_settings
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.screens.shared.minimum_fields import MINIMUMS, minimum_of, minimum_texts
from rebal_tui.tui.widgets.lines import nothing

_REVIEWS: dict[str, bool | None] = {"yes": True, "no": False, "": None}
_SHARES: dict[str, bool | None] = {"whole": True, "fractions": False}
_MINIMUM_LABELS = {
    "minimum_amount": ("Min trade $", "empty: as portfolio or book"),
    "minimum_percent": ("Min trade %", "of equity; the larger counts"),
}
"""Labels and hints of the two fields of the minimum trade."""


def account_settings_form(account_id: str, client: str, given: tuple[AccountSettings, Overrides | None]) -> FormScreen:
    """Create the form. `given` has the current settings of the account and the overrides of its subscription (None if
    unsubscribed).
    """
    settings, overrides = given

    def propose(book: Book, values: Values) -> Proposal:
        wanted, changed = read_settings(values, given)
        effects = [Effect(text) for text in trade_settings.settings_texts(book, account_id, wanted, changed)]

        def act(book: Book) -> str:
            trade_settings.set_account_settings(book, account_id, wanted)
            if changed is not None:
                trade_settings.set_overrides(book, book.subscriptions[account_id].id, changed)
            return f"settings of {client}"

        effects.append(Effect("They hold from the next evaluation on.", style="muted"))
        return Proposal(nothing, "Change the settings?", "", "Change", act, "Changed", effects)

    texts = minimum_texts(settings.minimum_trade)
    fields = [
        Field("whole", "Shares", _text(_SHARES, settings.whole_shares), "whole or fractions", tuple(_SHARES)),
        *(Field(name, label, texts[name], hint) for name, (label, hint) in _MINIMUM_LABELS.items()),
    ]
    if overrides is not None:
        days = "" if overrides.cooldown_days is None else str(overrides.cooldown_days)
        fields += [
            Field("cooldown", "Cooldown", days, "days; empty: the portfolio's"),
            Field(
                "review", "Review", _text(_REVIEWS, overrides.review), "yes, no; empty: the portfolio's", ("yes", "no")
            ),
        ]
    return FormScreen(f"Settings · {client}", fields, propose, blame="whole")


def read_settings(
    values: Values, given: tuple[AccountSettings, Overrides | None]
) -> tuple[AccountSettings, Overrides | None]:
    """Parse the fields. Overrides that have no field in the form stay as in `given`. Raises `Invalid` with all
    faults.
    """
    faults: list[Fault] = []
    read: dict[str, Any] = {}
    for name, (_, _, parse) in MINIMUMS.items():
        try:
            read[name] = parse(values[name])
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    whole = _choice(_SHARES, values["whole"], "whole", faults)
    overrides = given[1]
    if overrides is not None:
        cooldown = _days(values["cooldown"], faults)
        review = _choice(_REVIEWS, values["review"], "review", faults)
        overrides = replace(overrides, cooldown_days=cooldown, review=review)
    if faults:
        raise Invalid(faults)
    return AccountSettings(bool(whole), minimum_of(read)), overrides


def _text(choices: Mapping[str, bool | None], value: bool | None) -> str:
    return next(text for text, one in choices.items() if one is value)


def _choice(choices: Mapping[str, bool | None], text: str, name: str, faults: list[Fault]) -> bool | None:
    plain = text.strip().casefold()
    if plain not in choices:
        faults.append(Fault(name, f"expected {' or '.join(filter(None, choices))}"))
        return None
    return choices[plain]


def _days(text: str, faults: list[Fault]) -> int | None:
    plain = text.strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 6 and int(plain) <= MAX_COOLDOWN):
        faults.append(Fault("cooldown", f"expected whole days from 0 to {MAX_COOLDOWN}"))
        return None
    return int(plain)
