"""The schema of a BOOK.json: one model per object, which parses it, checks references and documents it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field, ModelWrapValidatorHandler, TypeAdapter, ValidationInfo, model_validator

from rebal_tui.domain import portfolios as domain
from rebal_tui.domain import quantities
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.asset_labels import Listed, by_symbol, labels
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.portfolios import Condition, PortfolioStatus, Weights
from rebal_tui.domain.quantities import MAX_NANO, NANO, Money
from rebal_tui.domain.text import MAX_NOTE_LENGTH
from rebal_tui.domain.trading_rules import AccountSettings, TradeRestriction
from rebal_tui.services.parsing import book_names, book_values, field_types, fields
from rebal_tui.services.parsing.book_assets import with_symbol
from rebal_tui.services.parsing.book_names import Names
from rebal_tui.services.parsing.book_weights import BOOK_WEIGHT_SHAPES, AnyBookWeight, read_book_weights
from rebal_tui.services.parsing.field_types import (
    DOLLARS,
    ID,
    PRICE,
    SHARES,
    SYMBOL,
    TIME,
    Cooldown,
    Name,
    Price,
    Time,
)
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_shape import (
    CONDITION_SHAPES,
    AnyCondition,
    asset_symbols,
    read_conditions,
    read_other_conditions,
)
from rebal_tui.services.parsing.rules_shape import (
    BookRestriction,
    Destination,
    MinimumTradeField,
    OverridesField,
    Scope,
    StaggerField,
    stagger_fault,
)
from rebal_tui.services.parsing.shapes import (
    Broken,
    ListOf,
    Read,
    StrictShape,
    bounded,
    items,
    repeated,
    with_rules,
)


class BookAsset(StrictShape):
    """A US equity. Portfolios with an asset that is not active, tradable and fractionable need adjustment.

    Several assets may have one symbol if each has an id and at most one is active: the active one is meant by the
    symbol.
    """

    what: ClassVar[str] = "an asset"
    id: Annotated[str | None, Read(book_names.asset_id, ID | None)] = Field(
        None, description="Referred to by positions and weights; generated from the symbol by default."
    )
    symbol: Annotated[str, Read(book_names.asset_symbol, SYMBOL)]
    name: Name | None = Field(None, description="Defaults to the symbol.")
    price: Annotated[quantities.Price | None, Read(book_names.asset_price, PRICE | None)] = Field(
        None, description="Last price; without it, the asset has no price."
    )
    status: Annotated[AssetStatus, Read(fields.choice(AssetStatus), AssetStatus, null=AssetStatus.ACTIVE)] = (
        AssetStatus.ACTIVE
    )
    tradable: Annotated[bool, Read(fields.boolean, bool, null=True)] = True
    fractionable: Annotated[bool, Read(fields.boolean, bool, null=True)] = True

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, raw: Any, info: ValidationInfo[Names]) -> Any:
        info.context.enter_asset(raw)
        return bounded(cls, raw)

    def asset(self, info: ValidationInfo[Names]) -> Asset:
        """The asset; the time of its price is the `as_of` of the file."""
        symbol, price_at = self.symbol, info.context.as_of if self.price is not None else None
        return Asset(
            self.id or book_values.derived_id("asset", symbol), symbol, self.name or symbol, "", self.status,
            self.tradable, self.fractionable, self.price, price_at,
        )  # fmt: skip


class BookPosition(StrictShape):
    """Shares held by an account. An asset occurs once per account and must be listed in assets.

    The asset is given by its symbol, by its id in assets, or by both.
    """

    what: ClassVar[str] = "a position"
    asset_id: Annotated[str | None, Read(book_names.referred_id, ID | None)] = None
    symbol: Annotated[str, Read(book_names.held_symbol, SYMBOL)] = ""
    qty: Annotated[quantities.Qty, Read(book_names.held_qty, SHARES)]
    avg_entry_price: Price | None = None

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, raw: Any, info: ValidationInfo[Names]) -> Any:
        info.context.enter_position()
        return bounded(cls, with_symbol(raw, info.context.assets))

    def position(self, info: ValidationInfo[Names]) -> Position:
        """The position, with the asset's id if the file gives it."""
        return Position(self.symbol, self.qty, self.avg_entry_price, info.context.assets.id_of(self.symbol))


_RESTRICTIONS = TypeAdapter(list[Annotated[Restriction, Read(fields.choice(Restriction), Restriction)]])


def _restrictions(value: object, info: ValidationInfo[Names]) -> frozenset[Restriction]:
    if value is None:
        return frozenset()
    listed = value if isinstance(value, list) else []
    known = [item if isinstance(item, str) and item in frozenset(Restriction) else None for item in listed]
    broken: list[Broken] = [
        ((index,), f"duplicate restriction {known[index]}; list each restriction once") for index in repeated(known)
    ]
    return frozenset(items(_RESTRICTIONS, value, info.context, broken))


class BookAccount(StrictShape):
    """A client account with an id, an account number or both; each is unique in the file."""

    what: ClassVar[str] = "an account"
    id: Annotated[str | None, Read(book_names.account_id, ID | None)] = Field(
        None, description="Referred to by subscriptions; generated by default."
    )
    account_number: Annotated[str | None, Read(book_names.account_number, ID | None)] = Field(
        None, description="Defaults to the id."
    )
    name: Name | None = Field(None, description="The client's name; defaults to the account number.")
    status: Annotated[AccountStatus, Read(fields.choice(AccountStatus), AccountStatus, null=AccountStatus.ACTIVE)] = (
        AccountStatus.ACTIVE
    )
    cash: Annotated[Money | None, Read(book_names.cash_amount, DOLLARS | None)] = Field(
        None, description="Settled cash; defaults to 0."
    )
    restrictions: Annotated[frozenset[Restriction], Read(_restrictions, list[Restriction])] = Field(
        frozenset(), json_schema_extra={"uniqueItems": True}
    )
    positions: Annotated[Sequence[Position], ListOf(BookPosition, BookPosition.position, null=())] = ()
    whole_shares: Annotated[bool, Read(fields.boolean, bool, null=False)] = Field(
        False, description="Whether the account trades whole shares only."
    )
    minimum_trade: MinimumTradeField = None

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo[Any]) -> Self:
        names: Names = info.context
        location = names.enter_account()
        if not isinstance(raw, dict):
            return handler(raw)

        def rules() -> Iterator[Broken]:
            names.accounts.setdefault(names.id or book_values.derived_id("account", names.number or location), location)
            if raw.get("id") is None and raw.get("account_number") is None:
                yield (), "expected an id or an account_number"
            if names.number is None and names.id is not None and raw.get("account_number") is None:
                for message in names.repetition("account_number", names.id, names.numbers):
                    yield ("id",), f"the id stands in for the missing account_number: {message}"
            if names.gross_value > MAX_NANO * NANO:
                yield (), "expected an account worth at most 9,000,000,000 dollars"

        return with_rules(lambda: handler(raw), rules)

    def account(self, info: ValidationInfo[Names]) -> Account:
        """The account; its opening time is the `as_of` of the file.

        Without an id, the id is computed from the account number, or else from the location in the file.
        """
        names = info.context
        identity = self.id or book_values.derived_id("account", self.account_number or names.account)
        if self.whole_shares or self.minimum_trade is not None:
            names.settings.append((identity, AccountSettings(self.whole_shares, self.minimum_trade)))
        number = self.account_number or identity
        return Account(
            id=identity,
            account_number=number,
            name=self.name or number,
            status=self.status,
            cash=self.cash or Money(0),
            unsettled=Money(0),
            restrictions=self.restrictions,
            positions=tuple(self.positions),
            created_at=names.as_of or book_values.LONG_AGO,
        )


_CONDITIONS = Annotated[
    tuple[Condition, ...] | None, Read(read_conditions, list[AnyCondition] | None, shapes=CONDITION_SHAPES)
]
_OTHER_CONDITIONS = Annotated[
    tuple[Condition, ...] | None, Read(read_other_conditions, list[AnyCondition] | None, shapes=CONDITION_SHAPES)
]


class BookPortfolio(StrictShape):
    """A portfolio as in the API. Its weights sum to exactly 100; at most one calendar condition and one
    on_portfolio_update are allowed."""

    what: ClassVar[str] = "a portfolio"
    id: Annotated[str | None, Read(book_names.portfolio_id, ID | None)] = Field(
        None, description="Referred to by subscriptions; generated by default."
    )
    status: Annotated[
        PortfolioStatus, Read(fields.choice(PortfolioStatus), PortfolioStatus, null=PortfolioStatus.ACTIVE)
    ] = PortfolioStatus.ACTIVE
    name: Name
    description: Annotated[
        str | None,
        Read(field_types.description, Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] | None, null=None),
    ] = None
    weights: Annotated[
        Weights, Read(read_book_weights, Annotated[list[AnyBookWeight], Field(min_length=1)], shapes=BOOK_WEIGHT_SHAPES)
    ]
    cooldown_days: Cooldown | None = Field(None, description="Defaults to 0.")
    rebalance_conditions: _CONDITIONS = Field(None, description="Any one of them triggers a rebalance.")
    rebalancing_conditions: _OTHER_CONDITIONS = Field(None, description="Alias of rebalance_conditions.")
    review: Annotated[bool, Read(fields.boolean, bool, null=False)] = Field(
        False, description="Whether an advisor must approve the runs that the scheduler creates."
    )
    rebalance_to: Destination = Field(domain.Destination.TARGET, description="Where runs of a drift band stop.")
    rebalance_scope: Scope = Field(domain.RebalanceScope.WHOLE, description="What runs of a drift band trade.")
    minimum_trade: MinimumTradeField = None
    stagger_sessions: StaggerField = Field(1, description="Sessions over which the calendar condition is spread.")

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo[Any]) -> Self:
        names: Names = info.context
        location = names.enter("portfolios")
        if not isinstance(raw, dict):
            return handler(raw)
        made: list[BookPortfolio] = []

        def value() -> BookPortfolio:
            made.append(handler(raw))
            return made[0]

        def rules() -> Iterator[Broken]:
            conditions = made[0].rebalance_conditions or made[0].rebalancing_conditions or () if made else ()
            fault = stagger_fault(made[0].stagger_sessions, conditions) if made else ""
            if fault:
                yield ("stagger_sessions",), fault
            names.portfolios.setdefault(names.id or book_values.derived_id("portfolio", location), location)
            for symbol in dict.fromkeys(asset_symbols(raw.get("weights"))):
                if symbol is not None and symbol not in names.assets:
                    yield ("weights",), f"unknown asset {symbol}: not listed in assets"

        return cast("Self", with_rules(value, rules))

    def portfolio(self, info: ValidationInfo[Names]) -> book_values.BookPortfolio:
        """The portfolio; without an id, the id is computed from the location in the file."""
        body = PortfolioBody(
            name=self.name,
            description=self.description or "",
            weights=self.weights,
            cooldown_days=self.cooldown_days or 0,
            conditions=self.rebalance_conditions or self.rebalancing_conditions or (),
            review=self.review,
            rebalance_to=self.rebalance_to,
            rebalance_scope=self.rebalance_scope,
            minimum_trade=self.minimum_trade,
            stagger_sessions=self.stagger_sessions,
        )
        return book_values.BookPortfolio(
            self.id or book_values.derived_id("portfolio", info.context.location), self.status, body
        )


class BookSubscription(StrictShape):
    """An account that follows a portfolio; at most one per account."""

    what: ClassVar[str] = "a subscription"
    account_id: Annotated[str, Read(book_names.subscriber, ID)]
    portfolio_id: Annotated[str, Read(book_names.followed, ID)]
    last_rebalanced_at: Time | None = Field(None, description="End of the last full rebalance; null if there was none.")
    overrides: OverridesField = None

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, raw: Any, info: ValidationInfo[Names]) -> Any:
        info.context.enter("subscriptions")
        return bounded(cls, raw)

    def subscription(self) -> book_values.BookSubscription:
        """The subscription as a plain value."""
        return book_values.BookSubscription(self.account_id, self.portfolio_id, self.last_rebalanced_at, self.overrides)


class BookFile(StrictShape):
    """A complete book at one point in time: assets, accounts, portfolios and subscriptions."""

    what: ClassVar[str] = "a book: an object with assets, accounts, portfolios, subscriptions"
    as_of: Annotated[datetime | None, Read(book_names.book_time, TIME | None)] = Field(
        None, description="The time that the book describes."
    )
    assets: Annotated[list[Asset], ListOf(BookAsset, BookAsset.asset)]
    accounts: Annotated[list[Account], ListOf(BookAccount, BookAccount.account)]
    portfolios: Annotated[
        Sequence[book_values.BookPortfolio], ListOf(BookPortfolio, BookPortfolio.portfolio, null=())
    ] = ()
    subscriptions: Annotated[
        Sequence[book_values.BookSubscription], ListOf(BookSubscription, BookSubscription.subscription, null=())
    ] = ()
    restrictions: Annotated[
        Sequence[TradeRestriction], ListOf(BookRestriction, BookRestriction.restriction, null=())
    ] = ()
    minimum_trade: MinimumTradeField = None

    def book(self, names: Names) -> book_values.BookFile:
        """The content of the file as plain values; assets have their label as symbol (R-50).

        `names` has collected the account settings while the file was parsed.
        """
        label_of = labels(
            by_symbol(Listed(asset.id, asset.symbol, asset.status is AssetStatus.ACTIVE) for asset in self.assets)
        )
        return book_values.BookFile(
            as_of=self.as_of,
            assets=tuple(replace(asset, symbol=label_of[asset.id]) for asset in self.assets),
            accounts=tuple(self.accounts),
            portfolios=tuple(self.portfolios),
            subscriptions=tuple(self.subscriptions),
            restrictions=tuple(self.restrictions),
            account_settings=tuple(names.settings),
            minimum_trade=self.minimum_trade,
        )
