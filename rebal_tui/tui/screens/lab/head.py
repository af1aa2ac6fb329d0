"""The head of the Lab: whether policies differ, which one costs less, the inputs, and the progress of a computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rebal_tui.tui.segments import Line, paragraph

if TYPE_CHECKING:
    from rebal_tui.services.backtest.comparison import Comparison, Subject

DEFINITIONS = (
    "turnover: dollars sold ÷ average equity · rms, worst: the asset farthest from its target, in points at each close "
    "before trades · cash earns nothing"
)
_WIDE = 100
"""From this width in cells on, `DEFINITIONS` are shown."""
_DIFFERS, _CHEAPER = "Differ beyond luck?  ", "Which costs less?    "

_STOPS = ("  esc stops", "muted")
_SOON = 5.0
"""The remaining time is shown only if it is longer than this, in seconds."""


class Step(NamedTuple):
    """Progress of a computation: `what` is counted, `done` of `total`, and the `seconds` since it began."""

    what: str
    done: int
    total: int
    seconds: float

    @property
    def text(self) -> str:
        """The progress in words, with the estimated remaining time if that is longer than 5 s; empty if the total is
        0.
        """
        if not self.total:
            return ""
        left = self.seconds * (self.total - self.done) / self.done if self.done else 0.0
        return f" {self.done:,} of {self.total:,} {self.what}" + (f", about {left:.0f} s left" if left > _SOON else "")


def head_lines(
    subject: Subject | None, found: Comparison | None, step: Step | None, fault: str, width: int
) -> list[Line]:
    """Build the head: which portfolio is tested, whether policies differ beyond luck, which one costs less, then
    progress, inputs and notes.

    `fault` is why the chosen portfolio cannot be tested, empty if it can.
    """
    if fault:
        advice = "p tests the next portfolio, o opens another file of closes."
        return [*paragraph(fault, width, "bad"), *paragraph(advice, width, "muted")]
    if subject is None:
        return [(("Reading the portfolio…", "muted"),)]
    known = (*subject.notes, *subject.source.notes) if found is None else found.notes
    notes = (f"Prices: {subject.source.label}", *known)
    lines = paragraph(tested_text(subject), width, "warn" if subject.sample else "title")
    if found is not None:
        lines += _answers(found, step, width)
    if step is not None and (found is None or found.sentence):
        lines.append(((f"Computing {subject.name}…{step.text}", "accent"), _STOPS))
    elif found is None:
        lines.append((("Stopped. The next portfolio (p) is this one again.", "warn"),))
    lines += paragraph(" · ".join(notes), width, "muted")
    if found is not None:
        lines += paragraph(" · ".join(found.backtest.header), width, "muted")
        lines += paragraph(DEFINITIONS, width, "muted") if width >= _WIDE else []
    return lines


def tested_text(subject: Subject) -> str:
    """Return which portfolio is tested, and which one is not, if the sample replaces it."""
    if not subject.sample:
        return f'Tested: "{subject.name}".'
    if not subject.untested:
        return "Tested: a sample portfolio, as the book has none."
    return f'Tested: a sample portfolio, not "{subject.untested}", which has too few prices.'


def _answers(found: Comparison, step: Step | None, width: int) -> list[Line]:
    if found.sentence:
        lines = _answer(_DIFFERS, found.sentence, "title", width)
    elif step is not None:
        lines = [((_DIFFERS, "muted"), (f"Computing…{step.text}", "accent"), _STOPS)]
    else:
        lines = _answer(_DIFFERS, "Stopped before it was known. b resamples the history.", "warn", width)
    policy, tracks, figures = found.cheaper_parts
    cheaper = _answer(_CHEAPER, f"{policy}, {tracks}. {figures}" if tracks else policy, "", width)
    question, (text, _) = cheaper[0]
    return [*lines, (question, (text[: len(policy)], "good"), (text[len(policy) :], "")), *cheaper[1:]]


def _answer(question: str, text: str, style: str, width: int) -> list[Line]:
    """A question, with its answer wrapped to the right of it."""
    first, *rest = paragraph(text, width - len(question), style)
    return [((question, "muted"), *first), *(((" " * len(question), ""), *line) for line in rest)]
