"""News: new alerts and changed runs since the person last read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rebal_tui.domain.text import count_text
from rebal_tui.plain.speech import listed, sentence, spoken
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import exception_list, run_queries

KEPT = 100
"""News kept until it is read; the oldest is dropped first."""


class News:
    """Finds new alerts and changed runs by comparing them with those of the previous call of `look`."""

    def __init__(self) -> None:
        self._alerts: frozenset[int] | None = None
        self._runs: dict[str, tuple[str, int]] | None = None
        self._unread: list[str] = []

    async def look(self, ask: Callable[..., Awaitable[Any]]) -> str:
        """Look for news since the last call; returns how much there is as text, such as `2 orders done`.

        Empty if nothing is new. The news itself is kept for `take`. `ask` runs a service on the thread of the book.
        """
        found = await ask(exception_list.exception_list)
        snapshot = await ask(run_queries.runs_snapshot)
        alerts = self._new_alerts(found.alerts if found is not None else ())
        runs, fills = self._changed_runs(snapshot.rows)
        counts = [(len(alerts), "new alert"), (fills, "order done"), (len(runs), "run changed")]
        self._unread = [*self._unread, *alerts, *runs][-KEPT:]
        return listed([_counted(count, noun) for count, noun in counts if count])

    def take(self) -> list[str]:
        """The news that `look` has found since the last call of `take`, oldest first; at most the newest 100."""
        taken, self._unread = self._unread, []
        return taken

    def _new_alerts(self, alerts: tuple[AlertView, ...]) -> list[str]:
        seen, self._alerts = self._alerts, frozenset(alert.key for alert in alerts)
        if seen is None:
            return []
        new = [alert for alert in alerts if alert.key not in seen]
        return [f"Alert, {formats.words(alert.kind)}: {sentence(alert.text)}" for alert in new]

    def _changed_runs(self, rows: tuple[RunRow, ...]) -> tuple[list[str], int]:
        seen, self._runs = self._runs, {row.id: (row.status, row.done) for row in rows}
        if seen is None:
            return [], 0
        lines, fills = [], 0
        for row in reversed(rows):
            before = seen.get(row.id, ("", 0))
            if before != (row.status, row.done):
                fills += max(row.done - before[1], 0)
                lines.append(
                    f"Run {formats.short_id(row.id)}, {formats.words(row.type)} of {spoken(row.client)}: "
                    f"{formats.words(row.status)}, {row.done:,} of {count_text(row.total, 'order')} done."
                )
        return lines, fills


def _counted(count: int, noun: str) -> str:
    """A count in words, such as `1 order done` or `2 orders done`."""
    first, _, rest = noun.partition(" ")
    if first == "new":
        return f"{count:,} new {'alert' if count == 1 else 'alerts'}"
    return f"{count_text(count, first)} {rest}"
