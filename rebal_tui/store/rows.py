"""Named tuples as table rows: statements, columns and digests derive from their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, TypeVar

from rebal_tui.domain.errors import require

R = TypeVar("R", bound=NamedTuple)


def select_list(kind: type[NamedTuple], expressions: Mapping[str, str] | None = None, table: str = "") -> str:
    """The SELECT list for rows of a type: one column per field, or its expression when one is given."""
    known = expressions or {}
    prefix = f"{table}." if table else ""
    return ", ".join(known.get(name, f"{prefix}{name}") for name in kind._fields)


def insert(table: str, kind: type[NamedTuple]) -> str:
    """The INSERT statement for a row of a type; its fields are columns of the table."""
    return f"INSERT INTO {table} ({', '.join(kind._fields)}) VALUES ({', '.join('?' * len(kind._fields))})"


def assignments(kind: type[NamedTuple], *, key: str) -> str:
    """The SET list of an UPDATE whose parameters are numbered like the row's fields: every field but the key."""
    return ", ".join(f"{name} = ?{number}" for number, name in enumerate(kind._fields, 1) if name != key)


def make_rows(kind: type[R], /, **columns: Iterable[Any]) -> list[R]:
    """Rows from columns given by field; the shortest column sets their number. Omitted fields have their defaults.

    Raises `BrokenInvariant` when a column without a default is missing, or when a name is not a field.
    """
    fields, defaults = kind._fields, kind._field_defaults
    fits = columns.keys() <= set(fields) and all(name in columns or name in defaults for name in fields)
    require(fits, f"{kind.__name__}: columns {sorted(columns)} do not fit")
    values = [columns[name] if name in columns else repeat(defaults[name]) for name in fields]
    return list(map(kind._make, zip(*values, strict=False)))


def columns_of(kind: type[NamedTuple], rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The named columns of rows of a type, by field; empty when there are no rows."""
    by_field = dict(zip(kind._fields, zip(*rows, strict=True), strict=True)) if rows else {}
    return {name: by_field.get(name, ()) for name in names}
