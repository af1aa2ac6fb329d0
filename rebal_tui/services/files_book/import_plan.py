"""What importing a positions file would do, shown before anything is stored (R-71)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.broker.files.cells import AsOf
from rebal_tui.broker.files.changes import open_orders
from rebal_tui.broker.files.records import micros, read_accounts, time_of
from rebal_tui.broker.files.statement import StatedAccount, Statement
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.matching import AccountChange, account_change
from rebal_tui.services.files_book.moments import moment_of
from rebal_tui.services.files_book.naming import named_by_hand

MAX_AHEAD_MINUTES = 30
NO_DATE = 'the file has no date: give it with --as-of, such as --as-of 2026-11-27 or --as-of "2026-11-27 16:00"'
"""Why a file without a date is refused when no date is given."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A positions file compared with the book. `changes` has the accounts that the book knows, by account id.

    `new` are accounts of the file that the book does not know; `missing` are accounts of the custodian that the file
    does not have, which stay unchanged. `known`: the file repeats the last import and changes nothing. `as_of` is the
    time to which the file refers; `digest` identifies its content. `names` has the client's name of each account that
    the book knows, as the book has it; `renamed` the names of the file that replace it. `kept_names` counts names that
    differ in the file and stay, because a person entered them.
    """

    statement: Statement
    as_of: datetime
    digest: str
    known: bool
    new: tuple[StatedAccount, ...]
    changes: dict[str, tuple[StatedAccount, AccountChange]]
    missing: tuple[Account, ...]
    names: Mapping[str, str]
    renamed: Mapping[str, str]
    kept_names: int

    @property
    def shown_names(self) -> dict[str, str]:
        """The client's name of each account of the file as the book has it after the import, by the account's key.

        It is empty where the account's number stands for the name.
        """
        found = {stated.key: stated.name or "" for stated in self.new}
        for account_id, (stated, _) in self.changes.items():
            name = self.renamed.get(account_id, self.names[account_id])
            found[stated.key] = "" if name == stated.number else name
        return found

    @property
    def renames(self) -> list[tuple[StatedAccount, str, str]]:
        """The accounts of the file that get another name: the account, the name before and the name after."""
        return [
            (self.changes[account_id][0], self.names[account_id], name) for account_id, name in self.renamed.items()
        ]

    @property
    def text(self) -> str:
        """A summary of the comparison, in one sentence."""
        if self.known:
            return "The file was imported already; nothing changes."
        changed = [change for _, change in self.changes.values() if change.changed]
        unchanged = sum(
            not change.changed and account_id not in self.renamed for account_id, (_, change) in self.changes.items()
        )
        fills = sum(len(change.fills) for change in changed)
        differing = sum(bool(change.differences) for change in changed)
        parts = [
            (len(self.new), count_text(len(self.new), "new account")),
            (len(changed), f"{len(changed):,} changed{_differing_text(differing)}"),
            (len(self.renamed), f"{len(self.renamed):,} renamed"),
            (unchanged, f"{unchanged:,} unchanged"),
            (self.kept_names, f"{count_text(self.kept_names, 'name')} entered by hand kept"),
            (len(self.missing), f"{len(self.missing):,} missing from the file"),
            (fills, f"{count_text(fills, 'fill')} found"),
        ]
        return ", ".join(text for count, text in parts if count) + "."


def _differing_text(differing: int) -> str:
    return f" ({differing:,} with differences that no fill explains)" if differing else " (no difference left)"


def plan_import(
    book: Book, statement: Statement, *, as_of: AsOf | None = None, allow_older: bool = False
) -> ImportPlan:
    """Compare a positions file with the book. `as_of` is used only if the file has no date; a date means its close.

    Raises `Conflict` when neither has a date, for a date in the future, and for a file older than the last import
    unless `allow_older`.
    """
    at = _at(book, statement, as_of)
    digest = _digest(statement, as_of)
    last = book.database.row(
        "SELECT digest, as_of FROM files_imports WHERE kind = 'positions' AND format = ? AND undone_at IS NULL"
        " ORDER BY n DESC LIMIT 1",
        (statement.format,),
    )
    known = last is not None and last[0] == digest
    if last is not None and not known and micros(at) < last[1] and not allow_older:
        told = time_of(last[1]).astimezone(NEW_YORK)
        raise Conflict(f"the file is older than the last import, as of {told:%Y-%m-%d %H:%M} New York")
    rows = book.database.rows("SELECT key, id FROM files_accounts WHERE custodian = ?", (statement.format,))
    identity: dict[str, str] = dict(rows)
    accounts = {account.id: account for account in read_accounts(book.database)}
    orders = open_orders(book.database, "o.list IS NOT NULL")
    prices = {symbol: asset.price for symbol, asset in book.assets.items() if asset.price is not None}
    changes = {}
    for stated in statement.accounts:
        if stated.key in identity:
            account = accounts[identity[stated.key]]
            held = {position.symbol: position.qty for position in account.positions}
            own = [order for order in orders if order.account_id == account.id]
            changes[account.id] = (stated, account_change(stated, held, account.cash, own, prices))
    renamed, kept = ({}, 0) if known else _new_names(book, changes, accounts)
    there = {stated.key for stated in statement.accounts}
    return ImportPlan(
        statement,
        at,
        digest,
        known,
        tuple(stated for stated in statement.accounts if stated.key not in identity),
        changes,
        tuple(accounts[found] for key, found in identity.items() if key not in there),
        {account_id: accounts[account_id].name for account_id in changes},
        renamed,
        kept,
    )


def _new_names(
    book: Book, changes: Mapping[str, tuple[StatedAccount, AccountChange]], accounts: Mapping[str, Account]
) -> tuple[dict[str, str], int]:
    """The names of a file that differ from the book's, by account id, and how many more stay as a person entered them.

    The name of an account with a masked number is a part of its key, so that only a person can have changed it.
    """
    differing = {
        account_id: stated.name
        for account_id, (stated, _) in changes.items()
        if stated.name and stated.name != accounts[account_id].name
    }
    entered = named_by_hand(book) if differing else frozenset()
    renamed = {
        account_id: name
        for account_id, name in differing.items()
        if accounts[account_id].name == accounts[account_id].account_number
        or not (changes[account_id][0].masked or account_id in entered)
    }
    return renamed, len(differing) - len(renamed)


def _at(book: Book, statement: Statement, given: AsOf | None) -> datetime:
    as_of = statement.as_of if statement.as_of is not None else given
    if as_of is None:
        raise Conflict(NO_DATE)
    at = moment_of(book, as_of)
    if (at - book.now()).total_seconds() > MAX_AHEAD_MINUTES * 60:
        raise Conflict(f"the file is dated in the future: {at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York")
    return at


def _digest(statement: Statement, given: AsOf | None) -> str:
    """A digest of the content as it was read, so that another encoding or order of columns makes no difference.

    `given` is the date of a file without one.
    """
    shown = statement.as_json()
    content = {
        "format": statement.format,
        "as_of": shown["as_of"] or (given.isoformat() if given is not None else None),
        "accounts": shown["accounts"],
        "keys": [account.key for account in statement.accounts],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
