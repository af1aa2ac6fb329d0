"""The recording of the demonstration is one that a player can show."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tests.tui import recording
from tests.tui.animated_svg import BLOCK, CELL, LINE, STRIDE, animated_svg

CHAPTERS = ("The Desk", "Why an account did not trade", "A preview", "Runs", "A report", "The Lab")
MAX_BYTES = 1024 * 1024
SVG = "{http://www.w3.org/2000/svg}"


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


def test_the_picture_shows_the_same_and_needs_nothing_else() -> None:
    text = recording.PICTURE.read_text(encoding="utf-8")
    assert len(text.encode()) < MAX_BYTES
    picture = ElementTree.fromstring(text)  # noqa: S314 – made by this program
    assert picture.get("viewBox") == f"0 0 {CELL * recording.SIZE[0]} {LINE * recording.SIZE[1]}"
    names = {one.get("id") for one in picture.iter() if one.get("id")}
    assert {one.get("href") for one in picture.iter() if one.get("href")} == {f"#{name}" for name in names}
    assert not re.search(r"<script|url\(|@import|/home/", text)
    shown = " ".join(picture.itertext())
    for part in ("nothing is sent", "Wrote the report of", "rebal-tui report --account", "policies"):
        assert part in shown


def test_a_block_moves_on_when_what_it_shows_changes() -> None:
    red = Style(color=Color.parse("#ff0000"), bold=True)
    first = [Strip([Segment("a < b" + " " * (BLOCK - 3)), Segment("side", red)]).adjust_cell_length(2 * BLOCK)]
    second = [Strip([Segment("a & b" + " " * (BLOCK - 3)), Segment("side", red)]).adjust_cell_length(2 * BLOCK)]
    text = animated_svg([(0.0, first), (2.5, second), (7.5, first)], (2 * BLOCK, 1), 10)
    picture = ElementTree.fromstring(text)  # noqa: S314 – made by this program
    steps = f"0%{{transform:translateX(0px)}}25%{{transform:translateX(-{CELL * STRIDE}px)}}75%"
    assert text.count("@keyframes") == 1
    assert f"{{{steps}" in text
    left, right = picture.findall(f"{SVG}svg")
    uses = [[use.get("href") for use in block.iter(f"{SVG}use")] for block in (left, right)]
    assert uses[0][0] == uses[0][2] != uses[0][1]
    assert len(uses[1]) == 1
    drawn = {f"#{group.get('id')}": "".join(group.itertext()) for group in picture.iter(f"{SVG}g") if group.get("id")}
    assert [drawn[str(name)] for name in (*uses[0][:2], uses[1][0])] == ["a < b", "a & b", "side"]
    assert "fill:#ff0000;font-weight:700" in text
