"""The program `rebal-tui`: one module per command, loaded when it is called.

`entry` is the function of a command; its docstring is the command's help.
"""

from rebal_tui.cli.program import main

__all__ = ["main"]
