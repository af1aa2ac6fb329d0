"""The TOML settings file: reading, validation by key, and writing."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.book.policy_options import (
    MAX_EVALUATE_MINUTES,
    MAX_FRESH_SECONDS,
    MAX_ORDERS_PER_MINUTE,
    BookPolicy,
)
from rebal_tui.tui import themes
from rebal_tui.tui.files import write_private
from rebal_tui.tui.keymap import key_fault, usable_keys
from rebal_tui.tui.text import printable

T = TypeVar("T")
MAX_FILE_BYTES = 16 * 1024


class Density(StrEnum):
    """Spacing of the screens."""

    COMPACT = "compact"
    COMFORTABLE = "comfortable"


REVIEWS = {"portfolios": False, "all": True}
"""Which runs await review: those of portfolios that require it, or all."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Theme, density and keys of the screens, and the policy of a book.

    `named` are the fields of `policy` that are set; only these override the book's policy when it is opened.
    """

    theme: str = themes.DARK.name
    density: Density = Density.COMPACT
    keys: Mapping[str, str] = field(default_factory=dict)
    policy: BookPolicy = field(default_factory=BookPolicy)
    named: frozenset[str] = frozenset()

    def rules_over(self, policy: BookPolicy) -> BookPolicy:
        """Return a book's policy, overridden by the fields in `named`."""
        return replace(policy, **{name: getattr(self.policy, name) for name in self.named})


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as read. Without `path`, settings are not saved. Settings with faults are ignored."""

    path: Path | None
    settings: Settings
    faults: tuple[Fault, ...] = ()


def read_settings(path: Path) -> SettingsFile:
    """Read a settings file. Never raises: an invalid file or setting becomes a fault, and the default applies."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
        if len(text) > MAX_FILE_BYTES:
            raise ValueError("expected a file of at most 16 KiB")
        table = tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError:
        return SettingsFile(path, Settings())
    except RecursionError:
        return SettingsFile(path, Settings(), (Fault(str(path), "nested too deeply; default settings are used"),))
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return SettingsFile(path, Settings(), (Fault(str(path), f"{printable(reason)}; default settings are used"),))
    reader = _Reader(path)
    settings = reader.settings(table)
    return SettingsFile(path, settings, tuple(reader.faults))


def write_settings(old: SettingsFile, settings: Settings) -> SettingsFile:
    """Write the settings file atomically, readable only by its owner.

    A file that had faults is first copied to `.bak` in the same directory. Raises `OSError` when writing fails.
    """
    if old.path is None:
        return SettingsFile(None, settings)
    old.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if old.faults and old.path.exists():
        write_private(old.path.with_name(old.path.name + ".bak"), old.path.read_text("utf-8", errors="replace"))
    write_private(old.path, settings_text(settings))
    return SettingsFile(old.path, settings)


def settings_text(settings: Settings) -> str:
    """Return the text of the settings file. Defaults are comments: visible, but not set."""
    defaults = Settings()
    policy, plain = settings.policy, defaults.policy
    review = {value: name for name, value in REVIEWS.items()}
    lines = [
        "# Settings of rebal-tui. A line that starts with # is not set; the default shown there applies.",
        "",
        f"# {', '.join(themes.CYCLE)}",
        _line("theme", settings.theme, settings.theme != defaults.theme),
        f"# {', '.join(Density)}",
        _line("density", str(settings.density), settings.density != defaults.density),
        "",
        "# These settings apply to every book that is opened.",
        "[book]",
        '# "portfolios": runs of portfolios that require review; "all": every run',
        _line("review", review[policy.review], policy.review != plain.review),
        "# minutes between evaluations, from the open to the end of the window",
        _line("evaluate_minutes", policy.evaluate_minutes, policy.evaluate_minutes != plain.evaluate_minutes),
        "# or evaluate at these New York times instead",
        _line("evaluate_at", [at.isoformat("minutes") for at in policy.evaluate_at], bool(policy.evaluate_at)),
        _line("quarterly_months", list(policy.quarterly_months), policy.quarterly_months != plain.quarterly_months),
        "# maximum age of a price in seconds; 0 accepts any age",
        _line("fresh_seconds", policy.fresh_seconds, policy.fresh_seconds != plain.fresh_seconds),
        "# maximum number of orders sent per minute; 0 sets no limit",
        _line("orders_per_minute", policy.orders_per_minute, policy.orders_per_minute != plain.orders_per_minute),
        "",
        "# Action ids and their keys; separate several keys by commas.",
        "[keys]",
    ]
    lines += [f"{_value(identity)} = {_value(keys)}" for identity, keys in sorted(settings.keys.items())]
    return "\n".join(lines) + "\n"


def _line(name: str, value: object, is_set: bool) -> str:
    return f"{'' if is_set else '# '}{name} = {_value(value)}"


def _value(value: object) -> str:
    """Format a TOML value: an integer, a printable string, or a list of them."""
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, int):
        return str(value)
    text = printable(str(value)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def nearest(name: str, known: Collection[str]) -> str:
    """Return `did you mean …?` for a close match, else the list of known names."""
    near = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"


def read_times(text: str) -> tuple[time, ...]:
    """Parse `10:00, 14:30` into sorted, unique New York times. Raises `ValueError` with the expected format."""
    try:
        times = [time.fromisoformat(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError("expected New York times such as 10:00, 14:30") from None
    if any(at.second or at.microsecond or at.tzinfo for at in times):
        raise ValueError("expected New York times such as 10:00, 14:30")
    return tuple(sorted(set(times)))


def read_months(text: str) -> tuple[int, ...]:
    """Parse `3, 6, 9, 12` into sorted months, 1 to 12. Raises `ValueError` with the expected format."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    months = sorted({int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 3})
    if not parts or len(months) != len(set(parts)) or not all(1 <= month <= 12 for month in months):
        raise ValueError("expected months from 1 to 12, such as 3, 6, 9, 12")
    return tuple(months)


def read_whole(text: str, low: int, high: int) -> int:
    """Parse an integer from `low` to `high`, inclusive. Raises `ValueError` with the expected range."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 9 and low <= int(plain) <= high):
        raise ValueError(f"expected a whole number from {low} to {high}")
    return int(plain)


class _Reader:
    """Reads the TOML table field by field and collects faults."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.faults: list[Fault] = []

    def settings(self, table: Mapping[str, Any]) -> Settings:
        defaults = Settings()
        self._known("", table, ("theme", "density", "book", "keys"))
        theme = self._read(table, "theme", "", _one_of(themes.CYCLE))
        density = self._read(table, "density", "", _one_of(tuple(Density)))
        given = self._rules(self._table(table, "book"))
        return Settings(
            theme=theme or defaults.theme,
            density=Density(density) if density else defaults.density,
            keys=self._keys(self._table(table, "keys")),
            policy=replace(defaults.policy, **given),
            named=frozenset(given),
        )

    def _rules(self, table: Mapping[str, Any]) -> dict[str, Any]:
        self._known("book.", table, tuple(one.name for one in fields(BookPolicy)))
        review = self._read(table, "review", "book.", _one_of(tuple(REVIEWS)))
        read = {
            "review": None if review is None else REVIEWS[review],
            "evaluate_minutes": self._read(table, "evaluate_minutes", "book.", _whole(1, MAX_EVALUATE_MINUTES)),
            "evaluate_at": self._read(table, "evaluate_at", "book.", _times),
            "quarterly_months": self._read(table, "quarterly_months", "book.", _months),
            "fresh_seconds": self._read(table, "fresh_seconds", "book.", _whole(0, MAX_FRESH_SECONDS)),
            "orders_per_minute": self._read(table, "orders_per_minute", "book.", _whole(0, MAX_ORDERS_PER_MINUTE)),
        }
        return {name: value for name, value in read.items() if value is not None}

    def _keys(self, table: Mapping[str, Any]) -> dict[str, str]:
        wanted: dict[str, str] = {}
        for identity, keys in table.items():
            fault = key_fault(identity, keys)
            if fault:
                self._note(f"keys.{identity}", fault)
            else:
                wanted[identity] = keys
        used, faults = usable_keys(wanted)
        for identity, fault in faults.items():
            self._note(f"keys.{identity}", fault)
        return used

    def _table(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = table.get(name, {})
        if isinstance(found, dict):
            return found
        self._note(name, f"expected a table: [{name}]")
        return {}

    def _known(self, location: str, table: Mapping[str, Any], known: Collection[str]) -> None:
        for name in table:
            if name not in known:
                self._note(f"{location}{name}", f"no such setting; {nearest(name, known)}")

    def _read(self, table: Mapping[str, Any], name: str, location: str, read: Callable[[Any], T]) -> T | None:
        if name not in table:
            return None
        try:
            return read(table[name])
        except (ValueError, Invalid) as error:
            self._note(f"{location}{name}", str(error))
            return None

    def _note(self, location: str, message: str) -> None:
        self.faults.append(Fault(f"{self._path}: {printable(location)}", printable(message)))


def _one_of(known: Collection[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(nearest(value, known) if isinstance(value, str) else f"expected {', '.join(known)}")
        return str(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return read_whole(str(value), low, high)

    return read


def _times(value: Any) -> tuple[time, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('expected New York times in quotes, such as ["10:00", "14:30"]')
    return read_times(",".join(value))


def _months(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
        raise ValueError("expected months from 1 to 12, such as [3, 6, 9, 12]")
    return read_months(",".join(map(str, value)))
