"""Runs a bulk action in several requests. Between two requests, the book's thread runs heartbeats and other
requests.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Refusal
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult, FirstRun

if TYPE_CHECKING:
    from rebal_tui.services.advisory.undo import Undo
    from rebal_tui.tui.host import AsksAndSays

PART = 250
"""Number of accounts in one request, which the book's thread handles in much less than the time between two
heartbeats.
"""
MESSAGE_SECONDS = 2.0
"""Minimum time between two messages about progress."""

Change = Callable[..., "tuple[tuple[BulkResult, ...], Undo | None]"]


async def preview_in_parts(
    host: AsksAndSays, service: Callable[..., BulkPreview], account_ids: Sequence[str], *args: str, **kwargs: bool
) -> BulkPreview:
    """Call the preview function `service` for `PART` accounts at a time, and return the previews as one.

    `args` and `kwargs` are passed to `service` after the account ids.
    """
    rows: list[FirstRun] = []
    joined, progress = BulkPreview("", ()), _Progress(host, "Checked", len(account_ids))
    for start in _starts(account_ids):
        joined = await host.ask(service, account_ids[start : start + PART], *args, **kwargs)
        rows += joined.rows
        progress.show(len(rows))
    return replace(joined, rows=tuple(rows))


async def change_in_parts(
    host: AsksAndSays, verb: str, service: Change, preview: BulkPreview, *args: str, **kwargs: bool
) -> tuple[tuple[BulkResult, ...], Undo | None]:
    """Call `service` for `PART` accounts of a preview at a time; returns the results, and one undo for all changes.

    If a request is refused as a whole, its accounts and all later ones are refused with that reason; if it is the first
    request, the `Refusal` is raised. `verb` is in the past tense, for messages.
    """
    results: list[BulkResult] = []
    undo: Undo | None = None
    rows, progress = preview.rows, _Progress(host, verb, len(preview.rows))
    for start in _starts(rows):
        try:
            part, change = await host.ask(service, [r.account_id for r in rows[start : start + PART]], *args, **kwargs)
        except Refusal as refusal:
            if not start:
                raise
            return (*results, *(BulkResult(r.account_id, r.client, str(refusal)) for r in rows[start:])), undo
        results += part
        undo = undo.followed_by(change) if undo and change else undo or change
        progress.show(len(results))
    return tuple(results), undo


def _starts(of: Sequence[object]) -> Iterator[int]:
    return iter(range(0, max(1, len(of)), PART))


class _Progress:
    def __init__(self, host: AsksAndSays, verb: str, total: int) -> None:
        self._host = host
        self._verb = verb
        self._total = total
        self._shown_at = get_running_loop().time()

    def show(self, done: int) -> None:
        """Show how many accounts are done, unless all are done or the last message is less than
        `MESSAGE_SECONDS` old.
        """
        now = get_running_loop().time()
        if done < self._total and now - self._shown_at >= MESSAGE_SECONDS:
            self._shown_at = now
            self._host.say(f"{self._verb} {done:,} of {self._total:,} accounts …")
