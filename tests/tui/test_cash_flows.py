"""Cash section: all key-driven flows with the real services."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from rebal_tui.domain.cash import JournalStatus, WithdrawalStage
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory import withdrawals
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.cash import CashSnapshot
from rebal_tui.store import cash as store
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.cash.columns import cash_rows
from rebal_tui.tui.screens.cash.forms import withdrawal_proposal
from rebal_tui.tui.screens.cash.screen import CashScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.picker import PickScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.stable_order import HOLD_SECONDS
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.text_field import OnlyChoice
from tests.services import factories
from tests.services.brokers import reopen
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import Flow, confirmation, sound, time_to, type_text
from tests.tui.test_accounts_flows import run as run_in

pytestmark = pytest.mark.slow


def invested(path: Path | str = ":memory:") -> Book:
    """Create accounts of $50,000 and $20,000 invested in Balanced, on Monday, 2 March 2026, 10:00."""
    book = factories.make_book("2026-03-02 09:30", path=path)
    accounts = [factories.account("a", "50000"), factories.account("b", "20000")]
    factories.fill_book(book, accounts, [factories.balanced()], {"a": "balanced", "b": "balanced"})
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-02 10:00")
    assert {run.status for run in factories.all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}
    return book


def run(flow: Flow, book: Book, size: tuple[int, int] = (120, 40)) -> RebalApp:
    return run_in(flow, book, size, section="5")


def only(book: Book) -> Any:
    found = store.withdrawals(book.database)
    assert len(found) == 1
    return found[0]


async def ask_for(pilot: Pilot[Any], account: str, amount: str) -> None:
    """Fill in the form of a new withdrawal and open its confirmation."""
    await press(pilot, "n")
    await type_text(pilot, account)
    await press(pilot, "tab")
    await type_text(pilot, amount)
    await press(pilot, "enter")


def fault(app: RebalApp, key: str) -> str:
    return str(app.screen.query_one(f"#fault-{key}", Static).content)


def test_a_withdrawal_completes_across_a_settlement_and_a_restart(tmp_path: Path) -> None:
    book = invested(tmp_path / "book.db")
    last = book.subscriptions["a"].last_rebalanced_at

    async def begin(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "No cash movements yet" in screen_text(app) or "deposit" in screen_text(app)
        await press(pilot, "n")
        await type_text(pilot, "client a")
        await press(pilot, "tab")
        await type_text(pilot, "9000")
        text = screen_text(app)
        for part in ("Earliest payout Tue 03 Mar 2026", "after the sells settle", "sold to raise", "Before"):
            assert part in text
        assert not store.withdrawals(book.database)
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        for part in (
            "Leaves the account of Client a (N-a) $9,000.00",
            "Tue 03 Mar 2026",
            "The subscription to Balanced ends now, and begins again when the cash has left",
        ):
            assert part in confirmation(app)
        await press(pilot, "y")
        assert only(book).stage is WithdrawalStage.SELLING
        await app.run_heartbeat()
        await settle(pilot)
        text = screen_text(app)
        assert "settles 03 Mar" in text
        assert "✓ ✓ ▸ · ·" in text
        assert "a" not in book.subscriptions
        await press(pilot, "enter")
        text = screen_text(app)
        for part in ("unsubscribed", "sold", "settling", "If you cancel", "History", "requested"):
            assert part in text
        await press(pilot, "escape")

    run(begin, book)
    again = reopen(book)

    async def end(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "✓ ✓ ▸ · ·" in screen_text(app)
        await time_to(pilot, app, again, "2026-03-03 09:29")
        assert only(again).stage is WithdrawalStage.SETTLING
        await time_to(pilot, app, again, "2026-03-03 09:30")
        await time_to(pilot, app, again, "2026-03-03 09:31")
        assert only(again).stage is WithdrawalStage.COMPLETED
        text = screen_text(app)
        assert "✓ ✓ ✓ ✓ ✓" in text
        assert "completed" in text
        assert "executed" in text
        await press(pilot, "c")
        assert "This withdrawal is completed; it cannot be canceled." in shown_messages(app)
        await press(pilot, "v")
        assert "This withdrawal is completed." in shown_messages(app)

    run(end, again)
    assert again.subscriptions["a"].last_rebalanced_at == last
    assert [(j.amount, j.status) for j in store.journals(again.database)] == [
        (parse_money("9000"), JournalStatus.EXECUTED)
    ]
    sound(again)


def test_a_withdrawal_is_canceled_before_its_journal() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await ask_for(pilot, "N-b", "4000")
        await press(pilot, "y")
        await app.run_heartbeat()
        await settle(pilot)
        await press(pilot, "c")
        assert "no journal is made and the account is subscribed to Balanced again" in confirmation(app)
        assert "Keep (n, enter)" in screen_text(app)
        await press(pilot, "n")
        assert only(book).stage is WithdrawalStage.SETTLING
        row = next(line for line in screen_text(app).splitlines() if "-4,000.00" in line)
        assert "02 Mar" in row
        await press(pilot, "c", "y")
        assert only(book).stage is WithdrawalStage.CANCELED
        assert book.subscriptions["b"].portfolio_id == "balanced"
        assert "canceled" in screen_text(app)
        assert book.extras["b"].reserve == 0

    run(flow, book)
    sound(book)


def test_after_a_key_in_a_form_the_rows_keep_their_places_and_the_row_made_is_sorted_in() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert isinstance(app.screen, CashScreen)
        table = app.screen.table

        def kinds() -> list[str]:
            return [row.kind for row in table.rows]

        await ask_for(pilot, "N-b", "4000")
        await pilot.pause(2 * HOLD_SECONDS)
        await press(pilot, "y")
        await app.run_heartbeat()
        await settle(pilot)
        assert kinds() == ["withdrawal"]
        withdrawals.cancel_withdrawal(book, only(book).id)
        await time_to(pilot, app, book, "2026-03-02 10:01")
        deposit(book, "a", parse_money("10"))
        await time_to(pilot, app, book, "2026-03-02 10:02")
        assert (kinds(), table.moved) == (["withdrawal", "deposit"], 2)
        await press(pilot, "i")
        await type_text(pilot, "N-a")
        await press(pilot, "tab", "7", "enter", "y")
        assert kinds() == ["journal", "deposit", "withdrawal"]
        assert table.cursor_key == table.rows[0].key

    run(flow, book)


def test_amounts_and_accounts_that_can_mean_two_things_are_refused_next_to_their_fields() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        assert fault(app, "account") == ""
        await type_text(pilot, "client")
        assert fault(app, "account").startswith("✗ 2 accounts: “Client a”, “Client b”; type more")
        await press(pilot, "tab", "escape", "tab")
        assert app.focused is app.screen.query_one("#field-amount"), "the list is offered once"
        await type_text(pilot, "9000000")
        assert fault(app, "amount") == ""
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        assert app.focused is app.screen.query_one("#field-account")
        await type_text(pilot, " b")
        assert fault(app, "account") == ""
        assert "✗ amount too large" in fault(app, "amount")
        assert app.screen.query_one("#field-amount", Input).value == "9000000"
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "ctrl+u")
        await type_text(pilot, "0.001")
        assert "✗ expected whole cents" in fault(app, "amount")
        await press(pilot, "ctrl+u")
        await type_text(pilot, "150,00")
        assert "✗ expected 1,500.00 or 1500" in fault(app, "amount")
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "escape")
        assert isinstance(app.screen, CashScreen)
        assert not store.withdrawals(book.database)

    run(flow, book)


@pytest.mark.parametrize("key", ["tab", "enter"])
def test_the_only_client_that_begins_with_the_text_is_taken_by_tab_and_enter(key: str) -> None:
    book = factories.make_book("2026-03-02 09:30")
    names = {"a": "Holloway Trust", "b": "Holloway, Ida", "c": "Ng, Ada", "d": "Young, Al", "e": "Ng, Ada"}
    accounts = [replace(factories.account(one, "5000"), name=name) for one, name in names.items()]
    factories.fill_book(book, accounts, [factories.balanced()], {})

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        field = app.screen.query_one("#field-account", Input)
        for text, begins, taken in (
            ("holloway", "✗ 2 accounts: “Holloway Trust”, “Holloway, Ida”; type more", "holloway"),
            ("holloway t", "", "Holloway Trust · N-a"),
            ("yo", "", "Young, Al · N-d"),
            ("ng, ad", "✗ 2 accounts: “Ng, Ada · N-c”, “Ng, Ada · N-e”; type more", "ng, ad"),
            ("ng, ada · n-e", "", "Ng, Ada · N-e"),
        ):
            field.focus()
            field.value = text
            await settle(pilot)
            assert fault(app, "account").startswith(begins), text
            await press(pilot, key, *(["escape"] if begins else []))
            assert isinstance(app.screen, FormScreen), "several are listed, and escape leaves the text"
            assert field.value == taken

    run(flow, book)


def test_a_stopped_withdrawal_shows_the_reason_and_can_be_retried() -> None:
    book = invested()
    request_withdrawal(book, "a", parse_money("9000"))
    scheduler.tick(book)
    with book.database.write() as tx:
        stopped = only(book)
        store.update_withdrawal(tx, replace(stopped, stopped="the journal was refused: test"))
    book.version += 1

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        text = screen_text(app)
        assert "stopped: the journal" in text
        assert "Needs you 1" in text
        await press(pilot, "enter")
        assert "■ stopped: the journal was refused: test" in screen_text(app)
        await press(pilot, "escape", "v")
        assert "stopped: the journal was refused: test" in confirmation(app)
        await press(pilot, "y")
        assert only(book).stopped is None
        await press(pilot, "v")
        assert "This withdrawal is not stopped; it continues automatically." in shown_messages(app)

    run(flow, book)


def test_journals_in_and_out_and_their_refusals() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "i")
        await type_text(pilot, "N-a")
        await press(pilot, "tab")
        await type_text(pilot, "750")
        await press(pilot, "enter")
        assert "Moves from the firm account, for Client a (N-a) $750.00" in confirmation(app)
        await press(pilot, "y")
        made = store.journals(book.database)
        assert [(j.to_account, j.amount, j.description) for j in made] == [("a", parse_money("750"), "manual")]
        await press(pilot, "o")
        await type_text(pilot, "N-a")
        await press(pilot, "tab")
        await type_text(pilot, "999999")
        assert "can be transferred now" in fault(app, "amount")
        await press(pilot, "escape", "c")
        assert "This is a journal, not a withdrawal." in shown_messages(app)
        await press(pilot, "a")
        assert app.current_mode == Section.ACCOUNTS
        assert app.screen.table.cursor_key == "a"  # type: ignore[attr-defined]

    run(flow, book)
    sound(book)


def test_a_half_typed_form_survives_a_heartbeat_and_follows_the_prices() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "N-a")
        await press(pilot, "tab")
        await type_text(pilot, "9000")
        before = screen_text(app)
        factories.set_price(book, "SPY", "300.00")
        await app.run_heartbeat()
        await settle(pilot)
        assert app.screen.query_one("#field-amount", Input).value == "9000"
        assert screen_text(app) != before

    run(flow, book)


def test_the_page_keys_scroll_a_cut_plan_from_the_amount_and_are_named_while_it_is_cut() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "N-a")
        assert "pgdn" not in screen_text(app), "no plan is shown yet"
        await press(pilot, "tab", "9", "0", "0", "0")
        before = screen_text(app)
        assert "pgdn more · tab next field  " in before
        assert "TLT" not in before
        await press(pilot, "pagedown")
        assert "TLT" in screen_text(app)
        assert app.screen.query_one("#field-amount", Input).has_focus
        await press(pilot, "pageup")
        assert screen_text(app) == before
        await press(pilot, "ctrl+u")
        assert "pgdn" not in screen_text(app)

    run(flow, invested(), (80, 24))


def test_a_live_book_requires_a_typed_confirmation() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert app.last_status is not None
        await press(pilot, "n")
        await type_text(pilot, "N-a")
        await press(pilot, "tab")
        await type_text(pilot, "9000")
        app.last_status = replace(app.last_status, mode="LIVE")
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, ConfirmScreen)
        assert not store.withdrawals(book.database)
        await press(pilot, "escape")
        assert isinstance(app.screen, FormScreen)

    run(flow, book)


def test_every_key_explains_itself_in_an_empty_book() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "No cash movements yet. n requests a withdrawal" in screen_text(app)
        for key in ("c", "v", "a", "r", "y", "enter", "t", "T"):
            await press(pilot, key)
            assert isinstance(app.screen, CashScreen)
        assert "No movement selected." in shown_messages(app)

    run(flow, factories.make_book())


def test_forms_refuse_names_with_markup_and_escape_codes_as_plain_text() -> None:
    book = factories.make_book("2026-03-02 09:30")
    hostile = replace(factories.account("x", "5000"), name="[red]Eve[/] [@click=app.quit]x[/]")
    factories.fill_book(book, [hostile], [factories.balanced()], {"x": "balanced"})
    scheduler.tick(book)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await ask_for(pilot, "eve", "1000")
        assert "[red]Eve[/]" in confirmation(app)
        await press(pilot, "y")
        await app.run_heartbeat()
        await settle(pilot)
        assert "[red]Eve[/]" in screen_text(app)

    run(flow, book)


def test_sells_are_explained_where_settled_cash_covers_a_withdrawal() -> None:
    """Cash is at its target of 5 %: $500 of the $1,000 may leave at once, and the assets pay for the most of it."""
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await ask_for(pilot, "N-b", "500")
        assert "Settled cash covers it; 2 sells raise, to keep cash at its target $475.00" in confirmation(app)

    run(flow, book)


def test_everything_can_be_withdrawn_and_the_account_stays_unsubscribed() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await ask_for(pilot, "N-b", "Everything")
        assert "Every position is closed" in confirmation(app)
        assert "ends now, and the account stays unsubscribed" in confirmation(app)
        await press(pilot, "y")
        await app.run_heartbeat()
        await settle(pilot)
        assert "everything, about" in screen_text(app)
        assert only(book).everything
        assert (book.accounts["b"].positions, "b" in book.subscriptions) == ((), False)

    run(flow, book)
    sound(book)


def test_a_withdrawal_that_sells_nothing_names_the_day_of_its_journal() -> None:
    book = invested()
    deposit(book, "b", parse_money("5000"))
    proposal = withdrawal_proposal([])(book, {"account": "N-b", "amount": "5"})
    assert "Nothing is sold" in [effect.text for effect in proposal.effects]
    assert "the journal can be made at once; then you can no longer cancel" in proposal.text
    assert proposal.act(book) == "$5.00 for Client b, nothing to sell, journaled once settled, on Mon 02 Mar 2026"


def test_the_rows_of_deposits_stay_the_same_when_another_one_comes() -> None:
    """The list has the newest only, so that each newer one pushes out the oldest."""
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    deposits = [(at + timedelta(minutes=n), "a", "Client a", parse_money("5"), "deposit") for n in (3, 2, 2, 1)]
    before = cash_rows(CashSnapshot(1, (), (), tuple(deposits[1:])))
    after = cash_rows(CashSnapshot(1, (), (), tuple(deposits[:3])))
    assert len({row.key for row in before}) == len({row.key for row in after}) == 3
    assert [row.key for row in after][1:] == [row.key for row in before][:2]
    assert {row.state for row in after} == {"received"}


def test_older_movements_are_loaded_when_the_cursor_comes_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    book = invested()
    for dollars in ("5", "6", "7"):
        deposit(book, "a", parse_money(dollars))
    monkeypatch.setattr(CashScreen, "ROWS_AT_ONCE", 2)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "[All latest 2]" in screen_text(app)
        await press(pilot, "end")
        assert "[All 3]" in screen_text(app)
        assert shown_messages(app)[-1] == "3 movements loaded; these are all."

    run(flow, book)


def test_the_cursor_goes_to_a_new_withdrawal() -> None:
    book = invested()
    for _ in range(3):
        deposit(book, "b", parse_money("5"))

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "down", "down")
        await ask_for(pilot, "client a", "500")
        await press(pilot, "y")
        table = app.screen.query_one(BookTable)
        assert table.cursor_key == only(book).id
        assert table.rows[0].key == only(book).id
        assert table.moved == 0

    run(flow, book)


def test_enter_leads_to_an_empty_field_before_it_says_what_is_missing() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "client a")
        await press(pilot, "enter")
        assert app.focused is app.screen.query_one("#field-amount")
        assert fault(app, "amount") == ""
        await press(pilot, "enter")
        assert "✗ expected a plain decimal number" in fault(app, "amount")

    run(flow, invested())


def test_enter_goes_on_from_the_preview_and_cancel_says_that_enter_cancels() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "client a")
        await press(pilot, "tab")
        await type_text(pilot, "9000")
        await press(pilot, "tab")
        assert app.focused is app.screen.query_one("#form-lines")
        assert app.focused.styles.border_left[0] == "thick", "a bar marks the preview that has the focus"
        assert "Cancel (esc)" in screen_text(app)
        await press(pilot, "tab")
        assert "Cancel (esc, enter)" in screen_text(app)
        assert "Continue (enter)" not in screen_text(app)
        await press(pilot, "shift+tab", "enter")
        assert isinstance(app.screen, ConfirmScreen)

    run(flow, invested())


def test_one_of_several_accounts_that_match_is_picked_from_a_list() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "client")
        await press(pilot, "tab")
        assert isinstance(app.screen, PickScreen)
        assert "Account: 2 match “client”" in screen_text(app)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, FormScreen)
        assert app.screen.query_one("#field-account", Input).value == "Client b · N-b"
        assert app.focused is app.screen.query_one("#field-amount")

    run(flow, invested())


def test_a_list_of_accounts_that_was_left_opens_again() -> None:
    """Tab passes it once, so that the field can be left; down opens it, and tab when the field is visited again."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "client")
        await press(pilot, "tab", "escape")
        assert app.focused is app.screen.query_one("#field-account")
        await press(pilot, "down")
        assert isinstance(app.screen, PickScreen)
        await press(pilot, "escape", "tab")
        assert app.focused is app.screen.query_one("#field-amount")
        await press(pilot, "shift+tab", "tab")
        assert isinstance(app.screen, PickScreen)

    run(flow, invested())


def test_a_number_that_begins_others_is_not_asked_about() -> None:
    offered = OnlyChoice(["Ruiz, Ana · 12", "Ruiz, Ana · 123", "Ng, Ada · 124"])

    assert offered.matching("ruiz") == ["Ruiz, Ana · 12", "Ruiz, Ana · 123"]
    assert offered.matching("12") == []
    assert offered.matching("Ruiz, Ana · 12") == []
    assert offered.matching(" ") == []


def test_a_row_and_its_panel_change_in_the_same_frame() -> None:
    book = invested()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await ask_for(pilot, "N-b", "4000")
        await press(pilot, "y")
        await app.run_heartbeat()
        await settle(pilot)
        before = screen_text(app)
        assert "settles 03 Mar" in before
        assert "▸ settling" in before, "in the panel"
        await app.ask(withdrawals.cancel_withdrawal, only(book).id)
        assert app.section is not None
        await app.section.pull()
        after = screen_text(app)
        assert "settles" not in after
        assert "▸ settling" not in after

    run(flow, book)
