"""Data of the broker that cannot be read although the broker responds (R-52)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rebal_tui.broker.failures import BrokerUnavailable

T = TypeVar("T")


class AccountUnreadable(BrokerUnavailable):
    """The data of one account cannot be used, while the broker responds to other requests."""

    def __init__(self, account_id: str, reason: str) -> None:
        super().__init__(reason)
        self.account_id = account_id


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of a list that cannot be read; `key` is the id of the account or asset, or `row N` if it has none."""

    key: str
    reason: str


class Listing(tuple[T, ...]):
    """The rows of a broker's list that can be read; its `unreadable` has the other rows, each with the reason."""

    unreadable: Sequence[Unreadable]

    def __new__(cls, rows: Iterable[T], unreadable: Sequence[Unreadable] = ()) -> Listing[T]:
        made = super().__new__(cls, rows)
        made.unreadable = unreadable
        return made


def unreadable_rows(rows: Sequence[object]) -> Sequence[Unreadable]:
    """The unreadable rows of a broker's list; empty if the list is not a `Listing`."""
    return rows.unreadable if isinstance(rows, Listing) else ()
