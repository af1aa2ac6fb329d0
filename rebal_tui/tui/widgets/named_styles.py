"""The named styles of all line-based widgets, defined once, at the app."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App

STYLES = (
    "muted",
    "rule",
    "good",
    "warn",
    "bad",
    "good-bar",
    "warn-bar",
    "bad-bar",
    "accent",
    "accent-bar",
    "title",
    "alt",
    "key",
)


class StyledApp(App[None]):
    """Base of an app with line-based widgets: its style sheet defines the colors of the named styles.

    They are defined once at the app, because Textual recomputes the component styles that a
    widget defines at every change of focus.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{named_style}" for named_style in STYLES}
    DEFAULT_CSS = """
    StyledApp {
        .tone--muted { color: $foreground 60%; }
        .tone--rule { color: $foreground 25%; }
        .tone--good { color: $text-success; }
        .tone--warn { color: $text-warning; }
        .tone--bad { color: $text-error; text-style: bold; }
        .tone--good-bar { color: $success 60%; }
        .tone--warn-bar { color: $warning 80%; }
        .tone--bad-bar { color: $error 90%; }
        .tone--accent { color: $text-primary; }
        .tone--accent-bar { color: $primary 75%; }
        .tone--alt { color: $text-secondary; }
        .tone--title { color: $foreground; text-style: bold; }
        .tone--key { color: $text-accent; text-style: bold; }
    }
    StyledApp:ansi {
        .tone--muted { text-style: dim; }
        .tone--rule { text-style: dim; }
    }
    """
