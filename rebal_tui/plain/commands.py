"""The commands of the linear mode by name, and the loop that reads and runs them."""

from __future__ import annotations

import difflib
import logging
from contextlib import nullcontext

from rebal_tui.domain.errors import Refusal
from rebal_tui.plain import reading
from rebal_tui.plain.asking import Canceled, read_choice
from rebal_tui.plain.command_table import TOPICS, Command
from rebal_tui.plain.session import NO, Session
from rebal_tui.plain.speech import label
from rebal_tui.services.schedule.loading import Stopped
from rebal_tui.tui.screens.shared.confirm import LIVE_WORD

_log = logging.getLogger(__name__)
HELLO = "Type help for the commands, quit to leave."


NAMES_HELP = (
    "NAME is a client, an account number, an id, or a number of the last list of accounts. Without it, a command "
    "is about the account that you named last"
)
HELP_HELP = "Type help and a command or topic for more, or help all"


async def _help(session: Session, text: str) -> None:
    """List the commands by topic, or describe one, those of a topic, or all."""
    topic = read_choice(text, tuple(TOPICS))
    command, _ = _find(text)
    if not text:
        session.write(label(name, ", ".join(one.name for one in found)) for name, found in TOPICS.items())
        session.say(f"Also: {', '.join(one.name for one in GENERAL)}. {HELP_HELP}")
        session.say(NAMES_HELP)
    elif command is not None:
        session.write([command.line])
        if command.others:
            session.write([f"Also: {', '.join(command.others)}."])
    elif topic in TOPICS:
        session.write([one.line for one in TOPICS[topic]])
    elif text.casefold() == "all":
        session.say(NAMES_HELP)
        session.write([one.line for one in COMMANDS])
    else:
        session.refuse(f"There is no command {text}")


async def _quit(session: Session, _text: str) -> None:
    session.leaving = True


GENERAL = (
    Command("help", "COMMAND, TOPIC OR ALL", "List the commands by topic, or describe them.", _help),
    Command("more", "", "Read on in the last list.", reading.more),
    Command("quit", "", "Close the book and leave.", _quit, ("exit", "q", "bye")),
)
COMMANDS = (*(command for found in TOPICS.values() for command in found), *GENERAL)
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
    """Read and run commands until the person quits or the input ends."""
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
    """Run the command on a line. A refusal or an error is written as text and does not end the session."""
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
