"""A broker's API key and secret (the keys): where they are stored, and the one object that has them.

They come from environment variables, else from where `connect` stored them: the system keyring, or a file of mode 0600.
They never appear in a book, a log, an argument or a screen.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.systems import is_private

KEY_VARIABLE, SECRET_VARIABLE = "REBAL_TUI_BROKER_KEY", "REBAL_TUI_BROKER_SECRET"
SERVICE = "rebal-tui"
_WELL_FORMED = re.compile(r"[!-9;-~]{1,256}", re.ASCII)
"""Printable ASCII without spaces or colons; a colon would end the key in HTTP Basic."""
_NAME = re.compile(r"[a-z0-9-]{1,80}", re.ASCII)


class KeyLocation(StrEnum):
    """Where keys are stored."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    FILE = "file"


class Keys:
    """A broker's key and secret, added to each request. The object's text, copies, pickles and tracebacks hide them."""

    __slots__ = ("__pair",)

    def __init__(self, key: str, secret: str) -> None:
        """Raises `Invalid` without repeating the values."""
        faults = [
            Fault(name, "expected printable characters without blanks or colons")
            for name, text in (("key", key), ("secret", secret))
            if not _WELL_FORMED.fullmatch(text)
        ]
        if faults:
            raise Invalid(faults)
        self.__pair = (key, secret)

    def __call__(self, request: Any) -> Any:
        """Add the HTTP Basic header to a request and return it."""
        request.headers["Authorization"] = "Basic " + b64encode(":".join(self.__pair).encode()).decode()
        return request

    def __repr__(self) -> str:
        return "Keys(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not copied or stored this way")

    def store(self, name: str, location: KeyLocation, folder: Path) -> str:
        """Store the keys under `name` at `location`; returns where they are stored, as text.

        `folder` is that of key files, used if `location` is a file. Raises `Conflict` when the keys cannot be stored.
        """
        text = json.dumps(self.__pair)
        if location is KeyLocation.KEYRING:
            _keyring().set_password(SERVICE, _checked(name), text)
            return "the system's keyring"
        if location is KeyLocation.FILE:
            path = _path(folder, name)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            return f"{path}, which only you can read"
        return f"the environment variables {KEY_VARIABLE} and {SECRET_VARIABLE}"


def find(name: str, location: KeyLocation, folder: Path) -> Keys:
    """The keys stored under `name`; if environment variables have keys, those instead.

    `location` is where they were stored, `folder` the folder of key files. Raises `Conflict` when there are none.
    """
    given = from_environment()
    if given is not None:
        return given
    text: str | None = None
    if location is KeyLocation.KEYRING:
        text = _keyring().get_password(SERVICE, _checked(name))
    elif location is KeyLocation.FILE:
        text = _read_private(_path(folder, name))
    if text is None:
        raise Conflict(
            f"the broker's keys are no longer in the {location}: set {KEY_VARIABLE} and {SECRET_VARIABLE}, or "
            "connect again with 'rebal-tui connect'"
        )
    return _parsed(text)


def from_environment() -> Keys | None:
    """The keys in environment variables, None if there are none.

    Raises `Invalid` when only the key or only the secret is set.
    """
    key, secret = os.environ.get(KEY_VARIABLE), os.environ.get(SECRET_VARIABLE)
    if not key and not secret:
        return None
    if not key or not secret:
        raise Invalid([Fault(KEY_VARIABLE, f"expected both {KEY_VARIABLE} and {SECRET_VARIABLE}, or neither")])
    return Keys(key, secret)


def from_file(path: Path) -> Keys:
    """Read the keys from a file that only its owner can read: JSON, a list or an object of key and secret."""
    text = _read_private(path)
    if text is None:
        raise Conflict(f"{path}: no such file")
    return _parsed(text)


def keyring_works() -> bool:
    """Whether the system has a usable keyring."""
    try:
        return float(_keyring().get_keyring().priority) >= 1
    except Exception:
        return False


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise Conflict("the keyring needs an additional package: pip install 'rebal-tui[live]'") from None
    return keyring


def _parsed(text: str) -> Keys:
    try:
        value = json.loads(text)
        key, secret = (value["key"], value["secret"]) if isinstance(value, dict) else value
        if not isinstance(key, str) or not isinstance(secret, str):
            raise TypeError
    except (ValueError, TypeError, KeyError):
        raise Conflict("the stored keys are not valid; connect again with 'rebal-tui connect'") from None
    return Keys(key, secret)


def _read_private(path: Path) -> str | None:
    """A file's text, None when it does not exist. Raises `Conflict` when anyone but its owner can read it."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Conflict(f"{path}: {error.strerror}") from None
    with os.fdopen(handle, encoding="utf-8") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not is_private(mode):
            raise Conflict(f"{path} is readable by other users; restrict it with chmod 600 {path}")
        return file.read(4_096)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{_checked(name)}.json"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid([Fault("keys", "expected a name of lower-case letters, digits and -")])
    return name
