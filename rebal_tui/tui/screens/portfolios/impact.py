"""The impact of a portfolio, as stored or as edited: its figures, and what happens to each account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import date
from typing import Any, ClassVar, overload

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.domain.text import count_text
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.portfolios import AffectedAccount, Impact
from rebal_tui.services.view_models.standing import GLYPHS, TILE_GLYPHS, Tile
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import desk_queries
from rebal_tui.tui.host import Asks
from rebal_tui.tui.questions import Item
from rebal_tui.tui.screens.portfolios.lines import impact_lines
from rebal_tui.tui.screens.shared.account_lines import whole_account_lines
from rebal_tui.tui.screens.shared.confirm import item_columns, show_items
from rebal_tui.tui.screens.shared.dialog import Dialog, ReadScreen
from rebal_tui.tui.screens.shared.status_styles import STATUS_STYLES
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import Builder, LinesView
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_order import Columnar

NOBODY = "No account is outside a band, and none would trade."


def affected_text(one: AffectedAccount) -> str:
    """`3 orders, in range → outside`: what happens to an account, and whether it is inside its bands before and after
    the change.

    What happens comes first, because a narrow column cuts the end.
    """
    before = _range_text(one.outside_before, banded=one.banded_before)
    after = _range_text(one.outside_after, banded=one.banded_after)
    if one.unable:
        what = one.unable
    elif one.blocked:
        what = "blocked" if one.blocked == "blocked" else f"blocked: {one.blocked}"
        what += f"; {_cooldown_text(one.cooldown_until)}" if one.cooldown_until is not None else ""
    elif one.cooldown_until is not None:
        what = _cooldown_text(one.cooldown_until)
    elif one.calendar_day is not None:
        what = f"calendar rebalance {formats.day(one.calendar_day)} {one.calendar_day.year}"
    else:
        what = count_text(one.orders, "order") if one.orders else "no order"
        what += " (has a run already)" if one.has_run and one.orders else ""
    return f"{what}, {after if before == after else f'{before} → {after}'}"


def _cooldown_text(until: date) -> str:
    """`not before 27 Nov 2026 (cooldown)`, by the first evaluation after it. The account's page gives this day as the
    first possible one, and the day on which the cooldown ends, which may be a holiday.
    """
    return f"not before {formats.day(until)} {until.year} (cooldown)"


def _range_text(outside: bool, *, banded: bool) -> str:
    return "outside" if outside else "in range" if banded else "no band"


def affected_mark(one: AffectedAccount) -> tuple[str, str]:
    """Return mark and style of an account as the Desk would show it after the change.

    An account that waits for its day of the calendar condition has the mark of that condition.
    """
    if one.blocked:
        return GLYPHS[StatusKind.NEEDS_YOU], STATUS_STYLES[StatusKind.NEEDS_YOU]
    if one.cooldown_until is not None:
        return GLYPHS[StatusKind.WAITS], STATUS_STYLES[StatusKind.WAITS]
    if one.calendar_day is not None:
        return TILE_GLYPHS[Tile.CALENDAR], "key"
    return ("■", "bad") if one.outside_after else ("●", "good")


class AffectedItems(Sequence[Item]):
    """The affected accounts as items of a confirmation (`Question`). An item is built only when it is shown."""

    def __init__(self, source: Columnar, host: Asks) -> None:
        self._source = source
        self._host = host

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return [self._item(self._source[at]) for at in range(*index.indices(len(self)))]
        return self._item(self._source[index])

    def _item(self, one: AffectedAccount) -> Item:
        return Item(
            one.account_id,
            one.client,
            affected_text(one),
            formats.money(one.turnover) if one.orders else "",
            mark=affected_mark(one),
            lines=self._account(one.account_id),
        )

    def _account(self, account_id: str) -> Callable[[], Awaitable[Builder]]:
        async def lines() -> Builder:
            return whole_account_lines(await self._host.ask(desk_queries.account_view, account_id))

        return lines

    def arrange(
        self, accept: Callable[[Any], bool] | None, text: str, sort: str | None, reverse: bool
    ) -> Sequence[int]:
        """Return the indices of the rows to show, in order: those that `accept` and the text filter let through, sorted
        by `sort`.
        """
        return self._source.arrange(accept, text, sort, reverse)

    def several(self, positions: Any, around: Any) -> Sequence[Item]:
        """Return the items at the indices `positions`."""
        return [self._item(one) for one in self._source.several(positions, around)]

    def key_at(self, row_index: int) -> Hashable:
        """Return the id of the account at an index."""
        return self._source.key_at(row_index)

    def row_ids(self) -> Any:
        """Return one integer for each account; it identifies the account as long as the list is shown."""
        return self._source.row_ids()

    def find(self, key: Hashable) -> int | None:
        """Return the index of the account with this id; None if it is not affected."""
        return self._source.find(key)


def item_titles(impact: Impact) -> tuple[str, str, str]:
    """Return the titles of the affected accounts' columns; the title of the amounts is empty if no account trades."""
    return "Client", "What would happen", "Turnover $" if impact.orders else ""


def affected_items(impact: Impact, host: Asks) -> Sequence[Item]:
    """Return the accounts that an impact affects, as items of a confirmation."""
    return AffectedItems(impact.affected, host) if isinstance(impact.affected, Columnar) else ()


class ImpactScreen(Dialog[bool]):
    """Shows the figures of an impact above the affected accounts; enter opens the account under the cursor.

    If the impact is that of a change being edited, ctrl+s closes the screen and returns True, so that the editor saves
    the change.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("ctrl+s", "save", "Save"),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    ImpactScreen { background: $background; }
    ImpactScreen #impact-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    ImpactScreen #impact-figures { height: auto; }
    """

    def __init__(self, name: str, impact: Impact, what: str, *, changed: bool) -> None:
        """`what` describes the change. Without `changed`, the portfolio is as stored, so each figure is shown once, not
        before and after.
        """
        super().__init__()
        self._name, self._impact, self._what, self._changed = name, impact, what, changed

    def compose(self) -> ComposeResult:
        yield Static(ui_text(f"Impact · {self._name}"), id="impact-title", markup=False)
        figures = LinesView(impact_lines(self._impact, self._what, changed=self._changed), id="impact-figures")
        figures.can_focus = False
        yield figures
        yield BookTable(item_columns(item_titles(self._impact)), lambda item: item.key, empty=NOBODY)
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._changed if action == "save" else super().check_action(action, parameters)

    def action_save(self) -> None:
        self.dismiss(True)

    def on_mount(self) -> None:
        show_items(self.query_one(BookTable), affected_items(self._impact, self.host))

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        item = event.table.cursor_row
        if isinstance(item, Item) and item.lines is not None:
            self.host.work(self._show(item, item.lines), name="account")

    async def _show(self, item: Item, lines: Callable[[], Awaitable[Builder]]) -> None:
        builder = await lines()
        if self.is_current:
            self.app.push_screen(ReadScreen(f"Account of {item.name}", builder, copy=item.key))
