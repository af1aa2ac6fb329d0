"""Activities: what a broker books to an account besides trades, as it reports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rebal_tui.domain.corporate_actions import CorporateAction
from rebal_tui.domain.quantities import Money, Qty


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Shares added to an account (above 0) or taken from it, of the asset that the broker calls by this symbol."""

    symbol: str
    qty: Qty


@dataclass(frozen=True, slots=True)
class ActionPart:
    """A corporate action of which an activity is the part of one account.

    `id` is the broker's, the same for all accounts. `day` is the day on which the action takes effect. `held` are the
    account's shares before it. `action` is None for a kind that no rule covers, such as the split of a unit; `symbol`
    is that of the asset concerned, before the action.
    """

    id: str
    symbol: str
    day: date
    held: Qty
    action: CorporateAction | None


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity of an account.

    `kind` is the broker's type and subtype, such as `DIV CDIV`. `executed` is False for one that was canceled; then
    only `id` and `replaces` count. `replaces` is the activity that this one corrects or cancels. `covered` is False for
    a kind that no rule covers: its cash is booked, its shares are not.
    """

    id: str
    kind: str
    executed: bool
    replaces: str | None
    cash: Money
    shares: Sequence[ShareChange] = field(default_factory=tuple)
    part: ActionPart | None = None
    covered: bool = True


@dataclass(frozen=True, slots=True)
class Announcement:
    """A corporate action as announced to the market: `id` and `day` as in `ActionPart`.

    `withdrawn` when the announcement was deleted; `action` is None for a kind that no rule covers.
    """

    id: str
    symbol: str
    day: date
    action: CorporateAction | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class TradeReversal:
    """An execution that the broker took back: busted, or corrected."""

    execution_id: str
    corrected: bool
