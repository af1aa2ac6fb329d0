"""Mutations of valid documents: wrong types, repeated keys, very long numbers, deep nesting, random bytes."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]


class Raw(str):
    """Text that is written to the document verbatim, even if it is not valid JSON."""

    __slots__ = ()


RAW = (
    *("NaN", "-Infinity", "1e400", "1E-999999999", "1e999999999999", "0x10", "01", "+1", "1.", ".5", "1_000", "'x'"),
    *("9" * 5_000, "0." + "1" * 5_000, "-" + "0" * 400, '{"a":1,"a":2}', "[" * 300 + "]" * 300, "[" * 40_000),
    *('"\\ud800"', '"\\u0000"', '"\\u202e"', '"a\tb"', "true", "null", "", '"', "//", "/* */ 1", "\ufeff1", "１２"),
)
TEXTS = (
    *("", " ", "\x00", "\x1b[31m", "\u202egnp", "\u200b", "\ufeff", "\x85", "\ue000", "[@click=app.quit]x[/]"),
    *("'; DROP TABLE accounts;--", "../../etc/passwd", "=1+1", "1e5", "NaN", "Infinity", "１２３", "0.0000000001"),
    *("1" * 400, "x" * 10_000, "e\u0301" * 500, "9000000001", "-1", "1,5", " 5", "5 ", "5\n", "2026-13-45T99:99:99Z"),
    *("0000-00-00", "9999-12-31T23:59:59.999999999+14:00", "0001-01-01T00:00:00+23:59", "2026-03-04T12:00:00"),
)
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**400), [], {}, [[]], {"": None}, [None] * 50, {"type": "asset"}),
    *(Raw(text) for text in RAW),
    *TEXTS,
)


def value_paths(document: object, here: Path = ()) -> list[Path]:
    """The path of every value in a document, including the document itself."""
    found = [here]
    children: Any = ()
    if isinstance(document, dict):
        children = document.items()
    elif isinstance(document, list):
        children = enumerate(document)
    for key, child in children:
        found += value_paths(child, (*here, key))
    return found


@st.composite
def broken(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """The document with one to three errors, as bytes."""
    made: Any = deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        made = _broken_at(made, draw(st.sampled_from(value_paths(made))), draw)
    raws: list[str] = []
    text = json.dumps(_marked(made, raws), ensure_ascii=draw(st.booleans()))
    for number, raw in enumerate(raws):
        text = text.replace(f'"raw-{number}-raw"', raw)
    data = text.encode("utf-8", "surrogatepass")
    return _scratched(draw, data)


def _broken_at(document: Any, path: Path, draw: st.DrawFn) -> Any:
    if not path:
        return deepcopy(draw(st.sampled_from([document, document, *VALUES[:14]])))
    parent: Any = document
    for step in path[:-1]:
        parent = parent[step]
    key, action = (
        path[-1],
        draw(st.sampled_from(["replace", "replace", "replace", "drop", "double", "rename", "wrap"])),
    )
    if action == "drop":
        del parent[key]
    elif action == "double" and isinstance(parent, list):
        parent.append(deepcopy(parent[int(key)]))
    elif action == "rename" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["id", "symbol", "percent", "__class__", "\x1b", "x" * 300]))] = parent.pop(key)
    elif action == "wrap":
        parent[key] = [parent[key]]
    else:
        parent[key] = deepcopy(draw(st.sampled_from(VALUES)))
    return document


def _marked(document: Any, raws: list[str]) -> Any:
    """The document with a marker in place of each raw text, which is added to `raws`."""
    if isinstance(document, Raw):
        raws.append(str(document))
        return f"raw-{len(raws) - 1}-raw"
    if isinstance(document, dict):
        return {key: _marked(value, raws) for key, value in document.items()}
    if isinstance(document, list):
        return [_marked(value, raws) for value in document]
    return document


def _scratched(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes, sometimes truncated, with a byte order mark or with one byte changed."""
    kind = draw(st.sampled_from(["", "", "", "", "cut", "mark", "byte", "utf-16"]))
    path = draw(st.integers(0, max(0, len(data) - 1)))
    if kind == "cut":
        return data[:path]
    if kind == "mark":
        return b"\xef\xbb\xbf" + data
    if kind == "byte":
        return data[:path] + bytes([draw(st.integers(0, 255))]) + data[path + 1 :]
    if kind == "utf-16":
        return data.decode("utf-8", "replace").encode("utf-16")
    return data
