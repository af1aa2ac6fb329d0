"""Activities: changes of an account's cash or shares other than trades, as the broker reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rebal_tui.domain.corporate_actions import CorporateAction
from rebal_tui.domain.quantities import Money, Qty


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Shares added to an account (above 0) or removed (below 0); `symbol` is the broker's symbol of the asset."""

    symbol: str
    qty: Qty


@dataclass(frozen=True, slots=True)
class ActionPart:
    """What an activity reports about a corporate action for one account.

    `id` is the broker's id of the action, the same for all accounts. `day` is the day on which the action takes effect.
    `held` are the account's shares before the action, `symbol` is the asset's symbol before it. `action` is None for a
    kind of action that RULES.md does not cover, such as the split of a unit into a share and a warrant.
    """

    id: str
    symbol: str
    day: date
    held: Qty
    action: CorporateAction | None


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity of an account.

    `kind` is the broker's type and subtype, such as `DIV CDIV`. `executed` is False for a canceled activity; only its
    `id` and `replaces` are used. `replaces` is the id of the activity that this one corrects or cancels. `covered` is
    False for a kind that RULES.md does not cover: its cash is booked, its shares are not.
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
    """A corporate action as announced to the market: `id` and `day` mean the same as in `ActionPart`.

    `withdrawn`: whether the broker deleted the announcement. `action` is None for a kind that RULES.md does not cover.
    """

    id: str
    symbol: str
    day: date
    action: CorporateAction | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class TradeReversal:
    """An execution that the broker changed afterward: `corrected` is True if corrected, False if canceled."""

    execution_id: str
    corrected: bool
