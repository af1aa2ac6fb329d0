"""Options for reading a file, and the interface of a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cash_symbols import cash_symbols_of
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Table
from rebal_tui.domain.errors import Invalid


class NotPositions(Invalid):
    """The file has transactions, not positions."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The book's settings for reading files.

    `cash_symbols` has the symbols that count as cash, by format. `pairs` has, by format, the program's symbol for each
    symbol of the custodian that differs (`BRKB` to `BRK.B`). `mapping` has the column name of each field in a generic
    file.
    """

    cash_symbols: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mapping: Mapping[str, str] | None = None

    def builder(self, format_name: str, decimal: str = ".") -> StatementBuilder:
        """A builder of the statement of one file, with the settings for a format."""
        cash = self.cash_symbols.get(format_name, cash_symbols_of(format_name))
        return StatementBuilder(format_name, cash_symbols=cash, pairs=self.pairs.get(format_name, {}), decimal=decimal)


class Reader(Protocol):
    """A reader of positions files. `name` selects the reader in `import --as`, and is the `format` of its
    statements.
    """

    name: str

    def recognizes(self, table: Table) -> bool:
        """Whether the content shows that the file is of this reader's format."""

    def read(self, table: Table, options: ReadOptions) -> Statement:
        """The accounts of the file. Raises `Invalid` with line, column, what was found and what is expected."""
