"""Fast construction of many frozen dataclass objects from columns: for each field, a sequence of its values."""

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


def build_objects(
    kind: type[T], count: int, columns: Mapping[str, Sequence[Any]], constants: Mapping[str, object]
) -> list[T]:
    """Make `count` objects of the dataclass `kind`, which has slots, without calling its constructor.

    `columns` has, by field, a sequence with one value per object; `constants` has, by field, a value that all objects
    share. Raises `BrokenInvariant` when a field is in neither or a column has another length. The class must not need
    `__post_init__`.
    """
    require({*columns, *constants} == {field.name for field in fields(kind)}, f"fields of {kind.__name__} are missing")
    require(all(len(column) == count for column in columns.values()), "columns of different lengths")
    instances = list(map(object.__new__, repeat(kind, count)))
    for name in (*columns, *constants):
        values = columns[name] if name in columns else repeat(constants[name])
        deque(map(getattr(kind, name).__set__, instances, values), maxlen=0)
    return instances


def replace_all(objects: Sequence[T], columns: Mapping[str, Sequence[Any]], constants: Mapping[str, object]) -> list[T]:
    """Copies of objects of one dataclass with slots. `columns` and `constants` have the new values by field.

    Both arguments are as in `build_objects`; all other fields keep their values.
    """
    if not objects:
        return []
    kind = type(objects[0])
    unchanged = {
        field.name: list(map(getattr(kind, field.name).__get__, objects))
        for field in fields(kind)
        if field.name not in columns and field.name not in constants
    }
    return build_objects(kind, len(objects), {**unchanged, **columns}, constants)
