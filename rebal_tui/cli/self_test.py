"""`rebal-tui connect --self-test`: test a broker's paper account step by step, and write a report for support."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui import __version__
from rebal_tui.cli.parameters import write, write_file
from rebal_tui.domain.errors import Conflict

if TYPE_CHECKING:
    from rebal_tui.broker.alpaca.client import Endpoints
    from rebal_tui.broker.alpaca.self_test.results import StepResult
    from rebal_tui.credentials import Keys

QUESTION = (
    "The self-test buys for $1 and sells it again, in one paper account that no book should trade meanwhile. Start it?"
)


def require_consent(*, ask: bool, yes: bool) -> None:
    """Check that the person agrees before anything is sent to the broker. Raises `Conflict` otherwise.

    `yes` is an agreement given on the command line; `ask` is whether the person can be asked.
    """
    if yes:
        return
    if not ask:
        raise Conflict("the self-test places an order of $1 in a paper account: confirm with --yes")
    if not click.confirm(QUESTION):
        raise Conflict("canceled; nothing was sent")


def run_self_test(
    keys: Keys,
    endpoints: Endpoints,
    *,
    account_id: str,
    firm_account: str,
    report: Path | None,
    now: Callable[[], datetime],
    elapsed: Callable[[], float],
    sleep: Callable[[float], None],
) -> int:
    """Run the self-test and write its report; returns the exit code, 1 when a step failed.

    `report` is the path of the report, None for a new file in the current folder. `sleep` waits for a number of
    seconds. Raises `Conflict` when the report exists or cannot be written.
    """
    from rebal_tui import bootstrap
    from rebal_tui.broker.alpaca.client import AlpacaClient
    from rebal_tui.broker.alpaca.self_test.connection import Connection
    from rebal_tui.broker.alpaca.self_test.results import Outcome
    from rebal_tui.broker.alpaca.self_test.runner import run

    began = now()
    path = report or Path(f"rebal-tui-self-test-{began:%Y%m%d-%H%M%S}.txt")
    if path.exists():
        raise Conflict(f"{path} already exists; choose another file with --report")
    client = AlpacaClient(endpoints, keys, now, sleep=sleep)
    connection = Connection(client, now, elapsed, sleep, bootstrap.new_seed()[:12], account_id, firm_account)
    results: list[StepResult] = []
    try:
        for result in run(connection):
            results.append(result)
            write(_line(result))
    finally:
        connection.close()
        client.close()
        write_file(path, _report(endpoints.broker, began, results), force=False)
    failed = sum(result.outcome in (Outcome.FAILED, Outcome.SKIPPED) for result in results)
    waiting = sum(result.outcome is Outcome.WAITS for result in results)
    write(f"{_summary(failed, waiting)} The report is {path}; it has no keys and no client data.\n")
    return 1 if failed else 0


def _line(result: StepResult) -> str:
    text = f"{result.name:11} {result.outcome.value:8} {result.milliseconds:7,} ms  {result.text}\n"
    return text + (f"{'':31} → {result.advice}\n" if result.advice else "")


def _report(broker: str, began: datetime, results: Sequence[StepResult]) -> str:
    head = (
        f"rebal-tui {__version__} self-test, {began:%Y-%m-%d %H:%M:%S} UTC\n"
        f"broker: {broker} (paper)\n"
        f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}\n"
        "Ids and account numbers are shown by their last three characters.\n\n"
    )
    return head + "".join(_line(result) for result in results)


def _summary(failed: int, waiting: int) -> str:
    if failed:
        return f"{failed} of the steps failed or could not be done."
    if waiting:
        return f"Nothing failed; {waiting} steps wait for the market to open: run it again then."
    return "Every step is done."
