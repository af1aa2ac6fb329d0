"""Runs: types, statuses, phases and transitions (R-7, R-25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.orders import Order, SkippedOrder
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Money


class RunType(StrEnum):
    FULL_REBALANCE = "full_rebalance"
    INVEST_CASH = "invest_cash"
    PARTIAL_LIQUIDATION = "partial_liquidation"


class InitiatedFrom(StrEnum):
    SYSTEM = "system"
    API = "api"


class RunStatus(StrEnum):
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    CANCELED = "CANCELED"
    CANCELED_MID_RUN = "CANCELED_MID_RUN"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    COMPLETED_SUCCESS = "COMPLETED_SUCCESS"
    COMPLETED_ADJUSTED = "COMPLETED_ADJUSTED"

    @property
    def final(self) -> bool:
        return not RUN_TRANSITIONS[self]

    @property
    def completed(self) -> bool:
        return self in (RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED)


RUN_TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.IN_PROGRESS, RunStatus.CANCELED, RunStatus.ERROR}),
    RunStatus.IN_PROGRESS: frozenset(
        {
            RunStatus.CANCELED_MID_RUN,
            RunStatus.ERROR,
            RunStatus.TIMEOUT,
            RunStatus.COMPLETED_SUCCESS,
            RunStatus.COMPLETED_ADJUSTED,
        }
    ),
    RunStatus.CANCELED: frozenset(),
    RunStatus.CANCELED_MID_RUN: frozenset(),
    RunStatus.ERROR: frozenset(),
    RunStatus.TIMEOUT: frozenset(),
    RunStatus.COMPLETED_SUCCESS: frozenset(),
    RunStatus.COMPLETED_ADJUSTED: frozenset(),
}


class RunPhase(StrEnum):
    """How far a run has come. A run never returns to an earlier phase."""

    WAITING = "waiting"
    SELLING = "selling"
    BUYING = "buying"
    DONE = "done"


class Approval(StrEnum):
    """The state of a run's review by an advisor (R-27)."""

    NOT_NEEDED = "not_needed"
    AWAITING = "awaiting"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to trade one account toward a set of weights.

    `portfolio_id` is None for a one-off run with weights of its own. `amount` is the cash to raise, for a partial
    liquidation only. `weights` are copied when the run is created, so that a later change of the portfolio does not
    change the run. `cash_target` is the cash that the plan does not spend, None until the run is planned.
    """

    id: str
    account_id: str
    portfolio_id: str | None
    subscription_id: str | None
    type: RunType
    amount: Money | None
    initiated_from: InitiatedFrom
    status: RunStatus
    phase: RunPhase
    approval: Approval
    reason: str | None
    weights: Weights
    session: str
    cash_target: Money | None
    cancel_requested: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None

    @property
    def awaits_approval(self) -> bool:
        """Whether the run can be approved or rejected.

        A run that expired or was canceled cannot, although it keeps `Approval.AWAITING`.
        """
        return self.status is RunStatus.QUEUED and self.approval is Approval.AWAITING


@dataclass(frozen=True, slots=True)
class RunGroup:
    """A filter of runs; a run must meet all conditions that are set.

    `statuses` are the statuses to include, all if empty. `type` is the type to include, None for all. With `awaiting`,
    only runs that await approval are included.
    """

    statuses: frozenset[RunStatus] = frozenset()
    awaiting: bool = False
    type: RunType | None = None

    def has(self, status: str, *, awaiting: bool) -> bool:
        """Whether the filter includes a run with this status; `awaiting`: whether the run awaits approval.

        The filter's `type` is not considered.
        """
        return (awaiting or not self.awaiting) and (not self.statuses or status in self.statuses)


EVERY_RUN = RunGroup()


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its orders, failed orders and skipped orders, in three groups as in the API."""

    run: Run
    orders: tuple[Order, ...]
    failed_orders: tuple[Order, ...]
    skipped_orders: tuple[SkippedOrder, ...]
