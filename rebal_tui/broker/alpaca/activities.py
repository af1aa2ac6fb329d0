"""Conversion of Alpaca's activities: bookings of cash and shares on an account, including corporate actions (R-54).

The fields are those of the activity stream `/v2beta1/events/activities`. Some are common to all types of activities;
those in `details` depend on the type.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.json_values import Json, Malformed
from rebal_tui.domain.activities import ActionPart, Activity, ShareChange
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import Money, Price, Qty

log = logging.getLogger(__name__)

EXECUTED, CORRECT = "executed", "correct"
REVERSED = frozenset({"canceled", "deleted"})
_DIVIDENDS = frozenset(
    {"DIV", "DIVCGL", "DIVCGS", "DIVNRA", "DIVROC", "DIVTXEX", "DIVFT", "DIVFEE", "DIVWH", "CGD", "ROC"}
)
_ACTIONS = frozenset({"SPLIT", "SPIN", "MA", "NC", "REORG", "REO", "CIL", "SC"})
_CASH_ONLY = frozenset({"CSD", "CSW", "CSR", "ACATC", "FEE", "PTC", "PTR", "INT", "FI", "JNLC", "CFEE", "WH", "CIL"})
_CASH_ONLY |= _DIVIDENDS
_TRANSFERS = frozenset({"JNLS", "ACATS", "FOPT"})
_DAYS = ("ex_date", "effective_date", "position_date", "system_date")


def activity(data: Json) -> Activity | None:
    """The activity in an event of the stream; None if the broker has not booked the activity yet (it is `pending`).

    If only the field `details` cannot be read, the activity is returned with `covered` False, so that its cash is
    booked and its shares are not. Raises `Malformed` when another field cannot be read.
    """
    kind = json_values.displayable(json_values.text_of(data, "activity_type"), 20)
    subtype = json_values.displayable(json_values.text_of(data, "activity_subtype", ""), 20)
    status = json_values.text_of(data, "status", EXECUTED)
    if status not in (EXECUTED, CORRECT) and status not in REVERSED:
        return None
    replaces = json_values.id_of(data, "previous_id") if data.get("previous_id") else None
    name = f"{kind} {subtype}".strip()
    if status in REVERSED:
        return Activity(json_values.id_of(data, "ref_id"), name, False, replaces, Money(0))
    details = json_values.as_object(data.get("details") or {})
    cash = json_values.money_or_none(data, "net_amount") or Money(0)
    try:
        shares, part, covered = _effects(kind, subtype, data, details)
    except Malformed as error:
        log.warning("the details of activity %s cannot be read: %s", name, error)
        shares, part, covered = (), None, False
    return Activity(json_values.id_of(data, "ref_id"), name, True, replaces, cash, shares, part, covered)


def cash_kind(name: str, cash: Money) -> CashKind:
    """Which kind of cash entry the book stores for an activity.

    `name` is `Activity.kind`, such as `DIV CDIV`. A journal with `cash` above 0 is a journal in, else a journal out.
    """
    kind = name.partition(" ")[0]
    if kind == "JNLC":
        return CashKind.JOURNAL_IN if cash > 0 else CashKind.JOURNAL_OUT
    if kind == "CSD":
        return CashKind.DEPOSIT
    if kind == "CSR":
        return CashKind.ACH_RETURN
    if kind in _DIVIDENDS:
        return CashKind.DIVIDEND
    return CashKind.CORPORATE_ACTION if kind in _ACTIONS else CashKind.OTHER


_Effects = tuple[tuple[ShareChange, ...], ActionPart | None, bool]


def _effects(kind: str, subtype: str, data: Json, details: Json) -> _Effects:
    read = _READERS.get((kind, subtype)) or _READERS.get((kind, ""))
    if read is not None:
        return read(details)
    if kind in _TRANSFERS:
        return (ShareChange(_symbol(details, "symbol"), json_values.qty(data, "qty")),), None, True
    if kind in _CASH_ONLY:
        return (), None, True
    return (), None, False


def _split(details: Json) -> _Effects:
    symbol, new = _symbol(details, "symbol"), _optional_symbol(details, "new_symbol")
    held, after = json_values.qty(details, "old_qty"), json_values.qty(details, "new_qty")
    ratio = _ratio(details, "new_rate", "old_rate")
    part = _part(details, symbol, held, ActionKind.SPLIT, ratio=ratio)
    if new is None or new == symbol:
        return _changes((symbol, after - held)), part, True
    return _changes((symbol, -held), (new, after)), part, True


def _unit_split(details: Json) -> _Effects:
    symbol, held = _symbol(details, "old_symbol"), json_values.qty(details, "old_qty")
    changes = [(symbol, -held), (_symbol(details, "new_symbol"), json_values.qty(details, "new_qty"))]
    alternate = _optional_symbol(details, "alternate_symbol")
    if alternate is not None:
        changes.append((alternate, json_values.qty_or_none(details, "alternate_qty") or 0))
    return _changes(*changes), _part(details, symbol, held, None), True


def _cash_dividend(details: Json) -> _Effects:
    symbol = _optional_symbol(details, "symbol")
    held = json_values.qty_or_none(details, "entitled_qty") or Qty(0)
    rate = json_values.price_or_none(details, "rate")
    if symbol is None or rate is None or not details.get("ca_id"):
        return (), None, True
    return (), _part(details, symbol, held, ActionKind.CASH_DIVIDEND, amount=rate), True


def _stock_dividend(details: Json) -> _Effects:
    symbol, held = _symbol(details, "symbol"), json_values.qty(details, "entitled_qty")
    added = json_values.qty_or_none(details, "paid_qty")
    if added is None:
        added = Qty(json_values.qty(details, "new_qty") - held)
    ratio = _ratio(details, "rate", None)
    return _changes((symbol, added)), _part(details, symbol, held, ActionKind.STOCK_DIVIDEND, ratio=ratio), True


def _spin_off(details: Json) -> _Effects:
    symbol, new = _symbol(details, "source_symbol"), _symbol(details, "new_symbol")
    held, price = (
        json_values.qty_or_none(details, "source_qty") or Qty(0),
        json_values.price_or_none(details, "new_price"),
    )
    ratio = _ratio(details, "new_rate", "source_rate")
    kind = ActionKind.SPIN_OFF if price is not None else None
    part = _part(details, symbol, held, kind, ratio=ratio, new_symbol=new, price=price)
    return _changes((new, json_values.qty(details, "new_qty"))), part, True


def _merger(details: Json) -> _Effects:
    symbol, held = _symbol(details, "acquiree_symbol"), json_values.qty(details, "acquiree_qty")
    changes = [(symbol, -abs(held))]
    received = json_values.qty_or_none(details, "acquirer_qty") or Qty(0)
    new = _optional_symbol(details, "acquirer_symbol")
    if received and new is not None:
        changes.append((new, received))
        ratio = _ratio(details, "acquirer_rate", "acquiree_rate")
        part = _part(details, symbol, Qty(abs(held)), ActionKind.STOCK_MERGER, ratio=ratio, new_symbol=new)
    else:
        rate = json_values.price_or_none(details, "cash_rate")
        kind = ActionKind.CASH_MERGER if rate is not None else None
        part = _part(details, symbol, Qty(abs(held)), kind, amount=rate)
    return _changes(*changes), part, True


def _name_change(details: Json) -> _Effects:
    symbol, new = _optional_symbol(details, "old_symbol"), _optional_symbol(details, "new_symbol")
    if symbol is None or new is None or symbol == new:
        return (), None, True
    held = json_values.qty_or_none(details, "position_qty") or Qty(0)
    return (), _part(details, symbol, held, ActionKind.SYMBOL_CHANGE, new_symbol=new), True


def _worthless_removal(details: Json) -> _Effects:
    symbol, held = _symbol(details, "symbol"), Qty(abs(json_values.qty(details, "removed_qty")))
    return _changes((symbol, -held)), _part(details, symbol, held, ActionKind.DELISTING), True


_READERS: Mapping[tuple[str, str], Callable[[Json], _Effects]] = {
    ("SPLIT", "FSPLIT"): _split,
    ("SPLIT", "RSPLIT"): _split,
    ("SPLIT", "USPLIT"): _unit_split,
    ("DIV", "CDIV"): _cash_dividend,
    ("DIV", "SPD"): _cash_dividend,
    ("DIV", "SDIV"): _stock_dividend,
    ("SPIN", ""): _spin_off,
    ("MA", "CMA"): _merger,
    ("MA", "SMA"): _merger,
    ("MA", "SCMA"): _merger,
    ("NC", ""): _name_change,
    ("REORG", "WRM"): _worthless_removal,
}
"""Readers of the details of a type and subtype; "" stands for every subtype."""


def _changes(*changes: tuple[str, int]) -> tuple[ShareChange, ...]:
    return tuple(ShareChange(symbol, Qty(qty)) for symbol, qty in changes if qty)


def _part(
    details: Json, symbol: str, held: Qty, kind: ActionKind | None, *, ratio: Fraction | None = None,
    amount: Price | None = None, new_symbol: str | None = None, price: Price | None = None,
) -> ActionPart | None:  # fmt: skip
    """The corporate action that an activity is a part of; None if the activity does not give the action's id or day.

    The activity's shares and cash are booked in both cases.
    """
    day = action_day(details)
    if not details.get("ca_id") or day is None:
        return None
    action = (
        None if kind is None else made(kind, symbol, ratio=ratio, amount=amount, new_symbol=new_symbol, price=price)
    )
    return ActionPart(json_values.id_of(details, "ca_id"), symbol, day, held, action)


def made(
    kind: ActionKind, symbol: str, *, ratio: Fraction | None = None, amount: Price | None = None,
    new_symbol: str | None = None, price: Price | None = None,
) -> CorporateAction:  # fmt: skip
    """A corporate action with the broker's figures; the arguments are those of `CorporateAction`.

    Raises `Malformed` when the figures do not fit the kind of action.
    """
    try:
        return CorporateAction(kind, symbol, ratio, amount, new_symbol, price)
    except Invalid as error:
        raise Malformed(f"corporate action of {symbol}: {error}") from None


def action_day(details: Json) -> date | None:
    """The day on which a corporate action takes effect, None when no field has it. Raises `Malformed` for a field that
    is no date.
    """
    for name in (*_DAYS, "process_date"):
        text = json_values.text_of(details, name, "")
        if text:
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                raise Malformed(f"{name}: expected a date") from None
    return None


def ratio_of(data: Json, new: str, old: str | None) -> Fraction:
    """New shares per old share: field `new` ÷ field `old`, or `new` alone when `old` is None. Raises `Malformed`."""
    found = json_values.price(data, new)
    return Fraction(found, json_values.price(data, old) if old else 10**9)


_ratio = ratio_of


def _symbol(details: Json, name: str) -> str:
    found = _optional_symbol(details, name)
    if found is None:
        raise Malformed(f"{name} is missing")
    return found


def _optional_symbol(details: Json, name: str) -> str | None:
    return json_values.displayable(json_values.text_of(details, name, ""), 30) or None
