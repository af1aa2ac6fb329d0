import pytest
from rich.cells import cell_len

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_services import account_pages
from tests.tui.driving import drive, make_app, press, screen_text, settle, shown_messages
from tests.tui.fakes import FakeBackend

HOSTILE = [
    "Smith [/] Co",
    "[@click=app.quit]x[/]",
    "[b]BRK[B][/b]",
    "日本投資信託 🙂🙂",
    "[[[[ ' \" \\",
    "x" * 200,
    "a\x1b[2Jb\u202ec",
]


def shown(name: str, width: int) -> str:
    """Return the name as printable text, truncated to `width` cells."""
    text = "".join(char if char.isprintable() else "�" for char in name)
    while cell_len(text) > width:
        text = text[:-1]
    return text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [*((name, (120, 40)) for name in HOSTILE), *((name, (80, 24)) for name in (HOSTILE[3], HOSTILE[5]))],
    ids=["slash", "click", "brackets", "wide", "quotes", "long", "escape", "wide-narrow", "long-narrow"],
)
@pytest.mark.samples(2)
def test_names_are_shown_as_they_are_on_every_screen(name: str, size: tuple[int, int]) -> None:
    backend = FakeBackend(12, client=name, portfolio=name)

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        async def see(width: int = 10) -> None:
            text = screen_text(app)
            assert shown(name, width) in text
            assert "\x1b" not in text
            assert all(cell_len(line) == size[0] for line in text.splitlines())

        await see()
        await press(pilot, "enter")
        await see()
        await press(pilot, "escape", "end", "p")
        await press(pilot, "escape", "j", "y", "S", "home", "t", "escape")
        await see()
        await press(pilot, "4")
        await see()
        await press(pilot, "enter")
        await see()
        await press(pilot, "escape", "J")
        await press(pilot, "escape", "c")
        await press(pilot, "escape", "d")
        await see()
        await press(pilot, "ctrl+p")
        for key in ("a", "c", "c"):
            await pilot.press(key)
        await settle(pilot)
        assert app.is_running
        await press(pilot, "escape")

    app = drive(script, make_app(backend), size)
    assert app.return_code in (0, None)


@pytest.mark.slow
def test_a_click_on_a_name_runs_no_markup_action() -> None:
    backend = FakeBackend(6, client="[@click=app.quit]quit[/]")

    async def script(pilot, app: RebalApp) -> None:  # type: ignore[no-untyped-def]
        for y in range(4, 9):
            for x in (5, 12, 20, 30, 80, 100):
                await pilot.click(offset=(x, y))
        assert app.is_running
        while len(app.screen_stack) > 1:
            app.pop_screen()
        app.say("[@click=app.quit]x[/] [/]")
        await settle(pilot)
        assert app.is_running

    drive(script, make_app(backend))


def test_an_error_with_markup_is_shown_as_plain_text() -> None:
    def failing(account_id: str) -> None:
        raise RuntimeError("[/] [@click=app.quit]x[/]")

    backend = FakeBackend()
    backend.answers[account_pages.account_page] = failing

    async def script(pilot, app: RebalApp) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "enter")
        assert any("[@click=app.quit]" in text for text in shown_messages(app))

    drive(script, make_app(backend))
