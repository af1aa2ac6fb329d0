"""Review and kill switch: key-driven flows with the real services."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from textual.widgets import Button, Input

from rebal_tui.domain.runs import Approval, RunStatus
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.book.policy import policy_of, set_review
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.simulation import simulator
from rebal_tui.services.view_models.review import ReviewScope
from rebal_tui.store import audit, run_orders, runs
from rebal_tui.tui import formats
from rebal_tui.tui.screens.review.lines import policy_question
from rebal_tui.tui.screens.review.screen import ReviewScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen, ItemTable
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.field_help import HELP
from rebal_tui.tui.screens.shared.kill_switch import KillScreen
from tests.services.factories import all_runs
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import SIZES, at_time, market_book, run, run_heartbeat, shows, sound, write


def queue_book(accounts: int = 4, **options: Any) -> Book:
    """Create a book in which every account has a run awaiting approval, after SPY rose by 30 %."""
    book = market_book(accounts, **options)
    set_review(book, True)
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]
    from rebal_tui.services.schedule import scheduler

    at_time(book, "2026-03-02 10:15")
    scheduler.tick(book)
    assert {one.approval for one in all_runs(book)} == {Approval.AWAITING}
    return book


def statuses(book: Book) -> list[RunStatus]:
    return [one.status for one in all_runs(book)]


@pytest.mark.slow
def test_the_queue_is_one_key_away_and_counted_everywhere() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        assert "◇ 4 to review" in screen_text(app)
        await press(pilot, "9")
        text = screen_text(app)
        for part in ("◇ To review 4", "every automatic run is reviewed", "awaits approval", "Plan", "SPY"):
            assert part in text
        await press(pilot, "slash", "z", "z", "enter", "escape")
        assert "No row matches" not in screen_text(app), "escape clears the filter first"
        assert app.current_mode == "review"
        await press(pilot, "escape")
        assert app.current_mode == "cash"

    run(flow, book, "5", (140, 50))


@pytest.mark.slow
def test_one_run_is_approved_on_the_displayed_plan() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        key = app.screen.table.cursor_key
        await press(pilot, "A")
        assert isinstance(app.screen_stack[-1], ConfirmScreen)
        assert "above its target" in screen_text(app)
        await press(pilot, *["pagedown"] * 4)
        assert "After" in screen_text(app)
        assert "this is a preview" not in screen_text(app), "yes sends"
        await press(pilot, "escape")
        assert statuses(book).count(RunStatus.QUEUED) == 4
        await press(pilot, "A", "up")
        await write(pilot, "fine")
        await press(pilot, "ctrl+enter")
        assert runs.get(book.database, key).status is RunStatus.COMPLETED_SUCCESS
        assert ("approved", "fine") in [(what, note) for _, what, note in runs.notes(book.database, key)]
        assert len(app.screen.table.rows) == 3
        assert statuses(book).count(RunStatus.QUEUED) == 3

    run(flow, book, "9")
    sound(book)


@pytest.mark.slow
def test_a_small_a_asks_the_same_question_in_the_list_and_on_the_page_of_a_run() -> None:
    book = queue_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "a")
        assert "Approve this run?" in screen_text(app)
        await press(pilot, "n")
        await press(pilot, "enter", "a")
        assert "Approve this run?" in screen_text(app)
        await press(pilot, "n")
        assert app.current_mode == "review"

    run(flow, book, "9")
    assert statuses(book) == [RunStatus.QUEUED] * 2


@pytest.mark.slow
def test_a_rejection_needs_a_note() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        key = app.screen.table.cursor_key
        await press(pilot, "R")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "enter", "enter")
        assert runs.get(book.database, key).status is RunStatus.QUEUED
        assert "A note is required." in screen_text(app)
        await press(pilot, "escape", "R")
        await write(pilot, "not now")
        await press(pilot, "enter", "enter")
        rejected = runs.get(book.database, key)
        assert rejected.status is RunStatus.CANCELED
        assert rejected.reason == "rejected: not now"

    run(flow, book, "9")


@pytest.mark.slow
def test_a_changed_plan_is_shown_again_with_a_notice() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        key = app.screen.table.cursor_key
        await press(pilot, "A")
        simulator.shock(book, "SPY", 2000)  # type: ignore[arg-type]
        await press(pilot, "y")
        assert isinstance(app.screen, ConfirmScreen), "the new plan is asked about"
        assert "The plan has changed, nothing was sent. Approve the new plan?" in screen_text(app)
        assert any("nothing was sent" in text for text in shown_messages(app))
        assert runs.get(book.database, key).status is RunStatus.QUEUED
        await press(pilot, "y")
        assert runs.get(book.database, key).status is RunStatus.COMPLETED_SUCCESS

    run(flow, book, "9")
    sound(book)


@pytest.mark.slow
def test_a_plan_that_changed_before_it_was_seen_can_be_approved_at_once() -> None:
    book = queue_book()
    simulator.shock(book, "SPY", 2000)  # type: ignore[arg-type]

    async def flow(pilot: Any, app: Any) -> None:
        key = app.screen.table.cursor_key
        text = " ".join(screen_text(app).split())
        assert "Prices moved; the plan was recalculated." in text
        assert "Created 02 Mar 10:15: " in text, "its figures are those of that time"
        await press(pilot, "A", "y")
        assert runs.get(book.database, key).status is RunStatus.COMPLETED_SUCCESS

    run(flow, book, "9", (160, 50))


@pytest.mark.slow
def test_the_plan_of_the_dialog_is_of_the_time_at_which_it_holds_the_clock() -> None:
    """Else the prices of the heartbeat after it would refuse the first answer."""
    book = queue_book(2)
    clock = book.clock
    assert isinstance(clock, SimulatedClock)
    real = count(0, 0.5)
    clock._monotonic = lambda: next(real)  # Half a minute of the market passes whenever the clock is read.

    async def flow(pilot: Any, app: Any) -> None:
        simulator.resume_market(book)
        simulator.set_speed(book, 60)
        await run_heartbeat(pilot, app)
        await press(pilot, "A")
        await run_heartbeat(pilot, app)
        assert isinstance(app.screen, ConfirmScreen)
        assert f"at {formats.clock(book.now())} NY" in screen_text(app)
        await press(pilot, "n")
        shown = book.now()
        await run_heartbeat(pilot, app)
        await run_heartbeat(pilot, app)
        assert book.now() > shown, "time passes again"

    run(flow, book, "9")


@pytest.mark.slow
def test_all_marked_are_approved_after_a_look_at_one_plan() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "space", "space", "space", "A")
        assert "Approve 3 runs?" in screen_text(app)
        assert app.notice is None, "the notice of reading the plans ends when they are shown"
        await press(pilot, "up", "up", "enter")
        assert isinstance(app.screen, ReadScreen)
        assert "Sells" in screen_text(app) or "above its target" in screen_text(app)
        await press(pilot, "escape", "y")
        assert isinstance(app.screen, ReviewScreen), "no result page when nothing was refused"
        assert "Approved: 3 runs." in shown_messages(app)
        assert statuses(book).count(RunStatus.COMPLETED_SUCCESS) == 3
        assert statuses(book).count(RunStatus.QUEUED) == 1

    run(flow, book, "9")


@pytest.mark.slow
def test_the_detail_says_whether_the_run_shown_is_marked() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        assert "arked run" not in screen_text(app)
        await press(pilot, "space")
        assert "Not marked: approving and rejecting act on 1 marked run." in screen_text(app)
        await press(pilot, "k")
        assert "✓ The marked run." in screen_text(app)
        await press(pilot, "space")
        assert "arked run" not in screen_text(app)

    run(flow, queue_book(2), "9")


@pytest.mark.slow
def test_all_marked_are_rejected_with_one_note() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "space", "space", "R")
        await write(pilot, "later")
        await press(pilot, "ctrl+enter")
        assert "Rejected: 2 runs." in shown_messages(app)
        assert statuses(book).count(RunStatus.CANCELED) == 2

    run(flow, book, "9")


@pytest.mark.slow
def test_runs_approves_and_rejects_with_the_confirmation_of_the_queue() -> None:
    book = queue_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        assert "A Approve  R Reject" in screen_text(app)
        await press(pilot, "enter")
        assert "A Approve  R Reject" in screen_text(app), "also on its page"
        await press(pilot, "escape", "a")
        assert "Approve this run?" in screen_text(app), "as A does"
        await press(pilot, "y")
        assert statuses(book).count(RunStatus.COMPLETED_SUCCESS) == 1
        await press(pilot, "A")
        if shown_messages(app)[-1] != "This run does not await review.":
            await press(pilot, "n")
        await press(pilot, "j", "R")
        await write(pilot, "no")
        await press(pilot, "ctrl+enter")
        assert statuses(book).count(RunStatus.CANCELED) == 1

    run(flow, book, "4")


@pytest.mark.slow
def test_a_long_list_scrolls_at_once_whatever_has_the_focus() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, *["space"] * 12, "A")
        table, focused = app.screen.query_one(ItemTable), app.focused
        assert isinstance(focused, Button)
        assert table.max_scroll_y >= 2
        await press(pilot, "down", "down", "up")
        assert table.scroll_y == 1
        assert table.cursor_row is table.rows[2], "the cursor stays in view"
        await press(pilot, "pagedown")
        assert table.scroll_y == table.max_scroll_y
        assert app.focused is focused
        app.screen.query_one("#note").focus()
        await press(pilot, "f1")
        assert HELP["note"] in " ".join(screen_text(app).replace("│", " ").split()), "the list gets shorter for it"
        assert "Approve (ctrl+enter)" in screen_text(app)
        await press(pilot, "escape")
        assert HELP["note"][:20] not in screen_text(app)
        await press(pilot, "escape")

    run(flow, queue_book(12), "9", (80, 20))


@pytest.mark.slow
def test_the_buttons_name_their_keys_and_only_the_focused_one_is_filled() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "A")
        no, yes = app.screen.query(Button)
        assert app.focused is no
        assert [str(button.label) for button in (no, yes)] == ["Not now (n, enter)", "Approve (y)"]
        assert no.styles.background != yes.styles.background
        await press(pilot, "right")
        assert app.focused is yes
        assert [str(button.label) for button in (no, yes)] == ["Not now (n)", "Approve (y, enter)"]
        filled = yes.styles.background
        await press(pilot, "left")
        assert no.styles.background == filled != yes.styles.background
        await press(pilot, "up")
        assert [str(button.label) for button in (no, yes)] == ["Not now (esc)", "Approve (ctrl+enter)"]
        await press(pilot, "escape")
        assert isinstance(app.screen, ReviewScreen)

    run(flow, queue_book(1), "9")


@pytest.mark.slow
def test_in_a_live_book_approval_requires_typing() -> None:
    book = queue_book()
    book.settings = replace(book.settings, mode=Mode.LIVE)

    async def flow(pilot: Any, app: Any) -> None:
        await run_heartbeat(pilot, app)
        await press(pilot, "A", "enter")
        assert isinstance(app.screen_stack[-1], ConfirmScreen)
        assert statuses(book).count(RunStatus.QUEUED) == 4
        await press(pilot, *"LIVE", "enter")
        assert statuses(book).count(RunStatus.COMPLETED_SUCCESS) == 1

    run(flow, book, "9")


@pytest.mark.slow
def test_an_empty_queue_is_shown_as_empty_and_refuses_with_a_message() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        assert "No run awaits approval. Press b" in screen_text(app)
        await press(pilot, "A", "R", "g", "d")
        assert shown_messages(app).count("No run selected.") == 4

    run(flow, market_book(), "9")


@pytest.mark.slow
def test_review_of_every_automatic_run_is_turned_on_and_off_where_it_is_missed() -> None:
    """Asks once, naming what changes, and is recorded as a change in the settings is."""
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        assert "b Book review" in screen_text(app)
        await press(pilot, "b")
        assert "Automatic runs of all 2 active portfolios wait for approval" in screen_text(app)
        await press(pilot, "n")
        assert not policy_of(book).review
        await press(pilot, "b", "y")
        assert policy_of(book).review
        assert "Every automatic run is reviewed now." in shown_messages(app)
        assert "Press b" not in screen_text(app)
        await press(pilot, "1", "t", "t")
        assert "No account in “Run pending”; escape shows all." in screen_text(app), "as the tab is labeled"
        await press(pilot, "9", "b", "y")
        assert not policy_of(book).review
        assert "Press b" in screen_text(app)

    run(flow, book, "9")
    acts = [entry.action for entry in audit.entries(book.database) if entry.action.startswith("book.")]
    assert sorted(acts) == ["book.review"] * 2 + ["book.settings"] * 2


def test_review_is_turned_on_and_every_account_evaluated_in_one_section() -> None:
    book = market_book(2)
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "b", "y", "v")
        assert "Evaluate every account now?" in screen_text(app)
        assert "before you approve it in Review" in screen_text(app)
        assert "Proposes 2 runs of type full rebalance for review, turnover" in screen_text(app)
        assert [item.key for item in app.screen.query_one(ItemTable).rows] == ["a", "b"]
        await press(pilot, "tab", "enter")
        assert "sell" in screen_text(app), "enter on a run shows its plan"
        await press(pilot, "escape", "n", "1", "v")
        assert "before you approve it in Review" in screen_text(app)
        await press(pilot, "n", "9", "v", "y")
        assert "◇ To review 2" in screen_text(app)
        await press(pilot, "v")
        assert "No run is due at current prices: no account would trade." in screen_text(app)

    run(flow, book, "9")
    assert {one.approval for one in all_runs(book)} == {Approval.AWAITING}


def test_accounts_with_a_setting_of_their_own_are_counted_in_the_question() -> None:
    on = policy_question(ReviewScope(everything=False, fixed=False, portfolios=3, own=1, exempt=1, required=4))
    assert on.effects[1].text == "A run that nobody approves expires at the end of its window; nothing is sent."
    assert on.effects[-1].text == "1 account keeps trading without review, by a setting of its own."
    off = policy_question(ReviewScope(everything=True, fixed=False, portfolios=3, own=1, exempt=1, required=4))
    assert off.effects[-1].text == "4 accounts have review by a setting of their own."


@pytest.mark.slow
def test_a_files_book_always_reviews() -> None:
    book = market_book()
    book.settings = replace(book.settings, mode=Mode.FILES)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "b")
        assert app.screen is app.section
        assert shown_messages(app)[-1] == "In a book kept from custodians' files, every automatic run is reviewed."

    run(flow, book, "9")


@pytest.mark.slow
def test_navigation_from_the_queue_to_the_run_and_the_desk() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        key = app.screen.table.cursor_key
        await press(pilot, "g")
        assert app.current_mode == "runs"
        assert app.screen.table.cursor_key == key
        await press(pilot, "d")
        assert app.current_mode == "desk", "the same key in Runs and Review"
        await press(pilot, "9", "d")
        assert app.current_mode == "desk"

    run(flow, queue_book(), "9")


@pytest.mark.slow
def test_the_kill_switch_stops_a_run_in_the_middle_until_it_is_released() -> None:
    book = market_book(3, immediate=False)
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]

    async def flow(pilot: Any, app: Any) -> None:
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert set(statuses(book)) == {RunStatus.IN_PROGRESS}
        sent = sum(sent for one in all_runs(book) for _, _, sent in run_orders.of_run(book.database, one.id))
        await press(pilot, "f9")
        assert isinstance(app.screen, KillScreen)
        assert not halted(book)
        await press(pilot, "f9", "y")
        assert halted(book)
        assert "■ HALTED" in screen_text(app)
        for minute in (25, 35, 45):
            at_time(book, f"2026-03-02 10:{minute}")
            await run_heartbeat(pilot, app)
        assert set(statuses(book)) == {RunStatus.IN_PROGRESS}, "sells filled, buys wait"
        assert sent == sum(sent for one in all_runs(book) for _, _, sent in run_orders.of_run(book.database, one.id))
        for section in "12345678":
            await press(pilot, section)
            assert "■ HALTED" in screen_text(app)
        await press(pilot, "f9", "y")
        assert not halted(book)
        assert "HALTED" not in screen_text(app)
        for minute in (50, 59):
            at_time(book, f"2026-03-02 10:{minute}")
            await run_heartbeat(pilot, app)
        at_time(book, "2026-03-02 11:20")
        await run_heartbeat(pilot, app)
        await run_heartbeat(pilot, app)
        assert set(statuses(book)) == {RunStatus.COMPLETED_SUCCESS}

    run(flow, book, "1")
    sound(book)


@pytest.mark.slow
def test_the_kill_switch_works_over_a_dialog_and_while_typing() -> None:
    book = queue_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "A", "up")
        await write(pilot, "ha")
        await press(pilot, "f9", "y")
        assert halted(book)
        assert isinstance(app.screen_stack[-1], ConfirmScreen)
        assert app.screen.query_one("#note", Input).value == "ha"
        await press(pilot, "ctrl+enter")
        assert statuses(book).count(RunStatus.QUEUED) == 4, "approved, but nothing starts"
        assert book.open_runs
        await press(pilot, "f9", "y")
        await run_heartbeat(pilot, app)
        assert statuses(book).count(RunStatus.COMPLETED_SUCCESS) == 1

    run(flow, book, "9")


@pytest.mark.slow
def test_releasing_a_live_book_requires_typing_and_stopping_it_does_not() -> None:
    book = market_book(2)
    book.settings = replace(book.settings, mode=Mode.LIVE)

    async def flow(pilot: Any, app: Any) -> None:
        await run_heartbeat(pilot, app)
        await press(pilot, "f9", "y")
        assert halted(book)
        await press(pilot, "f9", "y", "enter")
        assert halted(book)
        app.screen.query_one(Input).value = ""
        await press(pilot, *"LIVE", "enter")
        assert not halted(book)

    run(flow, book, "1")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.samples(1)
def test_the_queue_looks_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, queue_book(), ("9", "space"), SIZES[size])


@pytest.mark.slow
@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_confirmation_looks_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, queue_book(), ("9", "A"), SIZES[size])


@pytest.mark.slow
def test_an_empty_queue_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("9",), SIZES["80x24"])


@pytest.mark.slow
def test_the_confirmation_for_many_runs_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, queue_book(), ("9", "space", "space", "A"), SIZES["80x24"])


@pytest.mark.slow
def test_outcomes_look_right(snap_compare: Any) -> None:
    shows(snap_compare, queue_book(), ("9", "space", "space", "A", "y"), SIZES["80x24"])


@pytest.mark.slow
def test_the_confirmation_of_the_kill_switch_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("f9",), SIZES["80x24"])


@pytest.mark.slow
def test_a_stopped_book_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("f9", "y"), SIZES["80x24"])
