"""Screen updates that render only the cells that changed, and only the widgets that show them."""

from __future__ import annotations

from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

Piece = tuple[int, int, Strip]
"""Column and line on the screen, from 0, and the cells (Textual's `Strip`) to draw from that column on."""


class CellsUpdate(CompositorUpdate):
    """A screen update: segments of adjacent cells to draw, each with its column and line on the terminal."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console, options
        for x, y, strip in self.pieces:
            yield Control.move_to(x, y).segment
            yield from strip

    def render_segments(self, console: Console) -> str:
        """Return the text with escape sequences for the terminal."""
        return "".join([f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self.pieces])


def render_changes(compositor: Compositor) -> CellsUpdate | None:
    """Return an update of the cells that changed since the last screen update; None when no cell did.

    Each changed cell is rendered once, by the topmost widget at that cell. Textual's own method renders every line of
    all widgets that overlap a rectangle around the changes, even of widgets hidden by others.
    """
    screen = compositor.size.region
    changes = [region.intersection(screen) for region in compositor._dirty_regions]
    compositor._dirty_regions.clear()
    if not changes:
        return None
    left = _disjoint(changes)
    pieces: list[Piece] = []
    for widget, (region, clip) in compositor.visible_widgets.items():
        if not left:
            break
        shown = region.intersection(clip)
        covered = [part for part in left if part.overlaps(shown)]
        if not covered:
            continue
        left = [part for part in left if not part.overlaps(shown)]
        for part in covered:
            cells = part.intersection(shown)
            strips = widget.render_lines(cells.translate((-region.x, -region.y)))
            pieces.extend((cells.x, y, strip) for y, strip in zip(cells.line_range, strips, strict=False))
            left += _without(part, cells)
    pieces.sort(key=lambda piece: piece[:2][::-1])
    return CellsUpdate(pieces)


def _disjoint(regions: list[Region]) -> list[Region]:
    """Return regions that cover the same cells without overlapping; where two overlap, the smaller one is split."""
    found: list[Region] = []
    for region in sorted(regions, key=lambda region: -region.area):
        parts = [region] if region.area else []
        for other in found:
            parts = [rest for part in parts for rest in _without(part, part.intersection(other))]
        found += parts
    return found


def _without(region: Region, hole: Region) -> list[Region]:
    """The rest of a region after cutting `hole`, a part of it: at most four regions."""
    if not hole.area:
        return [region]
    right, bottom = region.right, region.bottom
    rest = (
        Region(region.x, region.y, region.width, hole.y - region.y),
        Region(region.x, hole.bottom, region.width, bottom - hole.bottom),
        Region(region.x, hole.y, hole.x - region.x, hole.height),
        Region(hole.right, hole.y, right - hole.right, hole.height),
    )
    return [part for part in rest if part.area]


_draw = Screen._compositor_refresh


def draw_after_batch(screen: Screen[Any]) -> None:
    """Draw what changed on a screen; during a batch update, have the whole screen drawn at its end.

    Textual renders the frame of a layout during a batch too, but does not send it, and regards its cells as drawn: of
    a section that opens, only what changes later would appear above the section before.
    """
    if screen.app._batch_count:
        screen.refresh()
    else:
        _draw(screen)


def patch_frames() -> None:
    """Replace `Compositor.render_partial_update` with `render_changes`, and `Screen._compositor_refresh` with
    `draw_after_batch`.
    """
    Compositor.render_partial_update = render_changes  # type: ignore[assignment, method-assign]  # replaces it
    Screen._compositor_refresh = draw_after_batch  # type: ignore[assignment, method-assign]  # replaces it
