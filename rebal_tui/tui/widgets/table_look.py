"""Keys and style sheet of a table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("down,j", "move(1)", "Down", show=False),
    Binding("up,k", "move(-1)", "Up", show=False),
    Binding("pagedown", "page(1)", "Page down", show=False),
    Binding("pageup", "page(-1)", "Page up", show=False),
    Binding("home", "edge(False)", "First row", show=False),
    Binding("end", "edge(True)", "Last row", show=False),
    Binding("enter", "open", "Open", show=False),
    Binding("space", "mark", "Mark", show=False),
    Binding("full_stop", "sort_now", "Sort now", show=False),
    Binding("right", "scroll_right", show=False),
    Binding("left", "scroll_left", show=False),
]
STYLE = """
BookTable {
    height: 1fr;
    background: $background;
    .table--header { color: $foreground 70%; background: $panel; text-style: bold; }
    .table--cursor { background: $primary 35%; text-style: bold; }
    .table--cursor-blurred { background: $primary 18%; }
    .table--marked { background: $accent 20%; }
}
BookTable:ansi {
    .table--header { text-style: bold underline; }
    .table--cursor { text-style: reverse; }
    .table--cursor-blurred { text-style: reverse dim; }
    .table--marked { text-style: underline; }
}
BookTable:nocolor {
    .table--cursor { text-style: reverse; }
    .table--cursor-blurred { text-style: underline; }
}
"""
