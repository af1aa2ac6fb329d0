"""Finding the actions of a section, and their bindings."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding

from rebal_tui.tui.action_table import ACTIONS, Action
from rebal_tui.tui.sections import EVERYWHERE, LIST_SECTIONS, LISTS


def applies(action: Action, section: str) -> bool:
    """Whether an action works in a place."""
    return action.scope in (EVERYWHERE, section) or (action.scope == LISTS and section in LIST_SECTIONS)


def find(method: str, *scopes: str) -> Action | None:
    """The action that a binding of one of these calls."""
    return next((action for action in ACTIONS if action.method == method and action.scope in scopes), None)


def bindings(*scopes: str) -> list[Binding]:
    """The bindings of the actions declared for these, in the registry's order."""
    return [binding(action) for action in ACTIONS if action.scope in scopes]


def binding(action: Action) -> Binding:
    """The binding of one action."""
    return Binding(
        action.keys,
        action.method,
        action.label,
        show=action.footer,
        tooltip=action.help,
        id=action.id,
        priority=action.priority,
    )


def section_actions(section: str) -> Iterable[Action]:
    """The actions that belong to a place itself, those of lists included."""
    return (action for action in ACTIONS if action.scope != EVERYWHERE and applies(action, section))
