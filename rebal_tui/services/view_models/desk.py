"""The Desk, one account beside it, and the preview of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rebal_tui.services.view_models.standing import Standing, Tile

if TYPE_CHECKING:
    from rebal_tui.domain.decisions import Decision, Plan
    from rebal_tui.domain.quantities import Money, Percent, Qty
    from rebal_tui.services.view_models.status import StatusLine


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A subscribed account under the current prices.

    `drift_bp` is the signed drift of the worst asset in hundredths of a percentage point; `band_used` is the largest
    drift ÷ band in tenths of a percent (1000 = at the band), None when the portfolio has no band.
    """

    account_id: str
    account_number: str
    client: str
    portfolio_id: str
    portfolio: str
    equity: Money
    cash: Money
    worst: str
    drift_bp: int
    band_used: int | None
    standing: Standing
    tiles: frozenset[Tile]
    state: str
    last_rebalanced: date | None
    exception: bool


Named = tuple[str, str, str, str, str]
"""Account id, number, client, portfolio id, portfolio."""


@runtime_checkable
class NamedRows(Protocol):
    """Rows that tell their names without being made."""

    def named(self) -> Iterator[Named]:
        """The names of every row."""


def names_in(rows: Sequence[DeskRow]) -> Iterator[Named]:
    """The names of every row."""
    if isinstance(rows, NamedRows):
        return rows.named()
    return ((row.account_id, row.account_number, row.client, row.portfolio_id, row.portfolio) for row in rows)


@dataclass(frozen=True, slots=True)
class InTile:
    """The filter that keeps the accounts under a tile."""

    tile: Tile

    def __call__(self, row: DeskRow) -> bool:
        return self.tile in row.tiles


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The Desk at one moment. `version` rises with every change; `stamp` is all that the rows depend on, so that while
    it stays as it is so do they."""

    version: int
    status: StatusLine
    tiles: tuple[tuple[Tile, int], ...]
    rows: Sequence[DeskRow]
    stamp: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldingView:
    """A holding, or a target not held, of one account. `band_low`/`band_high` are the tightest band around the target
    in hundredths of a percent of equity, None where no band applies; so are `actual_bp` and `drift_bp`."""

    symbol: str
    qty: Qty
    value: Money
    target: Percent
    actual_bp: int
    drift_bp: int
    band_low: int | None
    band_high: int | None
    price_note: str


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """The largest band use of an account at the end of an evaluation, for the small history."""

    at: datetime
    band_used: int
    run: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account beside the Desk: holdings, the last stored decision, one made right now, and a short history."""

    account_id: str
    account_number: str
    client: str
    portfolio_id: str | None
    portfolio: str
    equity: Money
    cash: Money
    cash_target: Money
    holdings: tuple[HoldingView, ...]
    conditions: str
    last_decision: Decision | None
    decision_now: Decision | None
    next_step: str
    history: tuple[DriftPoint, ...]
    withdrawable: Money
    restrictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The run that would be made: the plan with what it does to the account. Nothing is sent by it."""

    account_id: str
    client: str
    portfolio: str
    plan: Plan
    why: str
    turnover: Money
    cash_after: Money
    before: tuple[tuple[str, int], ...]
    after: tuple[tuple[str, int], ...]
    at: datetime
