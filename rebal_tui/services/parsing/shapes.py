"""The basis of the pydantic models of JSON objects, which are called shapes.

One model validates an object, documents it, and gives its values with exact decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.parsing.fields import MAX_COUNTED, MAX_FAULTS, Faults, field_hint, shown

T = TypeVar("T")
M = TypeVar("M", bound="Shape")
Path = tuple[str | int, ...]
Broken = tuple[Path, str]
"""A broken rule: its location relative to the value being parsed, and the message."""

_RAISE = object()
_MAX_ERRORS = MAX_FAULTS + MAX_COUNTED + 100
"""More errors than are ever reported, plus space for the known fields of an object."""
_CHUNK = 4_096
"""Number of items that are parsed before errors are counted."""


class Reading:
    """The state of validating one document: the number of errors so far."""

    def __init__(self) -> None:
        self.errors = 0

    @property
    def limit_reached(self) -> bool:
        """Whether there are more errors than are ever reported, so that parsing can stop."""
        return self.errors > _MAX_ERRORS


class Shape(BaseModel):
    # The base of every model; no docstring, because pydantic publishes docstrings as descriptions.
    model_config = ConfigDict(extra="ignore", defer_build=True)
    what: ClassVar[str] = "an object"
    ignored: ClassVar[frozenset[str]] = frozenset()


class StrictShape(Shape):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, raw: Any, _info: ValidationInfo[Any]) -> Any:
        return bounded(cls, raw)


def bounded(shape: type[Shape], raw: Any) -> Any:
    """The input, without unknown fields beyond the number of errors that can be reported."""
    if not isinstance(raw, dict) or len(raw) <= _MAX_ERRORS:
        return raw
    known = {name: raw[name] for name in shape.model_fields if name in raw}
    return known | dict(islice(raw.items(), _MAX_ERRORS))


class Rule(ValueError):
    """An error with one message for each broken rule of a value.

    The messages are reported as they are. To the message of another error, `, got` and the value are appended.
    """


class Read:
    """Annotation of a field: `parse` parses it, `documented` is the type whose JSON Schema is published.

    `null`, if given, is the value of a field that is null in the input. `shapes` are the models of the objects that
    `parse` finds in the field, if any.
    """

    def __init__(
        self, parse: Callable[..., Any], documented: Any, *, null: object = _RAISE, shapes: tuple[type[Shape], ...] = ()
    ) -> None:
        self._parse = parse if null is _RAISE else _nullable(parse, null)
        self._documented = documented
        self.shapes = shapes

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        documented = self._documented
        if isinstance(documented, type) and issubclass(documented, StrEnum):
            return BeforeValidator(self._parse).__get_pydantic_core_schema__(documented, handler)
        validator = PlainValidator(self._parse, json_schema_input_type=documented)
        return validator.__get_pydantic_core_schema__(Any, handler)


class ListOf:
    """Annotation of a list: each item is parsed as `shape` and converted by `convert`.

    `null`, if given, is the value of a list that is null in the input.
    """

    def __init__(self, shape: type[Shape], convert: Callable[..., Any], *, null: object = _RAISE) -> None:
        self.shapes = (shape,)
        self._items: TypeAdapter[list[Any]] = TypeAdapter(list[Annotated[shape, AfterValidator(convert)]])  # type: ignore[valid-type]  # known at run time
        self._documented: Any = list[shape]  # type: ignore[valid-type]  # known at run time
        self._null = null

    def _read(self, raw: object, info: ValidationInfo[Reading]) -> object:
        return self._null if raw is None and self._null is not _RAISE else items(self._items, raw, info.context)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        validator = PlainValidator(self._read, json_schema_input_type=self._documented)
        return validator.__get_pydantic_core_schema__(Any, handler)


def _nullable(parse: Callable[[object], Any], null: object) -> Callable[[object], Any]:
    def read(value: object) -> object:
        return null if value is None else parse(value)

    return read


def read(model: type[M], raw: object, reading: Reading | None = None) -> M:
    """Parse a JSON value as a model. Raises `Invalid` with every error and its location."""
    try:
        return model.model_validate(raw, context=reading or Reading())
    except ValidationError as error:
        faults = Faults()
        for details in _in_order(error.errors(include_url=False)):
            _note(faults, model, details)
        raise Invalid([*faults, *faults.omitted]) from None


def one_of(pick: Callable[[dict[Any, Any]], type[Shape]]) -> Callable[..., Any]:
    """A function that parses an object by the model that `pick` selects for it."""

    def choose(raw: object, info: Any) -> object:
        shape = pick(raw if isinstance(raw, dict) else {})
        return shape.__pydantic_validator__.validate_python(raw, context=info.context)

    return choose


def items(adapter: TypeAdapter[list[T]], raw: object, reading: Reading, broken: Iterable[Broken] = ()) -> list[T]:
    """Parse the items of a list with a pydantic adapter. `broken` are errors of the list as a whole.

    Raises `ValidationError` with these and the errors of the items. Parsing stops once `reading.limit_reached`.
    """
    if not isinstance(raw, list):
        raise ValueError("expected a list")
    read: list[T] = []
    errors: list[InitErrorDetails] = []
    for start in range(0, len(raw), _CHUNK):
        if reading.limit_reached:
            break
        before = reading.errors
        try:
            read += adapter.validate_python(raw[start : start + _CHUNK], context=reading)
        except ValidationError as error:
            found = error.errors(include_url=False)
            errors += (_details((int(e["loc"][0]) + start, *e["loc"][1:]), e) for e in found)
            reading.errors = before + len(found)
    errors += (_broken(path, message) for path, message in broken)
    if errors:
        raise ValidationError.from_exception_data("", errors)
    return read


def with_rules(value: Callable[[], T], rules: Callable[[], Iterable[Broken]]) -> T:
    """Parse a value by calling `value`, then check its rules, even if it could not be parsed.

    Raises `ValidationError` with the errors of both.
    """
    errors: list[InitErrorDetails] = []
    result: T | None = None
    try:
        result = value()
    except ValidationError as error:
        errors += (_details(e["loc"], e) for e in error.errors(include_url=False))
    errors += (_broken(path, message) for path, message in rules())
    if errors:
        raise ValidationError.from_exception_data("", errors)
    return cast("T", result)


def _details(path: Path, error: ErrorDetails) -> InitErrorDetails:
    return {"type": error["type"], "loc": path, "input": error["input"], "ctx": error.get("ctx", {})}


def _broken(path: Path, message: str) -> InitErrorDetails:
    return {"type": "value_error", "loc": path, "input": None, "ctx": {"error": Rule(message)}}


def repeated(values: Iterable[str | None]) -> Iterator[int]:
    """The indexes of values that also occur earlier in the list; None values are ignored."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index
        elif value is not None:
            seen.add(value)


def _in_order(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Errors by location: those of a whole object and of its unknown fields before those of its known fields."""
    ranks: dict[Path, int] = {}
    keys = []
    for error in errors:
        path = error["loc"]
        key = [ranks.setdefault(path[:length], len(ranks)) for length in range(1, len(path) + 1)]
        keys.append([*key[:-1], -1] if error["type"] == "extra_forbidden" else key)
    return [errors[index] for index in sorted(range(len(errors)), key=keys.__getitem__)]


def _note(faults: Faults, model: type[Shape], error: ErrorDetails) -> None:
    if faults.full:
        for _ in _messages(error):
            faults.count_only()
        return
    path, found = error["loc"], error["input"]
    location = _location(path)
    last = path[-1] if path else ""
    if error["type"] == "extra_forbidden":
        known = {name for shape in _shapes_at(model, path[:-1]) for name in shape.model_fields}
        faults.add(_location(path[:-1]), f"unknown field {shown(last)}; {field_hint(str(last), known)}")
    elif error["type"] == "missing" or (found is None and isinstance(last, str) and last and not _is_rule(error)):
        expected = ": expected a list" if _shapes_at(model, path) else ""
        faults.add(location, f"{last} is required{expected}")
    elif error["type"] == "value_error":
        for message in _messages(error):
            complete = _is_rule(error) or ", got " in message
            faults.add(location, message if complete else f"{message}, got {shown(found)}")
    else:
        shapes = _shapes_at(model, path)
        expected = "a list" if error["type"] == "list_type" else shapes[0].what if shapes else "an object"
        faults.add(location, f"expected {expected}, got {shown(found)}")


def _is_rule(error: ErrorDetails) -> bool:
    return isinstance(error.get("ctx", {}).get("error"), Rule)


def _messages(error: ErrorDetails) -> Sequence[str]:
    cause = error.get("ctx", {}).get("error")
    return [str(message) for message in cause.args] if isinstance(cause, Rule) else [str(cause)]


def _location(path: Path) -> str:
    """`accounts[3].positions[0].qty`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _shapes_at(model: type[Shape], path: Path) -> list[type[Shape]]:
    """The models of the objects at a path; empty if there are none."""
    shapes = [model]
    for step in path:
        if isinstance(step, str):
            found = [shape.model_fields[step] for shape in shapes if step in shape.model_fields]
            shapes = [shape for field in found for shape in _shapes_of(field)]
    return shapes


def _shapes_of(field: FieldInfo) -> Iterator[type[Shape]]:
    yield from _in_annotation(field.annotation)
    for marker in field.metadata:
        yield from _in_annotation(marker)


def _in_annotation(annotation: Any) -> Iterator[type[Shape]]:
    if isinstance(annotation, (Read, ListOf)):
        yield from annotation.shapes
    for inner in get_args(annotation):
        yield from _in_annotation(inner)
