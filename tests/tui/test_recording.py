"""The recording of the demonstration is one that a player can show."""

from __future__ import annotations

import json
import re

from tests.tui import recording

CHAPTERS = ("The Desk", "Why an account did not trade", "A preview", "Runs", "A report", "The Lab")
MAX_BYTES = 1024 * 1024


def test_the_recording_is_whole_and_shows_what_it_must() -> None:
    text = recording.TARGET.read_text(encoding="utf-8")
    head, *events = [json.loads(line) for line in text.splitlines()]

    assert len(text.encode()) < MAX_BYTES
    assert (head["version"], head["width"], head["height"]) == (2, *recording.SIZE)
    times = [at for at, _, _ in events]
    assert times == sorted(times)
    assert 90 < times[-1] < 150
    marks = [label for _, kind, label in events if kind == "m"]
    assert [label.startswith(chapter) for label, chapter in zip(marks, CHAPTERS, strict=True)] == [True] * len(CHAPTERS)
    assert "/home/" not in text
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(output for _, kind, output in events if kind == "o"))
    assert "nothing is sent" in shown
    assert "Wrote the report of" in shown
