"""The program `rebal-tui`: one module per command, loaded when it is called."""

from rebal_tui.cli.program import main

__all__ = ["main"]
