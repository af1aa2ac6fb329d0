"""Lookup of actions by section, and their Textual key bindings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from textual.binding import Binding

from rebal_tui.services.view_models.status import REAL_TIME_MODES
from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.row_actions import NEEDS_ROW
from rebal_tui.tui.sections import EVERYWHERE, LIST_SECTIONS, LISTS


def applies(action: Action, section: str) -> bool:
    """Whether an action is available in a section."""
    return action.scope in (EVERYWHERE, section) or (action.scope == LISTS and section in LIST_SECTIONS)


SIMULATION_ONLY = frozenset(
    f"market.{name}" for name in ("pause", "faster", "slower", "step", "shock", "action", "halt", "tradable", "left")
) | {"accounts.deposit", "accounts.simulate"}
"""Ids of the actions that control simulated time, or need the simulated broker."""


def not_offered(mode: str) -> frozenset[str]:
    """Return the ids of the actions that never apply to a book in this mode. `mode` is as the status line shows it."""
    return SIMULATION_ONLY if mode in REAL_TIME_MODES else frozenset()


def offered(action: Action, mode: str) -> bool:
    """Whether help and palette list an action for a book in this mode."""
    return action.id not in not_offered(mode)


def find(method: str, *scopes: str) -> Action | None:
    """Return the action with this method in one of the scopes; None if there is none."""
    return next((action for action in ACTIONS if action.method == method and action.scope in scopes), None)


def bindings(*scopes: str) -> list[Binding]:
    """Return the bindings of all actions in the scopes, in the order of the action table; `last` ones at the end."""
    found = [action for action in ACTIONS if action.scope in scopes]
    return [binding(action) for action in sorted(found, key=lambda action: action.last)]


def binding(action: Action) -> Binding:
    """Return the binding of one action."""
    return Binding(
        action.keys,
        action.method,
        action.label,
        show=action.footer,
        tooltip=action.help,
        id=action.id,
        priority=action.priority,
    )


def changing(section: str) -> frozenset[str]:
    """Return the `method` of each action that is available in the section and changes the book."""
    return frozenset(action.method for action in ACTIONS if action.writes and applies(action, section))


@cache
def needing_row(section: str) -> frozenset[str]:
    """Return the ids of the actions of a section that act on the row under the cursor."""
    return frozenset(action.id for action in ACTIONS if action.id in NEEDS_ROW and applies(action, section))


@cache
def methods(identities: frozenset[str]) -> frozenset[str]:
    """Return the `method` of each action with one of these ids."""
    return frozenset(action.method for action in ACTIONS if action.id in identities)


def section_actions(section: str) -> Iterable[Action]:
    """Return the actions of a section; if it shows a list, also the actions of all lists.

    The actions that work everywhere (scope `EVERYWHERE`) are left out.
    """
    return (action for action in ACTIONS if action.scope != EVERYWHERE and applies(action, section))
