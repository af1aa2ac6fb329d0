"""One run overrides restrictions with a note; the restrictions still hold for all others (R-61)."""

from __future__ import annotations

import pytest

from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.orders import Side
from rebal_tui.domain.runs import Approval, Run, RunStatus, RunType
from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind, TradeRestriction
from rebal_tui.services.advisory.restrictions import add_restrictions, lift_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.queries.review import review_snapshot
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.runs.manual import approve_run, create_run, queue_run
from rebal_tui.services.runs.run_overrides import checked_override, override_queued_run
from rebal_tui.store import audit, run_overrides
from tests.services import factories

FULL = RunType.FULL_REBALANCE
NOTE = "the client requested it"


def restricted(kind: RestrictionKind = RestrictionKind.NO_SELL, symbol: str | None = "SPY") -> tuple[Book, str]:
    """An account at 68/27.5/4.5 of 60/35/5 with one restriction, and the id of the restriction."""
    book = factories.make_book("2026-03-02 10:00")
    one = factories.account("a", "4500", {"SPY": "170", "TLT": "275"})
    at = factories.new_york("2026-01-05 10:00")
    factories.fill_book(book, [one], [factories.balanced()], {"a": "balanced"}, {"a": at})
    return book, added(book, kind, symbol).id


def added(book: Book, kind: RestrictionKind, symbol: str | None) -> TradeRestriction:
    [made] = add_restrictions(book, RestrictionDraft(kind, "low basis", symbol), Concerned(("a",)))
    return made


def sold_and_bought(plan: Plan | None) -> dict[str, tuple[Side, str]]:
    return {line.symbol: (line.side, line.detail) for line in plan.lines if line.side} if plan else {}


def test_a_manual_run_overrides_a_restriction_and_says_so_in_its_lines_timeline_and_audit() -> None:
    book, identity = restricted()
    held = plan_run(book, "a", FULL, book.portfolio("balanced").weights)
    assert {line.symbol: line.reason for line in held.lines}["SPY"] is LineReason.NO_SELL
    run = create_run(book, "a", FULL, override=checked_override(book, "a", [identity], f" {NOTE} "))
    assert run.status is RunStatus.COMPLETED_SUCCESS
    view = run_view(book, run.id)
    assert sold_and_bought(view.plan) == {
        "SPY": (Side.SELL, f"$8,000.00 above its target; overrides no sell (low basis): {NOTE}"),
        "TLT": (Side.BUY, "$7,500.00 below its target"),
    }
    assert [one.detail for one in view.timeline if one.what == "restriction overridden"] == [
        f"no sell SPY (low basis): {NOTE}"
    ]
    [entry] = [one for one in audit.entries(book.database) if one.action == "run.overridden"]
    assert (entry.subject, entry.actor) == (run.id, "advisor")
    assert (
        audit_sentence(book, entry)
        == f"Let run {run.id[:8]} of Client a (N-a) override no sell of SPY (low basis), noting: {NOTE}."
    )
    assert isinstance(book.broker, SimulatedBroker)
    assert check_book(book.database, book.broker).faults == ()


def test_the_restriction_holds_again_for_the_next_run() -> None:
    book, identity = restricted()
    create_run(book, "a", FULL, override=checked_override(book, "a", [identity], NOTE))
    factories.set_price(book, "SPY", "500")
    run = create_run(book, "a", FULL)
    assert "SPY" not in sold_and_bought(history.plan_of(book.database, run))


def test_a_hold_of_the_account_is_overridden() -> None:
    book, identity = restricted(RestrictionKind.HOLD, None)
    with pytest.raises(Conflict, match="ACCOUNT_HOLD"):
        queue_run(book, "a", FULL)
    run = create_run(book, "a", FULL, override=checked_override(book, "a", [identity], NOTE))
    assert run.status is RunStatus.COMPLETED_SUCCESS


def test_only_the_chosen_restrictions_are_overridden() -> None:
    book, identity = restricted()
    added(book, RestrictionKind.NO_BUY, "TLT")
    run = create_run(book, "a", FULL, override=checked_override(book, "a", [identity], NOTE))
    assert set(sold_and_bought(history.plan_of(book.database, run))) == {"SPY"}


@pytest.mark.parametrize(
    ("ids", "note", "location"), [((), NOTE, "restrictions"), (("none",), NOTE, "restrictions"), ((None,), " ", "note")]
)
def test_an_override_needs_a_restriction_that_holds_and_a_note(
    ids: tuple[str | None, ...], note: str, location: str
) -> None:
    book, identity = restricted()
    with pytest.raises(Invalid) as refused:
        checked_override(book, "a", [one or identity for one in ids], note)
    assert [fault.location for fault in refused.value.faults] == [location]


def test_a_restriction_that_was_lifted_cannot_be_overridden() -> None:
    book, identity = restricted()
    lift_restrictions(book, [identity])
    with pytest.raises(Invalid, match="no restriction"):
        checked_override(book, "a", [identity], NOTE)


def awaiting() -> tuple[Book, Run, str]:
    """A first rebalance that awaits approval and buys no SPY, and the id of the restriction."""
    book = factories.make_book("2026-03-02 10:00")
    model = factories.balanced(review=True)
    factories.fill_book(book, [factories.account("a", "50000")], [model], {"a": "balanced"})
    identity = added(book, RestrictionKind.NO_BUY, "SPY").id
    factories.advance(book, 1)
    run = factories.only_run(book)
    assert run.approval is Approval.AWAITING
    return book, run, identity


def test_a_run_that_awaits_approval_overrides_a_restriction_and_is_approved_on_its_new_plan() -> None:
    book, run, identity = awaiting()
    shown = history.current_plan(book, run)
    assert set(sold_and_bought(shown)) == {"TLT"}
    assert review_snapshot(book).rows[0].overrides == ""
    waiting = override_queued_run(book, run.id, [identity], NOTE)
    assert review_snapshot(book).rows[0].overrides == f"no buy SPY (low basis): {NOTE}"
    assert (waiting.status, waiting.approval) == (RunStatus.QUEUED, Approval.AWAITING)
    assert run_overrides.of_runs(book.database, [run.id])[run.id].restriction_ids == (identity,)
    plan = history.plan_of(book.database, waiting)
    assert plan is not None
    assert set(sold_and_bought(plan)) == {"SPY", "TLT"}
    done = approve_run(book, run.id, plan)
    assert done.status is RunStatus.COMPLETED_SUCCESS
    assert history.plan_of(book.database, done) == plan


def test_a_run_that_is_no_longer_queued_overrides_nothing() -> None:
    book, identity = restricted()
    run = create_run(book, "a", FULL)
    with pytest.raises(Conflict, match="only a queued run"):
        override_queued_run(book, run.id, [identity], NOTE)
    assert run_overrides.of_runs(book.database, [run.id]) == {}
