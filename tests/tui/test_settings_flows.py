"""Settings: file, form, user-defined keys, and their effect on the book."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select, Static

from rebal_tui import bootstrap
from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.book.guards import stored_guards
from rebal_tui.services.book.policy import apply_policy, policy_of
from rebal_tui.services.book.policy_options import BookPolicy
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies
from rebal_tui.tui.keymap import key_fault, usable_keys
from rebal_tui.tui.screens.settings import guards as guard_fields
from rebal_tui.tui.screens.settings.policy_fields import TYPED
from rebal_tui.tui.screens.settings.screen import SettingsScreen
from rebal_tui.tui.sections import QUEUES, Section
from rebal_tui.tui.settings import Density, Notify, Settings, SettingsFile, read_settings, settings_text, write_settings
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import SIZES, app_with_book, at_time, market_book, run, run_heartbeat, shows, write

ALL = Settings(
    "rebal-safe",
    Density.COMFORTABLE,
    {"list.filter": "f5", "app.halt": "ctrl+k,f12"},
    {"desk": ("client", "equity")},
    {"desk": "-equity", "log.audit": "at"},
)


def test_a_missing_file_means_default_settings(tmp_path: Path) -> None:
    read = read_settings(tmp_path / "none.toml")
    assert read == SettingsFile(tmp_path / "none.toml", Settings())


@pytest.mark.parametrize("settings", [ALL, Settings()])
def test_written_settings_are_read_back(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "settings.toml"
    write_settings(SettingsFile(path, Settings()), settings)
    assert read_settings(path) == SettingsFile(path, settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["settings.toml"]


def test_a_settings_file_shows_the_defaults_without_setting_them() -> None:
    text = settings_text(Settings())
    assert '# theme = "rebal-dark"' in text
    assert '# density = "compact"' in text
    assert "evaluate_minutes" not in text, "settings of a book are in the book"


@pytest.mark.parametrize(
    ("text", "location", "message"),
    [
        ('theme = "rebal-drak"', "theme", "did you mean rebal-dark?"),
        ("theme = 5", "theme", "expected rebal-dark,"),
        ('them = "x"', "them", "no such setting; did you mean theme?"),
        ('density = "wide"', "density", "expected compact, comfortable"),
        ("keys = 5", "keys", "expected a table: [keys]"),
        ('[book]\nreview = "all"', "book", "not applied: each book keeps its own settings"),
        ('[keys]\n"list.fliter" = "f5"', "keys.list.fliter", "no such action; did you mean list.filter?"),
        ('[keys]\n"list.filter" = "ctlr+f"', "keys.list.filter", "did you mean ctrl?"),
        ('[keys]\n"list.filter" = "enter"', "keys.list.filter", "enter moves or opens in every list"),
        ('[keys]\n"list.filter" = 5', "keys.list.filter", "expected a key in quotes"),
        ('[keys]\n"list.filter" = "s"', "keys.list.filter", "s is “Sort” in"),
    ],
)
def test_a_fault_is_named_with_file_and_key_and_the_other_settings_apply(
    text: str, location: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text if text.startswith("density") else 'density = "comfortable"\n' + text)
    read = read_settings(path)
    (fault,) = read.faults
    assert fault.location == f"{path}: {location}"
    assert message in fault.message
    assert read.settings.density is (Density.COMPACT if location == "density" else Density.COMFORTABLE)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"theme =", b"\xff\xfe", b"#" * 70_000, b'theme = "a\x1b[2Jb"'])
def test_an_unreadable_file_is_reported_and_the_program_starts(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    settings = read_settings(path)
    assert len(settings.faults) == 1
    assert str(settings.faults[0]).isprintable()

    async def flow(pilot: Any, app: Any) -> None:
        assert any(str(path) in text for text in shown_messages(app))
        assert app.theme == "rebal-dark"

    run(flow, market_book(2), "1", settings=settings)


def test_keys_can_be_swapped_and_conflicts_are_omitted() -> None:
    assert usable_keys({"list.sort": "S", "list.reverse": "s"}) == ({"list.sort": "S", "list.reverse": "s"}, {})
    used, faults = usable_keys({"list.sort": "f5", "list.filter": "f5"})
    assert used == {"list.sort": "f5"}
    assert "“Sort”" in faults["list.filter"]
    assert usable_keys({"list.filter": "/"}) == ({"list.filter": "slash"}, {})


def test_no_key_has_two_meanings_in_review_or_another_section() -> None:
    assert usable_keys({}) == ({}, {})
    for section in (*Section, *QUEUES):
        for action in ACTIONS:
            if applies(action, section):
                for key in action.keys.split(","):
                    assert key_fault(action.id, key) in ("", f"{key} moves or opens in every list")


@pytest.mark.slow
def test_a_custom_key_works_and_footer_help_and_palette_show_it() -> None:
    file = SettingsFile(None, Settings(keys={"market.shock": "f6"}))

    async def flow(pilot: Any, app: Any) -> None:
        assert "f6 Shock" in screen_text(app).splitlines()[-1]
        await press(pilot, "o")
        assert app.screen is app.section
        await press(pilot, "f6")
        assert app.screen is not app.section
        await press(pilot, "escape", "question_mark")
        assert any("f6" in line and "Shock" in line for line in screen_text(app).splitlines())

    run(flow, market_book(2), "6", settings=file)


@pytest.mark.slow
def test_saved_settings_apply_at_once_and_in_headless_runs(tmp_path: Path) -> None:
    book = market_book(3)
    path = tmp_path / "settings.toml"

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        assert isinstance(app.screen, SettingsScreen)
        minutes = app.screen.query_one("#evaluate_minutes", Input)
        minutes.value = "x"
        await press(pilot, "ctrl+s")
        assert "✗ expected a whole number from 1 to 390" in screen_text(app)
        assert not path.exists()
        minutes.value = "5"
        app.screen.query_one("#quarterly_months", Input).value = "1, 4, 7, 10"
        app.screen.query_one("#theme", Select).value = "rebal-light"
        app.screen.query_one("#density", Select).value = "comfortable"
        assert app.screen.query_one("#notify", Select).value == Notify.OFF
        app.screen.query_one("#notify", Select).value = Notify.ALERTS
        app.screen.query_one("#review", Select).value = "all"
        await press(pilot, "ctrl+s")
        assert app.screen is app.section
        assert app.theme == "rebal-light"
        assert app.has_class("-comfortable")
        assert read_settings(path).settings == app.settings_file.settings
        assert app.settings_file.settings.notify is Notify.ALERTS
        assert "next evaluation 10:05" in screen_text(app)
        await press(pilot, "comma")
        assert app.screen.query_one("#evaluate_minutes", Input).value == "5"
        await press(pilot, "escape")

    run(flow, book, "1", settings=read_settings(path))
    assert policy_of(book) == BookPolicy(True, 5, (), (1, 4, 7, 10), 60)
    again = bootstrap.open_simulation(book.database)
    assert again.settings.quarterly_months == {1, 4, 7, 10}
    session = again.session()
    assert session is not None
    assert len(again.settings.slots(session)) == 73
    assert book_settings.get(again.database, "review") == "1"


def test_arrows_move_between_the_fields_of_the_form_and_enter_opens_a_choice() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        form = app.screen
        assert "↑ ↓ or tab moves" in screen_text(app)
        reached = []
        for key in ("down",) * 5 + ("up",) * 3:
            await press(pilot, key)
            reached.append(form.focused.id)
        assert reached == ["density", "notify", "keys", "review", "evaluate_minutes", "review", "keys", "notify"]
        notify = form.query_one("#notify", Select)
        assert not notify.expanded
        await press(pilot, "enter")
        assert "╭" in screen_text(app), "the list has a border"
        await press(pilot, "down", "enter")
        assert notify.value == Notify.ALERTS
        await press(pilot, "space", "up", "enter")
        assert notify.value == Notify.OFF

    run(flow, market_book(2), "1")


def test_evaluations_follow_the_times_that_were_set() -> None:
    book = market_book(2)
    apply_policy(book, BookPolicy(evaluate_at=(time(11), time(9), time(15, 30), time(15, 45))))
    session = book.session()
    assert session is not None
    assert [at.hour for at in book.settings.slots(session)] == [16, 20]
    assert scheduler.next_evaluation(book) == book.settings.slots(session)[0]
    assert apply_policy(book, policy_of(book)) == (), "what is so already is no change"


def test_a_byte_order_mark_hides_no_setting(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b'\xef\xbb\xbftheme = "rebal-light"\n')
    assert read_settings(path) == SettingsFile(path, Settings(theme="rebal-light"))


@pytest.mark.slow
def test_settings_of_a_book_reach_no_other_book(tmp_path: Path) -> None:
    path, first, second = tmp_path / "settings.toml", market_book(2), market_book(2)

    async def change(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        app.screen.query_one("#review", Select).value = "all"
        app.screen.query_one("#fresh_seconds", Input).value = "0"
        app.screen.query_one("#theme", Select).value = "rebal-light"
        await press(pilot, "ctrl+s")

    async def look(pilot: Any, app: Any) -> None:
        assert app.theme == "rebal-light"
        await press(pilot, "comma")
        assert app.screen.query_one("#review", Select).value == "portfolios"
        assert app.screen.query_one("#fresh_seconds", Input).value == "60"
        await press(pilot, "ctrl+s")

    run(change, first, "1", settings=read_settings(path))
    run(look, second, "1", settings=read_settings(path))
    assert policy_of(first) == BookPolicy(review=True, fresh_seconds=0)
    assert policy_of(second) == BookPolicy()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("evaluate_minutes", "0", "expected a whole number from 1 to 390"),
        ("evaluate_minutes", "1.5", "expected a whole number from 1 to 390"),
        ("evaluate_at", "25:00", "expected New York times"),
        ("evaluate_at", "10:00:01", "expected New York times"),
        ("quarterly_months", "13", "expected months from 1 to 12"),
        ("fresh_seconds", "-1", "expected a whole number from 0"),
        ("orders_per_minute", "100001", "expected a whole number from 0 to 100000"),
    ],
)
def test_a_field_of_the_policy_says_what_it_expects(name: str, text: str, message: str) -> None:
    _, _, parse = TYPED[name]
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_faulty_file_is_kept_next_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("theme = ")
    write_settings(read_settings(path), ALL)
    assert (tmp_path / "settings.toml.bak").read_text() == "theme = "
    assert read_settings(path).settings == ALL


@pytest.mark.slow
def test_keys_are_changed_by_pressing_them_and_conflicts_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma", "f2")
        table = app.screen.query_one("BookTable")
        table.move_to("market.shock")
        await press(pilot, "enter")
        free = str(app.screen.query_one("#press-free", Static).content).split()
        assert free[0] == "Free:"
        assert "f7" in free
        assert not {"h", "q", "1", "o"} & set(free), "o is the key that the action has"
        assert "Press the new key for “Shock prices” (Market), now o" in " ".join(screen_text(app).split())
        await press(pilot, "h")
        shown = " ".join(str(app.screen.query_one("#press-fault", Static).content).split())
        assert "✗ h is “Halt or resume” in Market (market.halt); press another key." in shown
        await press(pilot, "f7")
        assert "f7 (default o)" in screen_text(app)
        await press(pilot, "backspace")
        assert "f7" not in screen_text(app)
        await press(pilot, "enter", "f7", "escape")
        assert "1 action with a custom key, not saved yet" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert read_settings(path).settings.keys == {"market.shock": "f7"}
        app.dismiss_notice()
        await settle(pilot)
        assert "f7 Shock" in screen_text(app).splitlines()[-1]

    run(flow, market_book(2), "6", settings=read_settings(path))


@pytest.mark.slow
def test_the_list_of_keys_is_filtered_by_what_is_typed() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma", "f2")
        table = app.screen.query_one("BookTable")

        def shown() -> set[str]:
            return {action.id for action in table.rows}

        await press(pilot, *"journal")
        assert shown() == {"cash.journal_in", "cash.journal_out"}
        await press(pilot, "down", "down", "enter", "f7")
        assert "f7 (default o)" in screen_text(app), "the list has the focus"
        await press(pilot, "escape")
        assert app.screen.query("#settings-title"), "escape leaves the list, filtered or not"
        await press(pilot, "f2", *"journal", "enter", "escape")
        table = app.screen.query_one("BookTable")
        await press(pilot, "slash", "ctrl+u", "f", "7")
        assert shown() == {"cash.journal_out"}
        await press(pilot, "ctrl+u", "w")
        assert shown() == {"accounts.withdraw", "portfolios.stops"}, "one character is a key"
        await press(pilot, "escape")
        assert len(table.rows) == len(ACTIONS)
        await press(pilot, "escape")
        assert app.screen.query("#settings-title")

    run(flow, market_book(2), "6")


@pytest.mark.slow
def test_the_guards_are_kept_in_the_book_and_not_in_the_file(tmp_path: Path) -> None:
    path, book = tmp_path / "settings.toml", market_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        app.screen.query_one("#jump_limit", Input).value = "100"
        await press(pilot)
        assert "above 0 and below 100" in str(app.screen.query_one("#jump_limit-hint", Static).content)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, SettingsScreen), "nothing is saved while a field is invalid"
        app.screen.query_one("#jump_limit", Input).value = "30"
        app.screen.query_one("#surge_run_limit", Input).value = "50,00"
        app.screen.query_one("#jump_guard", Select).value = "on"
        await press(pilot)
        assert "expected" in str(app.screen.query_one("#surge_run_limit-hint", Static).content)
        app.screen.query_one("#surge_run_limit", Input).value = "50000"
        await press(pilot, "ctrl+s")
        (message,) = (text for text in shown_messages(app) if "price jump guard on; price jump limit 30 %" in text)
        assert message.startswith("Saved in the book: "), "nothing of the settings file changed"

    run(flow, book, "1", settings=read_settings(path))
    expected = Guards(jump_guard=True, jump_limit=Percent(3000), surge_run_limit=parse_money("50000"))
    assert stored_guards(book.database) == book.settings.guards == expected
    assert "guard" not in path.read_text()


@pytest.mark.slow
def test_the_minimum_trade_of_the_book_is_set_and_removed_by_keys() -> None:
    book = market_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        app.screen.query_one("#minimum_amount", Input).focus()
        await write(pilot, "250.00")
        await press(pilot, "tab")
        await write(pilot, "101")
        assert "expected 0 to 100" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, SettingsScreen), "nothing is saved while a field is invalid"
        await press(pilot, "backspace", "ctrl+s")
        assert any("minimum trade $250.00 or 10 %" in text for text in shown_messages(app))
        assert book.rules_view.minimum_trade == MinimumTrade(parse_money("250"), Percent(1_000))
        await press(pilot, "comma")
        for name, text in (("minimum_amount", "250.00"), ("minimum_percent", "10")):
            field = app.screen.query_one(f"#{name}", Input)
            assert field.value == text
            field.focus()
            await press(pilot, "end", *["backspace"] * len(text))
        await press(pilot, "ctrl+s")

    run(flow, book, "1")
    assert book.rules_view.minimum_trade is None


@pytest.mark.slow
def test_typing_survives_a_heartbeat() -> None:
    book = market_book(2)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        app.screen.query_one("#evaluate_at", Input).value = ""
        app.screen.query_one("#evaluate_at", Input).focus()
        await write(pilot, "10:0")
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert app.screen.query_one("#evaluate_at", Input).value == "10:0"

    run(flow, book, "1")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.samples(1)
def test_the_form_looks_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, market_book(2), ("comma",), SIZES[size])


@pytest.fixture
def form_shows(snap_compare: Any) -> Callable[..., None]:
    """Return a function that opens the form, presses keys and compares the screen with its snapshot."""

    def compare(*keys: str) -> None:
        async def before(pilot: Any) -> None:
            await settle(pilot)
            await pilot.press("comma")
            while not isinstance(pilot.app.screen, SettingsScreen):
                await pilot.pause(0.02)
            await settle(pilot)
            await press(pilot, *keys)

        assert snap_compare(app_with_book(market_book(2)), terminal_size=SIZES["80x24"], run_before=before)

    return compare


@pytest.mark.slow
def test_a_fault_looks_right(form_shows: Callable[..., None]) -> None:
    form_shows(*["tab"] * 5, "x")


@pytest.mark.slow
def test_the_keys_look_right(form_shows: Callable[..., None]) -> None:
    form_shows("f2", "down")


@pytest.mark.slow
def test_comfortable_looks_right(snap_compare: Any) -> None:
    book = market_book(2)
    file = SettingsFile(None, Settings(density=Density.COMFORTABLE))
    assert snap_compare(app_with_book(book, settings=file), terminal_size=SIZES["120x40"], press=["6"])


@pytest.mark.slow
def test_a_field_shows_its_fault_after_its_first_edit_or_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_fields, "limit_text", lambda _guards, name: "x" if name == "jump_limit" else "0")
    fault = "✗ expected a percent such as 20 or 12.5"

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma")
        hint = app.screen.query_one("#jump_limit-hint", Static)
        app.screen.query_one("#surge_limit", Input).value = "5"
        await settle(pilot)
        assert not hint.has_class("-fault")
        await press(pilot, "ctrl+s")
        assert hint.has_class("-fault")
        assert fault in str(hint.render())

    run(flow, market_book(1), "6")


@pytest.mark.slow
def test_changed_settings_are_discarded_after_a_question_only() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "comma", "escape")
        assert app.screen is app.section
        await press(pilot, "comma")
        app.screen.query_one("#evaluate_minutes", Input).value = "7"
        await press(pilot, "escape")
        assert "Discard your changes?" in screen_text(app)
        messages = shown_messages(app)
        await press(pilot, "n")
        assert isinstance(app.screen, SettingsScreen)
        assert shown_messages(app) == messages, "to keep editing needs no notice"
        await press(pilot, "escape", "y")
        assert app.screen is app.section

    run(flow, market_book(1), "6")
