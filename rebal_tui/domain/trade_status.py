"""Status of a subscribed account in one sentence: whether it trades, waits, is in range or needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StatusKind(StrEnum):
    """The four statuses; the first that applies wins, in this order.

    `NEEDS_YOU`: an exception (R-58) stops the account, or a run awaits approval. `WILL_TRADE`: a run is queued or
    working, or a trigger asks for a run and the next evaluation can create it. `WAITS`: a trigger asks for a run, but
    something delays it. `IN_RANGE`: none of these.
    """

    NEEDS_YOU = "needs_you"
    WILL_TRADE = "will_trade"
    WAITS = "waits"
    IN_RANGE = "in_range"


class WaitsFor(StrEnum):
    """What delays the run that a trigger asks for.

    `SCHEDULER`: a person has paused the scheduler. `EVALUATION`: no evaluation is scheduled, but a person may start one
    at any hour, as in a files book (R-73).
    """

    COOLDOWN = "cooldown"
    QUOTA = "quota"
    SESSION = "session"
    PRICES = "prices"
    EXTERNAL_ORDERS = "external_orders"
    MINIMUM_EQUITY = "minimum_equity"
    KILL_SWITCH = "kill_switch"
    SCHEDULER = "scheduler"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class TradeStatus:
    """The status of one account. `waits_for` is set with `WAITS` only.

    `first_trade_at` is the time of the first evaluation that could trade the account. With `WILL_TRADE` it is the
    next evaluation, or the present time if a run of the account is under way within the window; with `WAITS` the
    earliest possible evaluation; with `IN_RANGE` that of the next day of the calendar condition. It is None where a
    person must act first or the time cannot be known, and with `IN_RANGE` without a calendar condition. `note`
    explains the time in a few words, or is empty; with `NEEDS_YOU` it names the first necessary act and who does it,
    such as `you approve or reject the run`. `reviewed`: whether an automatic run of the account waits for approval
    before it trades (R-27). `cash_run`: whether the first trade only invests cash (R-14.7).
    """

    kind: StatusKind
    waits_for: WaitsFor | None
    first_trade_at: datetime | None
    sentence: str
    note: str
    reviewed: bool = False
    cash_run: bool = False
