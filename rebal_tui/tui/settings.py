"""The TOML file of the screens' settings: reading, validation of each key, and writing."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.tui import themes
from rebal_tui.tui.files import write_private
from rebal_tui.tui.keymap import key_fault, usable_keys
from rebal_tui.tui.text import printable

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

T = TypeVar("T")
MAX_FILE_BYTES = 64 * 1024
MAX_FILTERS, MAX_FILTER_NAME, MAX_FILTER_TEXT = 20, 40, 160
"""Limits: saved filters of a list, characters of a filter's name, and characters of its text."""
MAX_COLUMNS = 40


class Density(StrEnum):
    """Spacing of the screens."""

    COMPACT = "compact"
    COMFORTABLE = "comfortable"


class Notify(StrEnum):
    """Which messages are also shown as notifications of the terminal."""

    OFF = "off"
    ALERTS = "alerts"


BOOK_TABLE = "book"
"""A TOML table of earlier versions, with settings that applied to every book. It is reported and ignored."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings of the screens. Settings of the firm, such as its policy, are stored in the book.

    `columns` has the chosen columns of each list, by name of the list. `sort` has the column by which each list is
    sorted, with `-` in front if the order is reversed. `filters` has the saved filter texts by name of the list, then
    by name of the filter.
    """

    theme: str = themes.DARK.name
    density: Density = Density.COMPACT
    keys: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notify: Notify = Notify.OFF


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as read. If `path` is None, settings are not saved. A setting with a fault has its default
    value.
    """

    path: Path | None
    settings: Settings
    faults: tuple[Fault, ...] = ()


def read_settings(path: Path) -> SettingsFile:
    """Read a settings file. Never raises: for an invalid file or setting, a fault is added and the default applies."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
        if len(text) > MAX_FILE_BYTES:
            raise ValueError("expected a file of at most 64 KiB")
        table = tomllib.loads(text.decode("utf-8-sig"))
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


class KeepsSettings(Protocol):
    """An app with a settings file."""

    settings_file: SettingsFile

    def say(self, text: str, severity: SeverityLevel = "information") -> None:
        """Show a short message."""


def save_settings(app: KeepsSettings, settings: Settings) -> bool:
    """Write the settings file, and store the settings in `app`. If writing fails, show a message and return False."""
    try:
        app.settings_file = write_settings(app.settings_file, settings)
    except OSError as error:
        app.say(f"The settings file could not be written: {error.strerror or error}.", "error")
        return False
    return True


def settings_text(settings: Settings) -> str:
    """Return the text of the settings file. Settings with their default value are written as comments."""
    defaults = Settings()
    lines = [
        "# Settings of the screens. A line that starts with # is not set; the default shown there applies.",
        "",
        f"# {', '.join(themes.CYCLE)}",
        _line("theme", settings.theme, settings.theme != defaults.theme),
        f"# {', '.join(Density)}",
        _line("density", str(settings.density), settings.density != defaults.density),
        f"# Notifications of the terminal: {', '.join(Notify)}",
        _line("notify", str(settings.notify), settings.notify != defaults.notify),
        "",
        "# Action ids and their keys; separate several keys by commas.",
        "[keys]",
    ]
    lines += [f"{_value(identity)} = {_value(keys)}" for identity, keys in sorted(settings.keys.items())]
    if settings.columns:
        lines += ["", "# Columns chosen in each list.", "[columns]"]
        lines += [f"{_value(name)} = {_value(list(keys))}" for name, keys in sorted(settings.columns.items())]
    if settings.sort:
        lines += ["", "# Column by which each list is sorted; - before it reverses the order.", "[sort]"]
        lines += [f"{_value(name)} = {_value(order)}" for name, order in sorted(settings.sort.items())]
    for name, filters in sorted(settings.filters.items()):
        lines += ["", f"# Saved filters: {name}.", f"[filters.{_value(name)}]"]
        lines += [f"{_value(label)} = {_value(text)}" for label, text in filters.items()]
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


class _Reader:
    """Reads the TOML table field by field and collects faults."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.faults: list[Fault] = []

    def settings(self, table: Mapping[str, Any]) -> Settings:
        defaults = Settings()
        known = ("theme", "density", "notify", "keys", "columns", "sort", "filters")
        self._known("", {name: value for name, value in table.items() if name != BOOK_TABLE}, known)
        if BOOK_TABLE in table:
            self._note(
                BOOK_TABLE,
                "not applied: each book keeps its own settings (key , in the book); this table can be deleted",
            )
        theme = self._read(table, "theme", "", _one_of(themes.CYCLE))
        density = self._read(table, "density", "", _one_of(tuple(Density)))
        notify = self._read(table, "notify", "", _one_of(tuple(Notify)))
        return Settings(
            theme=theme or defaults.theme,
            density=Density(density) if density else defaults.density,
            notify=Notify(notify) if notify else defaults.notify,
            keys=self._keys(self._table(table, "keys")),
            columns=self._columns(self._table(table, "columns")),
            sort=self._sort(self._table(table, "sort")),
            filters=self._filters(self._table(table, "filters")),
        )

    def _columns(self, table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        chosen: dict[str, tuple[str, ...]] = {}
        for name, keys in table.items():
            if isinstance(keys, list) and len(keys) <= MAX_COLUMNS and all(isinstance(key, str) for key in keys):
                chosen[name] = tuple(keys)
            else:
                self._note(f"columns.{name}", 'expected a list of columns, such as ["client", "equity"]')
        return chosen

    def _sort(self, table: Mapping[str, Any]) -> dict[str, str]:
        chosen: dict[str, str] = {}
        for name, order in table.items():
            if isinstance(order, str):
                chosen[name] = order
            else:
                self._note(f"sort.{name}", 'expected a column, such as "client", or "-equity" for the reverse order')
        return chosen

    def _filters(self, table: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        saved: dict[str, dict[str, str]] = {}
        for name in table:
            filters = self._table(table, name)
            for label, text in filters.items():
                if not isinstance(text, str) or not 0 < len(text) <= MAX_FILTER_TEXT or len(label) > MAX_FILTER_NAME:
                    self._note(f"filters.{name}.{label}", f"expected a text of at most {MAX_FILTER_TEXT} characters")
                elif len(saved.setdefault(name, {})) >= MAX_FILTERS:
                    self._note(f"filters.{name}.{label}", f"expected at most {MAX_FILTERS} filters in a list")
                else:
                    saved[name][label] = text
        return saved

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
