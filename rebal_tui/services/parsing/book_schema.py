"""The JSON Schema of a BOOK.json, written as pydantic models. Loaded only to print it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.portfolios import BandType, PortfolioStatus
from rebal_tui.domain.text import MAX_NAME_LENGTH, MAX_NOTE_LENGTH
from rebal_tui.services.parsing.fields import MAX_ID, SYMBOL_PATTERN, TIME_PATTERN
from rebal_tui.services.parsing.portfolio_input import MAX_COOLDOWN


def _decimal(pattern: str, number: dict[str, Any], description: str) -> WithJsonSchema:
    """A decimal as text, or as a number that is read exactly."""
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": f"^{pattern}$"}, {"type": "number", **number}],
            "description": description,
        }
    )


_NINE = r"[0-9]{1,10}(\.[0-9]{1,9}0*)?"
_POSITIVE = rf"(?=.*[1-9]){_NINE}"
_TWO = r"[0-9]{1,3}(\.[0-9]{1,2}0*)?"
_MAX = 9_000_000_000

Money = Annotated[
    str,
    _decimal(f"-?{_NINE}", {"minimum": -_MAX, "maximum": _MAX}, "US dollars, at most nine decimals; may be negative."),
]
Price = Annotated[
    str, _decimal(_POSITIVE, {"exclusiveMinimum": 0, "maximum": _MAX}, "US dollars a share, above 0, nine decimals.")
]
Qty = Annotated[str, _decimal(_POSITIVE, {"exclusiveMinimum": 0, "maximum": _MAX}, "Shares, above 0, nine decimals.")]
Percent = Annotated[
    str, _decimal(rf"(?=.*[1-9]){_TWO}", {"exclusiveMinimum": 0}, "Percent above 0, at most two decimals.")
]
CashPercent = Annotated[
    str, _decimal(_TWO, {"minimum": 0}, "Percent of equity kept as cash, at most two decimals; 0 is dropped.")
]
Cooldown = Annotated[
    int,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_COOLDOWN},
                {"type": "string", "pattern": "^[0-9]{1,5}$"},
            ],
            "description": "Calendar days after a full rebalance without another one.",
        }
    ),
]
Time = Annotated[
    str,
    Field(pattern=f"^{TIME_PATTERN}$", description="RFC 3339 with an offset, at most nine fractional digits."),
]
Id = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID, description="Any id without control characters or blanks around it."),
]
Name = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"\S", description="No control characters.")
]
Symbol = Annotated[str, Field(pattern=f"^{SYMBOL_PATTERN}$", examples=["SPY", "BRK.B"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BookAsset(_Strict):
    """A US equity. One that is not active, tradable and fractionable makes its portfolios need adjustment."""

    symbol: Symbol
    name: Name | None = Field(None, description="The symbol when not given.")
    price: Price | None = Field(None, description="Last price; none when not given.")
    status: AssetStatus = AssetStatus.ACTIVE
    tradable: bool = True
    fractionable: bool = True


class BookPosition(_Strict):
    """Shares that an account holds; every symbol once an account, and among the assets."""

    symbol: Symbol
    qty: Qty
    avg_entry_price: Price | None = None


class BookAccount(_Strict):
    """A client account, with an id or an account number; both are unique in the file."""

    id: Id | None = Field(None, description="Made up when not given; subscriptions refer to it.")
    account_number: Id | None = Field(None, description="The id when not given.")
    name: Name | None = Field(None, description="The client's name; the account number when not given.")
    status: AccountStatus = AccountStatus.ACTIVE
    cash: Money | None = Field(None, description="Settled cash; 0 when not given.")
    restrictions: list[Restriction] = Field([], json_schema_extra={"uniqueItems": True})
    positions: list[BookPosition] = []


class CashWeight(_Strict):
    """The share of equity kept as cash; one at most."""

    type: Literal["cash"]
    symbol: None = None
    percent: CashPercent


class AssetWeight(_Strict):
    """The share of equity that an asset is to have; every asset once."""

    type: Literal["asset"]
    symbol: Symbol
    percent: Percent


class DriftBand(_Strict):
    """Fires when an asset drifts further than `percent`: points of equity, or percent of its target."""

    type: Literal["drift_band"]
    sub_type: BandType
    percent: Percent
    day: None = None


class Weekly(_Strict):
    """Fires on a weekday, or the session before it."""

    type: Literal["calendar"]
    sub_type: Literal["weekly"]
    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    percent: None = None


class DayOfMonth(_Strict):
    """Fires on a day of the month or quarter, or the session before it."""

    type: Literal["calendar"]
    sub_type: Literal["monthly", "quarterly"]
    day: str = Field(pattern="^([1-9]|[12][0-9]|3[01])$")
    percent: None = None


class Annually(_Strict):
    """Fires on a date, or the session before it."""

    type: Literal["calendar"]
    sub_type: Literal["annually"]
    day: str = Field(
        pattern="^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))$",
        examples=["02-29"],
    )
    percent: None = None


_Conditions = list[DriftBand | Weekly | DayOfMonth | Annually]


class BookPortfolio(_Strict):
    """A portfolio as the API creates it. Its weights sum to exactly 100; one calendar condition at most."""

    id: Id | None = Field(None, description="Made up when not given; subscriptions refer to it.")
    status: PortfolioStatus = PortfolioStatus.ACTIVE
    name: Name
    description: str | None = Field(None, max_length=MAX_NOTE_LENGTH)
    weights: list[Annotated[CashWeight | AssetWeight, Field(discriminator="type")]] = Field(min_length=1)
    cooldown_days: Cooldown | None = Field(None, description="0 when not given.")
    rebalance_conditions: _Conditions | None = Field(None, description="Any one of them fires.")
    rebalancing_conditions: _Conditions | None = Field(None, description="Another name of rebalance_conditions.")
    review: bool = Field(False, description="Whether an advisor approves its system runs.")


class BookSubscription(_Strict):
    """An account that follows a portfolio; one an account at most."""

    account_id: Id
    portfolio_id: Id
    last_rebalanced_at: Time | None = Field(None, description="Null until a full rebalance has finished.")


class BookFile(_Strict):
    """A whole book of accounts at one moment."""

    as_of: Time | None = Field(None, description="The moment that the book describes.")
    assets: list[BookAsset]
    accounts: list[BookAccount]
    portfolios: list[BookPortfolio] = []
    subscriptions: list[BookSubscription] = []


def schema() -> dict[str, Any]:
    """The schema as a plain object, draft 2020-12."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **BookFile.model_json_schema()}
