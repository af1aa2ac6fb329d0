"""The commands of the linear mode by name, and the loop that reads and runs them."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass

from rebal_tui.domain.errors import Refusal
from rebal_tui.plain import acting, answering, market, portfolio_editing, portfolios, reading
from rebal_tui.plain.asking import Canceled
from rebal_tui.plain.session import NO, Session
from rebal_tui.services.schedule.loading import Stopped
from rebal_tui.tui.screens.shared.confirm import LIVE_WORD

_log = logging.getLogger(__name__)
HELLO = "Type help for the commands, quit to leave."


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the linear mode, which `run` carries out: its name, arguments (`usage`), summary, and other names.

    `asks` is whether it asks for confirmation.
    """

    name: str
    usage: str
    summary: str
    run: Callable[[Session, str], Awaitable[None]]
    others: tuple[str, ...] = ()
    asks: bool = False

    @property
    def line(self) -> str:
        """Name, usage and summary for the help."""
        summary = f"{self.summary[:-1]} (confirms first)." if self.asks else self.summary
        return f"{' '.join(filter(None, (self.name, self.usage)))}: {summary}"


async def _help(session: Session, text: str) -> None:
    if text:
        command, _ = _find(text)
        if command is None:
            session.refuse(f"There is no command {text}")
            return
        session.write([command.line])
        if command.others:
            session.write([f"Also: {', '.join(command.others)}."])
        return
    session.say(
        "NAME is a client, an account number, an id, or a number of the last list of accounts. Without it, a command "
        "is about the account that you named last"
    )
    session.write([command.line for command in COMMANDS])


async def _quit(session: Session, _text: str) -> None:
    session.leaving = True


COMMANDS = (
    Command("help", "COMMAND", "List the commands, or describe one.", _help),
    Command("status", "", "Read the state of the book, the firm and its accounts.", reading.status),
    Command("desk", "FILTER", "List the subscribed accounts, such as: desk needs you, desk drift>5.", reading.desk),
    Command(
        "exceptions", "NUMBER", "List the exceptions and alerts, or read one.", reading.exceptions,
        ("exception", "alerts", "alert"),
    ),
    Command("accounts", "FILTER", "List the accounts, such as: accounts moreau, accounts cash<0.", reading.accounts),
    Command("account", "NAME", "Read an account: figures, why it trades or not, holdings, runs.", reading.account),
    Command("why", "NAME", "Read every check of the decision for an account.", reading.why),
    Command("decisions", "NAME", "Read the stored decisions for an account.", reading.decisions),
    Command("portfolios", "", "List the portfolios.", reading.portfolios),
    Command("portfolio", "NAME", "Read a portfolio.", reading.portfolio),
    Command("runs", "FILTER", "List the newest runs, or those of a client.", reading.runs),
    Command("run", "NUMBER OR ID", "Read a run: orders, weights, timeline, plan.", reading.run),
    Command("review", "", "List the runs that await review.", reading.review),
    Command("withdrawals", "", "List the withdrawals.", reading.withdrawals),
    Command("preview", "NAME", "Read the run that would be made now. Nothing is sent.", reading.preview),
    Command("news", "", "Read what happened since the last request.", reading.news),
    Command("announce", "ON OR OFF", "Announce news before the prompt, or not.", reading.announce),
    Command("more", "", "Read on in the last list.", reading.more),
    Command("trade", "NAME", "Make the manual run that preview shows.", acting.trade, asks=True),
    Command("invest", "NAME", "Make a manual run that invests cash.", acting.invest, asks=True),
    Command("evaluate", "", "Evaluate every account now.", acting.evaluate, asks=True),
    Command("approve", "NUMBER OR ID, OR ALL", "Approve a run that awaits review.", acting.approve, asks=True),
    Command("reject", "NUMBER OR ID", "Reject a run that awaits review, with a note.", acting.reject, asks=True),
    Command("cancel", "NUMBER OR ID", "Cancel a run.", acting.cancel, ("cancel run",), asks=True),
    Command("deposit", "AMOUNT NAME", "Deposit cash in a simulated account.", acting.deposit, asks=True),
    Command("withdraw", "AMOUNT OR EVERYTHING, NAME", "Request a withdrawal.", acting.withdraw, asks=True),
    Command("cancel withdrawal", "NUMBER", "Cancel a withdrawal.", acting.cancel_withdrawal, asks=True),
    Command("subscribe", "NAME to PORTFOLIO", "Let an account follow a portfolio.", acting.subscribe, asks=True),
    Command("move", "NAME to PORTFOLIO", "Move an account to another portfolio.", acting.move, asks=True),
    Command("unsubscribe", "NAME", "End the subscription of an account.", acting.unsubscribe, asks=True),
    Command("new portfolio", "", "Make a portfolio.", portfolio_editing.new, ("new",), asks=True),
    Command("edit", "PORTFOLIO", "Change a portfolio.", portfolio_editing.edit, ("edit portfolio",), asks=True),
    Command(
        "duplicate", "PORTFOLIO", "Copy a portfolio under another name.", portfolios.duplicate,
        ("duplicate portfolio",), asks=True,
    ),
    Command(
        "import portfolio", "FILE", "Make a portfolio from a JSON file in the format of the API.",
        portfolios.import_file, asks=True,
    ),
    Command("impact", "PORTFOLIO", "Read the runs that its subscribers would make now.", portfolios.impact),
    Command(
        "deactivate", "PORTFOLIO", "Take a portfolio without subscribers out of use.", portfolios.deactivate,
        ("deactivate portfolio",), asks=True,
    ),
    Command(
        "activate", "PORTFOLIO", "Reactivate a portfolio if every asset can be bought.", portfolios.activate,
        ("activate portfolio", "reactivate"), asks=True,
    ),
    Command("versions", "PORTFOLIO", "Read what each version of a portfolio changed.", portfolios.versions),
    Command("go back", "PORTFOLIO to NUMBER", "Go back to a version.", portfolios.go_back, asks=True),
    Command(
        "undo", "", "Undo the last subscription, move, unsubscription or edit of a portfolio.", acting.undo_last,
    ),
    Command("answer", "NUMBER", "Do what the exception of this number asks for.", answering.answer, asks=True),
    Command("acknowledge", "NUMBER OR ALL", "Acknowledge an alert.", answering.acknowledge),
    Command(
        "kill switch", "ON OR OFF", "Stop every new order, or release the stop.",
        market.kill_switch_on_or_off, asks=True,
    ),
    Command("pause", "", "Pause the simulated market.", market.pause),
    Command("resume", "", "Resume the simulated market.", market.resume),
    Command("speed", "NUMBER", "Simulated seconds per real second.", market.speed),
    Command("step", "", "Advance to the next session.", market.step, asks=True),
    Command("quit", "", "Close the book and leave.", _quit, ("exit", "q", "bye")),
)  # fmt: skip
_NAMES = {name: command for command in COMMANDS for name in (command.name, *command.others)}


def _find(text: str) -> tuple[Command | None, str]:
    """The command with the longest name that a line begins with, and the rest of the line."""
    words = text.split()
    for count in (2, 1):
        command = _NAMES.get(" ".join(words[:count]).lower())
        if command is not None:
            return command, " ".join(words[count:])
    return None, text


async def run(session: Session) -> None:
    """Read and run commands until quit or the end of the input."""
    session.write([HELLO])
    while not session.leaving:
        try:
            await session.announce()
        except Refusal as refusal:
            session.refuse_all(refusal)
        line = await session.read()
        if line is None:
            return
        if line:
            await run_line(session, line)


async def run_line(session: Session, line: str) -> None:
    """Run one command. A refusal or an error is written and does not end the session."""
    command, rest = _find(line)
    if command is None and line.lower() in ("y", "yes", "n", "no", LIVE_WORD.lower()):
        session.refuse("Nothing waits for a confirmation")
        return
    if command is None:
        near = difflib.get_close_matches(line.split()[0].lower(), _NAMES, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        session.refuse(f"There is no command {line.split()[0]}. {meant}Type help for the commands")
        return
    try:
        async with session.time_held() if command.asks else nullcontext():
            await command.run(session, rest)
    except Stopped:
        session.leaving = True
    except Canceled as canceled:
        if canceled.ended:
            session.refuse(NO)
        else:
            session.say(NO)
    except Refusal as refusal:
        session.refuse_all(refusal)
    except Exception as error:
        _log.exception("command %s", command.name)
        session.refuse(f"{command.name} failed: {type(error).__name__}: {error}")
