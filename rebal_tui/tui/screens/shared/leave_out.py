"""Leaves one plan line out of a run by a lock: a restriction on the line's asset that ends with the run's session
(R-60).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from textual.screen import Screen

from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.plan_figures import line_amount
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import restriction_queries, restrictions
from rebal_tui.tui.host import host_of
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen
from rebal_tui.tui.screens.shared.restriction_form import read_last_day
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder

_YES = "Leave out"
_AROUND = "The other lines are planned again around it, and the new plan is shown. Nothing is sent yet."


def leave_out(screen: Screen[Any], view: PreviewView, closed: Callable[[], None]) -> None:
    """Ask which line of a plan to leave out, then for the reason; the first question is
    skipped if only one line trades.

    `closed` is called at the end, whether a line was left out or not.
    """
    choices = [
        Choice(line.symbol, line.symbol, f"{line.side} ${formats.money(line_amount(line))}")
        for line in view.plan.lines
        if line.side is not None
    ]

    def picked(symbol: str | None) -> None:
        if symbol:
            host_of(screen).work(_ask_reason(screen, view, symbol, closed), name="leave out")
        else:
            closed()

    if len(choices) == 1:
        picked(choices[0].key)
    else:
        title = f"Leave which line out of this run of {view.client}?"
        screen.app.push_screen(PickScreen(title, choices, "line"), picked)


async def _ask_reason(screen: Screen[Any], view: PreviewView, symbol: str, closed: Callable[[], None]) -> None:
    day = await host_of(screen).ask(restriction_queries.session_of_next_run)
    if screen.is_current:
        screen.app.push_screen(leave_out_form(view, symbol, day), lambda _added: closed())


def leave_out_form(view: PreviewView, symbol: str, day: date) -> FormScreen:
    """Create the form, filled in, that leaves the line of `symbol` out; `day` is the session of the run."""

    def propose(book: Book, values: Values) -> Proposal:
        until = read_last_day(values["until"])
        draft = RestrictionDraft(RestrictionKind.LOCK, values["reason"], symbol, until=until)
        restrictions.check_draft(book, draft)

        def act(book: Book) -> str:
            restrictions.add_restrictions(book, draft, Concerned((view.account_id,)))
            return f"{symbol}; R in Accounts lifts it"

        if until is None:
            ends = "until somebody lifts the lock"
        elif until == day:
            ends = f"in the session of {until}; the lock ends with it"
        else:
            ends = f"through {until}; then the lock ends by itself"
        what = f"{symbol} is locked: no run of {view.client} buys or sells it {ends}."
        return Proposal(_lines(what), f"Leave {symbol} out?", f"{what} {_AROUND}", _YES, act, "Left out")

    fields = [
        Field("until", "Last day", day.isoformat(), "YYYY-MM-DD; empty without an end"),
        Field("reason", "Reason", f"left out of the run of {day}", "required; in the audit"),
    ]
    return FormScreen(f"Leave {symbol} out of this run · {view.client}", fields, propose, blame="reason", at_once=_YES)


def _lines(what: str) -> Builder:
    def build(width: int, _height: int) -> Sequence[Line]:
        return [*paragraph(what, width), *paragraph(_AROUND, width, "muted")]

    return build
