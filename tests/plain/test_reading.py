"""Commands that read: complete lines, no drawing, the figures of the screens."""

from __future__ import annotations

import unicodedata

import pytest

from rebal_tui.plain.commands import COMMANDS
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import simulator
from tests.plain.talking import answer, session, talk
from tests.services.factories import all_runs
from tests.tui.simulated import at_time, market_book
from tests.tui.test_log_flows import alerted
from tests.tui.test_review_flows import queue_book

READING = (
    "help", "help run", "help trading", "help all", "status", "exceptions", "exception 1", "accounts", "account 1",
    "desk", "desk needs you", "why", "decisions", "preview",
    "portfolios", "portfolio 1", "impact 1", "versions 1", "runs", "run 1", "review", "withdrawals",
    "restrictions 1", "assets", "asset spy", "jobs", "audit", "verify", "archive", "news", "more",
)  # fmt: skip


def moved_book() -> Book:
    """A book in which SPY rose by 30 %, each account has a run, and an alert is open."""
    book = queue_book()
    alerted(book, "a")
    return book


@pytest.mark.slow
def test_no_command_that_reads_draws_or_refuses() -> None:
    held, written = session(moved_book(), *READING)
    assert not held.refused
    for line in written:
        assert line == line.strip()
        for char in line:
            assert char.isprintable(), line
            assert not "\u2190" <= char <= "\u2bff", line
            assert unicodedata.category(char) not in ("So", "Sk"), line


@pytest.mark.slow
def test_reading_changes_nothing() -> None:
    book = moved_book()
    version = book.version
    talk(book, *READING)
    assert book.version == version


def test_the_status() -> None:
    lines = answer(market_book(), "status")
    for line in (
        "Book: test", "Mode: simulation paused", "Time: Monday 2 March 2026, 10:01:00 in New York", "Kill switch: off",
        "Exceptions: 0", "Subscribed accounts: 5", "Accounts in range: 5",
    ):  # fmt: skip
        assert line in lines


def test_an_account() -> None:
    book = market_book()
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]  # hundredths of a percent
    lines = answer(book, "account a")
    assert lines[0] == "Client: Client a"
    why = "Will trade at 10:15. SPY is 66.10 percent (target 60 percent, 122 percent of its band)."
    assert f"Status: {why}" in lines
    spy = "target 60.00 percent, actual 66.10 percent, 6.10 percentage points above target, outside its band of 55.00"
    assert any(line.startswith(f"SPY: {spy}") for line in lines)
    assert "Checks: 12; the command why has each of them" in lines
    assert "Cooldown: over. Cooldown ended 2026-02-09 (7 days after the rebalance of 2026-02-02)." in answer(
        book, "why a"
    )


def test_an_account_that_was_named_is_in_hand() -> None:
    book = market_book()
    first = answer(book, "why client b")
    assert first[0] == "Client: Client b"
    assert answer(book, "account client b", "why") == first
    assert answer(book, "accounts n-b", "why 1") == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("account", "Name an account, such as: account moreau."),
        ("account nobody", "Account: no account has that name, number or id."),
        ("run 1", "No run has that number or id; the command runs lists them."),
        ("portfolio none", "No portfolio has that name; the command portfolios lists them."),
        ("exception 1", "Type exceptions first, then a number of that list."),
        ("accounts foo>1", "Foo: no such field; did you mean portfolio?"),
        ("statsu", "There is no command statsu. Did you mean status? Type help for the commands."),
        ("yes", "Nothing waits for a confirmation."),
        ("help nothing", "There is no command nothing."),
    ],
)
def test_what_cannot_be_answered_is_said_and_counted(line: str, said: str) -> None:
    held, written = session(market_book(), line)
    assert written[-1] == said
    assert held.refused


def test_runs_are_named_by_number_or_id() -> None:
    book = moved_book()
    run = all_runs(book)[0]
    lines = answer(book, f"run {run.id[:10]}")
    assert lines[0] == f"Run: {run.id}"
    assert any(line.startswith("Status then: ") for line in lines)
    listed = answer(book, "runs")
    assert listed[0] == "4 runs."
    number = next(line for line in listed if run.id[:8] in line).partition(".")[0]
    assert answer(book, "runs", f"run {number}")[0] == f"Run: {run.id}"
    assert len([line for line in answer(book, "review") if "awaits review" in line]) == 4


def test_a_long_list_goes_on_with_more() -> None:
    book = market_book(45)
    assert answer(book, "accounts")[-1] == "25 more. Type more for the next."
    assert answer(book, "accounts", "more", "more")[-1].startswith("45. ")
    assert answer(book, "accounts", "more", "more", "more") == ["There is no more of the last list."]


def test_lists_take_the_filters_of_the_screens() -> None:
    book = market_book()
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]  # hundredths of a percent
    assert answer(book, "desk drift>5")[0] == "5 subscribed accounts."
    assert answer(book, "desk will trade")[0] == "5 subscribed accounts."
    (head, line) = answer(book, "desk drift>5 n-a")
    assert head == "1 of 5 subscribed accounts."
    assert "will trade. Trades 10:15. SPY is 6.10 percentage points above target, 122 percent of its band." in line
    assert answer(book, "accounts unsubscribed") == ["0 of 5 accounts."]
    assert answer(book, "accounts equity>1000000") == ["0 of 5 accounts."]
    assert len(answer(book, "accounts equity>1000")) == 6


@pytest.mark.slow
def test_news_is_announced_before_the_prompt_of_a_person_only() -> None:
    def written(*, interactive: bool) -> list[str]:
        book = market_book()

        def trade() -> None:
            simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]  # hundredths of a percent
            at_time(book, "2026-03-02 10:15")
            scheduler.tick(book)
            alerted(book, "a")

        return talk(book, "status", trade, "status", "news", "news", interactive=interactive)

    lines = written(interactive=True)
    (announced,) = [line for line in lines if line.startswith("Since the last prompt: ")]
    assert announced == "Since the last prompt: 1 new alert, 10 orders done and 5 runs changed. Type news to read it."
    assert "6 messages." in lines
    assert lines[-1] == "Nothing new."
    assert not any(line.startswith("Since the last prompt: ") for line in written(interactive=False))


def test_the_help_names_every_command_by_topic() -> None:
    lines = answer(market_book(), "help")
    for command in COMMANDS:
        assert any(command.name in line for line in lines), command.name
    assert len(lines) < 15
    assert answer(market_book(), "help trading")[0].startswith("runs FILTER: ")
    assert len(answer(market_book(), "help all")) == len(COMMANDS) + 1
