"""Every shape of the API's requests and of BOOK.json against recorded inputs: the exact value, or the location of
the fault. The outcomes were recorded from manually written readers, field by field."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.portfolios import AssetWeight, BandType, DriftBand, Portfolio, PortfolioStatus, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.services.parsing import requests
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.portfolio_input import parse_pasted, parse_portfolio, portfolio_patch
from rebal_tui.services.parsing.shapes import Shape, read

Case = dict[str, Any]
CASES: list[Case] = json.loads((Path(__file__).parent / "recorded_shapes.json").read_text("utf-8"))
AT = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = Portfolio(
    "p1", "Old", "text", PortfolioStatus.ACTIVE, Weights((AssetWeight("SPY", Percent(10_000)),)), 3,
    (DriftBand(BandType.ABSOLUTE, Percent(500)),), AT, AT, AT, True,
)  # fmt: skip


def plain(value: Any) -> Any:
    """A value as JSON; never a float."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.compare}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    assert not isinstance(value, float)
    return value if value is None or type(value) in (bool, int) else str(value)


def fields(model: type[Shape], *names: str) -> Callable[[object], Any]:
    def read_fields(raw: object) -> Any:
        given = read(model, raw)
        return {name: plain(getattr(given, name)) for name in names}

    return read_fields


def account_change(raw: object) -> Any:
    given = read(requests.ChangeAccount, raw)
    restrictions = None if given.restrictions is None else plain(frozenset(given.restrictions))
    return {"status": plain(given.status), "restrictions": restrictions}


def journal(raw: object) -> Any:
    given = requests.read_journal(raw)
    return {name: plain(getattr(given, name)) for name in ("from_account", "to_account", "amount", "description")}


READERS: dict[str, Callable[[Any], Any]] = {
    "book": parse_book,
    "portfolio": parse_portfolio,
    "pasted": lambda raw: parse_pasted(raw, {}),
    "patch": lambda raw: portfolio_patch(BEFORE, raw),
    "subscription": fields(requests.CreateSubscription, "account_id", "portfolio_id"),
    "run": fields(requests.CreateRun, "account_id", "type", "weights", "amount"),
    "order": lambda raw: requests.read_order(raw, "a"),
    "journal": journal,
    "account": fields(requests.OpenAccount, "name", "cash"),
    "deposit": fields(requests.Deposit, "account_id", "amount"),
    "prices": requests.read_prices,
    "asset change": requests.read_asset_change,
    "account change": account_change,
    "rejection": fields(requests.Rejection, "account_id", "symbol", "reason"),
    "step": fields(requests.Step, "sessions", "minutes"),
}


def outcome(shape: str, text: str) -> Case:
    try:
        return {"value": plain(READERS[shape](text if shape == "book" else read_json(text)))}
    except Invalid as invalid:
        return {"locations": sorted(fault.location for fault in invalid.faults)}
    except Conflict:
        return {"conflict": True}


@pytest.mark.parametrize("shape", READERS)
def test_a_shape_is_read_as_recorded(shape: str) -> None:
    cases = [case for case in CASES if case["shape"] == shape]
    assert len(cases) >= 6
    for case in cases:
        expected = {key: value for key, value in case.items() if key not in ("shape", "text")}
        assert outcome(shape, case["text"]) == expected, case["text"]
