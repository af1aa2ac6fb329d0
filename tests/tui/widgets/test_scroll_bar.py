"""A scroll bar is drawn again exactly when it looks different."""

import pytest
from rich.color import Color
from textual.scrollbar import ScrollBarRender

from rebal_tui.tui.widgets.scroll_bar import thumb_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "window", "whole"), [(10, 10, 37), (47, 46, 3_001), (24, 23, 25), (5, 0, 9), (5, 5, 5)]
)
def test_the_bar_looks_different_exactly_when_the_thumb_is_elsewhere(size: int, window: int, whole: int) -> None:
    looks: dict[tuple[int, int], object] = {}
    for position in range(max(whole - window, 0) + 1):
        colors = Color.parse("black"), Color.parse("white")
        drawn = ScrollBarRender.render_bar(size, whole, window, position, 1, True, *colors)
        look = [(segment.text, str(segment.style), segment.style and segment.style.meta) for segment in drawn.segments]
        assert looks.setdefault(thumb_of(size, window, whole, position), look) == look
    assert len(looks) == len({str(look) for look in looks.values()})
