"""Many frozen dataclasses at once from columns: a field at a time is set in all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

from rebal_tui.domain.errors import require

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def objects_of(kind: type[T], count: int, columns: Mapping[str, Sequence[Any]], alike: Mapping[str, object]) -> list[T]:
    """So many objects of a dataclass with slots: fields by name from columns of that length, or alike in all of them.

    Every field must be given; the class must have nothing to do after it was made.
    """
    require({*columns, *alike} == {field.name for field in fields(kind)}, f"fields of {kind.__name__} are missing")
    require(all(len(column) == count for column in columns.values()), "columns of different lengths")
    made = list(map(object.__new__, repeat(kind, count)))
    for name in (*columns, *alike):
        values = columns[name] if name in columns else repeat(alike[name])
        deque(map(getattr(kind, name).__set__, made, values), maxlen=0)
    return made


def replaced(objects: Sequence[T], columns: Mapping[str, Sequence[Any]], alike: Mapping[str, object]) -> list[T]:
    """Copies of objects of one dataclass with slots, some fields replaced, by columns or alike in all of them."""
    if not objects:
        return []
    kind = type(objects[0])
    kept = {
        field.name: list(map(getattr(kind, field.name).__get__, objects))
        for field in fields(kind)
        if field.name not in columns and field.name not in alike
    }
    return objects_of(kind, len(objects), {**kept, **columns}, alike)
