"""Any disk call may fail, once or permanently, or be the last before a kill or a power cut (G5).

The program stops cleanly or continues; the file is intact and contains everything acknowledged, and the book reaches
the undisturbed end state: in the same process once the disk works again, or after reopening.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict, Halt, ReadOnly
from rebal_tui.services.book.book import Book
from rebal_tui.store import audit, jobs
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.database import Database
from tests.reliability.crash import Scenario, digest, run_scenario
from tests.reliability.faulty_disk import CALLS, Call, Fault, FaultyDisk, Plan, sqlite_library
from tests.reliability.scenarios import SCENARIOS
from tests.reliability.settings import DISK_POINTS

pytestmark = pytest.mark.slow

SCENARIO_NAMES = ("full_rebalance", "withdrawal", "close and backup", "import")
SKIP_REASON = (
    "this Python keeps SQLite within itself, out of reach; tests/store/test_disk_faults.py limits the disk instead"
)
KILLED = -signal.SIGKILL
COMPLETED, STOPPED, RECOVERED = 0, 2, 3
LOG_PAGES = 40
"""So small that the log is checkpointed many times in a short run."""


@pytest.fixture(scope="module", autouse=True)
def _reachable() -> None:
    if sqlite_library() is None:
        pytest.skip(SKIP_REASON)


class Process:
    """A scenario in its own process, on a disk that fails as planned; what it acknowledges is noted as it runs."""

    def __init__(
        self, scenario: Scenario, folder: Path, plan: Plan | None = None, synchronous: str | None = None
    ) -> None:
        """`synchronous` replaces the SQLite setting that the program uses."""
        self._scenario = replace(scenario, begin=self._begin)
        self._synchronous = synchronous
        self._begin_book = scenario.begin
        self._plan = plan
        self._path = folder / "book" / "book.db"
        self._notes = folder / "notes"
        self._result_path = folder / "told"
        self._book: Book | None = None

    def run(self, template: Path) -> int:
        """Run the process; returns its exit code, or minus the number of a signal."""
        self._path.parent.mkdir(parents=True)
        shutil.copy(template, self._path)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = self._run_process(FaultyDisk(self._plan))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def noted(self) -> list[list[Any]]:
        """For each heartbeat begun, its number and the last audit entry at that time."""
        return [json.loads(line) for line in self._notes.read_text().splitlines()]

    def outcome(self) -> dict[str, Any]:
        """The result that the process reported at its end."""
        return dict(json.loads(self._result_path.read_text()))

    def recover(self) -> dict[str, Any]:
        """Check the file that the process left, reopen it on a working disk, run to the end; returns the end state."""
        heartbeat, *acknowledged = self.noted()[-1]
        database = Database(self._path)
        assert integrity_faults(database.connection) == []
        if acknowledged[0]:
            assert acknowledged in [[e.seq, e.hash] for e in audit.entries(database, -1)], (
                "what was acknowledged is lost"
            )
        database.close()
        return _end(run_scenario(self._path, self._scenario, heartbeat))

    def _run_process(self, disk: FaultyDisk) -> int:
        heartbeat, code = 0, COMPLETED
        try:
            end = _end(run_scenario(self._path, self._scenario, reached=self._reached))
        except (ReadOnly, Conflict, sqlite3.Error) as stop:
            assert disk.fired, "stopped without a fault"
            _require_clean(stop, self._book)
            if self._plan is None or self._plan.lasting:
                return STOPPED
            code, heartbeat = RECOVERED, self.noted()[-1][0]
            if self._book is not None:
                if self._book.database.halted is not None:
                    self._book.database.resume_writing()
                self._book.close()
            end = _end(run_scenario(self._path, self._scenario, heartbeat))
        self._result_path.write_text(json.dumps({"end": end, "counts": disk.counts, "fired": disk.fired}))
        return code

    def _begin(self, path: Path) -> Book:
        self._book = None
        self._book = self._begin_book(path)
        self._book.database.connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        if self._synchronous is not None:
            self._book.database.connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return self._book

    def _reached(self, heartbeat: int) -> None:
        head = audit.head(self._book.database) if self._book is not None else (0, "")
        with self._notes.open("a") as file:
            file.write(json.dumps([heartbeat, *head]) + "\n")


def _end(book: Book) -> dict[str, Any]:
    """The end state; closing the book checkpoints its log into the file."""
    try:
        end = digest(book)
        alerts = [alert.text for alert in jobs.open_alerts(book.database)]
        return {"backups": end.pop("backups"), "book": repr(end), "alerts": alerts}
    finally:
        book.close()


def _require_clean(stop: Exception, book: Book | None) -> None:
    """The error has a message and writing has stopped; a book that is not open yet cannot write."""
    if book is None:
        assert isinstance(stop, (Conflict, ReadOnly)), stop
        return
    if isinstance(stop, sqlite3.Error):
        book.database.halt_on_error(stop)
    halted = book.database.halted
    assert halted is not None
    assert halted.halt in (Halt.IO_ERROR, Halt.DISK_FULL)
    assert "all saved data is intact" in str(halted)
    with pytest.raises(ReadOnly), book.database.write():
        pytest.fail("it still writes")


def _chosen(total: int) -> list[int]:
    """The chosen numbers out of `total` calls, counted from 1."""
    if not DISK_POINTS or total <= DISK_POINTS:
        return list(range(1, total + 1))
    return [1 + total * (2 * part + 1) // (2 * DISK_POINTS) for part in range(DISK_POINTS)]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", SCENARIO_NAMES)
@pytest.mark.samples(5)
def test_a_fault_at_any_disk_call_loses_nothing(name: str, fault: Fault, memory_folder: Path) -> None:
    scenario = SCENARIOS[name]
    template = memory_folder / "template.db"
    scenario.found(template)
    calm = Process(scenario, memory_folder / "calm")
    assert calm.run(template) == COMPLETED
    expected, counts = calm.outcome()["end"], calm.outcome()["counts"]
    exit_codes: Counter[int] = Counter()
    kills = fault in (Fault.KILL, Fault.POWER_CUT)
    for number in _chosen(sum(counts.get(call, 0) for call in CALLS[fault])):
        for lasting in (False,) if kills else (False, True):
            plan = Plan(fault, number, lasting)
            folder = memory_folder / f"{number}-{lasting}"
            process = Process(scenario, folder, plan)
            code = process.run(template)
            exit_codes[code] += 1
            if code in (COMPLETED, RECOVERED):
                outcome = process.outcome()
                assert outcome["fired"], plan
                assert outcome["end"]["book"] == expected["book"], plan
                # If the disk stays broken, a backup may be missing, and an alert reports it.
                if outcome["end"]["backups"] != expected["backups"]:
                    assert lasting, plan
                    assert set(outcome["end"]["backups"]) < set(expected["backups"]), plan
                    assert any("backup could not be written" in text for text in outcome["end"]["alerts"]), plan
            elif code in (STOPPED, KILLED):
                end = process.recover()
                assert (end["book"], end["backups"]) == (expected["book"], expected["backups"]), plan
            assert code in ((KILLED,) if kills else (COMPLETED, STOPPED, RECOVERED)), plan
            shutil.rmtree(folder)
    print(f"\n{name}, {fault}: {dict(exit_codes)}")


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_a_program_that_syncs_too_little_is_seen_to_lose_something(synchronous: str, memory_folder: Path) -> None:
    """Shows that the power-cut tests above can detect a loss."""
    scenario, template = SCENARIOS["full_rebalance"], memory_folder / "template.db"
    scenario.found(template)
    calm = Process(scenario, memory_folder / "calm", None, synchronous)
    assert calm.run(template) == COMPLETED
    expected, counts = calm.outcome()["end"], calm.outcome()["counts"]
    total = sum(counts.get(call, 0) for call in CALLS[Fault.POWER_CUT])
    for share in (90, 70, 50, 95, 80, 60, 99):
        process = Process(
            scenario, memory_folder / str(share), Plan(Fault.POWER_CUT, total * share // 100), synchronous
        )
        assert process.run(template) == KILLED
        lost = _loss(process, expected)
        if lost:
            print(f"\n{synchronous}, a power cut at {share} %: {lost}")
            return
    pytest.fail(f"synchronous = {synchronous} lost nothing")


def _loss(process: Process, expected: dict[str, Any]) -> str:
    """The losses of a power cut, as found by reopening the book; empty without any."""
    try:
        end = process.recover()
    except (AssertionError, sqlite3.DatabaseError, Conflict) as outcome:
        return str(outcome).partition("\n")[0] or type(outcome).__name__
    return "" if end == expected else "the book ends otherwise"


def test_the_counted_disk_calls_are_those_of_the_scenario(memory_folder: Path) -> None:
    """The faulty disk is below the book's own connection; otherwise no fault would ever occur."""
    template = memory_folder / "template.db"
    SCENARIOS["full_rebalance"].found(template)
    calm = Process(SCENARIOS["full_rebalance"], memory_folder / "calm")
    assert calm.run(template) == COMPLETED
    counts = calm.outcome()["counts"]
    assert counts[Call.WRITE] > 400
    assert counts[Call.SYNC] > 60
    assert counts[Call.OPEN] >= 2
