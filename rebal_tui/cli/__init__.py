"""The program `rebal-tui`: one module a command, each loaded when it is called."""

from rebal_tui.cli.program import main

__all__ = ["main"]
