"""The shapes that concern the server itself: keys, the kill switch, health. Alpaca's API has none of them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.services.wire.models.types import Day, Timestamp, documented


@documented
class ApiKey(TypedDict):
    name: str
    key: str
    scope: KeyScope
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None


@documented
class NewApiKey(ApiKey):
    secret: str


@documented
class KillSwitch(TypedDict):
    on: bool


# The last evaluation of the whole book: its session, and how many accounts had which outcome.
@documented
class LastDecision(TypedDict):
    session: Day
    at: Timestamp
    outcomes: str


ServedStatus = Literal["ok", "halted", "failing"]


@documented
class Liveness(TypedDict):
    status: ServedStatus


@documented
class Health(TypedDict):
    status: ServedStatus
    reason: str
    halted_at: Timestamp | None
    tried_at: Timestamp | None
    last_heartbeat_at: Timestamp | None
    heartbeat_error: str
    free_bytes: int | None
    needed_free_bytes: int | None
    kill_switch: bool | None
    last_decision: LastDecision | None
