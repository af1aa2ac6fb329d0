"""An account next to the Desk, as lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.desk import AccountView, HoldingView
from rebal_tui.tui.screens.account.head import head_lines
from rebal_tui.tui.screens.accounts.lines import detail_lines
from rebal_tui.tui.screens.cash.columns import STEP_MARKS
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.screens.shared.account_lines import account_lines, decision_lines, named_account, whole_account_lines
from rebal_tui.tui.screens.shared.help_lines import SECTION_SYMBOLS
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.sections import Section
from rebal_tui.tui.segments import line_width
from tests.tui.account_views import account_page
from tests.tui.views import account_view, desk_row

IN_RANGE = next(row for row in map(desk_row, range(40)) if row.status is StatusKind.IN_RANGE)


def shown(view: AccountView, width: int = 48) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in account_lines(view)(width, 40)]


@pytest.mark.parametrize(("near", "mark"), [(True, "▲"), (False, "●")])
def test_an_account_near_a_band_has_the_mark_of_its_row(near: bool, mark: str) -> None:
    lines = shown(replace(account_view(IN_RANGE), near=near))
    assert any(line.startswith(f"{mark} In range.") for line in lines)


@pytest.mark.parametrize(
    ("last", "text"), [(date(2025, 12, 31), "31 Dec 25"), (date(2026, 1, 2), "02 Jan"), (None, "never")]
)
def test_a_last_rebalance_of_another_year_has_its_year(last: date | None, text: str) -> None:
    row = replace(IN_RANGE, last_rebalanced=last)
    column = next(one for one in desk_columns.columns() if one.key == "last")
    assert column.cell(row) == ((text, "muted"),)
    head = "".join(text for line in head_lines(account_page(row).detail, 200) for text, _ in line)
    assert f"last rebalanced {text}  " in head or (last is None and "never rebalanced" in head)


def test_a_stopped_account_has_the_mark_of_a_stopped_withdrawal_and_the_legends_name_it() -> None:
    stopped = replace(account_view(IN_RANGE), restrictions=("an ACH deposit was returned",))
    assert f"{STEP_MARKS['stopped'][0]} stopped: an ACH deposit was returned" in shown(stopped)
    for section in (Section.DESK, Section.ACCOUNTS, Section.CASH):
        assert any(mark == STOPPED and "stopped" in text for mark, text in SECTION_SYMBOLS[section])


def test_a_larger_cash_target_of_the_last_run_says_why_it_counts() -> None:
    view = replace(account_view(IN_RANGE), cash_kept=Money(1_429_280_000_000))
    text = " ".join(line.strip() for line in shown(view))
    assert (
        "The cash target is by its weight; runs that invest cash keep 1,429.28, because the last completed run's"
        in text
    )


def test_the_panel_of_accounts_cuts_neither_balances_nor_outcomes() -> None:
    detail = account_page(IN_RANGE).detail
    undue = replace(detail.decisions[0], outcome=Outcome.NONE, reason="")
    build = detail_lines(replace(detail, decisions=(undue,), unsettled=Money(0)))
    for width in range(40, 70):
        lines = build(width, 60)
        balances = [line for line in lines if any(text == "Withdrawable " for text, _ in line)]
        assert balances
        assert all(line_width(line) <= width for line in balances)
        assert any(("● no rebalance is due", "muted") in line for line in lines)


@pytest.mark.parametrize("width", [40, 48, 80])
def test_the_panel_of_accounts_says_which_trades_no_run_made(width: int) -> None:
    detail = account_page(IN_RANGE).detail
    (deposit,) = detail.ledger
    sold = replace(deposit, kind="sell", text="1.5 SPY, outside rebal-tui")
    build = detail_lines(replace(detail, ledger=(sold, replace(sold, text="2 SPY"), *[sold] * 20)))
    texts = ["".join(text for text, _ in line) for line in build(width, 40)]
    first = 1 + next(at for at, text in enumerate(texts) if text.startswith("Cash "))
    cash = texts[first : texts.index("", first)]
    assert all(len(text.rstrip()) <= width for text in cash)
    assert "outside rebal-tui" in cash[0 if width == 80 else 1]
    sells, outside = (sum(word in text for text in cash) for word in (" sell ", "outside rebal-tui"))
    assert outside == sells - 1
    assert cash[-1] == f"… {22 - sells} more, enter shows all"


def test_the_head_of_an_account_says_that_its_last_rebalance_has_no_run() -> None:
    detail = account_page(IN_RANGE).detail
    (run,) = detail.runs
    day = new_york_day(run.created_at)
    for last, more, said in (
        (day, (), False),
        (day - timedelta(days=1), (), True),
        (day - timedelta(days=1), ("runs",), False),
        (None, (), False),
    ):
        lines = head_lines(replace(detail, last_rebalanced=last, more=frozenset(more)), 60)
        assert any("(no run stored)" in text for line in lines for text, _ in line) == said, (last, more)
        assert all(line_width(line) <= 60 for line in lines)


def test_the_reason_of_a_decision_is_not_repeated_after_its_status() -> None:
    last = account_page(IN_RANGE).detail.decisions[0]
    assert last.status is not None
    reason = "first rebalance of this subscription"
    first = replace(
        last,
        reason=reason,
        status=replace(last.status, sentence="Will trade at 09:45. First rebalance of this subscription."),
        trace=(),
    )
    shown_lines = " ".join("".join(text for text, _ in line) for line in decision_lines(first, 100))
    assert shown_lines.casefold().count(reason) == 1
    assert "other" in "".join(text for line in decision_lines(replace(first, reason="other"), 100) for text, _ in line)


def test_checks_are_counted_in_words() -> None:
    summary = next(line for line in shown(account_view(IN_RANGE), 60) if "checks:" in line)
    assert summary == "  12 checks: 7 passed, 5 not due   enter shows all"
    narrow = shown(account_view(IN_RANGE), 48)
    assert narrow[narrow.index(summary.partition("   enter")[0]) + 1] == "  enter shows all"


def test_no_figure_of_a_narrow_panel_is_cut() -> None:
    view = replace(
        account_view(IN_RANGE), cash_target=Money(220_130_670_000_000), withdrawable=Money(226_863_110_000_000)
    )
    assert "Cash target 220,130.67  Withdrawable 226,863.11" in shown(view, 47)
    narrow = shown(view, 46)
    at = narrow.index("Cash target 220,130.67")
    assert narrow[at + 1] == "Withdrawable 226,863.11"
    cut = shown(replace(view, withdrawable=Money(226_863_115_000_000)), 46)
    assert "Withdrawable 226,863.11 (rounded down)" in cut


def test_a_target_without_a_position_is_not_counted_as_held() -> None:
    view = account_view(IN_RANGE)
    one = replace(view.holdings[0], qty=Qty(1))

    def head(*holdings: HoldingView) -> str:
        return next(line for line in shown(replace(view, holdings=holdings), 60) if line.startswith("Holdings"))

    assert head(one, one).endswith(" 2 assets, in % of equity")
    assert head(one, replace(one, qty=Qty(0))).endswith(" 1 of 2 assets, in % of equity")


def test_a_page_of_an_account_leaves_nothing_out() -> None:
    view = account_view(IN_RANGE)
    holdings = tuple(replace(view.holdings[0], symbol=f"S{number}") for number in range(30))
    lines = whole_account_lines(replace(view, holdings=holdings))(78, 20)
    text = "\n".join("".join(part for part, _ in line) for line in lines)
    assert all(holding.symbol in text for holding in holdings)
    assert "enter shows all" not in text


def test_an_account_is_named_by_its_number_wherever_it_is_shown() -> None:
    row = desk_row(1)
    head = account_lines(account_view(row))(100, 40)[0]
    assert "".join(text for text, _ in head) == f"{row.client}  account {row.account_number}"
    column = next(one for one in desk_columns.columns() if one.key == "account")
    assert column.cell(row) == row.account_number
    narrow = "".join(text for text, _ in named_account("Ng, Ada", "X" * 40, 20))
    assert narrow.startswith("Ng, Ada"[:4])


@pytest.mark.parametrize(
    ("width", "note"),
    [
        (48, "─ 05 Jan – 13 Mar · max 1277 % ▴ run"),
        (46, "─ from 07 Jan · max 1277 % ▴ run"),
        (40, "─ max 1277 % ▴ run"),
    ],
)
def test_the_title_of_the_history_is_shortened_by_whole_parts(width: int, note: str) -> None:
    view = account_view(IN_RANGE)
    history = (*view.history[:-1], replace(view.history[-1], band_used=12_770, run=True))
    title = next(line for line in shown(replace(view, history=history), width) if line.startswith("Band used"))
    assert title.endswith(note)
    assert "…" not in title
