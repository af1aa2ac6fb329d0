"""Writes the trading rules of an account into the stored input of a decision or plan, and reads them (R-60 to R-67)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from rebal_tui.domain.portfolios import Destination, DriftBand, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import Money, Percent
from rebal_tui.domain.trading_rules import (
    NO_RULES,
    Overrides,
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    Stagger,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.store.codec import dump
from rebal_tui.store.condition_values import condition_of, condition_values


def to_text(rules: TradingRules, asset_keys: Mapping[str, int]) -> str | None:
    """The rules as JSON, with assets by key; None when there are none (`NO_RULES`)."""
    if rules == NO_RULES:
        return None
    stagger = rules.stagger
    overridden = [_restriction_values(one, asset_keys) for one in rules.overridden]
    return dump(
        {
            **({"overridden": overridden, "note": rules.override_note} if overridden else {}),
            "restrictions": [_restriction_values(one, asset_keys) for one in rules.restrictions],
            "to": rules.destination.value,
            "scope": rules.scope.value,
            "minimum": _minimum_values(rules.minimum_trade),
            "source": rules.minimum_source,
            "whole_shares": int(rules.whole_shares),
            "live": int(rules.live),
            "buffer": int(rules.proceeds_buffer),
            "overrides": None if rules.overrides is None else overrides_values(rules.overrides),
            "bands": [condition_values(band) for band in rules.bands],
            "stagger": None
            if stagger is None
            else [stagger.offset, stagger.sessions, stagger.day.isoformat(), stagger.next_day.isoformat()],
        }
    )


def texts_of(rules: Iterable[TradingRules | None], asset_keys: Mapping[str, int]) -> list[str | None]:
    """The text that `to_text` makes for each of these rules; rules that occur several times are converted once."""
    made: dict[int, str | None] = {}
    kept: list[TradingRules] = []
    found: list[str | None] = []
    for one in rules:
        if one is None:
            found.append(None)
            continue
        if id(one) not in made:
            made[id(one)] = to_text(one, asset_keys)
            kept.append(one)  # An id is the object's only while the object is kept.
        found.append(made[id(one)])
    return found


def from_text(text: str | None, symbols: Mapping[int, str]) -> TradingRules:
    """The rules that `to_text` wrote. Raises `ValueError`, `KeyError` or `TypeError` for any other text."""
    if text is None:
        return NO_RULES
    raw = json.loads(text)
    bands = [condition_of(*values) for values in raw["bands"]]
    stagger = raw["stagger"]
    return TradingRules(
        restrictions=tuple(_restriction(one, symbols) for one in raw["restrictions"]),
        destination=Destination(raw["to"]),
        scope=RebalanceScope(raw["scope"]),
        minimum_trade=_minimum(raw["minimum"]),
        minimum_source=raw["source"],
        whole_shares=bool(raw["whole_shares"]),
        live=bool(raw["live"]),
        proceeds_buffer=Percent(raw.get("buffer", 0)),
        overrides=None if raw["overrides"] is None else _overrides(raw["overrides"]),
        bands=tuple(band for band in bands if isinstance(band, DriftBand)),
        overridden=tuple(_restriction(one, symbols) for one in raw.get("overridden", ())),
        override_note=raw.get("note", ""),
        stagger=None
        if stagger is None
        else Stagger(stagger[0], stagger[1], date.fromisoformat(stagger[2]), date.fromisoformat(stagger[3])),
    )


def overrides_to_text(overrides: Overrides) -> str:
    """Overrides of a subscription (R-67) as stored text."""
    return dump(overrides_values(overrides))


def overrides_from_text(text: str) -> Overrides:
    """The overrides that `overrides_to_text` wrote."""
    return _overrides(json.loads(text))


def overrides_values(overrides: Overrides) -> dict[str, Any]:
    """Overrides of a subscription (R-67) as values for JSON."""
    conditions = overrides.conditions
    return {
        "cooldown_days": overrides.cooldown_days,
        "conditions": None if conditions is None else [condition_values(one) for one in conditions],
        "minimum": _minimum_values(overrides.minimum_trade),
        "review": None if overrides.review is None else int(overrides.review),
    }


def _overrides(raw: Mapping[str, Any]) -> Overrides:
    conditions, review = raw["conditions"], raw["review"]
    return Overrides(
        raw["cooldown_days"],
        None if conditions is None else tuple(condition_of(*values) for values in conditions),
        _minimum(raw["minimum"]),
        None if review is None else bool(review),
    )


def _minimum_values(minimum: MinimumTrade | None) -> list[int] | None:
    return None if minimum is None else [minimum.amount, minimum.percent]


def _minimum(raw: list[int] | None) -> MinimumTrade | None:
    return None if raw is None else MinimumTrade(Money(raw[0]), Percent(raw[1]))


def _restriction_values(one: TradeRestriction, asset_keys: Mapping[str, int]) -> list[Any]:
    return [
        one.id, one.scope.value, one.kind.value, one.reason, None if one.symbol is None else asset_keys[one.symbol],
        one.account_id, one.portfolio_id, one.minimum, one.maximum, None if one.unit is None else one.unit.value,
        None if one.until is None else one.until.isoformat(),
    ]  # fmt: skip


def _restriction(values: list[Any], symbols: Mapping[int, str]) -> TradeRestriction:
    identity, scope, kind, reason, asset, account_id, portfolio_id, minimum, maximum, unit, until = values
    return TradeRestriction(
        identity, RestrictionScope(scope), RestrictionKind(kind), reason, None if asset is None else symbols[asset],
        account_id, portfolio_id, minimum, maximum, None if unit is None else RangeUnit(unit),
        None if until is None else date.fromisoformat(until),
    )  # fmt: skip
