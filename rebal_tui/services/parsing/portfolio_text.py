"""Models of a portfolio in pasted text or a file: in the API's format, or as an export of all portfolios has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, TypeAdapter, ValidationInfo

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Weights
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio, OneWeight
from rebal_tui.services.parsing.portfolio_shape import AssetWeight, CashWeight, UnknownWeight, weights_of
from rebal_tui.services.parsing.shapes import Read, Reading, Rule, Shape, one_of


class AssetReading(Reading):
    """The state of validating one portfolio, with the assets of the book by label."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        super().__init__()
        self.assets = assets


def _no_id(value: object) -> None:
    if value is not None:
        raise ValueError("expected no asset_id for cash")


def _same_asset(value: object, info: ValidationInfo[AssetReading]) -> None:
    """Check that an asset id is that of the asset with the weight's symbol. Raises `Rule` if it is not.

    For a symbol that the book lacks, any id passes that is not the id of another asset.
    """
    symbol, assets = info.data.get("symbol"), info.context.assets
    if value is None or symbol is None:
        return
    identity = fields.identity(value)
    if symbol in assets and assets[symbol].id == identity:
        return
    named = next((asset.symbol for asset in assets.values() if asset.id == identity), "")
    if named:
        raise Rule(f"asset {shown(identity)} is {named} in this book, not {symbol}")
    if symbol in assets:
        raise Rule(f"{symbol} has another id in this book; remove asset_id to take the asset by its symbol")


class ExportedCashWeight(CashWeight):
    asset_id: Annotated[None, Read(_no_id, None)] = None


class ExportedAssetWeight(AssetWeight):
    asset_id: Annotated[None, Read(_same_asset, str | None)] = None


class ExportedUnknownWeight(UnknownWeight):
    asset_id: Any = None


def _weight_shape(raw: dict[Any, Any]) -> type[Shape]:
    kind = raw.get("type")
    return ExportedCashWeight if kind == "cash" else ExportedAssetWeight if kind == "asset" else ExportedUnknownWeight


_SHAPES = (ExportedCashWeight, ExportedAssetWeight)
_WEIGHTS = TypeAdapter(list[Annotated[ExportedCashWeight | ExportedAssetWeight, Read(one_of(_weight_shape), None)]])


def _read_weights(raw: object, info: ValidationInfo[AssetReading]) -> Weights:
    return weights_of(_WEIGHTS, raw, info.context)


class PortfolioFile(CreatePortfolio):
    weights: Annotated[Weights, Read(_read_weights, list[OneWeight], shapes=_SHAPES)]


class PastedPortfolio(PortfolioFile):
    model_config = ConfigDict(extra="forbid")
    id: Any = None
    status: Any = None
    created_at: Any = None
    updated_at: Any = None
    subscribers: Any = None
