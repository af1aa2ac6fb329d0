"""Account rows, account details, and previews and results of bulk actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, AccountStatus, Restriction
from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.runs import RunRow


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the book, subscribed or not, as a row of the Accounts screen.

    `status` is the broker status and `restrictions` the blocks by the broker. `trade` is the status of the account,
    such as waits, None without a subscription; `state` is that status, or the first exception, in a few words.
    `exception` is all that needs a person, empty without an exception. `withdrawable` is settled cash that is not
    reserved, `reserve` the reserved cash. `open_run` is the id of the open run, None without one; `in_review` is
    whether it awaits approval.
    """

    account_id: str
    account_number: str
    client: str
    status: str
    restrictions: tuple[str, ...]
    equity: Money
    cash: Money
    withdrawable: Money
    reserve: Money
    portfolio_id: str | None
    portfolio: str
    trade: StatusKind | None
    state: str
    exception: str
    open_run: str | None
    in_review: bool = False


RESTRICTION_LENGTH = 20
"""Characters of a restriction shown in a list."""


class AccountGroup(StrEnum):
    """The groups of accounts that are tabs of the Accounts screen. An account can belong to several."""

    EXCEPTIONS = "Exceptions"
    RESTRICTED = "Restricted"
    NOT_ACTIVE = "Not active"
    UNSUBSCRIBED = "Unsubscribed"
    RUNNING = "In a run"
    RESERVED = "Reserved cash"


@dataclass(frozen=True, slots=True)
class InGroup:
    """A filter that accepts the rows of the accounts of one group."""

    group: AccountGroup

    def __call__(self, row: AccountRow) -> bool:
        return {
            AccountGroup.EXCEPTIONS: bool(row.exception),
            AccountGroup.RESTRICTED: bool(row.restrictions),
            AccountGroup.NOT_ACTIVE: row.status != AccountStatus.ACTIVE,
            AccountGroup.UNSUBSCRIBED: row.portfolio_id is None,
            AccountGroup.RUNNING: row.open_run is not None and not row.in_review,
            AccountGroup.RESERVED: row.reserve > 0,
        }[self.group]


def restriction_names(restrictions: Iterable[str]) -> list[str]:
    """Broker blocks of an account as the Accounts list shows them, but in lower case."""
    return [Restriction(name).replace("_", " ")[:RESTRICTION_LENGTH] for name in restrictions]


def restriction_words(restrictions: tuple[str, ...]) -> list[str]:
    """Broker blocks of an account as display text."""
    return [RESTRICTION_TEXTS[Restriction(name)] for name in restrictions]


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position with its cost and gain; `gain` is None when the entry price or the price is unknown."""

    symbol: str
    name: str
    qty: Qty
    price: Price | None
    value: Money
    avg_entry_price: Price | None
    gain: Money | None


OUTSIDE_TRADE = "outside rebal-tui"
"""End of the text of a ledger entry that is a fill of an order that no run placed."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A change of an account's cash at the time `at`; `amount` is negative if cash leaves the account.

    `settled` is whether the settlement day `settles_on` has been reached (R-30). `text` is what the entry refers to,
    such as the shares of a fill.
    """

    at: datetime
    kind: str
    amount: Money
    settles_on: str
    settled: bool
    text: str


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """Everything the Accounts screen shows for one account.

    `year` is that of the book's day; a date of another year is shown with its year. `sentence` is its status in a
    sentence, empty without a subscription. `more` names the lists of which the book has older items, too: `runs`,
    `decisions`.
    """

    row: AccountRow
    positions: tuple[PositionView, ...]
    ledger: tuple[LedgerEntry, ...]
    runs: tuple[RunRow, ...]
    decisions: tuple[Decision, ...]
    created_at: datetime
    last_rebalanced: date | None
    year: int
    unsettled: Money
    subscription_id: str | None
    sentence: str = ""
    """The status as a sentence; empty without a subscription."""
    more: frozenset[str] = frozenset()
    """Of `runs` and `decisions`, those of which the account has older ones, too."""

    @property
    def rebalanced_before_runs(self) -> bool:
        """Whether the last rebalance is older than every run of the account that the book has."""
        last = self.last_rebalanced
        if last is None or "runs" in self.more:
            return False
        return all(new_york_day(run.created_at) > last for run in self.runs)


@dataclass(frozen=True, slots=True)
class ChosenAccounts:
    """The accounts that an action is for: `client` if it is one account, else empty.

    `follows` is how many of them follow a portfolio, by portfolio id.
    """

    client: str
    follows: Mapping[str, int]

    @property
    def subscribed(self) -> int:
        """How many of the chosen accounts follow a portfolio."""
        return sum(self.follows.values())


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result of a bulk action for one account; `refusal` is empty on success."""

    account_id: str
    client: str
    refusal: str


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The run that a bulk action would cause for one account.

    `follows` is the account's current portfolio, empty without one; `refusal` is why the account would be skipped,
    `note` any further remark.
    """

    account_id: str
    client: str
    follows: str
    orders: int
    turnover: Money
    refusal: str
    note: str


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """The preview of a bulk action; `portfolio` is the name of the portfolio that the accounts would follow.

    `reviewed` is whether its automatic runs wait for approval (R-27).
    """

    portfolio: str
    rows: tuple[FirstRun, ...]
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """Every account of the book, those with exceptions first, and each group with the number of its accounts."""

    version: int
    rows: Sequence[AccountRow]
    groups: tuple[tuple[AccountGroup, int], ...]
