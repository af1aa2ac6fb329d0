"""When a full rebalance counts as done, kept independently of the program (R-14, R-25)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.runs import Run, RunStatus, RunType

TRIES = 3
_STOPPED = {SkipReason.MARKET_WINDOW_CLOSED, SkipReason.ACCOUNT_RESTRICTED}


@dataclass
class Undone:
    """Undone sells of a subscription since a day, and the day of the last run that traded."""

    symbols: set[str]
    since: date
    traded: date | None = None


class RebalanceOracle:
    """The day of the last rebalance, and undone sells, by subscription.

    `before` has the earlier day of a subscription whose undone sells have ended here, until the program, which may know
    of the last fills later, agrees.
    """

    def __init__(self) -> None:
        self.before: dict[str, date | None] = {}
        self.last: dict[str, date] = {}
        self.undone: dict[str, Undone] = {}

    def ended(self, run: Run, orders: Sequence[Order], skipped: Sequence[SkippedOrder], today: date) -> None:
        """A run has ended."""
        subscription = run.subscription_id
        if run.type is not RunType.FULL_REBALANCE or subscription is None:
            return
        unfilled = {o.symbol for o in orders if o.side is Side.SELL and o.status is not OrderStatus.FILLED}
        unfilled |= {s.symbol for s in skipped if s.side is Side.SELL and s.reason in _STOPPED}
        if run.status in (RunStatus.CANCELED, RunStatus.CANCELED_MID_RUN):
            return
        first_on_target = run.status is RunStatus.COMPLETED_SUCCESS and subscription not in self.last
        if run.status.completed and not unfilled and (orders or first_on_target):
            self.last[subscription] = today
            self.undone.pop(subscription, None)
        elif unfilled:
            record = self.undone.setdefault(subscription, Undone(set(), today))
            record.symbols -= {o.symbol for o in orders if o.side is Side.SELL and o.status is OrderStatus.FILLED}
            record.symbols |= unfilled
            if orders:
                record.traded = today

    def continued(self, before: str, after: str) -> None:
        """A withdrawal has ended a subscription and made another that continues it.

        A run of that one may have ended already.
        """
        if before in self.last:
            self.last.setdefault(after, self.last[before])
        if before in self.undone:
            self.undone.setdefault(after, self.undone.pop(before))

    def rename(self, before: str, after: str | None) -> None:
        """An asset has another symbol, or with None has ended."""
        for record in self.undone.values():
            if before in record.symbols:
                record.symbols.remove(before)
                record.symbols |= {after} if after is not None else set()

    def evaluated(
        self, subscription: str, today: date, sessions: Iterable[date], left: Callable[[set[str]], bool]
    ) -> None:
        """An evaluation begins: what is done or was tried often enough ends.

        `sessions` are those with an evaluation; `left` is whether any of some symbols is to be sold.
        """
        record = self.undone.get(subscription)
        if record is None:
            return
        tried = [day for day in sessions if record.since < day < today]
        if len(tried) < TRIES and left(record.symbols):
            return
        self.before[subscription] = self.last.get(subscription)
        if record.traded is not None:
            self.last[subscription] = record.traded
        del self.undone[subscription]
