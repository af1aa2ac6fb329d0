"""Words in place of signs."""

from __future__ import annotations

import pytest

from rebal_tui.domain.quantities import Money
from rebal_tui.plain.speech import dollars, label, listed, points, sentence, spoken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SIMULATED ×60", "simulated, 60 times real time"),
        ("SIMULATED ×1", "simulated, in real time"),
        ("SIMULATED ×10", "simulated, 10 times real time"),
        ("SIMULATED ×1,000", "simulated, 1,000 times real time"),
        (
            "±5 pp · ±20 % · cooldown 7 d",
            "plus or minus 5 percentage points, plus or minus 20 percent, cooldown 7 days",
        ),
        ("OPEN · 4 h 48 m left", "OPEN, 4 hours 48 minutes left"),
        ("$2,459.55 → $2,444.64", "$2,459.55 to $2,444.64"),
        ("■ HALTED ▕██┃▏ ◷ waits", "HALTED waits"),
        ("needs you…", "needs you"),
        ("Müller & Søn (IRA), 日本", "Müller & Søn (IRA), 日本"),
        ("a\x1b[2Jb\nc", "a\ufffd[2Jb\ufffdc"),
        ("-5.42", "-5.42"),
    ],
)
def test_signs_are_words(text: str, words: str) -> None:
    assert spoken(text) == words


def test_sentences_and_labels() -> None:
    assert sentence("the portfolio is active") == "The portfolio is active."
    assert sentence("Deposit?") == "Deposit?"
    assert sentence("") == ""
    assert label("Cash", "") == "Cash: none"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert dollars(Money(-1_500_000_000)) == "-$1.50"
    assert points(-542) == "5.42 percentage points below target"
    assert points(0) == "on target"
