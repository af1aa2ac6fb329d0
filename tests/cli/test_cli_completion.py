"""Shell completion: the scripts, and what they complete."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.books import call, spawn


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_has_a_script_that_asks_this_program(shell: str) -> None:
    made = call("completion", shell)
    assert (made.code, "_REBAL_TUI_COMPLETE" in made.out) == (0, True)


def test_the_script_is_valid_bash() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    subprocess.run([bash, "-n"], input=call("completion", "bash").out, text=True, check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "position", "found"),
    [("rebal-tui re", "1", "plain,report"), ("rebal-tui export --fo", "2", "plain,--format"),
     ("rebal-tui export runs --format c", "4", "plain,csv")],
)  # fmt: skip
def test_commands_options_and_values_are_completed(words: str, position: str, found: str) -> None:
    made = spawn(_REBAL_TUI_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=position)
    assert (made.code, found in made.out.splitlines()) == (0, True)


def test_another_shell_is_a_usage_error() -> None:
    assert call("completion", "tcsh").code == 2
