"""Models of the API's request bodies: each parses a body, with numbers as exact decimals, and documents it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationInfo, model_validator

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.assets import EXCHANGES, AssetChange, AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import CENT, Money, Percent, Price, Qty, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.text import display_text
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.corporate_action import ApplyCorporateAction
from rebal_tui.services.parsing.field_types import percent_above_zero, percent_not_negative
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio, Name, OneWeight, UpdatePortfolio
from rebal_tui.services.parsing.portfolio_shape import WEIGHT_SHAPES, read_weights
from rebal_tui.services.parsing.rule_requests import (
    ChangeAccountSettings,
    ChangeBookSettings,
    ChangeSubscription,
    OverrideField,
)
from rebal_tui.services.parsing.rules_shape import OverridesField
from rebal_tui.services.parsing.server_requests import AddKey, RotateKey, TurnOn
from rebal_tui.services.parsing.shapes import Broken, Read, Reading, Shape, StrictShape, read, with_rules

MAX_DESCRIPTION = 1_024
MAX_CLIENT_ORDER_ID = 128
MAX_REASON = 200
MAX_PRICES = 10_000
MAX_SESSIONS = 260
MAX_MINUTES = 10_000
"""Longest step of a sandbox."""

UNSOLICITED = "unsolicited"
_TRADE_MARKERS = (None, UNSOLICITED, "discretionary")
_SIMPLE = (None, "", "simple")
_NOT_SUPPORTED = ("limit_price", "stop_price", "trail_price", "trail_percent", "take_profit", "stop_loss", "legs")

_Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")] | float
"""A decimal as text, or a JSON number, which is also parsed exactly."""
_Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.\-]{0,15}$", examples=["SPY"])]


_AMOUNT = "expected dollars above 0 and up to 9,000,000,000 with at most nine decimals"
_CENTS = "expected dollars from 0.01 to 9,000,000,000 with at most two decimals"


def _amount(value: object) -> Money:
    amount = fields.amount(parse_money, _AMOUNT)(value)
    if amount <= 0:
        raise ValueError(_AMOUNT)
    return amount


def _cents(value: object) -> Money:
    amount = fields.amount(parse_money, _CENTS)(value)
    if amount <= 0 or amount % CENT:
        raise ValueError(_CENTS)
    return amount


def _count(most: int) -> fields.Parse[int]:
    return lambda value: fields.whole_number(value, most, f"expected a whole number from 0 to {most:,}")


def _text(limit: int) -> fields.Parse[str]:
    return lambda value: display_text(fields.string(value), limit)


def _client_order_id(value: object) -> str:
    text = display_text(fields.string(value), MAX_CLIENT_ORDER_ID)
    if not text:
        raise ValueError(f"expected an id of 1 to {MAX_CLIENT_ORDER_ID} characters")
    return text


def _entry_type(value: object) -> str:
    if value not in ("JNLC", "JNLS"):
        raise ValueError("expected JNLC or JNLS")
    return str(value)


def _exchange(value: object) -> str:
    if value not in EXCHANGES:
        raise ValueError(f"expected one of {', '.join(filter(None, EXCHANGES))}")
    return str(value)


def _own_weights(raw: object, info: ValidationInfo[Reading]) -> Weights | None:
    """Weights of a run; missing, null or empty means those of the subscription."""
    return None if raw is None or raw == [] else read_weights(raw, info)


def _as_is(value: object) -> object:
    return value


Id = Annotated[
    str,
    Read(
        fields.identity,
        Annotated[str, Field(min_length=1, max_length=64, examples=["bf2b0f93-f296-4276-a9cf-288586cf4fb7"])],
    ),
]
Symbol = Annotated[str, Read(fields.symbol, _Symbol)]
Cents = Annotated[Money, Read(_cents, _Decimal)]


class CreateSubscription(Shape):
    what: ClassVar[str] = "a subscription"
    account_id: Id
    portfolio_id: Id
    trade_marker: Annotated[str | None, Read(_as_is, Literal["unsolicited", "discretionary"] | None, null=None)] = None
    overrides: OverridesField = None


class CreateRun(Shape):
    what: ClassVar[str] = "a run"
    account_id: Id
    type: Annotated[RunType, Read(fields.choice(RunType), RunType)]
    weights: Annotated[Weights | None, Read(_own_weights, list[OneWeight] | None, shapes=WEIGHT_SHAPES)] = None
    amount: Annotated[Money | None, Read(_amount, _Decimal | None, null=None)] = None
    override: OverrideField = None


class CreateOrder(Shape):
    what: ClassVar[str] = "an order"
    ignored: ClassVar[frozenset[str]] = frozenset({*_NOT_SUPPORTED, "extended_hours", "order_class", "commission"})
    symbol: Symbol
    side: Annotated[Side, Read(fields.choice(Side), Side)]
    type: Annotated[str, Read(fields.string, Literal["market"])]
    time_in_force: Annotated[str, Read(fields.string, Literal["day"])]
    qty: Annotated[Qty | None, Read(fields.qty, _Decimal | None, null=None)] = None
    notional: Annotated[Money | None, Read(_cents, _Decimal | None, null=None)] = None
    client_order_id: Annotated[
        str | None,
        Read(
            _client_order_id,
            Annotated[str, Field(min_length=1, max_length=MAX_CLIENT_ORDER_ID)] | None,
            null=None,
        ),
    ] = None

    @model_validator(mode="wrap")
    @classmethod
    def _one_quantity(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        broken: list[Broken] = []
        if isinstance(raw, dict) and (raw.get("qty") is None) == (raw.get("notional") is None):
            broken.append((("qty",), "expected either qty or notional"))
        return with_rules(lambda: handler(raw), lambda: broken)


class CreateJournal(Shape):
    what: ClassVar[str] = "a journal"
    ignored: ClassVar[frozenset[str]] = frozenset({"symbol", "qty", "currency"})
    entry_type: Annotated[str, Read(_entry_type, Literal["JNLC"])]
    from_account: Id
    to_account: Id
    amount: Cents
    description: Annotated[
        str, Read(_text(MAX_DESCRIPTION), Annotated[str, Field(max_length=MAX_DESCRIPTION)], null="")
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _only_cash_has_an_amount(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("entry_type") != "JNLC" and raw.get("amount") is None:
            return {**raw, "amount": "1"}
        return raw


class OpenAccount(Shape):
    what: ClassVar[str] = "an account"
    name: Name
    cash: Annotated[Money, Read(fields.money, _Decimal, null=Money(0))] = Field(
        Money(0), json_schema_extra={"default": "0"}
    )


class ChangeAccount(StrictShape):
    what: ClassVar[str] = "changes to an account"
    status: Annotated[AccountStatus, Read(fields.choice(AccountStatus), AccountStatus)] | None = None
    restrictions: list[Annotated[Restriction, Read(fields.choice(Restriction), Restriction)]] | None = None


class Deposit(Shape):
    what: ClassVar[str] = "a deposit"
    account_id: Id
    amount: Cents


class Prices(Shape):
    model_config = ConfigDict(extra="allow", json_schema_extra={"example": {"SPY": "417.80"}})
    what: ClassVar[str] = "prices by symbol"
    __pydantic_extra__: dict[str, Annotated[Price, Read(fields.price, _Decimal)]]

    @model_validator(mode="wrap")
    @classmethod
    def _by_symbol(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(raw, dict):
            return handler(raw)
        good: dict[str, Any] = {}
        broken: list[Broken] = []
        for name in list(raw)[: MAX_PRICES + 1]:
            try:
                good[fields.symbol(name)] = raw[name]
            except ValueError as error:
                broken.append(((shown(name),), str(error)))
        if len(raw) > MAX_PRICES:
            broken.append(((), f"expected at most {MAX_PRICES:,} prices"))
        return with_rules(lambda: handler(good), lambda: broken)


class ChangeAsset(StrictShape):
    what: ClassVar[str] = "changes to an asset"
    name: Name | None = None
    exchange: Annotated[str, Read(_exchange, str)] | None = None
    status: Annotated[AssetStatus, Read(fields.choice(AssetStatus), AssetStatus)] | None = None
    tradable: Annotated[bool, Read(fields.boolean, bool)] | None = None
    fractionable: Annotated[bool, Read(fields.boolean, bool)] | None = None
    halted: Annotated[bool, Read(fields.boolean, bool)] | None = None


class ChangeGuards(StrictShape):
    what: ClassVar[str] = "guards of a book"
    jump_guard: Annotated[bool, Read(fields.boolean, bool)] | None = None
    jump_limit: Annotated[Percent, Read(percent_above_zero, _Decimal)] | None = None
    surge_guard: Annotated[bool, Read(fields.boolean, bool)] | None = None
    surge_limit: Annotated[Percent, Read(percent_not_negative, _Decimal)] | None = None
    surge_order_limit: Annotated[Money, Read(fields.money, _Decimal)] | None = None
    surge_run_limit: Annotated[Money, Read(fields.money, _Decimal)] | None = None


class Rejection(Shape):
    what: ClassVar[str] = "a rejection"
    account_id: Id
    symbol: Symbol
    reason: Annotated[
        str,
        Read(_text(MAX_REASON), Annotated[str, Field(max_length=MAX_REASON)], null="rejected on purpose"),
    ] = "rejected on purpose"


class Step(Shape):
    what: ClassVar[str] = "a step in sessions or minutes"
    sessions: Annotated[int, Read(_count(MAX_SESSIONS), Annotated[int, Field(ge=0, le=MAX_SESSIONS)], null=0)] = 0
    minutes: Annotated[int, Read(_count(MAX_MINUTES), Annotated[int, Field(ge=0, le=MAX_MINUTES)], null=0)] = 0

    @model_validator(mode="wrap")
    @classmethod
    def _one_length(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        step = handler(raw)
        if (step.sessions > 0) == (step.minutes > 0):
            broken = [(("sessions",), "expected either sessions or minutes, above 0")]
            return with_rules(lambda: step, lambda: broken)
        return step


BODIES: tuple[type[BaseModel], ...] = (
    CreatePortfolio, UpdatePortfolio, CreateSubscription, CreateRun, CreateOrder, CreateJournal, OpenAccount,
    ChangeAccount, Deposit, Prices, ChangeAsset, ChangeGuards, Rejection, Step, ApplyCorporateAction, AddKey, RotateKey,
    TurnOn, ChangeAccountSettings, ChangeSubscription, ChangeBookSettings,
)  # fmt: skip
"""The models of request bodies."""


def read_subscription(raw: object) -> CreateSubscription:
    """Parse a subscription. Raises `Conflict` for an unknown trade marker, `Invalid` for other invalid fields."""
    given = read(CreateSubscription, raw)
    if given.trade_marker not in _TRADE_MARKERS:
        raise Conflict("rebalancing_invalid_trade_marker: expected discretionary or unsolicited")
    return given


def read_order(raw: object, account_id: str) -> OrderRequest:
    """Parse a market order for the day; a missing client_order_id becomes an empty one.

    Raises `Invalid` for invalid fields, `Conflict` for order types that are not supported.
    """
    given = read(CreateOrder, raw)
    if given.type != "market" or given.time_in_force != "day":
        raise Conflict("only market orders with time_in_force day are supported")
    other: dict[str, object] = raw if isinstance(raw, dict) else {}
    unsupported = [name for name in _NOT_SUPPORTED if other.get(name) is not None]
    if unsupported or other.get("extended_hours") not in (None, False) or other.get("order_class") not in _SIMPLE:
        raise Conflict(f"{', '.join(unsupported) or 'extended_hours or order_class'}: not supported for a market order")
    return OrderRequest(account_id, given.client_order_id or "", given.symbol, given.side, given.notional, given.qty)


def read_journal(raw: object) -> CreateJournal:
    """Parse a journal of cash (JNLC). Raises `Invalid` for invalid fields, `Conflict` for one of shares (JNLS)."""
    given = read(CreateJournal, raw)
    if given.entry_type != "JNLC":
        raise Conflict("only cash journals (JNLC) are supported")
    return given


def read_prices(raw: object) -> Mapping[str, Price]:
    """Parse prices by symbol. Raises `Invalid`."""
    return read(Prices, raw).__pydantic_extra__


def read_guards(raw: object) -> dict[str, Any]:
    """Parse changes to the guards of a book: the given fields of `Guards`, by name. Raises `Invalid`."""
    return {name: value for name, value in dict(read(ChangeGuards, raw)).items() if value is not None}


def read_asset_change(raw: object) -> AssetChange:
    """Parse a change to an asset. Raises `Invalid`."""
    return AssetChange(**dict(read(ChangeAsset, raw)))
