"""Which open runs may be able to move: what waits is not looked at until something happens to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from rebal_tui.domain.runs import Run

StartCondition = tuple[object, ...]


class WorkQueue:
    """The accounts whose open runs are to be looked at, in memory only: after a start every run is looked at once.

    A run is put on it when it is made, when its state changed, when the broker told something of its account, and, with
    all others, when the gate changes: the session, the part of the day, the kill switch. A round takes all that is on
    it; `chunks` is what of the round is still to be looked at, in that order, and `taken` how many it began with.
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
        """Look at every open run."""
        self._all = True

    def add(self, account_ids: Iterable[str]) -> None:
        """Look at the open runs of some accounts."""
        self._accounts.update(dict.fromkeys(account_ids))

    def first(self, run: Run) -> None:
        """Look at a run before all that was put off."""
        if self._paused:
            self.chunks.appendleft((run,))
        else:
            self.add((run.account_id,))

    def add_later(self, account_id: str) -> None:
        """Look at an account's open run again with the next heartbeat."""
        self._later[account_id] = None

    def requeue_on_change(self, start_condition: StartCondition, account_ids: Iterable[str]) -> None:
        """Before runs are made under a gate: those there are, of these accounts, are looked at where the gate or the
        start asks for it, those made from here on only if they ask. What is put off is left as it is."""
        if not self._paused and (self._all or start_condition != self._start_condition):
            self.add(account_ids)
            self._all, self._start_condition = False, start_condition

    def begin(self, start_condition: StartCondition) -> None:
        """A heartbeat begins under this gate."""
        if start_condition != self._start_condition:
            self._all, self._start_condition = True, start_condition
        self.add(self._later)
        self._later.clear()
        self.chunks.clear()

    def resume(self, start_condition: StartCondition) -> bool:
        """Whether what was put off with `pause` goes on. It is to begin anew where it came to an end, and under another
        gate or after a failure, which lost what was being looked at: then every run is looked at."""
        continues = self._paused and start_condition == self._start_condition
        if self._busy or (self.chunks and not continues):
            self.add_all()
        self._busy, self._paused = True, False
        return continues

    @property
    def unfinished(self) -> bool:
        """Whether `pause` has left more to do."""
        return self._paused

    def pause(self, more: bool) -> None:
        """Nothing is being looked at; whether there is more to do under this gate, with which `resume` goes on."""
        self._busy, self._paused = False, more

    def take(self, open_runs: Mapping[str, Run]) -> list[Run]:
        """The runs to be looked at now, which leave the agenda."""
        if self._all:
            found = list(open_runs.values())
        else:
            found = [open_runs[account] for account in self._accounts if account in open_runs]
        self._all = False
        self._accounts.clear()
        self.taken = len(found)
        return found
