"""The table of keys, made from the action registry: `python -m tests.tui.keys_table` writes `rebal_tui/KEYS.md`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.keymap import MOVES, key_text
from rebal_tui.tui.sections import EVERYWHERE, LISTS, QUEUES, Section

KEYS = Path(__file__).parents[2] / "rebal_tui" / "KEYS.md"
_HEADING = """# Keys

Made from the action registry by `python -m tests.tui.keys_table`; a test compares them. Every key can be changed in the
settings (`,`).

"""


def keys_page() -> str:
    """Every action by section, as a Markdown table."""
    lines = ["| where | key | does |", "|---|---|---|"]
    lines += [f"| lists | `{keys}` | {does}. |" for keys, does in MOVES]
    for scope in (LISTS, EVERYWHERE, *Section, *QUEUES):
        label = scope.label if isinstance(scope, Section) else scope.capitalize() if scope in QUEUES else scope
        for action in ACTIONS:
            if action.scope == scope:
                keys = key_text(action.keys).replace("|", "\\|")
                lines.append(f"| {label} | `{keys}` | {action.help} |")
    return _HEADING + "\n".join(lines) + "\n"


def main() -> None:
    KEYS.write_text(keys_page())


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
