"""`rebal-tui connect`: a live broker, later."""

from __future__ import annotations

from rebal_tui.cli.parameters import command
from rebal_tui.domain.errors import Conflict


@command("connect")
def entry() -> int:
    """Connect a live broker.

    Not there yet: this version trades with its simulated broker only. The command says so and exits with 1.
    """
    raise Conflict("a live broker cannot be connected yet; this version trades with its simulated broker only")
