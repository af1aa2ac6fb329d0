"""The weights of a BOOK.json: those of the API, but an asset can also be given by its id (R-50)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationInfo, model_validator

from rebal_tui.domain.portfolios import Weights
from rebal_tui.services.parsing import book_names
from rebal_tui.services.parsing.book_assets import with_symbol
from rebal_tui.services.parsing.book_names import Names
from rebal_tui.services.parsing.field_types import ID, SYMBOL, Percent
from rebal_tui.services.parsing.portfolio_shape import CashWeight, UnknownWeight, weights_of
from rebal_tui.services.parsing.shapes import Read, Shape, StrictShape, bounded, one_of


class BookAssetWeight(StrictShape):
    """The target percent of equity of an asset, which is given by its symbol, by its id in assets, or by both."""

    type: Literal["asset"]
    asset_id: Annotated[str | None, Read(book_names.referred_id, ID | None)] = None
    symbol: Annotated[str, Read(book_names.weighted_symbol, SYMBOL)] = ""
    percent: Percent

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, raw: Any, info: ValidationInfo[Names]) -> Any:
        info.context.asset = None
        return bounded(cls, with_symbol(raw, info.context.assets))


def _weight_shape(raw: dict[Any, Any]) -> type[Shape]:
    kind = raw.get("type")
    return CashWeight if kind == "cash" else BookAssetWeight if kind == "asset" else UnknownWeight


BOOK_WEIGHT_SHAPES = (CashWeight, BookAssetWeight)
AnyBookWeight = Annotated[CashWeight | BookAssetWeight, Field(discriminator="type")]
_WEIGHTS = TypeAdapter(list[Annotated[CashWeight | BookAssetWeight, Read(one_of(_weight_shape), None)]])


def read_book_weights(raw: object, info: ValidationInfo[Names]) -> Weights:
    """Parse weights, which must sum to exactly 100 (R-4); each asset is given by its label in the result."""
    return weights_of(_WEIGHTS, raw, info.context, by_id=True)
