"""Questions asked one line at a time: each answer is checked before the next question, and each can be canceled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Refusal
from rebal_tui.plain.session import Session
from rebal_tui.plain.speech import spoken

if TYPE_CHECKING:
    from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values

CANCEL = "cancel"
NOTHING = "none"
"""What is typed to make a field empty that has a value."""
HOW = f"Type {CANCEL} at any question to leave without a change"


class Canceled(Exception):
    """The person canceled a question; with `ended`, the input ended before the answer."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


async def ask_line(session: Session, question: str) -> str:
    """Ask a question and return the answer, empty if only enter was pressed. Raises `Canceled`."""
    session.console.write(f"{spoken(question)}:")
    answer = await session.console.read()
    if answer is None or answer.casefold() == CANCEL:
        raise Canceled(ended=answer is None)
    return answer


async def ask_value(session: Session, label: str, hint: str, value: str, *, removable: bool = True) -> str:
    """Ask for the value of a field, and return it. Raises `Canceled`.

    If the field has a value now, pressing only enter keeps it, and with `removable` the answer `none` makes it empty.
    """
    about = f"{label}, {hint}" if hint else label
    if not value:
        return await ask_line(session, about)
    kept = f"only enter keeps it, {NOTHING} removes it" if removable else "only enter keeps it"
    answer = await ask_line(session, f"{about}. Now {value}; {kept}")
    return value if not answer else "" if removable and answer.casefold() == NOTHING else answer


async def ask_checked(session: Session, label: str, hint: str, value: str, fault_of: Callable[[str], str]) -> str:
    """Ask for a value until `fault_of` returns no fault (an empty text), and return it. Raises `Canceled`."""
    while True:
        answer = await ask_value(session, label, hint, value, removable=False)
        if not (fault := fault_of(answer)):
            return answer
        session.refuse(f"{label}: {fault}")


async def ask_form(
    session: Session,
    form: FormScreen,
    hints: Mapping[str, str] | None = None,
    asked: Callable[[Field, Values], bool] = lambda _field, _values: True,
) -> Proposal:
    """Ask for the fields of a form of the screens, and return what the form would do.

    `hints` has, by the key of a field, the hint to show instead of the form's. `asked` returns whether to ask for a
    field, given the answers so far. A question is repeated at once if its answer is wrong, and at the end if its answer
    is missing or contradicts that to another question. Raises `Canceled`.
    """
    session.say(HOW)
    values = {field.key: field.value for field in form.fields}
    for field in form.fields:
        if asked(field, values):
            await _ask_field(session, form, field, values, hints or {})
    while True:
        try:
            return await session.ask(form.propose, values)
        except Refusal as refusal:
            faults = form.faults_by_field(refusal)
        for field in form.fields:
            if field.key in faults:
                session.refuse(f"{field.label}: {faults[field.key]}")
                await _ask_field(session, form, field, values, hints or {})


async def _ask_field(
    session: Session, form: FormScreen, field: Field, values: dict[str, str], hints: Mapping[str, str]
) -> None:
    """Ask for one field until its answer is empty or has no fault, and put it into `values`."""
    kept = values[field.key]
    while True:
        values[field.key] = await ask_value(session, field.label, hints.get(field.key, field.hint), kept)
        fault = await _fault(session, form, field, values)
        if not values[field.key] or not fault:
            return
        session.refuse(f"{field.label}: {fault}")


async def _fault(session: Session, form: FormScreen, field: Field, values: Values) -> str:
    try:
        await session.ask(form.propose, values)
    except Refusal as refusal:
        return "; ".join(fault.message for fault in refusal.faults if fault.location == field.key)
    return ""


def read_choice(text: str, choices: Sequence[str]) -> str:
    """The choice that equals `text` or begins with it, ignoring case. If none or several do, the text itself."""
    typed = " ".join(text.casefold().split())
    exact = [choice for choice in choices if choice.casefold() == typed]
    found = exact or [choice for choice in choices if typed and choice.casefold().startswith(typed)]
    return found[0] if len(found) == 1 else text
