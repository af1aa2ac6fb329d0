"""The real screens behind the page, and the command line."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rebal_tui import bootstrap, paths
from rebal_tui.cli.in_browser import arguments_of
from rebal_tui.cli.program import program, run
from rebal_tui.web import screens as all_screens
from tests.web.pages import serving


@pytest.mark.slow
def test_a_closed_tab_closes_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_screens, "GRACE_SECONDS", 0.0)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "small.db"
    bootstrap.create_demo(path, accounts=3, paused=True).close()
    lines: list[str] = []

    async def check() -> None:
        async with serving(arguments_of(path), lines.append) as browser:
            await browser.sign_in()
            async with browser.connect() as page:
                shown = b""
                while b"AUM" not in shown:
                    shown += await page.receive_bytes(timeout=20)
                with pytest.raises(paths.BookInUse), paths.exclusive_lock(path):
                    pass
                await page.send_str(json.dumps(["stdin", "3"]))
                while b"Equity" not in shown:
                    shown += await page.receive_bytes(timeout=20)
            while "The screens are closed." not in lines:
                await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(check(), 20))
    with paths.exclusive_lock(path):
        bootstrap.open_database(path, read_only=True).close()
    assert not path.with_name("small.db-wal").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "8000"], "--port requires --web"),
        (["demo", "--port", "8000"], "--port requires --web"),
        (["--web", "check"], "use it without a command, or after demo"),
        (["demo", "--web", "--headless", "3"], "cannot be combined"),
        (["--web", "--port", "0"], "--port"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_without_the_extra_a_sentence_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    path = tmp_path / "new.db"
    assert run(["--db", str(path), "--web"]) == 1
    assert run(["demo", "--db", str(path), "--web"]) == 1
    assert capsys.readouterr().err == "--web needs additional packages: pip install 'rebal-tui[web]'\n" * 2
    assert not path.exists()


def test_a_port_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        (tmp_path / "new.db").touch()
        assert run(["--db", str(tmp_path / "new.db"), "--web", "--port", str(port)]) == 1
    assert capsys.readouterr().err == f"port {port}: Address already in use\n"


def test_a_file_that_is_no_book_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "text.db"
    path.write_text("no book " * 100)
    assert run(["--db", str(path), "--web"]) == 1
    assert "cannot be opened as a book" in capsys.readouterr().err


def test_a_search_path_of_the_current_folder_is_not_used_for_the_program() -> None:
    assert arguments_of(Path("a.db"))[:2] == [sys.executable, "-P"]


def test_completion_knows_the_options() -> None:
    from click.shell_completion import ShellComplete

    completion = ShellComplete(program, {}, "rebal-tui", "_REBAL_TUI_COMPLETE")
    for before in ([], ["demo"]):
        offered = {item.value for item in completion.get_completions(before, "--")}
        assert {"--web", "--port", "--plain"} <= offered
