"""Planted faults in corporate actions, renames, negative cash and missing prices (R-31, R-50, R-54, R-58)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebal_tui.broker.simulated import corporate_actions as sim_actions
from rebal_tui.broker.simulated import events as sim_events
from rebal_tui.broker.simulated import ledger as sim_ledger
from rebal_tui.domain.action_effects import Effect, Holding, Terms, effect_of
from rebal_tui.domain.cash import CashKind, Owner, OwnerKind
from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.services.book.prices import PriceCache
from rebal_tui.services.queries import exceptions as queries
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import accounts, asset_renames, reservations
from tests.reliability.corporate_actions import ENDING, REVERSE_SPLIT
from tests.reliability.default_events import FREQUENT, NEGATIVE_CASH, NEW_HOLDING
from tests.reliability.market import Prices


def _unadjusted(terms: Terms, held: Holding) -> Effect:
    found = effect_of(terms, held)
    return replace(found, qty=held.qty) if terms.action.kind is ActionKind.SPLIT else found


def _adjusted_twice(terms: Terms, held: Holding) -> Effect:
    found = effect_of(terms, held)
    return effect_of(terms, replace(held, qty=found.qty)) if terms.action.kind is ActionKind.SPLIT else found


def _nothing_received(terms: Terms, held: Holding) -> Effect:
    return replace(effect_of(terms, held), received=Qty(0), received_average=None)


def _still_held(terms: Terms, held: Holding) -> Effect:
    found = effect_of(terms, held)
    return replace(found, qty=held.qty) if terms.action.kind in ENDING else found


def _paid_on_shares_of_now(terms: Terms, held: Holding) -> Effect:
    return effect_of(terms, replace(held, entitled=held.qty))


def _paid_twice(*given: Any, post: Any = sim_ledger.post) -> int:
    entry: int = post(*given)
    if given[3] == "dividend":
        sim_events.emit_cash(given[0], given[2], given[1], post(*given))
    return entry


def _fraction_lost(terms: Terms, held: Holding) -> Effect:
    found = effect_of(terms, held)
    return replace(found, paid=Money(0)) if terms.action.kind is ActionKind.SPLIT else found


_ADD_CASH, _LOAD, _SUBJECTS = accounts.add_cash, PriceCache.load, queries.Exceptions._subjects


def _set_aside(tx: Any, entry: Any) -> bool:
    """A dividend is reserved instead of being an inflow."""
    new = _ADD_CASH(tx, entry)
    if new and entry.kind is CashKind.DIVIDEND:
        reservations.add(tx, entry.account_id, Owner(OwnerKind.PERSON, "dividends"), entry.amount, entry.at)
    return new


def _without_debts(listed: queries.Exceptions, kind: ExceptionKind) -> Any:
    return _SUBJECTS(listed, ExceptionKind.ASSET_ON_HOLD if kind is ExceptionKind.CASH_BELOW_ZERO else kind)


def _not_followed(cache: PriceCache, assets: Any) -> dict[str, str]:
    _LOAD(cache, assets)
    return {}


REPLACED: dict[str, tuple[Any, str, Any]] = {
    "a split leaves the position as it is": (sim_actions, "effect_of", _unadjusted),
    "a split is applied twice": (sim_actions, "effect_of", _adjusted_twice),
    "a fraction of a reverse split is not paid": (sim_actions, "effect_of", _fraction_lost),
    "new shares are not received": (sim_actions, "effect_of", _nothing_received),
    "an asset that has ended is still held": (sim_actions, "effect_of", _still_held),
    "a dividend is paid twice": (sim_actions, "post", _paid_twice),
    "a dividend is paid on the shares of now": (sim_actions, "effect_of", _paid_on_shares_of_now),
    "a dividend is no inflow": (accounts, "add_cash", _set_aside),
    "a corporate action leaves the price as it is": (Prices, "reprice", lambda self, symbol, price: None),
    "a rename loses a holding": (PriceCache, "load", _not_followed),
    "a run keeps the old symbol": (asset_renames, "since_run", lambda database, run_id: {}),
    "cash below zero is not listed": (queries.Exceptions, "_subjects", _without_debts),
}
"""By name: a module or class, its attribute, and what replaces it."""

_ACTIONS = (FREQUENT, "moving")
NEEDED: dict[str, tuple[str, ...]] = {
    "a split leaves the position as it is": ("split", *_ACTIONS),
    "a split is applied twice": ("split", *_ACTIONS),
    "a fraction of a reverse split is not paid": (REVERSE_SPLIT, NEW_HOLDING, *_ACTIONS),
    "new shares are not received": ("spin_off", *_ACTIONS),
    "an asset that has ended is still held": ("delisting", *_ACTIONS),
    "a dividend is paid twice": ("cash_dividend", *_ACTIONS),
    "a dividend is paid on the shares of now": ("cash_dividend", *_ACTIONS),
    "a dividend is no inflow": ("cash_dividend", *_ACTIONS),
    "a corporate action leaves the price as it is": ("split", *_ACTIONS),
    "a rename loses a holding": ("symbol_change", *_ACTIONS),
    "a run keeps the old symbol": ("symbol_change", *_ACTIONS),
    "cash below zero is not listed": (NEGATIVE_CASH, *_ACTIONS),
    "cash below zero is buying power": (NEGATIVE_CASH, *_ACTIONS),
    "a holding without a price is worth nothing": (NEW_HOLDING, *_ACTIONS),
}
"""What a seed must have for a fault to show."""

FIRST: dict[str, int] = {"a dividend is paid on the shares of now": 2}
"""A seed that shows a fault."""
