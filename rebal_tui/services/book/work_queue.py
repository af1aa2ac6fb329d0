"""Queue of open runs that may be able to advance; a waiting run is not checked until an event queues it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from rebal_tui.domain.runs import Run

StartCondition = tuple[object, ...]


class WorkQueue:
    """The accounts whose open runs are to be processed. In memory only: after a start every run is processed once.

    A run is queued when it is created, when its state changes, and when the broker reports an event of its account. All
    runs are queued when the start condition changes: the session, its phase (before the open, in the window, after it,
    after the close) or the kill switch. A round, begun by a heartbeat, processes the whole queue in chunks. `chunks`
    has the chunks still to do, in order, and `taken` the number of runs at the start of the round.
    """

    def __init__(self) -> None:
        self._all = True
        self._accounts: dict[str, None] = {}
        self._later: dict[str, None] = {}
        self._start_condition: StartCondition | None = None
        self._paused = self._busy = False
        self.chunks: deque[Sequence[Run]] = deque()
        self.taken = 0

    def add_all(self) -> None:
        """Queue every open run."""
        self._all = True

    def add(self, account_ids: Iterable[str]) -> None:
        """Queue the open runs of the given accounts."""
        self._accounts.update(dict.fromkeys(account_ids))

    def first(self, run: Run) -> None:
        """Process a run before the remaining chunks of the round, or queue it if no round is in progress."""
        if self._paused:
            self.chunks.appendleft((run,))
        else:
            self.add((run.account_id,))

    def add_later(self, account_id: str) -> None:
        """Queue an account's open run for the next heartbeat."""
        self._later[account_id] = None

    def requeue_on_change(self, start_condition: StartCondition, account_ids: Iterable[str]) -> None:
        """Queue the open runs of these accounts if the start condition changed or all runs are queued.

        The queue then has the open runs of `account_ids` instead of all runs. Call it before runs are created, so that
        the new runs are processed only when they are queued. Nothing happens while a round has chunks left.
        """
        if not self._paused and (self._all or start_condition != self._start_condition):
            self.add(account_ids)
            self._all, self._start_condition = False, start_condition

    def begin(self, start_condition: StartCondition) -> None:
        """Begin a round for a heartbeat; a changed start condition queues every run."""
        if start_condition != self._start_condition:
            self._all, self._start_condition = True, start_condition
        self.add(self._later)
        self._later.clear()
        self.chunks.clear()

    def resume(self, start_condition: StartCondition) -> bool:
        """Whether to continue with the chunks that `pause` left. If not, the caller begins a new round.

        A new round begins when the last one is finished, the start condition has changed, or processing failed. If
        chunks of the last round were not processed, because of a changed start condition or a failure, every run is
        queued.
        """
        continues = self._paused and start_condition == self._start_condition
        if self._busy or (self.chunks and not continues):
            self.add_all()
        self._busy, self._paused = True, False
        return continues

    @property
    def unfinished(self) -> bool:
        """Whether `pause` left chunks to do."""
        return self._paused

    def pause(self, more: bool) -> None:
        """End a chunk. `more` is whether chunks remain; `resume` then continues with them.

        It continues only while the start condition (see the class) is unchanged.
        """
        self._busy, self._paused = False, more

    def take(self, open_runs: Mapping[str, Run]) -> list[Run]:
        """Empty the queue; returns its runs that are among `open_runs`, the open run of each account."""
        if self._all:
            found = list(open_runs.values())
        else:
            found = [open_runs[account] for account in self._accounts if account in open_runs]
        self._all = False
        self._accounts.clear()
        self.taken = len(found)
        return found
