"""User-defined keys: validation, and detection of keys bound to two actions in one section."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from textual.keys import Keys, _character_to_key

from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies
from rebal_tui.tui.sections import QUEUES, Section, section_label

MODIFIERS = ("ctrl", "shift", "alt", "super", "meta", "hyper")
MOVING = frozenset("up,down,left,right,pageup,pagedown,home,end,j,k,enter,space,full_stop,tab,shift+tab".split(","))
"""Keys reserved for navigation in every list and form."""
MOVES: tuple[tuple[str, str], ...] = (
    ("↑ ↓  k j", "Move the cursor"),
    ("pgup pgdn", "Move by one page"),
    ("home end", "Go to the first or last row"),
    ("enter", "Open the row (or double-click it)"),
    ("space", "Mark the row, and go to the next"),
    (".", "Sort again: rows keep their places for 10 s after a key"),
    ("tab", "Switch between the list and its detail"),
)
_SIGNS = {_character_to_key(sign) for sign in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
NAMES = frozenset({str(key.value) for key in Keys if not key.value.startswith("<")} | _SIGNS)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


def key_text(keys: str) -> str:
    """Return keys as displayed: `/`, `?`, `ctrl+p`."""
    names = {"slash": "/", "question_mark": "?", "greater_than_sign": ">", "less_than_sign": "<", "escape": "esc"}
    names |= {"comma": ","}
    return " ".join(names.get(key, key) for key in keys.split(","))


def key_name(text: str) -> str:
    """Return Textual's name of a key: `slash` for `/`. Text longer than one character is returned unchanged."""
    text = text.strip()
    return _character_to_key(text) if len(text) == 1 else text


def key_fault(identity: str, keys: object) -> str:
    """Return why these keys are invalid for an action, ignoring other actions; empty if they are valid."""
    if identity not in BY_ID:
        near = difflib.get_close_matches(identity[:60], BY_ID, n=1, cutoff=0.5)
        return f"no such action; did you mean {near[0]}?" if near else "no such action; the help lists them"
    if not isinstance(keys, str) or not keys.strip():
        return 'expected a key in quotes, such as "f5" or "ctrl+r"'
    for key in keys.split(","):
        fault = _one_fault(key_name(key))
        if fault:
            return fault
    return ""


def _one_fault(key: str) -> str:
    *modifiers, last = key.split("+")
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            near = difflib.get_close_matches(modifier[:20], MODIFIERS, n=1, cutoff=0.4)
            return f"no such modifier key: {modifier}; did you mean {near[0]}?" if near else f"no such key: {key}"
    if key in MOVING:
        return f"{key} moves or opens in every list"
    if len(last) == 1 or key in NAMES or last in NAMES:
        return ""
    near = difflib.get_close_matches(key[:40], sorted(NAMES), n=1, cutoff=0.5)
    return f"no such key: {key}; did you mean {near[0]}?" if near else f"no such key: {key}"


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """Return the keys of an action: those that the user defined in `keymap`, else the default ones."""
    return keymap.get(action.id, action.keys)


def usable_keys(keymap: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the user-defined keys that can be used, and messages about the others, both by action id.

    A key cannot be used if it is bound to another action in the same section. Swapping the keys of two actions is
    valid. If the user sets two actions to one key, the first in `keymap` keeps it.
    """
    used = {identity: ",".join(key_name(key) for key in keys.split(",")) for identity, keys in keymap.items()}
    faults: dict[str, str] = {}
    while True:
        clash = _first_clash(used)
        if clash is None:
            return used, faults
        identity, fault = clash
        del used[identity]
        faults[identity] = fault


def _first_clash(keymap: Mapping[str, str]) -> tuple[str, str] | None:
    for section in (*Section, *QUEUES):
        taken: dict[str, Action] = {}
        here = [action for action in ACTIONS if applies(action, section)]
        here.sort(key=lambda action: list(keymap).index(action.id) + 1 if action.id in keymap else 0)
        for action in here:
            for key in keys_of(action, keymap).split(","):
                other = taken.setdefault(key, action)
                if other is not action:
                    return action.id, f"{key_text(key)} is “{other.label}” in {section_label(section)} ({other.id})"
    return None
