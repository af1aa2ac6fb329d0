"""Commands that change the book: the question of the screens, and nothing without yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.runs import Approval, RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.queries import status as status_queries
from rebal_tui.services.simulation import simulator
from rebal_tui.store import book_settings, jobs
from tests.plain.talking import answer, session, talk
from tests.services.factories import all_runs
from tests.services.files_book.support import empty_book
from tests.tui.simulated import market_book, sound
from tests.tui.test_log_flows import alerted
from tests.tui.test_review_flows import queue_book, statuses

ASKING = (
    "deposit 2500 a", "withdraw 100 a", "trade a", "evaluate", "unsubscribe a", "move a to gold", "kill switch", "step",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("line", ASKING)
@pytest.mark.parametrize("reply", ["no", "", "status", "yess", None])
def test_nothing_happens_without_yes(line: str, reply: str | None) -> None:
    book = market_book()
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]
    version, now = book.version, book.now()
    lines = answer(book, line, *([] if reply is None else [reply]))
    assert lines[-1] == "Canceled, nothing was changed."
    assert (book.version, book.now()) == (version, now)


def test_a_book_without_simulated_time_is_not_asked_whether_to_advance_it() -> None:
    assert answer(empty_book(), "step") == ["The time of this book is not simulated."]


def test_a_deposit() -> None:
    book = market_book()
    cash = book.accounts["a"].cash
    lines = answer(book, "deposit 2500 a", "yes")
    assert lines[-1].startswith("Deposited: $2,500.00 for ")
    assert book.accounts["a"].cash - cash == 2500 * 10**9
    sound(book)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["deposit", "deposit 0 a", "deposit 1.234 a", "deposit x a", "withdraw -1 a"])
def test_a_wrong_amount_is_refused_before_the_question(line: str) -> None:
    held, written = session(market_book(), line)
    assert held.refused
    assert not any(text.startswith("Type yes") for text in written)


def test_a_withdrawal_is_requested_and_canceled() -> None:
    book = market_book()
    lines = talk(book, "withdraw everything a", "yes")
    assert lines[1] == "Plan, 2 lines."
    assert any(line.startswith("SPY: sell 150.0000 shares, ") for line in lines)
    assert lines[-1].startswith("Withdrawal requested: everything for ")
    assert "1 withdrawal." in answer(book, "withdrawals")
    assert answer(book, "withdrawals", "cancel withdrawal 1", "yes")[-1].startswith("Withdrawal canceled: everything")
    sound(book)


def test_a_subscription_is_moved_and_the_move_undone() -> None:
    book = market_book()
    before = book.subscriptions["a"].portfolio_id
    held, lines = session(book, "move a to gold", "yes", "undo")
    assert not held.refused
    assert "Moved to" in "".join(lines)
    assert lines[-1].startswith("Undone: moved to ")
    assert book.subscriptions["a"].portfolio_id == before
    assert answer(book, "undo")[-1].startswith("Nothing to undo")


def test_an_account_is_unsubscribed_and_subscribed() -> None:
    book = market_book()
    talk(book, "unsubscribe a", "yes")
    assert "a" not in book.subscriptions
    assert answer(book, "subscribe a to balanced", "yes")[-1].startswith("Subscribed to ")
    assert "a" in book.subscriptions
    assert answer(book, "subscribe a to balanced")[-1].startswith("This account follows a portfolio already")


def test_all_accounts_of_the_last_list_are_moved_and_the_move_undone() -> None:
    book = market_book()
    held, lines = session(book, "accounts", "move list to gold", "yes", "undo")
    assert held.refused
    assert any(line.startswith("Not changed, Client e: ") for line in lines)
    assert "1 would be refused and not changed." in lines
    assert lines[-1] == "Undone: moved to Gold, 4 accounts."
    assert book.subscriptions["a"].portfolio_id == "balanced"
    assert answer(book, "subscribe list to gold")[-1].startswith("List accounts first")
    assert talk(book, "accounts", "subscribe list to gold")[-1].startswith("Each of these accounts follows")
    assert talk(book, "accounts n-a", "unsubscribe list", "yes")[-1].startswith("Unsubscribed: Client a.")
    talk(book, "accounts", "restrict list", "hold", "", "audit", "yes")
    assert len(book.rules_view.restrictions) == 5
    sound(book)


def test_a_run_is_made_and_canceled() -> None:
    book = market_book(immediate=False)
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]
    lines = talk(book, "trade a", "yes", "runs", "cancel 1", "yes", "cancel 1")
    assert any(line.endswith(" is in progress.") for line in lines)
    assert "Canceling the run: canceled mid run." in lines
    assert lines[-1] == "This run is canceled mid run; only a queued or running run can be canceled."
    assert statuses(book) == [RunStatus.CANCELED_MID_RUN]
    sound(book)


def test_runs_are_approved_and_rejected_with_notes() -> None:
    book = queue_book()
    lines = talk(book, "review", "approve 1", "checked", "yes", "reject 2", "", "reject 2", "too early", "yes")
    assert any(line.startswith("Approved the run of ") for line in lines)
    assert "A note is required. Canceled, nothing was changed." in lines
    assert lines[-1] == "Rejected: 1 run."
    approvals = [run.approval for run in all_runs(book)]
    assert (approvals.count(Approval.AWAITING), approvals.count(Approval.APPROVED)) == (2, 1)
    assert answer(book, "approve all", "", "yes")[-1] == "Approved: 2 runs."
    sound(book)


def test_a_plan_that_changed_is_asked_again() -> None:
    book = queue_book()
    lines = talk(
        book, "review", "approve 1", "", lambda: simulator.shock(book, "SPY", -500), "yes", "", "yes",  # type: ignore[arg-type]
    )  # fmt: skip
    assert any(line.startswith("Not approved, nothing was sent: ") for line in lines)
    assert "The plan has changed, nothing was sent. Approve the new plan?" in lines
    assert lines[-1].startswith("Approved the run of ")
    assert [run.approval for run in all_runs(book)].count(Approval.APPROVED) == 1
    sound(book)


def test_the_kill_switch() -> None:
    book = market_book()
    assert answer(book, "kill switch on", "yes")[-1] == "Halted: no new order is sent."
    assert halted(book)
    assert answer(book, "kill switch on")[-1] == "The kill switch is on already."
    assert "Kill switch: on, no new order is sent" in answer(book, "status")
    assert answer(book, "kill switch", "yes")[-1] == "Released: orders are sent again."
    assert not halted(book)


def test_alerts_are_acknowledged() -> None:
    book = market_book()
    alerted(book, "a")
    listed = answer(book, "exceptions")
    alert = next(line for line in listed if "Alert" in line and line[0].isdigit())
    number = alert.partition(".")[0]
    assert answer(book, "exceptions", "acknowledge 1")[-1].startswith("An exception lasts until its cause ends.")
    assert answer(book, "exceptions", f"acknowledge {number}")[-1].startswith("1 alert acknowledged")
    assert jobs.open_alerts(book.database) == []
    assert answer(book, "exceptions", "answer 1")[-1].startswith("To do: ")


def test_a_live_book_needs_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    book, real = market_book(), status_queries.status_line
    monkeypatch.setattr(status_queries, "status_line", lambda book: replace(real(book), mode="LIVE"))
    assert "Type LIVE to evaluate, or anything else to leave it:" in answer(book, "evaluate")
    assert answer(book, "evaluate", "yes")[-1] == "Canceled, nothing was changed."
    assert answer(book, "evaluate", "LIVE")[-1].startswith("Evaluated: ")


def test_time_is_held_while_a_question_waits() -> None:
    book, modes = market_book(), []

    def look() -> None:
        modes.append(status_queries.status_line(book).mode)

    talk(book, "resume", "speed 600", look, "trade a", look, "no", look)
    assert modes == ["SIMULATED ×600", "SIMULATED ×600 (time stopped)", "SIMULATED ×600"]


@pytest.mark.slow
def test_the_market() -> None:
    book = market_book()
    assert answer(book, "resume")[-1] == "Simulation resumed."
    assert answer(book, "speed 600")[-1] == "Simulation speed 600 times."
    assert answer(book, "pause")[-1] == "Simulation paused."
    assert answer(book, "speed 0")[-1].startswith("Type a number")
    day = book.now().date()
    assert answer(book, "step", "yes")[-1] == "Advanced to the next session."
    assert book.now().date() > day


def test_an_error_of_a_command_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_book: Book) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("rebal_tui.services.queries.desk.desk_snapshot", fail)
    held, lines = session(market_book(), "status", "accounts")
    assert "Status failed: RuntimeError: broken." in lines
    assert held.refused
    assert any(line.startswith("1. ") for line in lines)


def test_names_are_data() -> None:
    book = market_book()
    with book.database.write() as tx:
        book_settings.put(tx, "name", "evil\x1b[2J\u202ename")
    lines = answer(book, "status")
    assert all(char.isprintable() for line in lines for char in line)
