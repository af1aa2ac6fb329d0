"""Runs the action of a key at once while a table has the focus, without the message queues of the widgets above it."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.binding import BindingsMap
from textual.dom import DOMNode

from rebal_tui.tui.widgets.table import BookTable

SELECTION_KEY = "escape"
"""Also handled by Textual's screen itself, which clears the selection of text."""


async def act_on_table(app: App[Any], table: BookTable[Any], key: str) -> bool:
    """Run the action of a key while a table has the focus; returns False if Textual must handle the key itself.

    Textual passes a key to the focused widget, then through the message queue of each widget above it up to the app,
    and only there looks up its binding. A table does not use the key itself, so the binding can be looked up at once.
    """
    chain = _bindings_above(app, table)
    for node, bindings in reversed(chain):
        if await _run(app, node, bindings, key, priority=True):
            return True
    if key == SELECTION_KEY:
        return False
    table.touch()
    for node, bindings in chain:
        if await _run(app, node, bindings, key, priority=False):
            return True
        if node.is_modal:
            break
    return False


async def _run(app: App[Any], node: DOMNode, bindings: BindingsMap, key: str, *, priority: bool) -> bool:
    for binding in bindings.key_to_bindings.get(key, ()):
        if binding.priority == priority and await app.run_action(binding.action, node):
            return True
    return False


def _bindings_above(app: App[Any], table: BookTable[Any]) -> list[tuple[DOMNode, BindingsMap]]:
    """The bindings of the table and of the nodes above it, in this order.

    Without keys defined by the user, this avoids the copies that Textual makes of all bindings.
    """
    if app._keymap:
        return app.screen._binding_chain
    return [(node, node._bindings) for node in table.ancestors_with_self]
