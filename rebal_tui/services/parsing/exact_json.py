"""Exact JSON parser: no floats, no repeated keys, every error with its line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

from rebal_tui.domain.errors import Fault, Invalid

MAX_SIZE = 64 * 1024 * 1024
"""Maximum size of the input, in bytes or characters."""
MAX_DEPTH = 64
MAX_EXPONENT = 30

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}:]|-?Infinity|NaN', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})


class Number(str):
    """A JSON number, as the text that it has in the source."""

    __slots__ = ()

    @property
    def plain(self) -> str:
        """The text of the number without an exponent; unchanged where the exponent is beyond ±30."""
        mantissa, mark, exponent = self.lower().partition("e")
        if not mark or len(exponent) > 4 or abs(int(exponent)) > MAX_EXPONENT or len(mantissa) > 2 * MAX_EXPONENT:
            return str(self)
        return format(Decimal(str(self)), "f")


class _NoConstant(Exception):
    pass


class _Repeated(Exception):
    pass


def read_json(text: str | bytes, what: str = "input") -> object:
    """Parse a JSON text to dicts, lists, `str`, `Number`, `bool` and None.

    Raises `Invalid`, with the line and column, for text that is not JSON in UTF-8, for NaN and Infinity, for an object
    with a repeated key, for a lone surrogate, and for more than 64 nested levels or 64 MiB. `what` names the input in
    the message.
    """
    if len(text) > MAX_SIZE:
        raise Invalid([Fault("", f"{what}: expected at most 64 MiB")])
    source = _decoded(text, what).removeprefix("\ufeff")
    try:
        value: object = json.loads(
            source, parse_int=Number, parse_float=Number, parse_constant=_no_constant, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise Invalid([Fault(_line_column(source, error.pos), f"{what} is not JSON: {_lower(error.msg)}")]) from None
    except RecursionError:
        _refuse_depth(source, what)
    except _NoConstant:
        _refuse(source, _constant(source), f"{what} contains NaN or Infinity, which is not JSON")
    except _Repeated as repeated:
        _refuse(source, _repetition(source), f"{what} has the key {json.dumps(repeated.args[0])} twice in an object")
    if _deeper_than(value, MAX_DEPTH):
        _refuse_depth(source, what)
    if _SURROGATE_ESCAPE.search(source):
        _check_surrogates(source, what)
    return value


def _decoded(text: str | bytes, what: str) -> str:
    if isinstance(text, bytes):
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            read = text[: error.start].decode("utf-8")
            raise Invalid([Fault(_line_column(read, len(read)), f"{what}: expected text in UTF-8")]) from None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid([Fault(_line_column(text, error.start), f"{what} contains a lone surrogate")]) from None
    return text


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _no_constant(name: str) -> NoReturn:
    raise _NoConstant(name)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Repeated(key)
            seen.add(key)
    return result


def _deeper_than(value: object, limit: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _refuse(source: str, position: int, message: str) -> NoReturn:
    raise Invalid([Fault(_line_column(source, position), message)]) from None


def _refuse_depth(source: str, what: str) -> NoReturn:
    depth = 0
    for position, token in _tokens(source):
        depth += (token in "[{") - (token in "]}")
        if depth > MAX_DEPTH:
            _refuse(source, position, f"{what} is nested more than {MAX_DEPTH} levels deep")
    _refuse(source, len(source), f"{what} is nested more than {MAX_DEPTH} levels deep")


def _constant(source: str) -> int:
    return next((position for position, token in _tokens(source) if token in _CONSTANTS), len(source))


def _repetition(source: str) -> int:
    """The position of the first repeated key of an object."""
    objects: list[set[str]] = []
    last, last_at = "", 0
    for position, token in _tokens(source):
        if token in "[{":
            objects.append(set())
        elif token in "]}":
            objects.pop()
        elif token == ":":
            key = str(json.loads(last))
            if key in objects[-1]:
                return last_at
            objects[-1].add(key)
        else:
            last, last_at = token, position
    return len(source)


def _check_surrogates(source: str, what: str) -> None:
    for position, token in _tokens(source):
        if token[0] == '"' and _SURROGATE_ESCAPE.search(token):
            try:
                str(json.loads(token)).encode("utf-8")
            except UnicodeEncodeError:
                _refuse(source, position, f"{what} contains a lone surrogate")


def _tokens(source: str) -> Iterator[tuple[int, str]]:
    """Tokens with their positions: strings, brackets, colons and constants."""
    return ((match.start(), match.group()) for match in _TOKEN.finditer(source))


def _line_column(source: str, position: int) -> str:
    line = source.count("\n", 0, position) + 1
    return f"line {line}, column {position - source.rfind(chr(10), 0, position)}"
