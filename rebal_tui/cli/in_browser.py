"""`--web`: the screens of a book in a browser on this machine (extra `web`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from rebal_tui.cli.parameters import confirm_new_book, write
from rebal_tui.domain.errors import Conflict


def require_extra() -> None:
    """Check that the extra `web` is installed. Raises `Conflict` with the command that installs it."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("textual_serve", "aiohttp")):
        raise Conflict("--web needs additional packages: pip install 'rebal-tui[web]'")


def open_in_browser(path: Path, port: int, prepare: Callable[[], None] | None = None, *, typed: bool = False) -> int:
    """Serve the screens of a book's file to a browser until ctrl+c; returns the exit code.

    `prepare` is called first, to create a new file. If a person `typed` the path and no book is there, the person is
    asked before one is created.
    """
    require_extra()
    import asyncio

    from rebal_tui import bootstrap, paths
    from rebal_tui.log_file import log_to_file
    from rebal_tui.web.server import Options, serve

    if typed:
        confirm_new_book(path)
    if prepare is None:
        paths.require_book(path)
    else:
        with paths.exclusive_lock(path):
            prepare()
    log_to_file(paths.log_folder())
    options = Options(arguments_of(path), path.name, port, bootstrap.new_secret, lambda line: write(f"{line}\n"))
    asyncio.run(serve(options))
    return 0


def arguments_of(path: Path) -> list[str]:
    """The command that runs a book's screens for a browser, as a list: the program, then its arguments."""
    return [sys.executable, "-P", "-m", "rebal_tui.cli.browser_screens", str(path.absolute())]
