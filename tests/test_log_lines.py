"""A record of the log is one line of visible text, whatever it quotes."""

from __future__ import annotations

import logging
import sys

from rebal_tui.log_lines import LogLines


def test_a_quoted_text_cannot_act_on_the_terminal_or_look_like_another_record() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "from %s", ("\x1b[31ma\nERROR b\u202e Zoë",), None)
    assert LogLines("%(levelname)s %(message)s").format(record) == "WARNING from \\x1b[31ma\\nERROR b\\u202e Zoë"


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("a\x1b[2Jb")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    first, begin, *_, last = LogLines().format(record).splitlines()
    assert (first, begin, last) == ("failed", "Traceback (most recent call last):", "ValueError: a\\x1b[2Jb")
