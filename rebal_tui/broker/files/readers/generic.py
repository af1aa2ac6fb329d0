"""The generic reader: reads a table with an account on every row. Its columns are mapped by a person or have common
names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import AsOf, as_of_in, is_absent, plain_number, quoted, symbol_of
from rebal_tui.broker.files.decimal_mark import decimal_mark
from rebal_tui.broker.files.readers import name_column
from rebal_tui.broker.files.readers.name_column import NamedRow, NameRole
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of, name_forms
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, money_text

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "account": ("accountnumber", "account#", "accountno", "accountid", "account", "acct", "acct#"),
    "name": ("accountname", "accounttitle", "accountregistration", "clientname", "client", "title", "registration"),
    "symbol": ("symbol", "ticker", "tickersymbol"),
    "description": ("securitydescription", "description", "securityname", "security", "investmentname", "fundname"),
    "quantity": ("quantity", "shares", "units", "qty"),
    "price": ("price", "lastprice", "shareprice", "closeprice", "marketprice", "unitprice"),
    "value": ("marketvalue", "value", "currentvalue", "totalvalue", "mktval"),
    "currency": ("currency", "ccy"),
    "as_of": ("asof", "asofdate", "cobdate", "date", "positiondate"),
    "type": ("type", "securitytype", "assettype", "assetclass"),
}
FIELDS = (*USUAL_NAMES, "decimal")
"""The keys of a mapping: columns by name, and `decimal` with the decimal mark where the file does not determine it."""
_CASH_TYPES = frozenset({"cash", "sweep", "core", "cash sweep", "sweep fund"})
_CASH_WORDS = ("cash", "deposit", "sweep", "money market", "settlement fund")
_FIGURES = ("quantity", "price", "value")
_MAX_UNUSED = 12
"""How many columns that are not used are named in a note."""


def check_mapping(mapping: Mapping[str, object]) -> Mapping[str, str]:
    """Check a mapping of the generic reader's fields to the column names of a file, and return it.

    Raises `Invalid` for unknown fields and wrong types, and when account, symbol or quantity is not mapped.
    """
    faults = [
        Fault(key[:40], f"expected one of {', '.join(FIELDS)}")
        if key not in FIELDS
        else Fault(key, f"got {quoted(str(value))}, expected the name of a column")
        for key, value in mapping.items()
        if key not in FIELDS or not isinstance(value, str) or not name_forms(value)
        if not (key == "decimal" and value in (".", ","))
    ]
    faults += [Fault(key, "expected the name of a column") for key in ("account", "symbol") if key not in mapping]
    if "quantity" not in mapping:
        faults.append(Fault("quantity", "expected the name of a column"))
    if faults:
        raise Invalid(faults)
    return {key: str(value) for key, value in mapping.items()}


def common_columns(names: Sequence[str]) -> dict[str, str]:
    """The column of a file for each field of the generic format: column names by field. `names` are all its column
    names.

    A column is recognized by a name that is common for its field. Fields without such a column are left out.
    """
    forms = {form: name for name in reversed(names) for form in name_forms(name)}
    found = {key: next((forms[one] for one in usual if one in forms), "") for key, usual in USUAL_NAMES.items()}
    return {key: name for key, name in found.items() if name}


@dataclass(slots=True)
class _Reading:
    builder: StatementBuilder
    head: Head
    key: str = ""
    days: list[AsOf] | None = None
    keys: dict[str, None] | None = None


class GenericReader:
    """Reads any table that has an account, a symbol and a quantity in each row."""

    name = "generic"

    def recognizes(self, table: Table) -> bool:
        return any(_head(row, None) for row in table.rows[:200])

    def read(self, table: Table, options: ReadOptions) -> Statement:
        mapping = check_mapping(options.mapping) if options.mapping is not None else None
        at = next((index for index, row in enumerate(table.rows) if _head(row, mapping)), None)
        head = _head(table.rows[at], mapping) if at is not None else None
        if at is None or head is None:
            if mapping is None:
                raise Invalid(
                    "the columns are not known; map account, symbol and quantity to the file's columns (--map)"
                )
            names = ", ".join(name for key, name in mapping.items() if key != "decimal")
            raise Invalid(f"expected a line with the columns {names}")
        body = [row for row in table.rows[at + 1 :] if _head(row, mapping) is None]
        mark = (mapping or {}).get("decimal") or decimal_mark(_triples(head, body))
        builder = options.builder(self.name, mark)
        if mapping is None:
            head = _with_name_column(builder, head, body)
        _note_unused(builder, head)
        reading = _Reading(builder, head, days=[], keys={})
        for row in body:
            _read_row(reading, row)
        return reading.builder.finish(_as_of(reading, table.rows[:at]), table.encoding)


def _head(row: Row, mapping: Mapping[str, str] | None) -> Head | None:
    if mapping is None:
        return head_of(row, USUAL_NAMES, ("account", "symbol", "quantity"))
    wanted = {key: name_forms(name) for key, name in mapping.items() if key != "decimal"}
    return head_of(row, wanted, tuple(wanted))


def _with_name_column(builder: StatementBuilder, head: Head, rows: Sequence[Row]) -> Head:
    """The column names with a column `Name`, if the file has one, as the field that its values are; a note says which.

    The column is not used if its values do not decide, or if another column is that field.
    """
    at = next((index for index, cell in enumerate(head.row.cells) if name_column.FORM in name_forms(cell)), None)
    if at is None or at in head.columns.values():
        return head
    named = []
    for row in rows:
        account, symbol = head.value(row, "account"), symbol_of(head.value(row, "symbol"))
        if account and len(row.cells) <= head.width and any(head.value(row, key) for key in ("symbol", *_FIGURES)):
            named.append(NamedRow(account, symbol, builder.is_cash(symbol), row.cell(at)))
    role, shown = name_column.role_of(named), quoted(head.row.cells[at])[1:-1]
    if role is NameRole.EITHER:
        builder.notes.append(
            f"The column {shown} may have the clients' names or the assets' names; "
            'a MAP.json says which, as {"name": COLUMN} or {"description": COLUMN}.'
        )
    elif role is not NameRole.NEITHER and role.value not in head.columns:
        whose = "client's" if role is NameRole.CLIENT else "asset's"
        builder.notes.append(f"The column {shown} is read as the {whose} name.")
        return Head(head.row, {**head.columns, role.value: at})
    return head


def _note_unused(builder: StatementBuilder, head: Head) -> None:
    """Add a note that names the columns of the file that are not used."""
    used = set(head.columns.values())
    unused = [quoted(cell)[1:-1] for index, cell in enumerate(head.row.cells) if cell and index not in used]
    if unused:
        more = f" and {len(unused) - _MAX_UNUSED:,} more" if len(unused) > _MAX_UNUSED else ""
        builder.notes.append(f"Columns not used: {', '.join(unused[:_MAX_UNUSED])}{more}.")


def _triples(head: Head, rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    return [(head.value(row, "quantity"), head.value(row, "price"), head.value(row, "value")) for row in rows]


def _as_of(reading: _Reading, preamble: Sequence[Row]) -> AsOf | None:
    """The date of a file: the oldest date in its rows, else the first date above the column names."""
    if reading.days:
        return min(reading.days, key=lambda day: day.isoformat())
    found = (as_of_in(" ".join(row.cells)) for row in preamble)
    return next((day for day in found if day is not None), None)


def _read_row(reading: _Reading, row: Row) -> None:
    head, builder = reading.head, reading.builder
    number = head.value(row, "account")
    if not number or not any(head.value(row, key) for key in ("symbol", *_FIGURES)):
        _read_total(reading, row)
        return
    key = reading.key = builder.open_account(row.line, number, head.value(row, "name") or None)
    if reading.keys is not None:
        reading.keys[key] = None
    if builder.too_long(head, row, key):
        return
    if "as_of" in head.columns and reading.days is not None:
        day = as_of_in(head.value(row, "as_of"))
        if day is not None:
            reading.days.append(day)
        elif not is_absent(head.value(row, "as_of")):
            found = quoted(head.value(row, "as_of"))
            builder.fault(row.line, head.name("as_of"), f"got {found}, expected a date such as 2026-11-27")
    currency = head.value(row, "currency").upper()
    if currency not in ("", "USD", "US$"):
        amount = builder.amount(head, row, "value")
        builder.leave_out(
            row.line, key, head.value(row, "symbol"), "not managed: not in US dollars", amount, matters=True
        )
    elif _is_cash(builder, head, row):
        amount = builder.amount(head, row, "value")
        amount = builder.amount(head, row, "quantity") if amount is None else amount
        builder.cash(key, row.line, head.value(row, "symbol"), amount)
    else:
        builder.position(key, head, row)


def _is_cash(builder: StatementBuilder, head: Head, row: Row) -> bool:
    """Whether a row counts as cash.

    It does if its symbol is a cash symbol. It also does if its price is 1.00 and either its type is cash or sweep, or
    it has no symbol and a name such as cash.
    """
    symbol = symbol_of(head.value(row, "symbol"))
    if builder.is_cash(symbol):
        return True
    if symbol:
        return head.value(row, "type").casefold() in _CASH_TYPES and _price_is_one(builder, head, row)
    name = head.value(row, "description").casefold()
    return any(word in name for word in _CASH_WORDS) and _price_is_one(builder, head, row)


def _price_is_one(builder: StatementBuilder, head: Head, row: Row) -> bool:
    try:
        plain = plain_number(head.value(row, "price"), builder.decimal)
    except ValueError:
        return False
    return plain is None or plain.rstrip("0").rstrip(".") == "1"


def _read_total(reading: _Reading, row: Row) -> None:
    """Leave out a row that is a total or a line of text. A total that does not equal the sum of the rows above it is a
    fault.
    """
    head, builder = reading.head, reading.builder
    text = next(cell for cell in row.cells if cell)
    lowered = text.casefold()
    if "total" not in lowered:
        builder.leave_out(row.line, None, text, "a line of text")
        return
    amount = builder.amount(head, row, "value")
    if "grand" in lowered or not reading.key:
        total = Money(sum(builder.total_of(key) for key in reading.keys or ()))
        builder.leave_out(row.line, None, text, "total of the file", amount)
        if amount is not None and abs(amount - total) > 10_000_000 * max(1, row.line):
            found, expected = money_text(amount), money_text(total)
            builder.fault(row.line, head.name("value"), f"got {found} as the total, the rows sum to {expected}")
    else:
        builder.leave_out(row.line, reading.key, text, "total of the account, compared with its rows", amount)
        builder.check_total(reading.key, row.line, head.name("value"), amount)
