"""The command that reads and changes the settings of the book: choices of the firm, minimum trade, and guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rebal_tui.plain.asking import CANCEL, HOW, NOTHING, ask_line, ask_value, read_choice
from rebal_tui.plain.session import Session
from rebal_tui.plain.speech import label, spoken
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.book.policy_options import BookPolicy
from rebal_tui.tui.book_services import guards as guard_services
from rebal_tui.tui.book_services import policy as policy_services
from rebal_tui.tui.book_services import trade_settings
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.settings import guards as guard_fields
from rebal_tui.tui.screens.settings.policy_fields import REVIEW_WORDS, REVIEWS, TYPED, policy_text
from rebal_tui.tui.screens.settings.screen import guards_of
from rebal_tui.tui.screens.shared.minimum_fields import MINIMUMS, minimum_of, minimum_texts

SAVE = "save"
SWITCH = {"on": True, "off": False}
Parse = Callable[[str], Any]


@dataclass(slots=True)
class _Setting:
    """A setting that can be changed: its hint, its text now, and how a text is parsed."""

    hint: str
    text: str
    parse: Parse


def _one_of(choices: Mapping[str, bool]) -> Parse:
    def parse(text: str) -> bool:
        if text not in choices:
            raise ValueError(f"expected {' or '.join(choices)}")
        return choices[text]

    return parse


async def _settings(session: Session) -> dict[str, _Setting]:
    """The settings of the book by name."""
    policy = await session.ask(policy_services.policy_of)
    minimums = minimum_texts(await session.ask(trade_settings.book_minimum))
    guards = await session.ask(guards_of)
    reviews = "; ".join(f"{name}: {words}" for name, words in REVIEW_WORDS.items())
    review = next(name for name, value in REVIEWS.items() if value is policy.review)
    found = {"review": _Setting(reviews, review, _one_of(REVIEWS))}
    for name, (_, hint, parse) in TYPED.items():
        found[name] = _Setting(hint, policy_text(getattr(policy, name)), parse)
    for name, (_, hint, parse) in MINIMUMS.items():
        found[name] = _Setting(hint, minimums[name], parse)
    for name in guard_fields.SWITCHES:
        found[name] = _Setting("on or off", "on" if getattr(guards, name) else "off", _one_of(SWITCH))
    for name, (_, hint, parse) in guard_fields.LIMITS.items():
        found[name] = _Setting(hint, guard_fields.limit_text(guards, name), parse)
    return found


async def book_settings(session: Session, _text: str) -> None:
    """Write the settings of the book, then ask which to change, and change them."""
    settings = await _settings(session)
    before = {name: one.text for name, one in settings.items()}
    words = {name.replace("_", " "): name for name in settings}
    session.write(
        label(name.capitalize(), f"{settings[key].text or NOTHING}, {settings[key].hint}")
        for name, key in words.items()
    )
    session.say(HOW)
    while True:
        asked = f"{SAVE.capitalize()}, or what to change: {', '.join(words)}"
        answer = read_choice(await ask_line(session, asked), (SAVE, *words))
        if answer in words:
            await _ask(session, answer.capitalize(), settings[words[answer]])
        elif answer != SAVE:
            session.refuse(f"Expected {SAVE}, or one of {', '.join(words)}")
        elif all(one.text == before[name] for name, one in settings.items()):
            session.refuse(f"No changes to save; type {CANCEL} to leave")
        else:
            await _save(session, settings, before)
            return


async def _ask(session: Session, name: str, setting: _Setting) -> None:
    """Ask for a setting until its text can be parsed. Raises `Canceled`."""
    while True:
        text = await ask_value(session, name, setting.hint, setting.text)
        try:
            setting.parse(text)
        except ValueError as error:
            session.refuse(f"{name}: {error}")
            continue
        setting.text = text
        return


async def _save(session: Session, settings: Mapping[str, _Setting], before: Mapping[str, str]) -> None:
    changed = [name for name, one in settings.items() if one.text != before[name]]
    effects = [
        Effect(f"{name.replace('_', ' ')}: {before[name] or NOTHING} to {settings[name].text or NOTHING}")
        for name in changed
    ]
    question = Question("Change the settings of the book?", "Change", effects=effects)
    if await session.confirm(question) is None:
        return
    read = {name: one.parse(one.text) for name, one in settings.items()}
    policy = BookPolicy(**{name: read[name] for name in ("review", *TYPED)})
    guards = Guards(**{name: read[name] for name in (*guard_fields.SWITCHES, *guard_fields.LIMITS)})
    messages = await session.ask(policy_services.apply_policy, policy)
    messages += await session.ask(trade_settings.set_book_minimum, minimum_of(read))
    messages += await session.ask(guard_services.apply_guards, guards)
    session.done(f"Saved: {spoken('; '.join(messages))}")
