"""What one user action is: its keys, labels and scope."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.tui.writing_actions import WRITES


@dataclass(frozen=True, slots=True)
class Action:
    """One user action.

    `keys` are Textual key names, separated by commas. `method` is the `action_…` method without that prefix, with
    arguments if any. `scope` is where the action is available: in a section, in `REVIEW`, in `EXCEPTIONS`, in all
    lists (`LISTS`) or `EVERYWHERE`. With `footer`, the bottom line shows the key; that of a `last` action only if all
    others of its screen fit. With `priority`, the key also works in dialogs and while an input has the focus.
    """

    id: str
    keys: str
    label: str
    help: str
    scope: str
    method: str
    footer: bool = True
    priority: bool = False
    last: bool = False

    @property
    def writes(self) -> bool:
        """Whether the action changes the book."""
        return self.id in WRITES
