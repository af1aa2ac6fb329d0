"""Commands about all orders and the simulated market: kill switch, pause, speed, and the step to the next session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid
from rebal_tui.plain.acting import make
from rebal_tui.plain.session import Session
from rebal_tui.tui.book_services import kill_switch, simulator
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.market.keys import STEP_TEXT
from rebal_tui.tui.screens.shared.kill_switch import RELEASE, STOP

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book


async def kill_switch_on_or_off(session: Session, text: str) -> None:
    """Turn the kill switch `on` or `off` as `text` asks; if the text is empty, change it to the other state.

    Only releasing it can require typing LIVE. Raises `Invalid` for any other text, and when nothing would change.
    """
    halted = await session.ask(kill_switch.halted)
    if text.lower() not in ("", "on", "off"):
        raise Invalid("Type kill switch on, to stop every new order, or kill switch off")
    on = not halted if not text else text.lower() == "on"
    if on is halted:
        raise Invalid(f"The kill switch is {'on' if on else 'off'} already")
    question = STOP_BY_COMMAND if on else RELEASE_SENDS

    async def do() -> None:
        await session.ask(kill_switch.set_halt, on)

    await make(session, question, do, "Halted: no new order is sent" if on else "Released: orders are sent again")


STOP_BY_COMMAND = replace(
    STOP, effects=[replace(one, text=one.text.replace("the same key", "the same command")) for one in STOP.effects]
)
RELEASE_SENDS = Question(RELEASE.title, RELEASE.yes, effects=RELEASE.effects, sends=True)


async def pause(session: Session, _text: str) -> None:
    """Pause the simulated market."""
    await session.ask(simulator.pause_market)
    session.done("Simulation paused")


async def resume(session: Session, _text: str) -> None:
    """Resume the simulated market."""
    await session.ask(simulator.resume_market)
    session.done("Simulation resumed")


async def speed(session: Session, text: str) -> None:
    """Set the speed of simulated time to `text`, in simulated seconds per real second."""
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise Invalid("Type a number from 1 to 100000: simulated seconds per real second")
    await session.ask(simulator.set_speed, float(int(text)))
    session.done(f"Simulation speed {int(text):,} times")


async def step(session: Session, _text: str) -> None:
    """Advance simulated time to the next session, after confirmation; refused in a book without simulated time."""
    await session.ask(simulator.simulated_clock)

    async def do() -> None:
        await session.ask(_step)

    question = Question("Advance to the next session?", "Advance", STEP_TEXT, sends=True)
    await make(session, question, do, "Advanced to the next session")


def _step(book: Book) -> None:
    simulator.step_day(book)
