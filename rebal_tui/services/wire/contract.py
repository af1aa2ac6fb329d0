"""Responses in the form of Alpaca's API: extensions of this program are removed unless a client asks for them.

The declarations of the JSON objects (shapes) in `models` mark which keys and values are extensions, by `OURS` and
`ShownAs` of `models.types`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from rebal_tui.services.wire.models.types import OURS, ShownAs

HEADER = "Rebal-Extensions"
"""Request header that asks for the extensions when it is `1`."""

Reduce = Callable[[Any], None]


def remove_extensions(shape: Any, content: Any) -> None:
    """Remove from `content` what Alpaca's API does not have; `shape` is the type in `models` that declares its form."""
    reduce = _reducer(shape)
    if reduce is not None:
        reduce(content)


@cache
def _reducer(shape: Any) -> Reduce | None:
    """The function that removes the extensions from content of a shape; None when the shape has none."""
    origin = get_origin(shape)
    if is_typeddict(shape):
        return _of_keys(get_type_hints(shape, include_extras=True))
    if origin in (Annotated, NotRequired, Required):
        return _reducer(get_args(shape)[0])
    if origin is list:
        return _of_items(_reducer(get_args(shape)[0]), lambda content: content)
    if origin is dict:
        return _of_items(_reducer(get_args(shape)[1]), lambda content: content.values())
    if origin in (Union, types.UnionType):
        hints: dict[str, Any] = {}
        for one in get_args(shape):
            if is_typeddict(one):
                hints |= get_type_hints(one, include_extras=True)
        return _of_keys(hints)
    return None


def _of_items(reduce: Reduce | None, items: Callable[[Any], Any]) -> Reduce | None:
    if reduce is None:
        return None

    def each(content: Any) -> None:
        for one in items(content):
            reduce(one)

    return each


def _of_keys(hints: Mapping[str, Any]) -> Reduce | None:
    ours, shown, inner = [], [], []
    for key, hint in hints.items():
        marks = _marks(hint)
        reduce = _reducer(hint)
        if any(mark is OURS for mark in marks):
            ours.append(key)
        elif reduce is not None:
            inner.append((key, reduce))
        shown += [(key, mark.known) for mark in marks if isinstance(mark, ShownAs)]
    if not (ours or shown or inner):
        return None

    def each(content: Any) -> None:
        # A member of a union: None, or an object without some of the keys.
        if not isinstance(content, dict):
            return
        for key in ours:
            content.pop(key, None)
        for key, known in shown:
            if content.get(key) in known:
                content[key] = known[content[key]]
        for key, reduce in inner:
            if key in content:
                reduce(content[key])

    return each


def _marks(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (NotRequired, Required):
        return _marks(get_args(hint)[0])
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()
