"""The bodies of the API's other requests, checked whole, with every fault and its place (section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.assets import EXCHANGES, AssetStatus
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import CENT, Money, Price
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.text import display_text
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.fields import Faults, Fields, shown
from rebal_tui.services.parsing.portfolio_input import parse_weights

MAX_DESCRIPTION = 1_024
MAX_CLIENT_ORDER_ID = 128
MAX_REASON = 200
MAX_PRICES = 10_000


@dataclass(frozen=True, slots=True)
class AssetChange:
    """What is to change of an asset; None stays as it is."""

    name: str | None = None
    exchange: str | None = None
    status: AssetStatus | None = None
    tradable: bool | None = None
    fractionable: bool | None = None
    halted: bool | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionBody:
    account_id: str
    portfolio_id: str


@dataclass(frozen=True, slots=True)
class RunBody:
    """`weights` None: those of the account's subscription. `amount` is for partial_liquidation only."""

    account_id: str
    type: RunType
    weights: Weights | None
    amount: Money | None


@dataclass(frozen=True, slots=True)
class JournalBody:
    """A cash journal: from a client to the firm, or, `incoming`, the other way."""

    from_account: str
    to_account: str
    amount: Money
    description: str


@dataclass(frozen=True, slots=True)
class AccountBody:
    name: str
    cash: Money


@dataclass(frozen=True, slots=True)
class DepositBody:
    account_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AccountChange:
    status: AccountStatus | None
    restrictions: frozenset[Restriction] | None


@dataclass(frozen=True, slots=True)
class RejectionBody:
    account_id: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepBody:
    """How far time is to move: exactly one of them is above 0."""

    sessions: int
    minutes: int


def read_subscription(raw: object) -> SubscriptionBody:
    given, faults = _fields(raw, "a subscription")
    body = SubscriptionBody(
        given.read("account_id", fields.identity) or "", given.read("portfolio_id", fields.identity) or ""
    )
    faults.raise_if_any()
    return body


def read_run(raw: object) -> RunBody:
    """Weights that are missing or empty mean the subscription's own."""
    given, faults = _fields(raw, "a run")
    account_id = given.read("account_id", fields.identity) or ""
    kind = given.read("type", fields.choice(RunType)) or RunType.FULL_REBALANCE
    weights = None
    if given.given("weights") and given.get("weights") != []:
        weights = parse_weights(given.get("weights"), "weights", faults)
    amount = given.read("amount", _amount, None)
    faults.raise_if_any()
    return RunBody(account_id, kind, weights, amount)


def read_order(raw: object, account_id: str) -> OrderRequest:
    """A market day order; one that names no client_order_id has an empty one.

    Raises `Invalid` for faults, `Conflict` for kinds of orders that are not supported.
    """
    given, faults = _fields(raw, "an order")
    symbol = given.read("symbol", fields.symbol) or ""
    side = given.read("side", fields.choice(Side)) or Side.BUY
    kind = given.read("type", fields.string)
    validity = given.read("time_in_force", fields.string)
    qty = given.read("qty", fields.qty, None)
    notional = given.read("notional", _cents, None)
    client_order_id = given.read("client_order_id", _client_order_id, "")
    if given.valid and given.given("qty") == given.given("notional"):
        given.fault("qty", "expected either qty or notional")
    faults.raise_if_any()
    if kind != "market" or validity != "day":
        raise Conflict("only market orders with time_in_force day are supported")
    unsupported = [name for name in _NOT_SUPPORTED if given.given(name)]
    if unsupported or given.get("extended_hours") not in (None, False) or given.get("order_class") not in _SIMPLE:
        raise Conflict(f"{', '.join(unsupported) or 'extended_hours or order_class'}: not supported for a market order")
    return OrderRequest(account_id, client_order_id, symbol, side, notional, qty)


def read_journal(raw: object) -> JournalBody:
    """A JNLC journal. Raises `Invalid` for faults, `Conflict` for JNLS."""
    given, faults = _fields(raw, "a journal")
    kind = given.read("entry_type", _entry_type)
    body = JournalBody(
        given.read("from_account", fields.identity) or "",
        given.read("to_account", fields.identity) or "",
        given.read("amount", _amount, Money(0)) if kind != "JNLC" else given.read("amount", _amount) or Money(0),
        given.read("description", _description, ""),
    )
    faults.raise_if_any()
    if kind != "JNLC":
        raise Conflict("only cash journals (JNLC) are supported")
    return body


def read_account(raw: object) -> AccountBody:
    given, faults = _fields(raw, "an account")
    body = AccountBody(given.read("name", fields.name) or "", given.read("cash", fields.money, Money(0)))
    faults.raise_if_any()
    return body


def read_deposit(raw: object) -> DepositBody:
    given, faults = _fields(raw, "a deposit")
    body = DepositBody(given.read("account_id", fields.identity) or "", given.read("amount", _amount) or Money(0))
    faults.raise_if_any()
    return body


def read_prices(raw: object) -> Mapping[str, Price]:
    """Prices by symbol."""
    given, faults = _fields(raw, "prices by symbol")
    prices = {}
    for symbol in list(raw)[: MAX_PRICES + 1] if isinstance(raw, dict) else ():
        try:
            known = fields.symbol(symbol)
        except ValueError as error:
            faults.note(shown(symbol), str(error))
            continue
        price = given.read(known, fields.price)
        if price is not None:
            prices[known] = price
    if len(prices) > MAX_PRICES:
        faults.append(Fault("", f"expected at most {MAX_PRICES:,} prices"))
    faults.raise_if_any()
    return prices


def read_asset_change(raw: object) -> AssetChange:
    given, faults = _fields(raw, "what is to change of an asset")
    given.refuse_unknown(("name", "exchange", "status", "tradable", "fractionable", "halted"))
    change = AssetChange(
        name=given.read("name", fields.name, None),
        exchange=given.read("exchange", _exchange, None),
        status=given.read("status", fields.choice(AssetStatus), None),
        tradable=given.read("tradable", fields.boolean, None),
        fractionable=given.read("fractionable", fields.boolean, None),
        halted=given.read("halted", fields.boolean, None),
    )
    faults.raise_if_any()
    return change


def read_account_change(raw: object) -> AccountChange:
    given, faults = _fields(raw, "what is to change of an account")
    given.refuse_unknown(("status", "restrictions"))
    status = given.read("status", fields.choice(AccountStatus), None)
    restrictions: set[Restriction] = set()
    for location, item in given.items("restrictions"):
        try:
            restrictions.add(fields.choice(Restriction)(item))
        except ValueError as error:
            faults.note(location, f"{error}, got {shown(item)}")
    faults.raise_if_any()
    return AccountChange(status, frozenset(restrictions) if given.given("restrictions") else None)


def read_rejection(raw: object) -> RejectionBody:
    given, faults = _fields(raw, "a rejection")
    body = RejectionBody(
        given.read("account_id", fields.identity) or "",
        given.read("symbol", fields.symbol) or "",
        given.read("reason", _reason, "rejected on purpose"),
    )
    faults.raise_if_any()
    return body


def read_step(raw: object) -> StepBody:
    given, faults = _fields(raw, "how far to go")
    body = StepBody(given.read("sessions", _count, 0), given.read("minutes", _count, 0))
    if given.valid and not faults and (body.sessions > 0) == (body.minutes > 0):
        given.fault("sessions", "expected either sessions or minutes, above 0")
    faults.raise_if_any()
    return body


_SIMPLE = (None, "", "simple")
_NOT_SUPPORTED = ("limit_price", "stop_price", "trail_price", "trail_percent", "take_profit", "stop_loss", "legs")


def _fields(raw: object, what: str) -> tuple[Fields, Faults]:
    faults = Faults()
    given = Fields(raw, "", faults, what)
    if not given.valid:
        faults.raise_if_any()
    return given, faults


def _amount(value: object) -> Money:
    amount = fields.money(value)
    if amount <= 0:
        raise ValueError("expected an amount above 0")
    return amount


def _cents(value: object) -> Money:
    amount = _amount(value)
    if amount % CENT:
        raise ValueError("expected dollars with at most two decimals")
    return amount


def _count(value: object) -> int:
    text = fields.decimal_text(value, "expected a whole number")
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise ValueError("expected a whole number")
    return int(text)


def _description(value: object) -> str:
    return display_text(fields.string(value), MAX_DESCRIPTION)


def _reason(value: object) -> str:
    return display_text(fields.string(value), MAX_REASON)


def _client_order_id(value: object) -> str:
    text = display_text(fields.string(value), MAX_CLIENT_ORDER_ID)
    if not text:
        raise ValueError("expected an id that is not empty")
    return text


def _entry_type(value: object) -> str:
    if value not in ("JNLC", "JNLS"):
        raise ValueError("expected JNLC or JNLS")
    return str(value)


def _exchange(value: object) -> str:
    if value not in EXCHANGES:
        raise ValueError(f"expected one of {', '.join(filter(None, EXCHANGES))}")
    return str(value)
