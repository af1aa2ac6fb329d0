"""Corporate actions read from a CSV file (R-54)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rebal_tui.domain.corporate_actions import FIELDS, DatedAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.market.csv_file import FaultList, day_of, got, read_csv, without_empty_end
from rebal_tui.services.parsing.corporate_action import read_action_row

_NUMBERS = ("ratio", "amount", "price")
_REQUIRED = ("date", "symbol", "kind")
COLUMNS = (*_REQUIRED, *FIELDS)


def read_actions(source: Path | TextIO) -> tuple[DatedAction, ...]:
    """Actions from a UTF-8 CSV with the header `date,symbol,kind,ratio,amount,new_symbol,price`, sorted by day.

    Actions of one day keep the order of the file. Headings may be in any case and order; `ratio`, `amount`,
    `new_symbol` and `price` may be missing where no row needs them. As spreadsheets write them, a byte-order mark,
    semicolons and decimal commas are accepted. Raises `Invalid` with every fault: line, column, the text found and the
    text expected.
    """
    content = read_csv(source)
    faults = FaultList()
    header: Sequence[str] | None = None
    actions = []
    for line, cells in content.rows(faults):
        if header is None:
            header = _header(line, without_empty_end(cells), faults)
            continue
        row = _row(line, cells, header, faults)
        if row is not None:
            row |= {name: content.number(row[name]) for name in _NUMBERS if name in row}
            action = _action(line, row, faults)
            actions += [action] if action else []
    if header is None and not faults.faults:
        raise Invalid(f"got an empty file, expected a header: {','.join(COLUMNS)}")
    if faults.faults:
        raise faults.refusal()
    return tuple(sorted(actions, key=lambda dated: dated.day))


def _header(line: int, cells: Sequence[str], faults: FaultList) -> list[str]:
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell.lower()
        if name not in COLUMNS:
            faults.add(line, f"column {number}", got(cell, f"expected one of {', '.join(COLUMNS)}"))
        elif name in names:
            faults.add(line, f"column {number}", f"got {name} again, expected every heading once")
        else:
            names.append(name)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        faults.add(line, "", f"got no {' and no '.join(missing)}, expected the header {','.join(COLUMNS)}")
    if faults.faults:
        raise faults.refusal()
    return names


def _row(line: int, cells: Sequence[str], header: Sequence[str], faults: FaultList) -> dict[str, str] | None:
    """The cells by heading; empty ones at the end may be missing."""
    cells = without_empty_end(list(cells))
    if len(cells) > len(header):
        faults.add(line, f"column {len(cells)}", got(cells[-1], "expected nothing: the column has no heading"))
        return None
    return dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True))


def _action(line: int, row: Mapping[str, str], faults: FaultList) -> DatedAction | None:
    day = day_of(row["date"])
    if day is None:
        faults.add(line, "date", got(row["date"], "expected a date such as 2024-06-10"))
    try:
        action = read_action_row({name: cell for name, cell in row.items() if name != "date"})
    except Invalid as refusal:
        for fault in refusal.faults:
            cell = row.get(fault.location, "")
            named = not cell or ", got " in fault.message
            faults.add(line, fault.location, fault.message if named else got(cell, fault.message))
        return None
    return DatedAction(day, action, line) if day else None
