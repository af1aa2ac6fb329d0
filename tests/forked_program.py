"""The program in a process of its own that needs no start: a copy of this process, which has imported it already.

Importing the server takes seconds of computing, more than all requests of most test modules. Tests of the start, the
command line or the end of a process start a real one instead.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from rebal_tui.cli import main

_MAX_DESCRIPTOR = 4_096


class ForkedProgram(subprocess.Popen[str]):
    """`rebal-tui` with arguments, output and errors as text; otherwise a Popen."""

    def __init__(self, *arguments: str, env: Mapping[str, str], cwd: str | None = None) -> None:
        # Once for all copies.
        importlib.import_module("rebal_tui.serving")
        super().__init__(
            ["rebal-tui", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd
        )

    def _execute_child(self, args: Any, *given: Any) -> None:
        """Fork, where Popen would fork and execute; the arguments are those of Popen's own method."""
        cwd, env = given[4], given[5]
        output, errors = given[12], given[14]
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _run(args, output, errors, cwd, env)
        self._child_created = True
        os.close(output)
        os.close(errors)


def _run(arguments: list[str], output: int, errors: int, cwd: str | None, env: Mapping[str, str]) -> NoReturn:
    """Run the program in the child as if it had just started, and end the process."""
    code: object = 1
    try:
        gc.freeze()
        gc.callbacks.clear()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.closerange(3, _MAX_DESCRIPTOR)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(0, "r"), os.fdopen(1, "w"), os.fdopen(2, "w"))
        logging.getLogger().handlers.clear()
        os.environ.clear()
        os.environ.update(env)
        if cwd is not None:
            os.chdir(cwd)
        sys.argv = arguments
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
