"""Accounts are independent: a book decides for each as it would alone, in whatever order they are stored."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.decisions import Decision
from rebal_tui.services.evaluation.account import evaluate_book
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.runs.processing import process_runs
from tests.services.factories import account, all_runs, balanced, fill_book, make_book

MODELS = ("balanced", "even")


def some_accounts(rng: Random) -> list[Account]:
    made = []
    for name in ("a", "b", "c", "d", "e"):
        held = {s: str(rng.choice(["0.5", "3", "40", "120.25"])) for s in ("SPY", "TLT", "GLD") if rng.random() < 0.6}
        restrictions = ["ach_return"] if rng.random() < 0.15 else []
        made.append(account(name, rng.choice(["0", "9.99", "10", "500.37", "20000"]), held, restrictions))
    return made


def run_day(
    accounts: list[Account], follows: dict[str, str]
) -> tuple[dict[str, Decision], dict[str, Account], set[str]]:
    """The decisions of an evaluation, every account after its runs, and the final statuses of the runs."""
    book = make_book("2026-03-02 09:45")
    models = [balanced(), balanced("even", {"SPY": "50", "TLT": "50"}, cash="0", cooldown=0)]
    fill_book(book, accounts, models, {a.id: follows[a.id] for a in accounts})
    decisions = {d.account_id: replace(d, subscription_id="") for d in evaluation_pass(book).decisions}
    process_runs(book)
    ended = {f"{run.account_id} {run.type} {run.status} {run.reason}" for run in all_runs(book)}
    later = {d.account_id: replace(d, subscription_id="") for d in evaluate_book(book)}
    after = dict(book.accounts)
    book.database.close()
    assert {a: d.account_id for a, d in later.items()} == {a: a for a in decisions}
    return decisions, after, ended


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_separate_accounts_in_any_order_are_decided_and_traded_alike(seed: int) -> None:
    rng = Random(f"apart {seed}")
    accounts = some_accounts(rng)
    follows = {a.id: rng.choice(MODELS) for a in accounts}
    together = run_day(accounts, follows)
    assert run_day(rng.sample(accounts, len(accounts)), follows) == together
    decisions: dict[str, Decision] = {}
    after: dict[str, Account] = {}
    ended: set[str] = set()
    for one in accounts:
        alone = run_day([one], follows)
        decisions |= alone[0]
        after |= alone[1]
        ended |= alone[2]
    assert (decisions, after, ended) == together
