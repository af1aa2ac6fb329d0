"""Transactions files: trades and flows of accounts, as Schwab, Fidelity, Vanguard and generic tables write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.broker.files.cells import as_of_in, nanos, plain_number, quoted, symbol_of
from rebal_tui.broker.files.source import decode
from rebal_tui.broker.files.table import SEPARATORS, Head, Row, head_of, read_table
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, Price, Qty, parse_price, parse_qty

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "account": ("accountnumber", "account#", "account"),
    "date": ("date", "rundate", "tradedate"),
    "action": ("action", "transactiontype", "side"),
    "symbol": ("symbol",),
    "description": ("description", "transactiondescription"),
    "quantity": ("quantity", "shares"),
    "price": ("price", "shareprice"),
    "fees": ("feescomm", "commission", "commissionsandfees", "fees"),
    "more_fees": ("fees",),
    "amount": ("amount", "netamount"),
}
_NEEDED = ("date", "action", "symbol", "quantity", "price")


class Kind(StrEnum):
    BUY = "buy"
    SELL = "sell"
    DIVIDEND = "dividend"
    REINVESTMENT = "reinvestment"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row. `account` is empty where the file has no account column; `qty` is above 0; `amount` is signed."""

    line: int
    account: str
    day: date | None
    kind: Kind
    text: str
    symbol: str
    qty: Qty | None
    price: Price | None
    fees: Money
    amount: Money | None


def read_transactions(content: bytes) -> list[Transaction]:
    """The rows of a transactions file, in its order. Raises `Invalid` naming line and column."""
    source = decode(content)
    for separator in sorted((one for one in SEPARATORS if one in source.text), key=lambda one: -source.text.count(one)):
        table = read_table(source, separator)
        heads = [(index, head) for index, row in enumerate(table.rows) if (head := head_of(row, _ALIASES, _NEEDED))]
        if heads:
            at, head = heads[-1]
            return _rows(head, table.rows[at + 1 :])
    raise Invalid("expected a transactions file with the columns Date, Action, Symbol, Quantity and Price")


def _rows(head: Head, rows: tuple[Row, ...]) -> list[Transaction]:
    found: list[Transaction] = []
    faults: list[Fault] = []
    for row in rows:
        action = head.value(row, "action")
        if row.filled == 1 or "total" in row.cells[0].casefold() or not action:
            continue
        try:
            found.append(_transaction(head, row, action))
        except ValueError as error:
            faults.append(Fault(f"line {row.line}", str(error)))
    if faults:
        raise Invalid(faults)
    return found


def _transaction(head: Head, row: Row, action: str) -> Transaction:
    amount = _money(head, row, "amount")
    plain = _number(head, row, "quantity")
    kind = _kind(action, amount)
    price = _number(head, row, "price")
    fees = _money(head, row, "fees") or Money(0)
    if head.columns.get("more_fees") not in (None, head.columns.get("fees")):
        fees = Money(fees + (_money(head, row, "more_fees") or 0))
    return Transaction(
        line=row.line,
        account=head.value(row, "account"),
        day=_day(head.value(row, "date")),
        kind=kind,
        text=action,
        symbol=symbol_of(head.value(row, "symbol")),
        qty=None if plain is None or not plain.strip("-0.") else parse_qty(plain.removeprefix("-")),
        price=None if price is None or not price.strip("0.") else parse_price(price),
        fees=Money(abs(fees)),
        amount=amount,
    )


def _kind(action: str, amount: Money | None) -> Kind:
    lowered = action.casefold()
    if "sweep" in lowered or "core account" in lowered:
        return Kind.SWEEP
    if lowered == "reinvest shares" or lowered.startswith("reinvestment"):
        return Kind.REINVESTMENT
    if "dividend" in lowered or "interest" in lowered or "cap gain" in lowered:
        return Kind.DIVIDEND
    if lowered in ("buy", "bought", "b") or lowered.startswith(("you bought", "buy ")):
        return Kind.BUY
    if lowered in ("sell", "sold", "s") or lowered.startswith(("you sold", "sell ")):
        return Kind.SELL
    if any(word in lowered for word in ("transfer", "deposit", "withdraw", "journal", "wire", "funds received")):
        return Kind.WITHDRAWAL if amount is not None and amount < 0 else Kind.DEPOSIT
    return Kind.OTHER


def _day(cell: str) -> date | None:
    """The effective date: the second of `07/16/2024 as of 07/15/2024`."""
    found = as_of_in(cell.rpartition(" as of ")[2])
    return found.date() if isinstance(found, datetime) else found


def _number(head: Head, row: Row, column: str) -> str | None:
    cell = head.value(row, column)
    try:
        return plain_number(cell)
    except ValueError as error:
        raise ValueError(f"{head.name(column)}: got {quoted(cell)}, {error}") from None


def _money(head: Head, row: Row, column: str) -> Money | None:
    plain = _number(head, row, column)
    return None if plain is None else Money(nanos(plain))
