"""The head of the Lab section: the answers, what was computed, and progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.tui.segments import Line, paragraph

if TYPE_CHECKING:
    from rebal_tui.services.backtest.comparison import Comparison, Subject

DEFINITIONS = (
    "turnover: dollars sold ÷ average equity · rms, worst: the asset farthest from its target, in points at each close "
    "before trades · cash earns nothing"
)
_WIDE = 100
"""From this width on, there is room for the definitions."""
_QUESTION = "Differs from yours?  "

Step = tuple[str, int, int]
"""What is counted, how many are done, and of how many."""


def head_lines(subject: Subject | None, found: Comparison | None, step: Step | None, width: int) -> list[Line]:
    """The two answers first: what differs beyond luck, and which policy costs less."""
    if subject is None:
        return [(("Reading the portfolio…", "muted"),)]
    notes = (f"Prices: {subject.source.label}", *subject.notes, *subject.source.notes)
    lines: list[Line] = []
    if found is not None:
        if found.sentence:
            lines.append(((_QUESTION, "muted"), (found.sentence, "title")))
        elif step is None:
            lines.append(((_QUESTION, "muted"), ("Stopped before it was known. b resamples the history.", "warn")))
        lines += paragraph(found.cheaper, width, "good")
    if step is not None:
        what, done, total = step
        count = f" {done:,} of {total:,} {what}" if total else ""
        lines.append(((f"Computing {subject.name}…{count}", "accent"), ("  esc stops", "muted")))
    elif found is None:
        lines.append((("Stopped. p computes again.", "warn"),))
    if found is not None:
        lines += paragraph(" · ".join(found.backtest.header), width, "muted")
        lines += paragraph(DEFINITIONS, width, "muted") if width >= _WIDE else []
    return [*lines, *(line for note in notes for line in paragraph(note, width, "muted"))]
