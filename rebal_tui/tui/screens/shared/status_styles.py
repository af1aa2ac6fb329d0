"""Styles of account statuses."""

from __future__ import annotations

from rebal_tui.domain.trade_status import StatusKind

STATUS_STYLES = {
    StatusKind.NEEDS_YOU: "bad",
    StatusKind.WILL_TRADE: "accent",
    StatusKind.WAITS: "warn",
    StatusKind.IN_RANGE: "muted",
}
