"""Reads a positions file with the reader that recognizes it, or with a given reader; other packages can add readers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points

from rebal_tui.broker.files.cells import quoted
from rebal_tui.broker.files.readers.fidelity import FidelityReader
from rebal_tui.broker.files.readers.generic import GenericReader
from rebal_tui.broker.files.readers.ibkr_activity import IbkrActivityReader
from rebal_tui.broker.files.readers.ibkr_flex import IbkrFlexReader
from rebal_tui.broker.files.readers.options import NotPositions, Reader, ReadOptions
from rebal_tui.broker.files.readers.schwab import SchwabReader
from rebal_tui.broker.files.readers.vanguard import VanguardReader
from rebal_tui.broker.files.source import SourceText, decode
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Table, starts_figure, tables
from rebal_tui.broker.files.transactions_file import has_transactions
from rebal_tui.domain.errors import Invalid

ENTRY_POINTS = "rebal_tui.file_readers"
"""The entry-point group under which another package offers a `Reader` class without arguments."""
BUILT_IN: tuple[type[Reader], ...] = (
    SchwabReader,
    FidelityReader,
    VanguardReader,
    IbkrFlexReader,
    IbkrActivityReader,
    GenericReader,
)


class UnknownFormat(Invalid):
    """The file is a table, but no reader recognizes it; `columns` are the likely column names."""

    def __init__(self, message: str, columns: tuple[str, ...]) -> None:
        super().__init__(message)
        self.columns = columns


@cache
def readers() -> tuple[Reader, ...]:
    """Every reader: those of other packages first, the generic one last."""
    plugged: list[Reader] = [point.load()() for point in entry_points(group=ENTRY_POINTS)]
    return (*plugged, *(make() for make in BUILT_IN))


def format_names() -> tuple[str, ...]:
    """The names of formats that `import --as` accepts, each once."""
    return tuple(dict.fromkeys(reader.name for reader in readers()))


def read_statement(content: bytes, options: ReadOptions | None = None, format_name: str | None = None) -> Statement:
    """The accounts of a positions file; without `format_name`, the reader that recognizes the file reads it.

    Raises `Invalid` with the location of each fault, for a file that has no positions, and for an unknown format.
    """
    options = options or ReadOptions()
    source = decode(content)
    wanted = [reader for reader in readers() if format_name is None or reader.name == format_name]
    if not wanted:
        raise Invalid(f"unknown format '{format_name}'; expected one of {', '.join(format_names())}")
    tables, fault = _tables(source)
    mapped = options.mapping is not None and format_name in (None, GenericReader.name)
    for table in tables:
        for reader in wanted:
            if not (mapped and reader.name == GenericReader.name) and reader.recognizes(table):
                if reader.name == GenericReader.name and has_transactions(table):
                    raise NotPositions("the file has transactions, not positions: book them with  rebal-tui fills FILE")
                return reader.read(table, options)
    if mapped:
        return _mapped(tables, options)
    if fault is not None:
        raise fault
    if format_name is not None and format_name != GenericReader.name:
        raise Invalid(f"the file is not a positions file of {format_name} as known; read it as generic with a mapping")
    raise _unknown(_columns(tables))


def _unknown(columns: tuple[str, ...]) -> UnknownFormat:
    """The refusal of a file whose columns have no known names."""
    shown = ", ".join(quoted(name)[1:-1] for name in columns[:12])
    has = f"; its columns are {shown}" if shown else ""
    example = '{"account": COLUMN, "symbol": COLUMN, "quantity": COLUMN}'
    return UnknownFormat(
        f"the format is not known{has}. Name the columns in a MAP.json as {example}: --map MAP.json", columns
    )


def _mapped(tables: Sequence[Table], options: ReadOptions) -> Statement:
    """The file read with the mapping of the options, parsed with the separator with which the mapped columns
    are found.
    """
    refusal = Invalid("the file has no rows")
    for table in tables:
        try:
            return GenericReader().read(table, options)
        except Invalid as error:
            refusal = refusal if any(fault.location for fault in refusal.faults) else error
    if any(fault.location for fault in refusal.faults):
        raise refusal
    raise UnknownFormat(str(refusal), _columns(tables))


def _columns(tables: Sequence[Table]) -> tuple[str, ...]:
    """The likely column names: the cells of the row with the most cells, the first if several; rows with figures are
    left out.
    """
    rows = [row for table in tables for row in table.rows[:200] if not any(starts_figure(cell) for cell in row.cells)]
    widest = max(rows, key=lambda row: row.filled, default=None)
    return () if widest is None else tuple(dict.fromkeys(cell for cell in widest.cells if cell))


def _tables(source: SourceText) -> tuple[list[Table], Invalid | None]:
    """The file parsed with each separator that it contains, and the first error when one cannot be read."""
    faults: list[Invalid] = []
    found = [table for table in tables(source, faults) if table.rows]
    return found, faults[0] if faults else None
