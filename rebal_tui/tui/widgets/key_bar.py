"""Bottom line with a notice and as many available keys as fit after it; those of help and command palette are always
shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip

from rebal_tui.tui.notices import MARKS, STYLES, HasNotice, Notice
from rebal_tui.tui.segments import wrap
from rebal_tui.tui.widgets.styles import StyledView

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.dom import DOMNode

T = TypeVar("T")
ALWAYS_SHOWN_ACTIONS = frozenset({"help", "command_palette"})
"""Names of the actions that list all other actions; their keys are never left out."""
MORE = "More"
"""Label of the help key while other keys are left out."""
MORE_WIDTH = 6
"""If fewer cells are left after a notice of one line, too few for the help key, the keys get a line below it."""
NOTICE_LINES = 3
"""Maximum number of lines of a notice."""
MARK_WIDTH = 3
"""Width in cells of the mark before a notice, with a space on either side."""
KEYS_GAP = 3
"""Least number of cells between a notice and the keys after it."""
KEYS_BESIDE_MIN_WIDTH = 24
"""If fewer cells are left after a notice of several lines, the keys get a line of their own below it."""


class ShownKey(NamedTuple):
    """A key of the bar: Textual's name, the key as displayed, label, action, whether it is enabled, and tooltip."""

    key: str
    display: str
    description: str
    action: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Width in cells of the key with its label, without the gap after them."""
        return cell_len(f"{self.display} {self.description}")


class KeyBar(StyledView, can_focus=False):
    """One line of keys. If the terminal is too narrow, keys at the end are left out; a key is never truncated.

    A notice comes first, followed by the keys that fit. While a dialog is above the screen, no key is shown. One widget
    draws all keys, because they change with every focus and screen: a widget per key, as in Textual's Footer, would
    take more time than all other widgets of a screen.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--description", "key-bar--hover"}
    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        overflow: hidden;
        color: $footer-foreground;
        background: $panel;
        text-wrap: nowrap;
        .key-bar--key {
            color: $footer-key-foreground;
            background: $footer-key-background;
            text-style: bold;
        }
        .key-bar--description {
            color: $footer-description-foreground;
            background: $footer-description-background;
        }
        .key-bar--hover {
            color: $footer-key-foreground;
            background: $block-hover-background;
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[ShownKey] = []
        """The keys shown, from left to right."""
        self._available: list[ShownKey] = []
        self._gap = 1
        self._hovered: int | None = None

    notice: reactive[Notice | None] = reactive(None)
    """The notice before the keys, in up to `NOTICE_LINES` lines; None for no notice."""
    unusable: reactive[frozenset[str]] = reactive(frozenset())
    """Actions that at present only show why they cannot work; their keys are dimmed."""
    left_out: reactive[frozenset[str]] = reactive(frozenset())
    """Actions that cannot work on the row under the cursor; their keys are not shown."""

    def watch_notice(self, notice: Notice | None) -> None:
        """Make the bar higher for a long notice, so that the notice covers no data."""
        self.styles.height = len(self._notice_lines(notice)) if notice is not None else 1
        self._show(self._available)

    def watch_left_out(self) -> None:
        self._show(self._available)

    def _notice_lines(self, notice: Notice) -> list[str]:
        """The lines of a notice, with an empty last line if the keys have a line of their own."""
        width = self.app.size.width
        lines = wrap(notice.text, width - MARK_WIDTH - 1)[:NOTICE_LINES]
        left = width - _beside(lines[-1])
        crowded = left < (KEYS_BESIDE_MIN_WIDTH if len(lines) > 1 else MORE_WIDTH)
        return [*lines, ""] if crowded else lines

    def on_mount(self) -> None:
        self._take_notice()
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def on_resize(self, _event: events.Resize) -> None:
        self._show(self._available)

    def _take_notice(self) -> None:
        if isinstance(self.app, HasNotice):
            self.notice = self.app.notice

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached:
            self._take_notice()
        if screen.app.app_focus and self.is_attached and screen is self.screen:
            self._show(_available_keys(screen))

    def _show(self, available: list[ShownKey]) -> None:
        gap = 1 if self.screen.has_class("-narrow") else 2
        shown = [key for key in available if key.action not in self.left_out]
        width = self.app.size.width
        if self.notice is not None:
            width -= _beside(self._notice_lines(self.notice)[-1])
        keys = _fitting(shown, width, gap)
        if sum(key.width for key in keys) + gap * (len(keys) - 1) > width:
            keys = [key for key in keys if key.action == "help" and key.width <= width]
        self._available = available
        if (keys, gap) != (self.keys, self._gap):
            self.keys, self._gap, self._hovered = keys, gap, None
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line; each key's segments carry the key's index as metadata, which mouse events use."""
        if self.notice is None:
            return self._keys_strip(self.size.width)
        lines, style = self._notice_lines(self.notice), STYLES[self.notice.severity]
        mark = MARKS[self.notice.severity] if y == 0 else " "
        text = lines[y] if y < len(lines) else ""
        width = self.size.width
        if y == len(lines) - 1 and self.keys:
            keys = self._keys_strip(sum(key.width for key in self.keys) + self._gap * (len(self.keys) - 1))
            rest = width - keys.cell_length
            return Strip([*self.strip(((f" {mark} ", style), (text, style)), rest, self.rich_style), *keys], width)
        return self.strip(((f" {mark} ", style), (text, style)), width, self.rich_style)

    def _keys_strip(self, width: int) -> Strip:
        if self.screen is not self.app.screen:
            return self.strip((), width, self.rich_style)
        key_style, description_style, hover = (
            self.rich_style + self.get_component_rich_style(f"key-bar--{name}")
            for name in ("key", "description", "hover")
        )
        blank = Style(bgcolor=self.rich_style.bgcolor)
        line: list[Segment] = []
        for index, key in enumerate(self.keys):
            look = Style(meta={"key": index}, dim=None if key.enabled and key.action not in self.unusable else True)
            if index == self._hovered:
                look += hover
            if index:
                line.append(Segment(" " * self._gap, blank))
            line.append(Segment(key.display, key_style + look))
            line.append(Segment(f" {key.description}", description_style + look))
        return Strip(line).adjust_cell_length(width, blank)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self.tooltip = None if index is None else self.keys[index].tooltip or None
            self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(event.style.meta.get("key"))

    def on_leave(self, _event: events.Leave) -> None:
        self._hover(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        index = event.style.meta.get("key")
        if index is None:
            if self.notice is not None and isinstance(self.app, HasNotice):
                self.app.action_notices()
            return
        if self.keys[index].enabled:
            self.app.simulate_key(self.keys[index].key)
        else:
            self.app.bell()


class HasKeyBar(Screen[T]):
    """A screen that redraws its key bar when a dialog above it opens or closes.

    When another screen is shown, a notice about the hidden one ends.
    """

    @property
    def is_attached(self) -> bool:
        """Whether the screen is in the app and is not being removed: its widgets are removed before it is."""
        return super().is_attached and not self._pruning

    def on_screen_suspend(self) -> None:
        if isinstance(self.app, HasNotice):
            self.app.leave_notice(self)
        self._redraw_keys()

    def on_screen_resume(self) -> None:
        self._redraw_keys()

    def _redraw_keys(self) -> None:
        for bar in self.query(KeyBar):
            bar.refresh()


@runtime_checkable
class HasFirstSteps(Protocol):
    """A screen that sometimes offers first actions, such as for an empty book; their keys then come first in the
    bar.
    """

    @property
    def first_actions(self) -> tuple[str, ...]:
        """The `method` of each action whose key comes first in the bar, in this order; empty for the default order."""


@runtime_checkable
class HasNotOffered(Protocol):
    """An app in which some actions never apply, such as those of the simulated broker on another broker's book; no bar
    shows their keys.
    """

    @property
    def not_offered(self) -> frozenset[str]:
        """The ids of the actions that never apply to a book in its current mode."""


def _available_keys(screen: Screen[object]) -> list[ShownKey]:
    """Return one key for each action whose key is to be shown; those of `HasFirstSteps.first_actions` come first."""
    first = screen.first_actions if isinstance(screen, HasFirstSteps) else ()
    app = screen.app
    never = app.not_offered if isinstance(app, HasNotOffered) else frozenset()
    keys: dict[str, ShownKey] = {}
    for _, binding, enabled, tooltip in _in_table_order(screen):
        is_shown = (binding.show or binding.action in first) and binding.id not in never
        if is_shown and binding.action not in keys:
            display = app.get_key_display(binding)
            keys[binding.action] = ShownKey(binding.key, display, binding.description, binding.action, enabled, tooltip)
    return [*(keys.pop(action) for action in first if action in keys), *keys.values()]


def _in_table_order(screen: Screen[object]) -> list[ActiveBinding]:
    """Return the active bindings in the order of the action table, also those whose keys the user changed.

    Textual puts changed keys behind all other keys of a node.
    """
    active = list(screen.active_bindings.values())
    if not screen.app._keymap:
        return active
    nodes: dict[DOMNode, int] = {}
    ranks: dict[tuple[DOMNode, str], int] = {}
    for node in (found.node for found in active):
        if node not in nodes:
            nodes[node] = len(nodes)
            for rank, (key, binding) in enumerate(node._bindings):
                ranks.setdefault((node, binding.id or key), rank)

    def place(found: ActiveBinding) -> tuple[int, int]:
        node, binding = found.node, found.binding
        return nodes[node], ranks[node, binding.id or binding.key]

    return sorted(active, key=place)


def _beside(text: str) -> int:
    """Width in cells, with the gap, that the last line of a notice (`text`) takes from the keys after it; 0 for no
    text.
    """
    return MARK_WIDTH + cell_len(text) + KEYS_GAP if text else 0


def _fitting(keys: list[ShownKey], width: int, gap: int) -> list[ShownKey]:
    """Return the keys that fit into `width` cells, with `gap` cells between two keys; keys at the end are left out
    first.

    Keys of `ALWAYS_SHOWN_ACTIONS` stay.
    """
    available = width + gap - sum(key.width + gap for key in keys if key.action in ALWAYS_SHOWN_ACTIONS)
    shown = []
    for key in keys:
        always = key.action in ALWAYS_SHOWN_ACTIONS
        if not always:
            available -= key.width + gap
        if available >= 0 or always:
            shown.append(key)
    if len(shown) < len(keys):
        shown = [key._replace(description=MORE) if key.action == "help" else key for key in shown]
    return shown
