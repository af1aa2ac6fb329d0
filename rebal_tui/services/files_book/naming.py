"""Accounts of a files book found by the number or name that a person or a file uses."""

from __future__ import annotations

import json

from rebal_tui.domain.errors import Conflict
from rebal_tui.services.book.book import Book

_MASKED_DIGITS = 3


def account_id_of(book: Book, named: str) -> str:
    """The id of an account that is named by number, label, full number, id, or the last digits of a masked number.

    The label of an account is its number, or for a masked number the client's name and the number.

    Raises `Conflict` for an account that is unknown or ambiguous; the message does not repeat `named` (R-76).
    """
    wanted = named.strip()
    if not wanted:
        raise Conflict("expected the number or the label of an account")
    digits = "".join(char for char in wanted if char.isdigit())[-_MASKED_DIGITS:]
    rows = book.database.rows("SELECT id, number, key, masked, full_number FROM files_accounts")
    exact = [row[0] for row in rows if wanted in (row[0], row[1], row[2], row[4])]
    masked = [row[0] for row in rows if row[3] and digits and row[1].endswith(digits)]
    found = exact or masked
    if len(found) != 1:
        raise Conflict("the account is not known" if not found else "several accounts show these digits")
    return str(found[0])


def is_known(book: Book, number: str) -> bool:
    """Whether an account has this number, full number or label."""
    wanted = (number.strip(),) * 3
    sql = "SELECT 1 FROM files_accounts WHERE number = ? OR key = ? OR full_number = ?"
    return book.database.row(sql, wanted) is not None


def named_by_hand(book: Book) -> frozenset[str]:
    """The ids of the accounts whose name a person entered; a file does not change it."""
    found: set[str] = set()
    for action, account_id, detail in book.database.rows(
        "SELECT action, subject, detail FROM audit"
        " WHERE action IN ('files.account_added', 'files.account_edited', 'files.account_removed') ORDER BY seq"
    ):
        if action == "files.account_removed":
            found.discard(account_id)
        elif json.loads(detail).get("name", action == "files.account_added"):
            found.add(account_id)
    return frozenset(found)
