from itertools import combinations

import pytest

from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies
from rebal_tui.tui.keymap import key_text
from rebal_tui.tui.screens.shared.help_lines import help_lines
from rebal_tui.tui.sections import EVERYWHERE, LISTS, QUEUES, Section
from tests.tui.driving import drive, make_app, press, screen_text, shown_messages
from tests.tui.fakes import FakeBackend
from tests.tui.views import status


@pytest.mark.slow
def test_every_action_has_a_method_where_it_applies() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for section in Section:
            app.action_go(section)
            await pilot.pause()
            for action in ACTIONS:
                if applies(action, section):
                    owner = app if action.scope == EVERYWHERE else app.screen
                    assert hasattr(owner, f"action_{action.method.partition('(')[0]}"), (section, action.id)

    drive(script)


def test_no_key_has_two_meanings_in_one_section() -> None:
    for section in Section:
        here = [action for action in ACTIONS if applies(action, section)]
        for one, other in combinations(here, 2):
            assert not set(one.keys.split(",")) & set(other.keys.split(",")), (section, one.id, other.id)


def test_ids_are_unique_and_every_action_is_explained() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert action.keys
        assert action.label
        assert action.help.endswith(".")
        assert action.scope in {*Section, *QUEUES, EVERYWHERE, LISTS}


def test_help_names_every_key_of_the_section() -> None:
    text = "\n".join("".join(part for part, _ in line) for line in help_lines(Section.RUNS)(80, 24))
    for action in ACTIONS:
        if applies(action, Section.RUNS) and not action.id.startswith("go."):
            assert key_text(action.keys) in text
            assert action.label in text


@pytest.mark.parametrize("mode", ["FILES", "LIVE", "SIMULATED ×60"])
def test_help_lists_the_keys_of_simulated_time_only_where_there_is_one(mode: str) -> None:
    text = "\n".join("".join(part for part, _ in line) for line in help_lines(Section.RUNS, mode=mode)(80, 24))
    for label in ("Pause simulation", "Faster", "Slower", "Step a day"):
        assert (label in text) == mode.startswith("SIMULATED")
    assert "Kill switch" in text


def test_a_files_book_is_not_asked_to_advance_its_time() -> None:
    backend = FakeBackend()
    backend.line = status(mode="FILES")

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "D")
        assert app.screen is app.section
        assert "The time of this book is not simulated." in shown_messages(app)

    drive(script, make_app(backend))


@pytest.mark.slow
def test_a_keymap_moves_a_key() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "slash")
        assert not app.screen.query_one("#filter").display
        await press(pilot, "f5")
        assert app.screen.query_one("#filter").display

    drive(script, make_app(keymap={"list.filter": "f5"}))


@pytest.mark.slow
def test_the_footer_shows_the_keys_of_the_section() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        assert "p Preview" in screen_text(app).splitlines()[-1]
        await press(pilot, "4")
        assert "c Cancel run" in screen_text(app).splitlines()[-1]
        assert "Preview" not in screen_text(app).splitlines()[-1]

    drive(script)
