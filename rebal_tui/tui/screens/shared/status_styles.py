"""Styles and marks of account statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.standing import GLYPHS

if TYPE_CHECKING:
    from rebal_tui.services.view_models.accounts import AccountRow

STATUS_STYLES = {
    StatusKind.NEEDS_YOU: "bad",
    StatusKind.WILL_TRADE: "accent",
    StatusKind.WAITS: "warn",
    StatusKind.IN_RANGE: "muted",
}


def glyph(row: AccountRow) -> tuple[str, str]:
    """Return mark and style of an account's status; the mark is `○` for an account without a
    portfolio, `!` with an exception.
    """
    if row.trade is None:
        return ("!", "bad") if row.exception else ("○", "muted")
    return (GLYPHS[row.trade], STATUS_STYLES[row.trade])
