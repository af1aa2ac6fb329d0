"""A stored decision or plan reads back as it was made, after any later change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebal_tui.bootstrap import read_only_broker
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import decision_of_run, latest_decisions, plan_of, timeline
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.runs.manual import approve_run, create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, audit_digests, holds, portfolios
from rebal_tui.store.holds import HoldCause, HoldKind
from tests.services.brokers import broker, reopen
from tests.services.factories import (
    SLOW,
    account,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    only_run,
    set_price,
    simple_book,
)

LAST = new_york("2026-02-02 10:00")


def mixed_decisions_book() -> Book:
    """Accounts with every outcome, one of them blocked for each reason that a file can hold."""
    book = make_book()
    fill_book(
        book,
        [
            account("first", "50000.123456789"),
            account("drift", "2500", {"SPY": "93.75", "TLT": "100.000000001", "GLD": "3"}),
            account("cash", "2600", {"SPY": "75", "TLT": "175"}),
            account("calm", "2500", {"SPY": "75", "TLT": "175"}),
            account("blocked", "50000", restrictions=["trading_blocked", "options"]),
            account("small", "1", {"GLD": "0.001"}),
        ],
        [balanced(), balanced("other", {"SPY": "50", "TLT": "30", "GLD": "20"}, cash="0", cooldown=90)],
        dict.fromkeys(("first", "drift", "cash", "calm", "blocked", "small"), "balanced"),
        dict.fromkeys(("drift", "cash", "calm"), LAST),
    )
    return book


def change_everything(book: Book) -> None:
    """Change every input of a decision: portfolio, prices, assets, accounts, policy."""
    set_price(book, "SPY", "123.45")
    broker(book).set_asset("TLT", book.now(), tradable=False)
    for account_id in ("first", "calm"):
        broker(book).set_restrictions(account_id, frozenset({Restriction.CRYPTO}), book.now())
        deposit(book, account_id, parse_money("777"))
    model = book.portfolios["balanced"]
    with book.database.write() as tx:
        weights = Weights((AssetWeight("GLD", Percent(9_000)),), Percent(1_000))
        portfolios.save(tx, replace(model, name="New", weights=weights, conditions=(), cooldown_days=1))
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=1), quarterly_months=frozenset({2}))
    scheduler.advance_market(book, book.now())
    book.reload()


def advance_minute(book: Book) -> None:
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(minutes=1))


def stored(book: Book, made: tuple[Decision, ...]) -> list[Decision]:
    return [latest_decisions(book.database, decision.account_id)[0] for decision in made]


def test_decisions_are_read_as_made_after_any_later_change() -> None:
    book = mixed_decisions_book()
    made = evaluation_pass(book).decisions
    assert {decision.outcome.value for decision in made} == {"full_rebalance", "invest_cash", "none", "blocked"}
    assert stored(book, made) == list(made)
    change_everything(book)
    assert stored(book, made) == list(made)


def test_decisions_that_name_an_earlier_run_are_read_as_they_were_made() -> None:
    book = mixed_decisions_book()
    evaluation_pass(book)
    advance_minute(book)
    again = evaluation_pass(book)
    assert {d.reason for d in again.decisions if "is under way" in d.reason}
    assert stored(book, again.decisions) == list(again.decisions)
    scheduler.tick(book)
    advance_minute(book)
    later = evaluation_pass(book)
    assert {d.reason for d in later.decisions if "already traded today" in d.reason}
    change_everything(book)
    assert stored(book, later.decisions) == list(later.decisions)


def test_a_decision_says_whether_the_open_run_awaited_approval_at_its_time() -> None:
    book = simple_book(cash="0", held={"SPY": "100"}, follows=balanced(review=True), model=SLOW)
    scheduler.tick(book)
    run = only_run(book)
    (made,) = evaluation_pass(book).decisions
    assert made.reason == f"run {run.id[:8]} awaits approval; one run at a time"
    advance_minute(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    approve_run(book, run.id, plan)
    assert stored(book, (made,))[0].trace == made.trace
    advance_minute(book)
    (later,) = evaluation_pass(book).decisions
    assert later.reason == f"run {run.id[:8]} is under way; one run at a time"
    assert stored(book, (later,))[0].trace == later.trace


def test_the_decision_of_a_run_remains_when_an_equal_one_is_made_again() -> None:
    book = mixed_decisions_book()
    made = {d.account_id: d for d in evaluation_pass(book).decisions}
    ids = [run.id for run in all_runs(book)]
    scheduler.tick(book)
    for minute in (45, 50):
        advance_to(book, f"2026-03-02 09:{minute}")
    assert [decision_of_run(book.database, i) for i in ids] == [made[run.account_id] for run in all_runs(book)]


def test_decisions_of_a_pass_outside_a_session_are_read_as_made() -> None:
    for at in ("2026-03-01 12:00", "2026-03-02 05:00", "2026-11-27 12:45"):
        book = simple_book(at, "500")
        made = evaluation_pass(book).decisions
        upset_free = [latest_decisions(book.database, "a")[0]]
        assert upset_free == list(made)


def test_plans_of_every_type_are_reproduced_when_read() -> None:
    shown: dict[str, Plan] = {}
    book = mixed_decisions_book()
    evaluation_pass(book)
    for run in all_runs(book):
        shown[run.id] = plan_run(book, run.account_id, run.type, run.weights, run.amount)
    scheduler.tick(book)
    advance_to(book, "2026-03-03 09:29")
    amount = parse_money("1500.50")
    expected = plan_run(book, "calm", RunType.PARTIAL_LIQUIDATION, book.portfolios["balanced"].weights, amount)
    advance_to(book, "2026-03-03 09:30")
    manual = create_run(book, "calm", RunType.PARTIAL_LIQUIDATION, amount=amount)
    assert {run.type for run in all_runs(book)} == set(RunType)
    shown[manual.id] = expected
    change_everything(book)
    for run in all_runs(book):
        if run.id in shown:
            assert plan_of(book.database, run) == shown[run.id]


def test_a_timeline_shows_every_state_with_its_message() -> None:
    book = simple_book()
    scheduler.tick(book)
    run = only_run(book)
    decision = decision_of_run(book.database, run.id)
    assert decision is not None
    events = timeline(book.database, run, plan_of(book.database, run))
    assert [what for _, what, _ in events] == ["QUEUED", "IN_PROGRESS", "buying", "COMPLETED_SUCCESS"]
    assert events[0][2] == decision.reason
    assert events[1][2] == "2 buys; cash target $2,500.00"
    assert events[-1][2] == "all orders filled"
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)


def test_a_decision_that_an_altered_file_changes_shows_a_message_instead_of_its_trace() -> None:
    book = simple_book()
    evaluation_pass(book)
    book.database.connection.execute("UPDATE decisions SET cash = 0")
    (found,) = latest_decisions(book.database, "a")
    assert [check.check for check in found.trace] == ["record"]
    assert found.outcome.value == "full_rebalance"
    assert "recomputed as" in found.reason


def test_a_decision_about_a_paused_account_is_reproduced() -> None:
    book = simple_book()
    with book.database.write() as tx:
        holds.add(tx, "a", HoldCause(HoldKind.RECONCILIATION, "cash differs", book.now()))
    book.holds = holds.load(book.database)
    evaluation_pass(book)
    (found,) = latest_decisions(book.database, "a")
    assert (found.outcome.value, found.trace[-1].check) == ("blocked", "reconciliation")
    assert check_book(book.database, read_only_broker(book.database)).faults == ()


def test_one_audit_entry_covers_all_runs_of_a_pass_and_reveals_a_swap() -> None:
    book = mixed_decisions_book()
    evaluation_pass(book)
    scheduler.tick(book)
    actions = [entry.action for entry in audit.entries(book.database)]
    assert actions.count(audit_digests.QUEUED) == 1
    assert actions.count(audit_digests.STARTED) == 1
    assert check_book(book.database, read_only_broker(book.database)).faults == ()
    connection = book.database.connection
    one, other = (run.id for run in all_runs(book)[:2])
    connection.execute("UPDATE runs SET id = CASE id WHEN ? THEN 'x' ELSE id END", (one,))
    connection.execute("UPDATE runs SET id = ? WHERE id = ?", (one, other))
    connection.execute("UPDATE runs SET id = ? WHERE id = 'x'", (other,))
    assert audit_digests.faults(book.database) != []


def test_unchanged_inputs_are_stored_once() -> None:
    book = mixed_decisions_book()
    for minute in (30, 45, 50):
        advance_to(book, f"2026-03-02 09:{minute}")
    (contexts,) = book.database.rows(
        "SELECT count(*), count(DISTINCT assets), count(DISTINCT portfolios) FROM contexts"
    )
    assert contexts[0] >= 2
    assert contexts[1:] == (1, 1)


def test_ids_continue_after_a_reopening_and_never_repeat(tmp_path_factory: object) -> None:
    ids = []
    for _ in range(2):
        book = mixed_decisions_book()
        evaluation_pass(book)
        ids.append([run.id for run in all_runs(book)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(-1_000, 10**13), st.integers(0, 10**11), st.integers(0, 10**11), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.integers(10**8, 10**12),
)
def test_a_decision_on_any_account_at_any_price_is_reproduced(
    holdings: list[tuple[int, int, int, bool]], price: int
) -> None:
    book = make_book(prices={"SPY": f"{price / 10**9:.9f}", "TLT": "100", "GLD": "180"})
    accounts = [
        account(f"a{n}", f"{max(0, cash) / 10**9:.9f}", {s: f"{q / 10**9:.9f}" for s, q in held.items() if q > 0})
        for n, (cash, spy, gld, _) in enumerate(holdings)
        for held in ({"SPY": spy, "GLD": gld},)
    ]
    last = {f"a{n}": LAST for n, one in enumerate(holdings) if one[3]}
    fill_book(book, accounts, [balanced()], {a.id: "balanced" for a in accounts}, last)
    made = evaluation_pass(book).decisions
    assert stored(book, made) == list(made)


def test_a_reopened_book_reads_the_same(tmp_path: object) -> None:
    from pathlib import Path

    book = simple_book(path=Path(str(tmp_path)) / "book.db")
    scheduler.tick(book)
    before = latest_decisions(book.database, "a"), plan_of(book.database, only_run(book))
    again = reopen(book)
    assert (latest_decisions(again.database, "a"), plan_of(again.database, only_run(again))) == before
