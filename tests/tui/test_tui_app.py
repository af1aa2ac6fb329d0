import asyncio
import logging
from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.desk import AccountView
from rebal_tui.tui.book_services import desk_queries
from rebal_tui.tui.host import FirstSteps
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.runs.screen import RunsScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.sections import Section
from tests.tui.driving import drive, make_app, press, screen_text, settle, shown_messages
from tests.tui.fakes import FakeBackend
from tests.tui.textual_internals import print_errors
from tests.tui.views import account_view, status


@pytest.mark.slow
def test_every_section_is_one_key_away_and_keeps_its_state() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "j", "j", "s")
        key, view = app.screen.table.cursor_key, app.screen.table.view
        for section in Section:
            await press(pilot, section.key)
            assert app.current_mode == section
            assert section.label in screen_text(app)
        await press(pilot, "1")
        assert app.screen.table.cursor_key == key
        assert app.screen.table.view == view

    drive(script)


def test_the_desk_puts_first_what_needs_a_person() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        rows = app.screen.table.rows
        order = [(list(StatusKind).index(row.status), -(row.band_used or -1)) for row in rows]
        assert order == sorted(order)
        assert rows[0].status is StatusKind.NEEDS_YOU
        assert app.screen.table.cursor_row is rows[0]

    drive(script)


@pytest.mark.slow
def test_the_filter_works_while_typing_and_escape_clears_it() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        table = app.screen.table
        await press(pilot, "slash", "r", "u", "i", "z")
        assert {row.client[:4] for row in table.rows} == {"Ruiz"}
        await press(pilot, "enter")
        assert table.has_focus
        await press(pilot, "4", "1")
        assert {row.client[:4] for row in table.rows} == {"Ruiz"}
        await press(pilot, "escape")
        assert len(table.rows) == table.total

    drive(script)


def test_tiles_filter_by_key_and_by_click() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        table = app.screen.table
        await press(pilot, "t")
        assert table.rows
        assert all(row.status is StatusKind.NEEDS_YOU for row in table.rows)
        await press(pilot, "t")
        assert all(row.status is StatusKind.WILL_TRADE for row in table.rows)
        await press(pilot, "T", "T")
        assert len(table.rows) == table.total
        await pilot.click("#tiles", offset=(44, 0))
        await settle(pilot)
        assert all(row.status is StatusKind.WAITS for row in table.rows)
        await press(pilot, "escape")
        assert len(table.rows) == table.total

    drive(script)


def test_the_detail_shows_the_reason() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, *["j"] * 6, "enter")
        text = screen_text(app)
        for part in ("Holdings", "Band used", "Why", "full rebalance", "Next", "Last decision", "▴ run"):
            assert part in text
        assert "R-14.5" not in text, "rule numbers are in the trace of the JSON only"

    drive(script, size=(160, 60))


@pytest.mark.slow
def test_a_narrow_terminal_has_the_list_alone_and_the_detail_on_enter() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        assert "Holdings" not in screen_text(app)
        await press(pilot, "enter")
        assert "Holdings" in screen_text(app)
        await press(pilot, "escape")
        assert app.screen is app.section

    drive(script, size=(80, 24))


@pytest.mark.slow
def test_a_preview_shows_every_line_and_sends_nothing() -> None:
    backend = FakeBackend()

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, *["j"] * 8, "p")
        text = screen_text(app)
        for part in (
            "VTI",
            "GLD",
            "is less than the minimum ($1)",
            "above its target",
            "Before and after",
            "Nothing has been sent",
        ):
            assert part in text

    drive(script, make_app(backend))
    assert backend.calls == []


def test_a_refusal_is_shown_as_a_message() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "p")
        assert "No run would be made: an ACH deposit was returned." in shown_messages(app)
        assert app.screen is app.section
        await press(pilot, "greater_than_sign")
        assert "the time of this book is not simulated" in shown_messages(app)

    drive(script)


@pytest.mark.slow
def test_nothing_is_evaluated_without_confirmation() -> None:
    backend = FakeBackend()

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "v", "enter")
        assert backend.calls == []
        await press(pilot, "v", "escape")
        assert backend.calls == []
        await press(pilot, "v", "y")
        assert backend.calls == ["run evaluation"]

    drive(script, make_app(backend))


@pytest.mark.slow
def test_in_a_live_book_yes_must_be_typed() -> None:
    backend = FakeBackend()
    backend.line = status(mode="LIVE")

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "v")
        assert isinstance(app.screen, ConfirmScreen)
        assert app.screen.query_one("#yes").disabled
        await press(pilot, "enter", "y")
        assert backend.calls == []
        await press(pilot, "backspace", "L", "I", "V", "E", "enter")
        assert backend.calls == ["run evaluation"]

    drive(script, make_app(backend))


@pytest.mark.slow
def test_only_an_unfinished_run_can_be_canceled() -> None:
    backend = FakeBackend()

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "4")
        run_id = app.screen.table.cursor_key
        await press(pilot, "c")
        assert "No further orders are sent" in screen_text(app)
        await press(pilot, "y")
        assert backend.calls == [f"cancel {run_id}"]
        await press(pilot, "j", "c")
        assert app.screen is app.section
        assert "only a queued or running run can be canceled" in shown_messages(app)[-1]

    drive(script, make_app(backend))


@pytest.mark.slow
def test_navigation_from_an_account_to_its_runs_and_back() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "j")
        account = app.screen.table.cursor_key
        await press(pilot, "r")
        assert isinstance(app.screen, RunsScreen)
        assert {row.account_id for row in app.screen.table.rows} == {account}
        await press(pilot, "1", "home", "4", "d")
        assert app.current_mode == Section.DESK
        assert app.screen.table.cursor_key == account

    drive(script)


@pytest.mark.slow
def test_the_palette_finds_actions_accounts_and_runs() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "4", "1", "ctrl+p", *"okafor")
        assert "Account Okafor, B." in screen_text(app)
        await press(pilot, "escape", "ctrl+p", *"cancel run", "enter", "enter")
        assert app.current_mode == Section.RUNS

    drive(script)


def test_a_failing_heartbeat_is_visible_and_goes_away() -> None:
    class Failing(FakeBackend):
        broken = False

        async def tick(self) -> bool:
            if self.broken:
                raise RuntimeError("disk full")
            return False

    backend = Failing()

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        backend.broken = True
        await app.run_heartbeat()
        await app.run_heartbeat()
        await settle(pilot)
        assert "NOT UPDATING" in screen_text(app).splitlines()[0]
        assert sum("disk full" in text for text in shown_messages(app)) == 1
        backend.broken = False
        await app.run_heartbeat()
        await settle(pilot)
        assert "NOT UPDATING" not in screen_text(app)

    drive(script, make_app(backend))


@pytest.mark.slow
@pytest.mark.every_frame
def test_a_late_answer_is_dropped() -> None:
    backend = FakeBackend()
    rows = {row.account_id: row for row in backend.rows}
    gates: dict[str, asyncio.Event] = {}
    requests: list[str] = []

    async def slow(account_id: str) -> AccountView:
        requests.append(account_id)
        await gates.setdefault(account_id, asyncio.Event()).wait()
        return account_view(rows[account_id])

    backend.answers[desk_queries.account_view] = slow

    async def main() -> None:
        app = make_app(backend)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.2)
            await pilot.press("j")
            await pilot.pause(0.2)
            first, second = list(dict.fromkeys(requests))
            gates[second].set()
            await pilot.pause(0.1)
            assert app.screen.detail.render_line(0).text.strip().startswith(rows[second].client)  # type: ignore[attr-defined]
            gates[first].set()
            await pilot.pause(0.1)
            assert app.screen.detail.render_line(0).text.strip().startswith(rows[second].client)  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_snapshot_that_has_not_changed_is_not_drawn_again() -> None:
    backend = FakeBackend()
    requests: list[str] = []
    answer = backend.answers[desk_queries.account_view]

    def counting(account_id: str) -> AccountView:
        requests.append(account_id)
        view: AccountView = answer(account_id)
        return view

    backend.answers[desk_queries.account_view] = counting

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await settle(pilot)
        before = len(requests)
        await app.run_heartbeat()
        await settle(pilot)
        assert len(requests) == before
        backend.version += 1
        await app.run_heartbeat()
        await settle(pilot)
        assert len(requests) == before + 1

    drive(script, make_app(backend))


def test_an_empty_book_offers_four_ways_to_start() -> None:
    done: list[str] = []

    async def demo() -> str:
        done.append("demo")
        return "The demo is open."

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        text = screen_text(app)
        for choice in ("Open the demo", "Import a file", "Start by hand", "Connect a broker"):
            assert choice in text
        assert "Preview" not in text
        await press(pilot, "enter")
        assert done == ["demo"]
        assert "The demo is open." in shown_messages(app)
        assert "Working…" not in screen_text(app)
        await press(pilot, "down", "down", "down", "enter")
        assert "rebal-tui connect" in screen_text(app)

    drive(script, make_app(FakeBackend(0), first_run=FirstSteps(open_demo=demo)))


def test_a_crash_shows_no_variables_and_names_the_log_file(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        app = make_app(log_path=Path("rebal.log"))

        def crash() -> None:
            app.painted = False  # A later error would be a notice.
            secret = "sk-canary"
            raise RuntimeError("broken" if secret else "")

        async def run() -> None:
            async with app.run_test() as pilot:
                app.call_later(crash)
                await pilot.pause(0.2)

        with pytest.raises(RuntimeError):
            await run()
        print_errors(app)
        assert app.return_code == 1

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())
    printed = "".join(capsys.readouterr())
    assert "sk-canary" not in printed
    assert "rebal.log" in printed
    assert "broken" in caplog.text


@pytest.mark.slow
def test_a_refused_snapshot_keeps_the_rows_on_the_desk() -> None:
    backend = FakeBackend()

    def refuse(*_: object) -> None:
        raise Conflict("The book is being backed up.")

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        backend.answers[desk_queries.desk_snapshot] = refuse
        await app.run_heartbeat()
        await settle(pilot)
        assert "The book is being backed up." in screen_text(app)
        assert len(app.screen.table.rows) == 40

    drive(script, make_app(backend))


def test_yes_to_sending_counts_only_once_the_dialog_has_shown_what_it_does() -> None:
    question = Question("Approve?", "Approve", effects=[Effect("1 buy is sent", "$5.00")], sends=True)

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        answers: list[str] = []
        app.confirm(question, answers.append)
        screen = app.screen
        while not screen.query("#yes"):
            await asyncio.sleep(0)
        screen.action_answer(True)
        assert (app.screen is screen, answers) == (True, [])
        await settle(pilot)
        await press(pilot, "y")
        assert (app.screen is screen, answers) == (False, [""])

    drive(script)
