"""Progress in the head of the Lab."""

from __future__ import annotations

import pytest

from rebal_tui.tui.screens.lab.head import Step, _answer


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
