"""Help of a section or page, built from the action table and the keys of the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.standing import GLYPHS, NEAR_GLYPH, TILE_GLYPHS, Tile
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import offered, section_actions
from rebal_tui.tui.keymap import MOVES, key_text
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.sections import EVERYWHERE, EXCEPTIONS, Section, section_label
from rebal_tui.tui.segments import Line, beside, heading, paragraph
from rebal_tui.tui.widgets.lines import Builder

KEYS = 12
STATUS_SYMBOLS = (
    (GLYPHS[StatusKind.NEEDS_YOU], "needs you: counts accounts that an exception stops or whose run awaits approval"),
    (
        GLYPHS[StatusKind.WILL_TRADE],
        "will trade (“Run pending” where every run is reviewed): a run is queued or working, or is due at the next "
        "evaluation",
    ),
    (GLYPHS[StatusKind.WAITS], "waits: a trigger holds, but a cooldown, the session or a date delays it"),
    (GLYPHS[StatusKind.IN_RANGE], "in range"),
    (NEAR_GLYPH, "in range, at 80 % of a band or more"),
)
SECTION_SYMBOLS: dict[str, tuple[tuple[str, str], ...]] = {
    Section.DESK: (
        *STATUS_SYMBOLS,
        (TILE_GLYPHS[Tile.CALENDAR], "a calendar rebalance is due today"),
        (TILE_GLYPHS[Tile.CASH], "cash above the cash target waits to be invested"),
        (TILE_GLYPHS[Tile.FIRST], "waits for the first rebalance of its subscription"),
        (TILE_GLYPHS[Tile.OUTSIDE], "outside a drift band; before a reason: the account is stopped"),
        (TILE_GLYPHS[Tile.UNABLE], "a price is missing or too old"),
    ),
    Section.ACCOUNTS: (
        *STATUS_SYMBOLS,
        ("○", "follows no portfolio"),
        (STOPPED, "stopped, with the reason"),
        ("◌", "blocked by the broker"),
        ("✗", "not active at the broker"),
    ),
    Section.PORTFOLIOS: (
        *STATUS_SYMBOLS,
        (STOPPED, "needs adjustment; of a condition: drift band"),
        (GLYPHS[StatusKind.NEEDS_YOU], "of a portfolio: active, with an asset to replace"),
        ("◇", "calendar"),
        ("◆", "when weights or conditions change"),
        ("◌", "inactive"),
    ),
    Section.RUNS: (
        ("◷", "queued"),
        ("▶", "in progress"),
        ("◇", "awaits approval"),
        ("●", "completed as planned"),
        ("▲", "completed with skipped, failed or unfilled orders, or less cash raised than asked; of an order: buy"),
        ("▼", "of an order: sell"),
        ("✗", "failed"),
        ("◌", "canceled, or cut short by it; of an order: skipped"),
        ("⊘", "overrides a restriction, with a note"),
        ("+", "of a tab: at least as many; the last row of the list loads older ones"),
    ),
    EXCEPTIONS: (
        ("!", "exception: stops trading or needs you; counted once for its cause, not for each account it concerns"),
        ("▲", "alert: acknowledge it with a"),
        ("✓", "ended at this time; leaves the list when the rows are sorted again"),
    ),
    Section.LAB: (
        ("◆", "yours, or sample: the policy of the portfolio that is tested"),
        ("▼", "the policy that costs less"),
        ("^", "behind a return: with a band one point wider or narrower it is another one, so it may be luck"),
    ),
    Section.CASH: (
        ("✓", "completed stage of a withdrawal"),
        ("▸", "stage in progress"),
        ("·", "later stage"),
        (STOPPED, "stopped stage: retry or cancel the withdrawal"),
        ("◌", "canceled at this stage"),
        ("( )", "a payout: the amount that the row of its withdrawal has"),
    ),
}
"""Legends of the sections that have symbols of their own; the other sections show `STATUS_SYMBOLS`."""


MOVED_SYMBOL = ("↕", "a row that belongs elsewhere since the last key, which keeps the order for 10 s; . sorts")
IDLE = "Dimmed keys need a row, or another than that under the cursor."


def help_lines(
    section: str,
    keymap: Mapping[str, str] = MappingProxyType({}),
    mode: str = "",
    idle: Collection[str] = (),
    *,
    detail: bool = True,
) -> Builder:
    """Build the help of a section: its keys, the keys that work everywhere, and symbols.

    `keymap` has user-defined keys by action id. `mode` is the book's mode, as the status line shows it. The actions
    with an id in `idle`, which cannot work at present, are dimmed. `detail` is whether the list has a detail panel.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        if width < 100:
            keys = [*_here(section, width, keymap, mode, idle), (), *_everywhere(width, keymap, mode)]
            return [*keys, (), *_moves(width, detail=detail), (), *_legend(section, width)]
        left = (width - 3) // 2
        right = width - 3 - left
        here = _here(section, left, keymap, mode, idle)
        here += [(), *_moves(left, detail=detail), (), *_legend(section, left)]
        return beside(here, _everywhere(right, keymap, mode), left)

    return build


class PageKey(NamedTuple):
    """A key of a page as displayed, its label, and an explanation, which may be empty."""

    keys: str
    label: str
    text: str


def page_help_lines(
    title: str,
    own: Sequence[PageKey],
    taken: Collection[str],
    keymap: Mapping[str, str] = MappingProxyType({}),
    mode: str = "",
) -> Builder:
    """Build the help of a page: its `own` keys, then the keys that work everywhere, except the keys in `taken`, to
    which the page gives another meaning.

    `mode` is the book's mode, as the status line shows it.
    """

    def here(width: int) -> list[Line]:
        lines: list[Line] = [heading(title, width)]
        for keys, name, text in own:
            label = name.removesuffix("…")
            lines += _entry(keys, f"{label}. {text}" if text else f"{label}.", width)
        return lines

    def build(width: int, _height: int) -> Sequence[Line]:
        if width < 100:
            return [*here(width), (), *_everywhere(width, keymap, mode, taken)]
        left = (width - 3) // 2
        return beside(here(left), _everywhere(width - 3 - left, keymap, mode, taken), left)

    return build


def _entry(keys: str, text: str, width: int, *, dimmed: bool = False) -> list[Line]:
    parts = paragraph(text, width - KEYS, "muted" if dimmed else "")
    first: Line = ((keys.ljust(KEYS), "muted" if dimmed else "key"), *parts[0])
    return [first, *(((" " * KEYS, ""), *part) for part in parts[1:])]


def _here(section: str, width: int, keymap: Mapping[str, str], mode: str, idle: Collection[str]) -> list[Line]:
    lines: list[Line] = [heading(section_label(section), width)]
    for action in section_actions(section):
        if offered(action, mode):
            keys, text = key_text(keymap.get(action.id, action.keys)), f"{action.label}. {action.help}"
            lines += _entry(keys, text, width, dimmed=action.id in idle)
    if idle:
        lines += paragraph(IDLE, width, "muted")
    return lines if len(lines) > 1 else [*lines, (("No keys in this section.", "muted"),)]


def _everywhere(width: int, keymap: Mapping[str, str], mode: str, taken: Collection[str] = ()) -> list[Line]:
    lines: list[Line] = [heading("Everywhere", width)]
    lines += _entry("1 … 8", ", ".join(section.label for section in Section) + ".", width)
    for action in ACTIONS:
        keys = key_text(keymap.get(action.id, action.keys))
        listed = action.scope == EVERYWHERE and not action.id.startswith("go.") and offered(action, mode)
        if listed and keys not in taken:
            lines += _entry(keys, f"{action.label}. {action.help}", width)
    return lines


def _moves(width: int, *, detail: bool) -> list[Line]:
    lines: list[Line] = [heading("Lists", width)]
    for keys, text in MOVES:
        if detail or keys != "tab":
            lines += _entry(keys, text, width)
    return lines


def _legend(section: str, width: int) -> list[Line]:
    lines: list[Line] = [heading("Symbols", width)]
    for glyph, text in (*SECTION_SYMBOLS.get(section, STATUS_SYMBOLS), MOVED_SYMBOL):
        lines += _entry(glyph, text, width)
    return lines
