"""The README's table of keys, made from the action registry: `python -m tests.tui.keys_table` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.keymap import MOVES, key_text
from rebal_tui.tui.sections import EVERYWHERE, LISTS, Section

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"(<!-- keys:.*?-->\n).*?(<!-- /keys -->)", re.DOTALL)


def keys_table() -> str:
    """Every action by place, as a Markdown table."""
    lines = ["| where | key | does |", "|---|---|---|"]
    lines += [f"| lists | `{keys}` | {does}. |" for keys, does in MOVES]
    for scope in (LISTS, EVERYWHERE, *Section):
        label = scope.label if isinstance(scope, Section) else scope
        for action in ACTIONS:
            if action.scope == scope:
                keys = key_text(action.keys).replace("|", "\\|")
                lines.append(f"| {label} | `{keys}` | {action.help} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """A README with its table of keys made anew."""
    return _BLOCK.sub(lambda block: block[1] + keys_table() + block[2], text)


def main() -> None:
    README.write_text(with_table(README.read_text()))


if __name__ == "__main__":
    main()
