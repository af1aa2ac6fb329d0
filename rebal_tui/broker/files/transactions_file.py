"""Transactions files: trades and cash flows of Schwab, Fidelity, Vanguard, Interactive Brokers and generic tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rebal_tui.broker.files.cells import symbol_of
from rebal_tui.broker.files.decimal_mark import BY_OPTION, decimal_mark
from rebal_tui.broker.files.ibkr_trades import read_ibkr_trades
from rebal_tui.broker.files.source import decode
from rebal_tui.broker.files.table import Head, Row, Table, head_of, tables
from rebal_tui.broker.files.transactions import Kind, RowReader, Transaction
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "account": ("accountnumber", "account#", "account"),
    "date": ("date", "rundate", "tradedate", "activitydate", "activitytradedate"),
    "action": ("action", "transactiontype", "activitytype", "side"),
    "symbol": ("symbol",),
    "description": ("description", "transactiondescription"),
    "quantity": ("quantity", "quantity#", "shares"),
    "price": ("price", "shareprice"),
    "fees": ("feescomm", "commission", "commissionsandfees", "fees"),
    "more_fees": ("fees",),
    "amount": ("amount", "netamount"),
}
_NEEDED = ("date", "action", "symbol", "quantity", "price")
_FIGURES = ("fees", "more_fees", "amount")
MAX_FAULTS = 1_000


def read_transactions(content: bytes, decimal: str | None = None) -> list[Transaction]:
    """The rows of a transactions file in the order of the file. `decimal` is the decimal mark; None determines it from
    the file.

    Raises `Invalid` with line and column.
    """
    source = decode(content)
    faults: list[Invalid] = []
    for table in tables(source, faults):
        found = read_ibkr_trades(table)
        if found is None:
            found = _of_table(table, decimal)
        if found is not None:
            return found
    raise (
        faults[0]
        if faults
        else Invalid("expected a transactions file with the columns Date, Action, Symbol, Quantity and Price")
    )


def has_transactions(table: Table) -> bool:
    """Whether a table has the columns of transactions."""
    return any(head_of(row, _ALIASES, _NEEDED) for row in table.rows[:200])


def _of_table(table: Table, decimal: str | None) -> list[Transaction] | None:
    """The transactions in a table, None when the table does not have the columns of transactions."""
    rows: list[tuple[Head, Row]] = []
    head: Head | None = None
    for row in table.rows:
        found = head_of(row, _ALIASES, _NEEDED)
        if found is not None:
            head = found
        elif head is not None and not _is_text(head, row):
            rows.append((head, row))
    if head is None:
        return None
    mark = decimal or _mark(rows)
    transactions: list[Transaction] = []
    faults: list[Fault] = []
    for used, row in rows:
        try:
            transactions.append(_transaction(RowReader(used, row, mark)))
        except ValueError as error:
            faults.append(Fault(f"line {row.line}", str(error)))
    if faults:
        raise Invalid(faults[:MAX_FAULTS])
    return transactions


def _is_text(head: Head, row: Row) -> bool:
    """Whether a row is a line of text or a total, not a transaction."""
    return row.filled == 1 or not head.value(row, "action") or "total" in head.value(row, "date").casefold()


def _mark(rows: Sequence[tuple[Head, Row]]) -> str:
    triples = [tuple(head.value(row, key) for key in ("quantity", "price", "amount")) for head, row in rows]
    others = [head.value(row, key) for head, row in rows for key in _FIGURES]
    return decimal_mark([(qty, price, amount) for qty, price, amount in triples], others, name_it=BY_OPTION)


def _transaction(reader: RowReader) -> Transaction:
    head, row, action = reader.head, reader.row, reader.text("action")
    if len(row.cells) > head.width:
        raise ValueError(f"got {len(row.cells)} cells, expected at most {head.width} as in the column names")
    amount = reader.money("amount")
    kind = _kind(action, amount)
    fees = reader.money("fees") or Money(0)
    if head.columns.get("more_fees") not in (None, head.columns.get("fees")):
        fees = Money(fees + (reader.money("more_fees") or 0))
    return Transaction(
        line=row.line,
        account=reader.text("account"),
        day=reader.day(),
        kind=kind,
        text=action,
        symbol=symbol_of(reader.text("symbol")),
        qty=reader.qty(),
        price=reader.price(),
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
