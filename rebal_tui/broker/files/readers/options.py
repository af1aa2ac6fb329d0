"""Options for reading a file, and the interface of a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cash_symbols import cash_symbols_of
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Table


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Choices of the book for reading: by format the cash list and the pairs of symbols (`BRKB` to `BRK.B`), and the
    column of each field in a generic file."""

    cash_symbols: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mapping: Mapping[str, str] | None = None

    def builder(self, format_name: str, decimal: str = ".") -> StatementBuilder:
        """A builder with the choices for a format."""
        cash = self.cash_symbols.get(format_name, cash_symbols_of(format_name))
        return StatementBuilder(format_name, cash_symbols=cash, pairs=self.pairs.get(format_name, {}), decimal=decimal)


class Reader(Protocol):
    """A reader of positions files. `name` is what `--as` takes and the statement's `format`."""

    name: str

    def recognizes(self, table: Table) -> bool:
        """Whether the file is of this reader's custodian, by its content."""

    def read(self, table: Table, options: ReadOptions) -> Statement:
        """The file as understood. Raises `Invalid` naming line, column, what was found and what is expected."""
