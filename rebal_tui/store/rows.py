"""Named tuples as table rows, one by one or by column; SQL statements and digests are made from their field names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any, Generic, NamedTuple, TypeVar

from rebal_tui.domain.errors import require
from rebal_tui.store.database import SqlRow

R = TypeVar("R", bound=NamedTuple)


def select_list(kind: type[NamedTuple], expressions: Mapping[str, str] | None = None, table: str = "") -> str:
    """The SELECT list for rows of a type: for each field, the column of that name, or the field's given expression."""
    known = expressions or {}
    prefix = f"{table}." if table else ""
    return ", ".join(known.get(name, f"{prefix}{name}") for name in kind._fields)


def insert(table: str, kind: type[NamedTuple]) -> str:
    """The INSERT statement for a row of a type; its fields are columns of the table."""
    return f"INSERT INTO {table} ({', '.join(kind._fields)}) VALUES ({', '.join('?' * len(kind._fields))})"


def assignments(kind: type[NamedTuple], *, key: str) -> str:
    """The SET list of an UPDATE for rows of a type: every field but the key.

    The parameters of the UPDATE are the row's fields, numbered in order.
    """
    return ", ".join(f"{name} = ?{number}" for number, name in enumerate(kind._fields, 1) if name != key)


@dataclass(frozen=True, slots=True, eq=False)
class RowTable(Generic[R]):
    """Rows of one type, held by column, for reading and writing very many of them without an object per row.

    `columns` has one sequence per field, in the order of the fields; all have the same length.
    """

    kind: type[R]
    columns: tuple[Sequence[Any], ...]

    @classmethod
    def build(cls, kind: type[R], size: int, /, **columns: Sequence[Any] | repeat[Any]) -> RowTable[R]:
        """A table of `size` rows. Each column is given by its field's name, as values or as one repeated value.

        Omitted fields have their defaults. Raises `BrokenInvariant` when a column without a default is missing or has
        another length, or when a name is not a field.
        """
        fields, defaults = kind._fields, kind._field_defaults
        fits = columns.keys() <= set(fields) and all(name in columns or name in defaults for name in fields)
        require(fits, f"{kind.__name__}: columns {sorted(columns)} do not fit")
        values = (columns[name] if name in columns else repeat(defaults[name]) for name in fields)
        made = tuple(list(islice(one, size)) if isinstance(one, repeat) else one for one in values)
        require(all(len(one) == size for one in made), f"{kind.__name__}: columns of different lengths")
        return cls(kind, made)

    @classmethod
    def of(cls, kind: type[R], rows: Sequence[R | SqlRow]) -> RowTable[R]:
        """The table of the given rows."""
        return cls(kind, tuple(zip(*rows, strict=True)) if rows else ((),) * len(kind._fields))

    @classmethod
    def joined(cls, kind: type[R], tables: Sequence[RowTable[R]]) -> RowTable[R]:
        """The rows of several tables of the same type, one after the other."""
        if len(tables) == 1:
            return tables[0]
        parts = zip(*(table.columns for table in tables), strict=True) if tables else ((),) * len(kind._fields)
        return cls(kind, tuple(list(chain.from_iterable(part)) for part in parts))

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[SqlRow]:
        return zip(*self.columns, strict=True)

    def column(self, name: str) -> Sequence[Any]:
        """The values of one field, by the field's name."""
        return self.columns[self.kind._fields.index(name)]

    def take(self, indexes: Sequence[int]) -> RowTable[R]:
        """The rows at some indexes, in that order."""
        return RowTable(self.kind, tuple(list(map(column.__getitem__, indexes)) for column in self.columns))

    def sorted_by(self, name: str) -> RowTable[R]:
        """The table with its rows sorted by one field, ascending."""
        values = self.column(name)
        order = sorted(range(len(values)), key=values.__getitem__)
        return self if order == list(range(len(values))) else self.take(order)

    def replace_at(self, indexes: Sequence[int], **columns: Sequence[Any]) -> RowTable[R]:
        """The table with new values of some fields in the rows at some distinct indexes; one value per index."""
        values = list(self.columns)
        for name, replaced in columns.items():
            number = self.kind._fields.index(name)
            column = list(values[number])
            for index, value in zip(indexes, replaced, strict=True):
                column[index] = value
            values[number] = column
        return RowTable(self.kind, tuple(values))
