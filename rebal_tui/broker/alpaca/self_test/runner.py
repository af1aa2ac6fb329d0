"""The steps of a self-test in order, and what to do when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.broker.alpaca.self_test import reading_steps, trading_steps
from rebal_tui.broker.alpaca.self_test.connection import Connection
from rebal_tui.broker.alpaca.self_test.results import Failed, Outcome, StepResult, Waits


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the self-test: `needs` are the steps that must succeed before it, `advice` is for when it fails."""

    name: str
    run: Callable[[Connection], str]
    needs: tuple[str, ...]
    advice: str


STEPS = (
    Step("keys", reading_steps.keys, (), "Check that the key is one of the Broker API's paper environment."),
    Step("clock", reading_steps.clock, ("keys",), "Set this computer's clock by a time server."),
    Step("calendar", reading_steps.calendar, ("keys",), "Send this report; nothing is traded on unknown days."),
    Step("assets", reading_steps.assets, ("keys",), "Send this report."),
    Step("accounts", reading_steps.accounts, ("keys",), "Open a paper account with some cash, or name one: --account."),
    Step(
        "prices", reading_steps.prices, ("clock", "assets"),
        "Ask for real-time market data for this key: accounts are not traded on prices older than 60 s.",
    ),
    Step("streams", reading_steps.streams, ("keys",), "Ask the broker to enable event streams for this key."),
    Step("journals", reading_steps.journals, ("keys",), "Withdrawals need journals: ask the broker to enable them."),
    Step(
        "buy of $1", trading_steps.buy, ("clock", "assets", "accounts"),
        "Look into the account for an order whose id begins with self-test, and cancel it if it is open.",
    ),
    Step(
        "sale", trading_steps.sell, ("clock", "assets", "accounts"),
        "Sell the purchased shares yourself, if they are still in the account.",
    ),
)  # fmt: skip


def run(connection: Connection) -> Iterator[StepResult]:
    """Run the steps in order and yield a result for each, also for a step that is skipped because a step that it needs
    failed.

    A request that changes something is never repeated.
    """
    done: dict[str, Outcome] = {}
    for step in STEPS:
        began = connection.elapsed()
        outcome, text = _outcome(step, connection, done)
        done[step.name] = outcome
        advice = step.advice if outcome is Outcome.FAILED else ""
        milliseconds = int((connection.elapsed() - began) * 1000)
        yield StepResult(step.name, outcome, connection.redactor.clean(text), milliseconds, advice)


def _outcome(step: Step, connection: Connection, done: dict[str, Outcome]) -> tuple[Outcome, str]:
    missing = [name for name in step.needs if done[name] in (Outcome.FAILED, Outcome.SKIPPED)]
    if missing:
        return Outcome.SKIPPED, f"needs: {', '.join(missing)}"
    waiting = [name for name in step.needs if done[name] is Outcome.WAITS]
    if waiting:
        return Outcome.WAITS, f"waits for: {', '.join(waiting)}"
    try:
        return Outcome.OK, step.run(connection)
    except Waits as waits:
        return Outcome.WAITS, str(waits)
    except Failed as failed:
        return Outcome.FAILED, str(failed)
    except Malformed as error:
        return Outcome.FAILED, f"the response cannot be read: {error}"
