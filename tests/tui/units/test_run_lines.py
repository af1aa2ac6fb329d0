"""Run details in the panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from rebal_tui.domain.orders import Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import Qty, parse_money
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.view_models.runs import RunView, TimelineEvent
from rebal_tui.tui.screens.shared.run_lines import run_lines
from tests.tui.run_views import run_row, run_view
from tests.tui.views import desk_row


def run_texts(view: RunView, width: int) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in run_lines(view)(width, 40)]


def texts(width: int) -> list[str]:
    """Return the timeline lines of a run that was queued outside the window and ended after midnight New York time."""
    events = (("23 15:50", "QUEUED"), ("24 09:30", "IN_PROGRESS"), ("24 09:52", "buying"), ("25 00:01", "TIMEOUT"))
    timeline = tuple(
        TimelineEvent(datetime.fromisoformat(f"2026-11-{at}").replace(tzinfo=NEW_YORK), what, "") for at, what in events
    )
    desk = desk_row(1)
    shown = run_texts(replace(run_view(run_row(1, desk), desk), timeline=timeline), width)
    return shown[next(n for n, text in enumerate(shown) if text.startswith("Timeline")) + 1 :]


def test_a_narrow_timeline_marks_the_start_of_each_day() -> None:
    assert [text.split()[1:] for text in texts(50)[:6]] == [
        ["15:50:00", "queued"], ["24", "Nov"], ["09:30:00", "in", "progress"], ["09:52:00", "buying"], ["25", "Nov"],
        ["00:01:00", "timeout"],
    ]  # fmt: skip


def test_a_wide_timeline_has_the_date_at_every_event() -> None:
    assert [text.split()[1:4] for text in texts(90)[:4]] == [
        ["23", "Nov", "15:50:00"], ["24", "Nov", "09:30:00"], ["24", "Nov", "09:52:00"], ["25", "Nov", "00:01:00"],
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "lines"), [(44, 2), (90, 1)])
def test_the_portfolio_has_a_line_of_its_own_where_it_does_not_fit(width: int, lines: int) -> None:
    desk = replace(desk_row(1), portfolio="Conservative Income 30/70")
    shown = run_texts(run_view(run_row(1, desk), desk), width)
    assert " ".join(shown[1 : 1 + lines]).endswith("Conservative Income 30/70")
    assert shown[1 + lines].startswith("Run ")


@pytest.mark.parametrize("width", [46, 100])
def test_an_order_without_a_fill_shows_the_dollars_it_is_of(width: int) -> None:
    desk = desk_row(1)
    view = run_view(run_row(0, desk), desk)
    waiting = replace(view.orders[-1], filled_qty=Qty(0), notional=parse_money("123456.78"))
    partly = replace(view, orders=(*view.orders[:-1], waiting), fills=view.fills[:-1], phase="buying")
    shown = run_texts(partly, width)
    assert "▶ buying" in shown[1], "as in the list"
    start = next(n for n, text in enumerate(shown) if text.startswith("Orders"))
    assert shown[start + 1].split()[1:4] == ["Done", "Filled", "$"]
    row = next(text for text in shown[start:] if text.startswith(waiting.symbol))
    assert " ░░░░░░░ of 123,456.78 " in row, "the bar gives way to the dollars"
    assert all(len(text) <= width for text in shown[start : start + 8])


def test_the_reason_of_a_skipped_order_is_said_once() -> None:
    details = {
        SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL: "order notional value ($0.83) is less than the minimum ($1)",
        SkipReason.INSUFFICIENT_CASH: "no cash above the cash target after the sells",
    }
    skipped = tuple(
        SkippedOrder("GLD", Side.BUY, parse_money("0.83"), reason, text) for reason, text in details.items()
    )
    desk = desk_row(1)
    shown = run_texts(replace(run_view(run_row(1, desk), desk), skipped_orders=skipped), 80)
    start = next(n for n, text in enumerate(shown) if text.startswith("Skipped"))
    assert shown[start + 1 : start + 5] == [
        "◌ GLD $0.83", f"  {details[SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL]}",
        "◌ GLD $0.83  insufficient cash", f"  {details[SkipReason.INSUFFICIENT_CASH]}",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "head"), [(60, "Client 1  account "), (20, "Client 1  ")])
def test_the_number_behind_the_client_is_named_where_there_is_room(width: int, head: str) -> None:
    desk = desk_row(1, "Client 1")
    assert run_texts(run_view(run_row(1, desk), desk), width)[0] == f"{head}{desk.account_number}"
