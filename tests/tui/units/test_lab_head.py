"""Progress in the head of the Lab, and what its help adds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rebal_tui.tui.screens.lab.head import Step, _answer
from rebal_tui.tui.screens.lab.words import MORE, MORE_OF_POLICY, cut, lab_help_lines
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.lines import nothing


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Step("sessions", 0, 0, 3.0), ""),
        (Step("sessions", 0, 4000, 3.0), " 0 of 4,000 sessions"),
        (Step("sessions", 1000, 4000, 10.0), " 1,000 of 4,000 sessions, about 30 s left"),
        (Step("sessions", 3900, 4000, 40.0), " 3,900 of 4,000 sessions"),
    ],
)
def test_the_time_left_is_shown_when_it_is_long(step: Step, text: str) -> None:
    assert step.text == text


def test_a_long_answer_is_wrapped_beside_its_question() -> None:
    lines = ["".join(text for text, _ in line) for line in _answer("Which?  ", "no difference. Turnover: yes.", "", 24)]

    assert lines == ["Which?  no difference.", "        Turnover: yes."]


def text_of(lines: Sequence[Line]) -> list[str]:
    return ["".join(text for text, _ in line).strip() for line in lines]


def test_a_head_that_does_not_fit_says_where_the_rest_is() -> None:
    head = [((name, ""),) for name in ("one", "two", "three")]

    assert text_of(cut(head, 80, 3)) == ["one", "two", "three"]
    assert text_of(cut(head, 80, 2)) == ["one", MORE]
    assert text_of(cut(head, 80, 2, MORE_OF_POLICY)) == ["one", MORE_OF_POLICY]


def test_help_has_the_whole_head_and_every_word_of_the_lab() -> None:
    head: list[Line] = [(("too few; o opens a file of closes", ""),)]
    shown = text_of(lab_help_lines(lambda _width: head, nothing)(80, 24))

    assert shown[1] == "too few; o opens a file of closes"
    for word in ("edge", "interval of 95 %", "every 21 sessions", "paired block bootstrap", "rms", "SPA", "^"):
        assert word in shown
    assert shown[shown.index("worst") + 1].startswith("the largest drift of an asset"), "not what it means elsewhere"
