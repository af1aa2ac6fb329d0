"""Names and references collected while a BOOK.json is parsed, and the parsers of the fields that need them."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime

from pydantic import ValidationInfo

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.shapes import Reading, Rule

_IDS = uuid.UUID("5a5c2e0e-8d0c-5f0b-9a35-0b1f6b0c7d11")


class Names(Reading):
    """State of parsing a book: its names with their first location, prices, and the current entry.

    A valid name counts as known even where the rest of its entry is invalid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.symbols: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self.portfolios: dict[str, str] = {}
        self.subscribed: dict[str, str] = {}
        self.prices: dict[str, int] = {}
        self.as_of: datetime | None = None
        self.location = ""
        self.symbol: str | None = None
        self.id: str | None = None
        self.number: str | None = None
        self.account = ""
        self.held: dict[str, str] = {}
        self.gross_value = 0
        self.positions = 0
        self._counts: Counter[str] = Counter()

    def enter(self, entries: str) -> str:
        """Begin the next entry of a list and return its location."""
        self.location = f"{entries}[{self._counts[entries]}]"
        self._counts[entries] += 1
        self.symbol = self.id = self.number = None
        return self.location

    def enter_account(self) -> str:
        """Begin the next account."""
        self.account = self.enter("accounts")
        self.held, self.gross_value, self.positions = {}, 0, 0
        return self.account

    def enter_position(self) -> None:
        """Begin the next position of the current account."""
        self.location = f"{self.account}.positions[{self.positions}]"
        self.positions += 1
        self.symbol = None

    def repetition(self, field: str, value: str, seen: dict[str, str]) -> list[str]:
        """The broken rule if the file already has a name, else empty; the name belongs to its first location."""
        if value in seen:
            return [f"duplicate {field} {shown(value)}, already used in {seen[value]}"]
        seen[value] = self.location
        return []


def _raise_if_broken(broken: list[str]) -> None:
    if broken:
        raise Rule(*broken)


def derived_id(kind: str, name: str) -> str:
    """A deterministic id for an object without one in the file: the same file gives the same id."""
    return str(uuid.uuid5(_IDS, f"{kind}:{name}"))


def asset_symbol(value: object, info: ValidationInfo[Names]) -> str:
    """A new asset."""
    names = info.context
    symbol = names.symbol = fields.symbol(value)
    _raise_if_broken(names.repetition("symbol", symbol, names.symbols))
    return symbol


def asset_price(value: object, info: ValidationInfo[Names]) -> Price | None:
    """The price of the current asset, by which its positions are valued."""
    if value is None:
        return None
    names = info.context
    price = fields.price(value)
    if names.symbol is not None:
        names.prices[names.symbol] = price
    return price


def held_symbol(value: object, info: ValidationInfo[Names]) -> str:
    """An asset of the book, at most once per account."""
    names = info.context
    symbol = names.symbol = fields.symbol(value)
    broken = names.repetition("symbol", symbol, names.held)
    if symbol not in names.symbols:
        broken.append(f"unknown asset {symbol}: not listed in assets")
    _raise_if_broken(broken)
    return symbol


def held_qty(value: object, info: ValidationInfo[Names]) -> Qty:
    """Shares of the current position, which count toward the equity of the account."""
    names = info.context
    qty = fields.qty(value)
    if names.symbol is not None:
        names.gross_value += qty * names.prices.get(names.symbol, 0)
    return qty


def account_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """The id of an account, unique in the file."""
    if value is None:
        return None
    names = info.context
    identity = names.id = fields.identity(value)
    firm = ["expected another id: this one is the firm account's"] if identity == FIRM_ACCOUNT else []
    _raise_if_broken(firm + names.repetition("id", identity, names.accounts))
    return identity


def account_number(value: object, info: ValidationInfo[Names]) -> str | None:
    """The number of an account, unique in the file."""
    if value is None:
        return None
    names = info.context
    number = names.number = fields.identity(value)
    _raise_if_broken(names.repetition("account_number", number, names.numbers))
    return number


def cash_amount(value: object, info: ValidationInfo[Names]) -> Money | None:
    """Cash of the current account."""
    if value is None:
        return None
    cash = fields.money(value)
    info.context.gross_value += abs(cash) * NANO
    return cash


def portfolio_id(value: object, info: ValidationInfo[Names]) -> str | None:
    """The id of a portfolio, unique in the file."""
    if value is None:
        return None
    names = info.context
    identity = names.id = fields.identity(value)
    _raise_if_broken(names.repetition("id", identity, names.portfolios))
    return identity


def subscriber(value: object, info: ValidationInfo[Names]) -> str:
    """An account of the file that has no subscription yet."""
    names = info.context
    account_id = names.id = fields.identity(value)
    broken = [] if account_id in names.accounts else [f"unknown account {shown(account_id)}"]
    if account_id in names.subscribed:
        first = names.subscribed[account_id]
        broken.append(f"account {shown(account_id)} already has a subscription in {first}")
    _raise_if_broken(broken)
    return account_id


def followed(value: object, info: ValidationInfo[Names]) -> str:
    """A portfolio of the file."""
    names = info.context
    portfolio_id = fields.identity(value)
    if names.id is not None:
        names.subscribed.setdefault(names.id, names.location)
    _raise_if_broken([] if portfolio_id in names.portfolios else [f"unknown portfolio {shown(portfolio_id)}"])
    return portfolio_id


def book_time(value: object, info: ValidationInfo[Names]) -> datetime | None:
    """The timestamp that the book describes."""
    names = info.context
    names.as_of = None if value is None else fields.timestamp(value)
    return names.as_of
