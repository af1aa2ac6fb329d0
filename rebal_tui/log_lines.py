"""Log records as text: a record can neither control the terminal that shows it, nor look like another record."""

from __future__ import annotations

import logging
from types import TracebackType

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LogLines(logging.Formatter):
    """A formatter that escapes control and invisible characters: messages may quote what a client or a broker sent."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name is logging's
        return "\n".join(map(escaped, super().formatException(ei).splitlines()))


def escaped(text: str) -> str:
    """The text on one line, with invisible characters written as escapes such as `\\x1b` or `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def log_to_stderr() -> None:
    """Write warnings and errors to stderr without a prefix, unless logging is set up already."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
