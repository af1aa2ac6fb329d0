"""Collects the rows of a positions file into accounts, checking each row and every total."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rebal_tui.broker.files.cells import (
    AsOf,
    attos,
    decimals_of,
    is_absent,
    is_symbol,
    nanos,
    plain_number,
    quoted,
    symbol_of,
)
from rebal_tui.broker.files.statement import CashLine, Holding, LeftOut, StatedAccount, Statement
from rebal_tui.broker.files.table import Head, Row
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import ATTO, CENT, NANO, Money, Price, Qty, money_text, parse_price, parse_qty
from rebal_tui.domain.text import display_text

T = TypeVar("T")
MAX_FAULTS = 1_000
_SURELY_SMALL = 9
"""A number with at most this many digits needs no check of its size."""
OPTION_OR_BOND = "not managed: an option, a bond or a future; the file's value counts"


@dataclass(slots=True)
class _Account:
    number: str
    name: str | None
    masked: bool
    line: int
    cash_lines: list[CashLine] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    rows: dict[tuple[str, ...], int] = field(default_factory=dict)
    total: int = 0
    """The sum of all rows that have a value, in billionths of a dollar."""


class StatementBuilder:
    """A `Statement` under construction. Faults are collected by row and column, and `finish` raises them together."""

    def __init__(
        self, format_name: str, *, cash_symbols: frozenset[str], pairs: Mapping[str, str], decimal: str = "."
    ) -> None:
        self.decimal = decimal
        self.notes: list[str] = []
        self._format = format_name
        self._cash_symbols = cash_symbols
        self._pairs = pairs
        self._accounts: dict[str, _Account] = {}
        self._left_out: list[LeftOut] = []
        self._faults: list[Fault] = []
        self._unlisted = 0

    def fault(self, line: int, column: str, message: str) -> None:
        """Record a fault at a line, with the column's name; an empty column means the whole line."""
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(Fault(f"line {line}, {column}" if column else f"line {line}", message))
        else:
            self._unlisted += 1

    def open_account(
        self, line: int, number: str, name: str | None, *, masked: bool = False, block: bool = False
    ) -> str:
        """The key of an account (see `StatedAccount`). The account is added when its first row is read.

        `masked` is whether the file shows only a part of the number. `block` is whether the row starts a section of the
        file for this account only; a second section for the same account is a fault.
        """
        key = f"{name or ''} {number}".strip() if masked else number
        known = self._accounts.get(key)
        if known is not None and not block:
            return key
        try:
            number, name = display_text(number), display_text(name) if name else None
        except ValueError as error:
            self.fault(line, "account", str(error))
        if not masked and "E+" in number.upper() and number[:1].isdigit():
            self.fault(line, "account", "a spreadsheet has rewritten the account number; export the file again")
        if known is None:
            self._accounts[key] = _Account(number, name, masked, line)
        else:
            self.fault(line, "", f"expected one block for each account; this label stands at line {known.line} already")
        return key

    def is_cash(self, symbol: str) -> bool:
        """Whether a symbol of the file is in the list of symbols that count as cash."""
        return symbol in self._cash_symbols

    def number(self, head: Head, row: Row, column: str) -> str | None:
        """A cell as a plain number, None when it is empty or invalid; an invalid one is recorded as a fault."""
        cell = head.value(row, column)
        try:
            plain = plain_number(cell, self.decimal)
            if plain is not None and len(plain) > _SURELY_SMALL:
                nanos(plain)
            return plain
        except ValueError as error:
            self.fault(row.line, head.name(column), f"got {quoted(cell)}, {error}")
            return None

    def amount(self, head: Head, row: Row, column: str) -> Money | None:
        """A cell in dollars, None when it is empty or invalid; an invalid one is recorded as a fault."""
        plain = self.number(head, row, column)
        return None if plain is None else self._money(row.line, head.name(column), plain)

    def cash(self, key: str, line: int, text: str, amount: Money | None) -> None:
        """Add a row that counts as cash to an account; a row without an amount adds $0."""
        account = self._accounts[key]
        account.cash_lines.append(CashLine(line, text, amount or Money(0)))
        account.total += amount or 0

    def leave_out(
        self, line: int, key: str | None, text: str, reason: str, amount: Money | None = None, *, matters: bool = False
    ) -> None:
        """Record a row that is neither cash nor a position, with the reason; `key` is None for a row of no account.

        If the row `matters`, its amount is added to the account's total, and a person must look at the row.
        """
        self._left_out.append(LeftOut(line, key, text[:80], reason, amount, matters))
        if matters and key is not None:
            self._accounts[key].total += amount or 0

    def too_long(self, head: Head, row: Row, key: str | None) -> bool:
        """Leave out a row with more cells than there are column names; returns whether it did."""
        if len(row.cells) <= head.width:
            return False
        reason = f"{len(row.cells)} cells under {head.width} columns: the columns are ambiguous"
        self.leave_out(row.line, key, row.cells[0], reason, matters=True)
        return True

    def position(self, key: str, head: Head, row: Row) -> None:
        """Add a row with quantity, price and value as a position. If that is not possible, leave the row out with its
        amount and the reason.

        Rows with the same symbol are added up; a row that equals another in every cell is a fault.
        """
        account, in_file = self._accounts[key], head.value(row, "symbol")
        repeated = account.rows.setdefault(row.cells, row.line)
        if repeated != row.line:
            self.fault(row.line, "", f"expected another row; it repeats line {repeated} in every cell")
            return
        value_text = self.number(head, row, "value")
        value = None if value_text is None else Money(nanos(value_text))
        symbol = symbol_of(in_file)
        if not is_symbol(symbol):
            reason = "no symbol" if not symbol else OPTION_OR_BOND
            self.leave_out(row.line, key, in_file or head.value(row, "name"), reason, value, matters=True)
            return
        qty_plain, price_plain = self.number(head, row, "quantity"), self.number(head, row, "price")
        if qty_plain is None:
            if not is_absent(head.value(row, "quantity")):
                return  # the cell is invalid
            self.leave_out(row.line, key, in_file, "no quantity", value, matters=value is None or value != 0)
            return
        qty = self._parsed(head, row, "quantity", qty_plain, parse_qty)
        price = None if price_plain is None else self._price(head, row, price_plain)
        if qty is None:
            return
        if qty == 0:
            self.leave_out(row.line, key, in_file, "zero shares", value)
            return
        if qty < 0:
            self.leave_out(row.line, key, in_file, "not managed: a short position", value, matters=True)
            return
        if price is not None and value_text is not None and price_plain is not None:
            agreed = self._agrees(qty, price, value_text, decimals_of(price_plain))
            if agreed is None:
                self.leave_out(row.line, key, in_file, OPTION_OR_BOND, value, matters=True)
                return
            if not agreed:
                found = f"got {quoted(head.value(row, 'value'))}"
                self.fault(
                    row.line, head.name("value"), f"{found}, expected quantity × price = {_dollars(qty * price)}"
                )
                return
        account.total += value if value is not None else qty * (price or 0) // NANO
        self._add(account, head, row, self._pairs.get(symbol, symbol), in_file, qty, price)

    def check_total(self, key: str, line: int, column: str, total: Money | None) -> None:
        """Record a fault if the file's `total` of an account differs from its rows by more than rounding explains.

        Each row, and the total, may be off by half a cent.
        """
        account = self._accounts[key]
        if total is None or self._faults:
            return
        count = len(account.cash_lines) + len(account.rows) + 1
        if abs(total - account.total) > CENT * count // 2 + CENT // 2:
            found = money_text(Money(account.total))
            self.fault(line, column, f"got {money_text(total)} as the total, the rows of the account sum to {found}")

    def total_of(self, key: str) -> Money:
        """The sum of an account's rows so far, in dollars; includes rows that were left out but matter (see
        `leave_out`).
        """
        return Money(self._accounts[key].total)

    def finish(self, as_of: AsOf | None, encoding: str) -> Statement:
        """The finished statement. Raises `Invalid` with every fault in the order of the lines."""
        if not self._accounts and not self._faults:
            self.fault(1, "", "expected positions; the file has none")
        if self._faults:
            more = [Fault("", f"and {self._unlisted:,} more faults")] if self._unlisted else []
            raise Invalid([*self._faults, *more])
        accounts = tuple(
            StatedAccount(
                account.number,
                account.name,
                key,
                account.masked,
                Money(sum(line.amount for line in account.cash_lines)),
                tuple(account.cash_lines),
                tuple(account.holdings.values()),
            )
            for key, account in self._accounts.items()
        )
        left_out = tuple(sorted(self._left_out, key=lambda row: row.line))
        return Statement(self._format, as_of, accounts, left_out, encoding, tuple(self.notes))

    def _add(
        self, account: _Account, head: Head, row: Row, symbol: str, in_file: str, qty: Qty, price: Price | None
    ) -> None:
        try:
            name = display_text(head.value(row, "description"))
        except ValueError as error:
            self.fault(row.line, head.name("description"), str(error))
            return
        known = account.holdings.get(symbol)
        if known is None:
            account.holdings[symbol] = Holding(symbol, in_file, name, qty, price, (row.line,))
            return
        if known.price is not None and price is not None and abs(known.price - price) > CENT:
            self.fault(row.line, head.name("price"), f"expected the price of line {known.lines[0]}, of the same symbol")
            return
        total = Qty(known.qty + qty)
        account.holdings[symbol] = Holding(
            symbol, known.in_file, known.name, total, known.price or price, (*known.lines, row.line)
        )

    def _agrees(self, qty: Qty, price: Price, value: str, price_decimals: int) -> bool | None:
        """Whether quantity × price equals the value; None if it is 100 times the value, or a hundredth of it.

        The price may be rounded in its last digit, the value to the cent.
        """
        exact, stated = qty * price, attos(value)
        rounding = qty * NANO // (2 * 10**price_decimals) if price_decimals < 9 else 0
        allowed = ATTO // 100 + rounding
        if abs(exact - stated) <= allowed:
            return True
        if abs(exact - stated * 100) <= allowed * 100 or abs(exact * 100 - stated) <= allowed * 100:
            return None
        return False

    def _price(self, head: Head, row: Row, plain: str) -> Price | None:
        if not plain.strip("0."):
            return None  # an unpriced row: a price of zero is no price
        return self._parsed(head, row, "price", plain, parse_price)

    def _parsed(self, head: Head, row: Row, column: str, plain: str, parse: Callable[[str], T]) -> T | None:
        """The parsed value of a plain number in a column; None if out of range, which is recorded as a fault."""
        try:
            return parse(plain)
        except ValueError as error:
            self.fault(row.line, head.name(column), f"got {quoted(head.value(row, column))}, {error}")
            return None

    def _money(self, line: int, column: str, plain: str) -> Money | None:
        try:
            units = nanos(plain)
        except ValueError as error:
            self.fault(line, column, str(error))
            return None
        return Money(units)


def _dollars(value: int) -> str:
    cents, rest = divmod(value, ATTO // 100)
    return money_text(Money((cents + (1 if rest * 2 >= ATTO // 100 else 0)) * CENT))
