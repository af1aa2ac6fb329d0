"""Encoding of text for terminals whose locale is not UTF-8.

Characters that the encoding lacks become similar ASCII characters of the same width.
"""

from __future__ import annotations

import codecs
import locale
import unicodedata

from rich.cells import cell_len

_SIMILAR = {
    **dict.fromkeys("─━╌╍┄┅┈┉═▁▂▔", "-"),
    **dict.fromkeys("│┃╎╏┆┇┊┋║▏▎▍▌▐▕", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝", "+"),
    **dict.fromkeys("█▓▇▆▅▄▃▋▊▉■◆▀", "#"),
    **dict.fromkeys("▒░", "."),
    "●": "o", "○": "o", "◌": ".", "◇": "<", "◷": "@", "▲": "^", "▴": "^", "▼": "v", "▸": ">", "▶": ">",
    "✓": "+", "✗": "x", "×": "x", "÷": "/", "±": "~", "≤": "<", "→": ">", "←": "<", "↑": "^", "↓": "v", "⇄": "=",
    "↕": ":", "⌕": "/", "✕": "x", "⊘": "/",
    "·": ".", "•": "*", "…": ".", "–": "-", "−": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "☑": "x", "☐": "_",
    "☆": "*", "★": "*", "‖": "|", "\u00a0": " ",
}  # fmt: skip
"""ASCII replacement of each character that the screens draw with."""
_HANDLER = "rebal-tui-ascii"


def similar(text: str) -> str:
    """Return the text with each character replaced by similar ASCII of the same width in cells, or by `?`."""
    return "".join(_ascii_of(char) for char in text)


def _ascii_of(char: str) -> str:
    found = _SIMILAR.get(char)
    if found is None:
        found = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    width = cell_len(char)
    return found if found and len(found) == width else "?" * width


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return similar(error.object[error.start : error.end]), error.end


codecs.register_error(_HANDLER, _replace)


def terminal_encoding() -> str:
    """The encoding of the locale, by Python's name for it; UTF-8 if Python does not know it,
    or in Python's UTF-8 mode.
    """
    try:
        return codecs.lookup(locale.getpreferredencoding(False)).name
    except LookupError:
        return "utf-8"


def encode(text: str, encoding: str) -> bytes:
    """Return the bytes of a text in this encoding; a lone surrogate becomes `?`; other characters missing from the
    encoding are replaced as by `similar`.
    """
    if encoding == "utf-8":
        return text.encode("utf-8", "replace")
    return text.encode(encoding, _HANDLER)
