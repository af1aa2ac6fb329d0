"""Ids, numbers and symbols collected while a BOOK.json is parsed, and the parsers of the fields that need them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pydantic import ValidationInfo

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.domain.trading_rules import AccountSettings
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.book_assets import AssetEntries, AssetEntry
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.shapes import Reading, Rule


class Names(Reading):
    """State of parsing a BOOK.json: names with the location of their first use, prices, and the entry being parsed.

    A name is an id, an account number or a symbol. A valid name counts as known even where the rest of its entry is
    invalid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.assets = AssetEntries()
        self.asset: AssetEntry | None = None
        self.accounts: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self.portfolios: dict[str, str] = {}
        self.subscribed: dict[str, str] = {}
        self.as_of: datetime | None = None
        self.location = ""
        self.symbol: str | None = None
        self.id: str | None = None
        self.number: str | None = None
        self.account = ""
        self.held: dict[str, str] = {}
        self.settings: list[tuple[str, AccountSettings]] = []
        self.gross_value = 0
        self.positions = 0
        self._counts: Counter[str] = Counter()

    def enter(self, entries: str) -> str:
        """Begin the next entry of the list `entries`, and return its location, such as `portfolios[3]`."""
        self.location = f"{entries}[{self._counts[entries]}]"
        self._counts[entries] += 1
        self.symbol = self.id = self.number = self.asset = None
        return self.location

    def enter_asset(self, raw: object) -> None:
        """Begin the next asset."""
        self.asset = self.assets.begin(self.enter("assets"), raw)

    def enter_account(self) -> str:
        """Begin the next account, and return its location, such as `accounts[3]`."""
        self.account = self.enter("accounts")
        self.held, self.gross_value, self.positions = {}, 0, 0
        return self.account

    def enter_position(self) -> None:
        """Begin the next position of the current account."""
        self.location = f"{self.account}.positions[{self.positions}]"
        self.positions += 1
        self.symbol = self.asset = None

    def repetition(self, field: str, value: str, seen: dict[str, str]) -> list[str]:
        """One error text if `seen` has `value` already, else none; a new value is added with the current location."""
        if value in seen:
            return [f"duplicate {field} {shown(value)}, already used in {seen[value]}"]
        seen[value] = self.location
        return []


def _raise_if_broken(broken: list[str]) -> None:
    if broken:
        raise Rule(*broken)


def asset_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """Parse the id of a new asset, which must be unique in the file."""
    names = info.context
    if value is None or names.asset is None:
        return None
    identity = fields.identity(value)
    names.assets.add_id(names.asset, identity)
    return identity


def asset_symbol(value: object, info: ValidationInfo[Names]) -> str:
    """Parse the symbol of a new asset."""
    names = info.context
    symbol = fields.symbol(value)
    if names.asset is not None:
        names.assets.add_symbol(names.asset, symbol)
    return symbol


def asset_price(value: object, info: ValidationInfo[Names]) -> Price | None:
    """Parse the price of the current asset, by which positions in it are valued."""
    if value is None:
        return None
    names = info.context
    price = fields.price(value)
    if names.asset is not None:
        names.asset.price = price
    return price


def referred_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """Parse the asset id of the current position or weight; the file must list an asset with this id."""
    names = info.context
    names.asset = None
    if value is None:
        return None
    names.asset = names.assets.find(fields.identity(value))
    return names.asset.id


def held_symbol(value: object, info: ValidationInfo[Names]) -> str:
    """Parse the symbol of the current position, and return the asset's label.

    An account may have each asset once, and the file must list the asset.
    """
    names = info.context
    symbol = fields.symbol(value)
    label = names.symbol = names.assets.referred(symbol, names.asset)
    broken = names.repetition("symbol", label, names.held)
    if symbol not in names.assets:
        broken.append(f"unknown asset {symbol}: not listed in assets")
    _raise_if_broken(broken)
    return label


def weighted_symbol(value: object, info: ValidationInfo[Names]) -> str:
    """Parse the symbol of a weight, and return the asset's label.

    That the file lists the asset is checked later, with the whole portfolio.
    """
    return info.context.assets.referred(fields.symbol(value), info.context.asset)


def held_qty(value: object, info: ValidationInfo[Names]) -> Qty:
    """Parse the shares of the current position, and add the value of the position to that of the account."""
    names = info.context
    qty = fields.qty(value)
    if names.symbol is not None:
        names.gross_value += qty * names.assets.price(names.symbol)
    return qty


def account_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """Parse the id of an account, which must be unique in the file."""
    if value is None:
        return None
    names = info.context
    identity = names.id = fields.identity(value)
    firm = ["expected another id: this one is the firm account's"] if identity == FIRM_ACCOUNT else []
    _raise_if_broken(firm + names.repetition("id", identity, names.accounts))
    return identity


def account_number(value: object, info: ValidationInfo[Names]) -> str | None:
    """Parse the number of an account, which must be unique in the file."""
    if value is None:
        return None
    names = info.context
    number = names.number = fields.identity(value)
    _raise_if_broken(names.repetition("account_number", number, names.numbers))
    return number


def cash_amount(value: object, info: ValidationInfo[Names]) -> Money | None:
    """Parse the cash of the current account."""
    if value is None:
        return None
    cash = fields.money(value)
    info.context.gross_value += abs(cash) * NANO
    return cash


def portfolio_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """Parse the id of a portfolio, which must be unique in the file."""
    if value is None:
        return None
    names = info.context
    identity = names.id = fields.identity(value)
    _raise_if_broken(names.repetition("id", identity, names.portfolios))
    return identity


def subscriber(value: object, info: ValidationInfo[Names]) -> str:
    """Parse the account id of a subscription: an account of the file that no subscription above it in the file has."""
    names = info.context
    account_id = names.id = fields.identity(value)
    broken = [] if account_id in names.accounts else [f"unknown account {shown(account_id)}"]
    if account_id in names.subscribed:
        first = names.subscribed[account_id]
        broken.append(f"account {shown(account_id)} already has a subscription in {first}")
    _raise_if_broken(broken)
    return account_id


def followed(value: object, info: ValidationInfo[Names]) -> str:
    """Parse the portfolio id of a subscription; the file must list the portfolio."""
    names = info.context
    portfolio_id = fields.identity(value)
    if names.id is not None:
        names.subscribed.setdefault(names.id, names.location)
    _raise_if_broken([] if portfolio_id in names.portfolios else [f"unknown portfolio {shown(portfolio_id)}"])
    return portfolio_id


def book_time(value: object, info: ValidationInfo[Names]) -> datetime | None:
    """Parse `as_of`, the time at which the book was as the file describes it."""
    names = info.context
    names.as_of = None if value is None else fields.timestamp(value)
    return names.as_of
