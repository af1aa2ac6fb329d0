"""Handles a key that has no action in the current section: runs an action with the same meaning, or names the sections
where the key works.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies, offered
from rebal_tui.tui.keymap import MOVING, key_text, keys_of
from rebal_tui.tui.sections import EXCEPTIONS, LISTS, QUEUES, REVIEW, Section, section_label

OPENING_KEY = "l"
"""Opens the row under the cursor, as enter does, in the lists that have no action with this key."""
SAME_VERBS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        Section.CASH: {"accounts.withdraw": "cash.withdraw"},
        REVIEW: {"runs.cancel": "review.reject"},
    }
)
"""By section and by id of an action of another section: the id of the action of the section that the same key runs
instead.
"""
ON_ACCOUNTS = frozenset(
    f"accounts.{name}"
    for name in (
        "move", "unsubscribe", "deposit", "withdraw", "restrictions", "reconcile", "simulate", "portfolio",
    )
)  # fmt: skip
"""Actions of Accounts whose keys also work on an account in another section that has no action with the key."""
_KEYS: dict[str, str] = {**{section: section.key for section in Section}, REVIEW: "9", EXCEPTIONS: "0"}
_MOST_SECTIONS = 3


@runtime_checkable
class TakesUnboundKeys(Protocol):
    """A screen that handles keys for which it has no action of its own."""

    def take_unbound(self, key: str) -> bool:
        """Handle a key without an action here: run an action of this section with the same meaning as the key has in
        another one, or name the sections where the key works. Returns whether the key was handled.
        """


def elsewhere(key: str, section: str, keymap: Mapping[str, str], mode: str) -> list[Action]:
    """Return the actions that a key has in other sections; an empty list if `section` itself has an action for the key.

    `keymap` has user-defined keys by action id; `mode` is the book's mode, as the status line shows it.
    """
    found = [action for action in ACTIONS if key in keys_of(action, keymap).split(",")]
    if any(applies(action, section) for action in found):
        return []
    return [action for action in found if offered(action, mode)]


def is_unknown(key: str, keymap: Mapping[str, str]) -> bool:
    """Whether a key is a single character that has no action in any section and moves no cursor."""
    single = len(key) == 1 and key not in MOVING
    return single and not any(key in keys_of(action, keymap).split(",") for action in ACTIONS)


def here_instead(found: list[Action], section: str) -> Action | None:
    """Return the section's own action that corresponds to one of `found`, actions of other sections; None if there is
    none.

    Example: in Cash, the key of Withdraw in Accounts runs Withdraw of Cash.
    """
    same = SAME_VERBS.get(section, {})
    wanted = next((same[action.id] for action in found if action.id in same), None)
    return next((action for action in ACTIONS if action.id == wanted), None)


def where_text(key: str, section: str, found: list[Action]) -> str:
    """Name the sections in which a key has actions: `w is not for Market: Withdraw in Accounts (3)`."""
    sections: dict[str, list[str]] = {}
    for action in found:
        scopes = (
            [one for one in (*Section, *QUEUES) if applies(action, one)] if action.scope == LISTS else [action.scope]
        )
        sections.setdefault(action.label, []).extend(f"{section_label(one)} ({_KEYS[one]})" for one in scopes)
    parts = [f"{label} in {_listed(names)}" for label, names in sections.items()]
    return f"{key_text(key)} is not for {section_label(section)}: {'; '.join(parts)}."


def _listed(names: list[str]) -> str:
    if len(names) > _MOST_SECTIONS:
        return f"{', '.join(names[: _MOST_SECTIONS - 1])} and {len(names) - _MOST_SECTIONS + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
