"""File-by-file comparison of two baselines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

MOST = 5
"""The maximum number of differing locations reported per JSON file."""
LONGEST = 240
"""The maximum length of a differing text in a report, in characters."""
BEFORE = 80
"""Characters shown before the first difference."""
NOTHING = object()


def differences(first: Path, second: Path, below: str = "") -> list[str]:
    """Each file that differs, with its first difference. Books are opened instead (`command_items.reopen`)."""
    names = sorted(_names(first / below) | _names(second / below))
    messages = []
    for name in names:
        left, right = first / below / name, second / below / name
        if not left.exists() or not right.exists():
            messages.append(f"{below}{name}: only in {first if left.exists() else second}")
        elif left.suffix != ".db" and left.read_bytes() != right.read_bytes():
            messages.append(f"{below}{name}: {_where(left, right)}")
    return messages


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _where(left: Path, right: Path) -> str:
    one, other = left.read_text(encoding="utf-8"), right.read_text(encoding="utf-8")
    if left.suffix == ".json":
        try:
            locations = list(_locations(json.loads(one), json.loads(other), "$"))
        except ValueError:
            locations = []
        if locations:
            more = [f"and {len(locations) - MOST} more locations"] if len(locations) > MOST else []
            return "\n    ".join(
                [f"{len(locations)} location{'s' if len(locations) > 1 else ''}", *locations[:MOST], *more]
            )
    return _first_line(one, other)


def _first_line(one: str, other: str) -> str:
    for number, (a, b) in enumerate(zip_longest(one.splitlines(), other.splitlines()), 1):
        if a != b:
            pairs = enumerate(zip(a or "", b or "", strict=False))
            start = max(0, next((place for place, (x, y) in pairs if x != y), 0) - BEFORE)
            return f"line {number}\n    - {_short(a, start)}\n    + {_short(b, start)}"
    return "line ends differ"


def _locations(one: Any, other: Any, at: str) -> Iterator[str]:
    """The locations where two JSON values differ; the order of keys counts."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _locations(one.get(key, NOTHING), other.get(key, NOTHING), f"{at}.{key}")
        if set(one) == set(other) and list(one) != list(other):
            yield f"{at}: the keys are in another order"
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{at}: {len(one)} entries, then {len(other)}"
        for number, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from _locations(a, b, f"{at}[{number}]")
    elif type(one) is not type(other) or one != other:
        yield f"{at}: {_value(one)}, then {_value(other)}"


def _value(value: Any) -> str:
    return "nothing" if value is NOTHING else _short(json.dumps(value, ensure_ascii=False))


def _short(text: str | None, start: int = 0) -> str:
    if text is None:
        return "(the end)"
    before, after = "…" if start else "", "…" if len(text) > start + LONGEST else ""
    return before + text[start : start + LONGEST] + after
