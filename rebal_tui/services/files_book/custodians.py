"""Settings of each custodian: texts that mean cash, symbols that differ from the book's, and fractions (R-65, R-71)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rebal_tui.broker.files.cash_symbols import cash_symbols_of
from rebal_tui.broker.files.cells import is_symbol, symbol_of
from rebal_tui.broker.files.recognizer import format_names
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, percent_text
from rebal_tui.domain.text import display_text
from rebal_tui.services.book import files_settings
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.by_hand import require_files

MAX_ENTRIES = 200
MAX_BUFFER = Percent(HUNDRED_PERCENT // 10)
_NOTHING = "none"


def read_custodian(text: str) -> str:
    """The name of a custodian, one of the file formats. Raises `Invalid` for the field `custodian`."""
    name = text.strip().casefold()
    if name not in format_names():
        raise Invalid([Fault("custodian", f"expected one of {', '.join(format_names())}")])
    return name


def read_cash_list(text: str) -> tuple[str, ...]:
    """Parse the symbols and texts that a custodian uses for cash, separated by commas; `none` for an empty list.

    Raises `Invalid` for the field `counted`.
    """
    found: list[str] = []
    for part in _parts("counted", text):
        try:
            found.append(display_text(part, 40).upper().rstrip("*"))
        except ValueError as error:
            raise Invalid([Fault("counted", str(error))]) from None
    return tuple(dict.fromkeys(found))


def read_pairs(text: str) -> dict[str, str]:
    """Parse pairs such as `BRKB=BRK.B` separated by commas, the custodian's symbol first; `none` for no pairs.

    Returns the book's symbol for each of the custodian's. Raises `Invalid` for the field `pairs`.
    """
    found: dict[str, str] = {}
    for part in _parts("pairs", text):
        theirs, _, ours = (symbol_of(side) for side in part.partition("="))
        if not is_symbol(theirs) or not is_symbol(ours):
            raise Invalid([Fault("pairs", "expected pairs such as BRKB=BRK.B, the custodian's symbol first")])
        found[theirs] = ours
    if len(set(found.values())) < len(found):
        raise Invalid([Fault("pairs", "expected each symbol of the book once: a trade list writes one symbol for it")])
    return found


def read_fractions(text: str) -> bool:
    """Parse `yes` or `no`: whether a custodian takes fractions of shares.

    Raises `Invalid` for the field `fractions`.
    """
    answer = text.strip().casefold()
    if answer not in ("yes", "no", "y", "n"):
        raise Invalid([Fault("fractions", "expected yes or no")])
    return answer.startswith("y")


def change_custodian(
    book: Book, custodian: str, *, cash: Sequence[str] | None = None, pairs: Mapping[str, str] | None = None,
    fractions: bool | None = None,
) -> str:  # fmt: skip
    """Change the given settings of a custodian, from the next file and evaluation on.

    Returns all settings of the custodian as text.
    """
    require_files(book)
    name = read_custodian(custodian)
    with book.write() as tx:
        if cash is not None:
            files_settings.put_cash_list(tx, name, cash)
        if pairs is not None:
            files_settings.put_pairs(tx, name, pairs)
        if fractions is not None:
            files_settings.put_fractions(tx, name, on=fractions)
        detail: dict[str, object] = {"cash": cash, "pairs": pairs, "fractions": fractions}
        changed = {key: value for key, value in detail.items() if value is not None}
        if changed:
            tx.record("files.custodian", name, changed, "advisor")
            tx.reload_holds()
    return custodian_text(book, name)


def set_buffer(book: Book, buffer: Percent) -> None:
    """Set the percentage of expected sale proceeds that buys do not spend (R-73).

    Raises `Invalid` outside 0 to 10 %.
    """
    require_files(book)
    if not 0 <= buffer <= MAX_BUFFER:
        raise Invalid([Fault("buffer", f"expected 0 to {percent_text(MAX_BUFFER)} percent")])
    with book.write() as tx:
        files_settings.put_buffer(tx, buffer)
        tx.record("files.buffer", "book", {"buffer": buffer}, "advisor")
        tx.reload_holds()


def custodian_text(book: Book, custodian: str) -> str:
    """The settings of a custodian in one sentence."""
    options = files_settings.read_options(book.database)
    cash = sorted(options.cash_symbols.get(custodian, cash_symbols_of(custodian)))
    pairs = [f"{theirs}={ours}" for theirs, ours in options.pairs.get(custodian, {}).items()]
    shares = "fractions of shares" if custodian in files_settings.fractions_of(book.database) else "whole shares"
    return (
        f"{custodian}: {', '.join(cash) or 'nothing'} counts as cash; symbol pairs: {', '.join(pairs) or 'none'}; "
        f"orders in {shares}"
    )


def _parts(key: str, text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_ENTRIES:
        raise Invalid([Fault(key, f"expected at most {MAX_ENTRIES} entries")])
    return [] if [part.casefold() for part in parts] == [_NOTHING] else parts
