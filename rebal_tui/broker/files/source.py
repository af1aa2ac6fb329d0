"""Decoding of a custodian's file: byte-order marks, UTF-16, UTF-8, Windows-1252. Files of other kinds are refused."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.errors import Invalid

MAX_BYTES = 64 * 1024 * 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_OTHER_KINDS = (
    (b"PK\x03\x04", "a workbook (.xlsx) or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"{", "JSON"),
)


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a file, and the encoding of the file: `utf-8`, `utf-16-le`, `utf-16-be` or `windows-1252`."""

    text: str
    encoding: str


def decode(content: bytes) -> SourceText:
    """The text of a file. Raises `Invalid` for an empty or oversized file and for one that is not text."""
    if len(content) > MAX_BYTES:
        raise Invalid(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    if not content.strip():
        raise Invalid("the file is empty")
    for start, kind in _OTHER_KINDS:
        if content.lstrip().startswith(start):
            raise Invalid(f"the file is {kind}; expected a CSV file: export positions as CSV")
    found = _decoded(content)
    begin = found.text[:2_000].lstrip().lower()
    if begin.startswith(("<!doctype html", "<html")):
        raise Invalid("the file is an HTML page, as after an expired login; expected a CSV file")
    if begin.startswith(("ofxheader", "<?xml", "<ofx")):
        raise Invalid("the file is OFX or XML; expected a CSV file")
    if "\0" in found.text:
        raise Invalid("the file is binary; expected a CSV file")
    return found


def _decoded(content: bytes) -> SourceText:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return SourceText(content[len(mark) :].decode(encoding), encoding)
            except UnicodeDecodeError:
                raise Invalid(f"the file begins as {encoding.upper()} and is not: it may be cut off") from None
    sample = content[:2_000]
    if sample.count(b"\0") * 3 > len(sample):
        encoding = "utf-16-le" if sample[1::2].count(b"\0") >= sample[::2].count(b"\0") else "utf-16-be"
        try:
            return SourceText(content.decode(encoding), encoding)
        except UnicodeDecodeError:
            raise Invalid("the file is binary; expected a CSV file") from None
    try:
        return SourceText(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        try:
            return SourceText(content.decode("cp1252"), "windows-1252")
        except UnicodeDecodeError:
            raise Invalid("the file is neither UTF-8 nor Windows-1252 text") from None
