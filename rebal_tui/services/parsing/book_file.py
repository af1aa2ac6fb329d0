"""BOOK.json: a whole book in one file, read exactly and checked whole before anything is made of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import MAX_NANO, NANO, Money, Price
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.fields import Faults, Fields, shown
from rebal_tui.services.parsing.portfolio_input import PORTFOLIO_KEYS, PortfolioBody, parse_portfolio

BOOK_KEYS = frozenset({"as_of", "assets", "accounts", "portfolios", "subscriptions"})
ASSET_KEYS = frozenset({"symbol", "name", "price", "status", "tradable", "fractionable"})
ACCOUNT_KEYS = frozenset({"id", "account_number", "name", "status", "cash", "restrictions", "positions"})
POSITION_KEYS = frozenset({"symbol", "qty", "avg_entry_price"})
SUBSCRIPTION_KEYS = frozenset({"account_id", "portfolio_id", "last_rebalanced_at"})
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When accounts of a file without `as_of` were opened: nobody said."""

_IDS = uuid.UUID("5a5c2e0e-8d0c-5f0b-9a35-0b1f6b0c7d11")


class BookPortfolio(NamedTuple):
    id: str
    status: PortfolioStatus
    body: PortfolioBody


class BookSubscription(NamedTuple):
    account_id: str
    portfolio_id: str
    last_rebalanced_at: datetime | None


@dataclass(frozen=True, slots=True)
class BookFile:
    """What a BOOK.json says. `as_of` is the moment that it describes, None when it does not say.

    Every reference holds, and no id, symbol or account number stands twice.
    """

    as_of: datetime | None
    assets: tuple[Asset, ...]
    accounts: tuple[Account, ...]
    portfolios: tuple[BookPortfolio, ...]
    subscriptions: tuple[BookSubscription, ...]


def book_schema() -> dict[str, Any]:
    """The JSON Schema of a BOOK.json. What it cannot say, such as that weights sum to 100, `parse_book` checks."""
    from rebal_tui.services.parsing.book_schema import schema

    return schema()


def parse_book(text: str | bytes) -> BookFile:
    """A BOOK.json read exactly.

    Raises `Invalid` with every fault of the file and its place, up to 1,000, then how many more there are.
    """
    return _Reader(read_json(text, "the book")).book()


class _Reader:
    """One pass over the file. Names that were read well count as known even where the rest of their entry is wrong."""

    def __init__(self, raw: object) -> None:
        self.faults = Faults()
        self.root = Fields(raw, "", self.faults, "a book: an object with assets, accounts, portfolios, subscriptions")
        self.symbols: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self.portfolios: dict[str, str] = {}
        self.subscribed: dict[str, str] = {}
        self.prices: dict[str, Price] = {}

    def book(self) -> BookFile:
        self.root.refuse_unknown(BOOK_KEYS)
        as_of = self.root.read("as_of", fields.timestamp, None)
        assets = [self._asset(location, item, as_of) for location, item in self.root.items("assets", required=True)]
        accounts = [
            self._account(location, item, as_of) for location, item in self.root.items("accounts", required=True)
        ]
        portfolios = [self._portfolio(location, item) for location, item in self.root.items("portfolios")]
        subscriptions = [self._subscription(location, item) for location, item in self.root.items("subscriptions")]
        self.faults.raise_if_any()
        return BookFile(as_of, _whole(assets), _whole(accounts), _whole(portfolios), _whole(subscriptions))

    def _asset(self, location: str, item: object, as_of: datetime | None) -> Asset | None:
        given = self._object(location, item, "an asset", ASSET_KEYS)
        if not given.valid:
            return None
        symbol = given.read("symbol", fields.symbol)
        self._once(given, "symbol", symbol, self.symbols)
        price = given.read("price", fields.price, None)
        name = given.read("name", fields.name, symbol or "")
        status = given.read("status", fields.choice(AssetStatus), AssetStatus.ACTIVE)
        tradable = given.read("tradable", fields.boolean, True)
        fractionable = given.read("fractionable", fields.boolean, True)
        if symbol is None:
            return None
        if price is not None:
            self.prices[symbol] = price
        price_at = as_of if price is not None else None
        return Asset(_made("asset", symbol), symbol, name, "", status, tradable, fractionable, price, price_at)

    def _account(self, location: str, item: object, as_of: datetime | None) -> Account | None:
        given = self._object(location, item, "an account", ACCOUNT_KEYS)
        if not given.valid:
            return None
        if not given.given("id") and not given.given("account_number"):
            self.faults.note(location, "expected an id or an account_number")
        number = given.read("account_number", fields.identity, None)
        identity = given.read("id", fields.identity, None) or _made("account", number or location)
        if identity == FIRM_ACCOUNT:
            given.fault("id", "expected another id: this is the firm account's")
        self._once(given, "id", identity if given.given("id") else None, self.accounts)
        self._once(given, "account_number", number, self.numbers)
        self.accounts.setdefault(identity, location)
        name = given.read("name", fields.name, number or identity)
        status = given.read("status", fields.choice(AccountStatus), AccountStatus.ACTIVE)
        cash = given.read("cash", fields.money, Money(0))
        restrictions = self._restrictions(given)
        positions = self._positions(given)
        worth = abs(cash) * NANO + sum(p.qty * self.prices.get(p.symbol, 0) for p in positions)
        if worth > MAX_NANO * NANO:
            self.faults.note(location, "expected an account worth at most 9,000,000,000 dollars")
        return Account(
            id=identity,
            account_number=number or identity,
            name=name,
            status=status,
            cash=cash,
            unsettled=Money(0),
            restrictions=restrictions,
            positions=positions,
            created_at=as_of or LONG_AGO,
        )

    def _restrictions(self, given: Fields) -> frozenset[Restriction]:
        read = set()
        for location, item in given.items("restrictions"):
            try:
                restriction = fields.choice(Restriction)(item)
            except ValueError as error:
                self.faults.note(location, f"{error}, got {shown(item)}")
                continue
            if restriction in read:
                self.faults.note(location, f"duplicate restriction {restriction}: expected each once")
            read.add(restriction)
        return frozenset(read)

    def _positions(self, given: Fields) -> tuple[Position, ...]:
        held: dict[str, str] = {}
        positions = []
        for location, item in given.items("positions"):
            position = self._object(location, item, "a position", POSITION_KEYS)
            if not position.valid:
                continue
            symbol = position.read("symbol", fields.symbol)
            qty = position.read("qty", fields.qty)
            average = position.read("avg_entry_price", fields.price, None)
            self._once(position, "symbol", symbol, held)
            if symbol is not None and symbol not in self.symbols:
                position.fault("symbol", f"unknown asset {symbol}: it is not among the assets")
            if symbol is not None and qty is not None:
                positions.append(Position(symbol, qty, average))
        return tuple(positions)

    def _portfolio(self, location: str, item: object) -> BookPortfolio | None:
        given = Fields(item, location, self.faults, "a portfolio")
        if not given.valid:
            return None
        given.refuse_unknown(PORTFOLIO_KEYS | {"id", "status"})
        body = parse_portfolio(item, location, self.faults)
        identity = given.read("id", fields.identity, None)
        self._once(given, "id", identity, self.portfolios)
        status = given.read("status", fields.choice(PortfolioStatus), PortfolioStatus.ACTIVE)
        for weight in body.weights.assets:
            if weight.symbol not in self.symbols:
                given.fault("weights", f"unknown asset {weight.symbol}: it is not among the assets")
        identity = identity or _made("portfolio", location)
        self.portfolios.setdefault(identity, location)
        return BookPortfolio(identity, status, body)

    def _subscription(self, location: str, item: object) -> BookSubscription | None:
        given = self._object(location, item, "a subscription", SUBSCRIPTION_KEYS)
        if not given.valid:
            return None
        account_id = given.read("account_id", fields.identity)
        portfolio_id = given.read("portfolio_id", fields.identity)
        last = given.read("last_rebalanced_at", fields.timestamp, None)
        if account_id is not None and account_id not in self.accounts:
            given.fault("account_id", f"no account has the id {shown(account_id)}")
        if portfolio_id is not None and portfolio_id not in self.portfolios:
            given.fault("portfolio_id", f"no portfolio has the id {shown(portfolio_id)}")
        if account_id in self.subscribed:
            first = self.subscribed[account_id]
            given.fault("account_id", f"expected one subscription an account, {shown(account_id)} has one in {first}")
        if account_id is None or portfolio_id is None:
            return None
        self.subscribed.setdefault(account_id, location)
        return BookSubscription(account_id, portfolio_id, last)

    def _object(self, location: str, item: object, what: str, known: frozenset[str]) -> Fields:
        given = Fields(item, location, self.faults, what)
        given.refuse_unknown(known)
        return given

    def _once(self, given: Fields, name: str, value: str | None, seen: dict[str, str]) -> None:
        """A fault when a name stands in the file already; it belongs to where it stood first."""
        if value is None:
            return
        if value in seen:
            given.fault(name, f"duplicate {name} {shown(value)}: it stands in {seen[value]} already")
        else:
            seen[value] = given.location


def _made(kind: str, name: str) -> str:
    """An id for what the file gives none: the same for the same file."""
    return str(uuid.uuid5(_IDS, f"{kind}:{name}"))


def _whole(read: Iterable[fields.T | None]) -> tuple[fields.T, ...]:
    return tuple(item for item in read if item is not None)
