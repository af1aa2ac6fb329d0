"""A style sheet that caches which style rules apply to a widget. Textual alone evaluates all rules at every change.

The path of a node is the list of nodes from the node up to the app, each with everything that a style rule can test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.styles import RulesMap, Styles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.widget import Widget

SIBLINGS = Stylesheet._EXCLUDE_PSEUDO_CLASSES_FROM_CACHE
"""Pseudo-classes, such as `first-child`, that depend on the siblings of a node."""
OF_APP = frozenset({"ansi", "dark", "inline", "light", "nocolor"})
"""Pseudo-classes that hold for all nodes of an app or for none, so that only the app is tested for them."""
MAX_SOURCES = 512
"""How many parsed style sources are cached: each widget class and screen with styles is one source."""
MAX_PATHS = 1_000
"""How many paths are cached for one set of rules."""
Step = tuple[Any, ...]
"""What a rule can test of one node: its class, id, style classes, and which of the pseudo-classes hold.

For `disabled` and `enabled` it is whether the node itself is disabled; the steps together determine the rest.
"""
Found = dict[tuple[Step, ...], RulesMap | None]
"""By path, the merged rules that apply to the node, in the form a node stores them; None if no rule applies."""
_UNKNOWN: RulesMap = {}


@dataclass(slots=True)
class Candidates:
    """The style rules whose last selector matches a node's type, id and classes, with a cache of the rules that apply.

    The key of the cache is the path from the node to the app.
    """

    pseudo_classes: tuple[str, ...]
    """All pseudo-classes in the selectors of these rules, except those in `OF_APP`."""
    of_app: tuple[str, ...]
    """The pseudo-classes in `OF_APP` that these rules mention."""
    by_path: bool
    """Whether the path alone decides which rules apply; False if a rule depends on siblings."""
    found: Found

    def remember(self, path: tuple[Step, ...], rules: RulesMap | None) -> None:
        """Cache the merged rules for the node with this path, which lists the node and all
        above it; None if no rule applies.
        """
        if len(self.found) >= MAX_PATHS:
            self.found.clear()
        self.found[path] = None if rules is None else _as_set(rules)


class RememberingStylesheet(Stylesheet):
    """Textual's style sheet with a cache. The rules that apply to each node are the same as without the cache.

    The cache key is the path from the node to the app: the class, id, style classes and pseudo-classes of each node
    on it. Most time is saved for component classes (named styles within one widget), each of which Textual treats as
    a node.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(MAX_SOURCES)
        self._found = self._nothing_found()
        self._candidates: dict[tuple[type[DOMNode], str | None, frozenset[str]], Candidates] = {}
        self._order: dict[RuleSet, int] = {}
        self._known_map: object = None

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the colors of a theme, and discard the rules cached for the old ones."""
        super().set_variables(variables)
        self._found = self._nothing_found()

    def reparse(self) -> None:
        """Parse the style sources again; a source already parsed with the same variables comes from a cache."""
        self.parse()

    def apply(self, node: DOMNode, *, animate: bool = False, cache: dict[Any, RulesMap] | None = None) -> None:
        """Apply style rules to a node; from the cache if its path alone decides which rules apply.

        `cache` is Textual's own cache, which is used only where rules depend on the siblings of a node.
        """
        candidates = self._candidates_of(node.__class__, node._id, node.classes)
        if not candidates.by_path:
            super().apply(node, animate=animate, cache=cache)
            return
        mentioned = candidates.pseudo_classes
        path = _path(node, mentioned, candidates.of_app)
        if path not in candidates.found:
            # Textual leaves what it found in the cache, and nothing when no rule holds.
            found: dict[Any, RulesMap] = {}
            super().apply(node, animate=animate, cache=found)
            candidates.remember(path, next(iter(found.values()), None))
            return
        node._has_hover_style = "hover" in mentioned
        node._has_focus_within = node._has_order_style = node._has_odd_or_even = False
        rules = candidates.found[path]
        if rules is not None:
            styles = node.styles.base
            if node.__class__ is DOMNode and not styles._rules:
                # A new node of a component class: setting its rules one by one would have no other effect.
                styles._rules.update(rules)
                styles._updates += 1
            elif not _has(styles._rules, rules):
                self.replace_rules(node, rules, animate=animate)
            elif not animate:
                node.notify_style_update()
        self._process_component_classes(node)

    def _process_component_classes(self, node: DOMNode) -> None:
        """Find the styles of a widget's component classes, unless the widget has them all already."""
        names = node._get_component_classes()
        if names and not self._has_components(node, names):
            super()._process_component_classes(node)

    def _has_components(self, node: DOMNode, names: frozenset[str]) -> bool:
        paths: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Step, ...]] = {}
        for name in names:
            styles = node._component_styles.get(name)
            if styles is None:
                return False
            classes = frozenset((name,))
            candidates = self._candidates_of(DOMNode, None, classes)
            mentioned = candidates.pseudo_classes, candidates.of_app
            if mentioned not in paths:
                paths[mentioned] = _path(node, *mentioned)
            step = (DOMNode, None, classes, *[False] * len(candidates.pseudo_classes))
            rules = candidates.found.get((step, *paths[mentioned]), _UNKNOWN)
            if rules is _UNKNOWN or styles.base._rules != (rules or {}):
                return False
        return True

    def _nothing_found(self) -> dict[tuple[RuleSet, ...], Found]:
        return {}

    def _candidates_of(self, kind: type[DOMNode], node_id: str | None, classes: frozenset[str]) -> Candidates:
        rules_map = self.rules_map
        if self._known_map is not rules_map:
            self._known_map = rules_map
            self._candidates.clear()
            self._order = {rule: index for index, rule in enumerate(self.rules)}
        key = (kind, node_id, classes)
        candidates = self._candidates.get(key)
        if candidates is None:
            names = {
                "*",
                f"#{node_id}",
                *(f".{name}" for name in classes),
                *(base.__name__ for base in kind._css_bases(kind)),
            }
            unordered = {rule for name in rules_map.keys() & names for rule in rules_map[name]}
            rules = tuple(sorted(unordered, key=self._order.__getitem__))
            mentioned = set().union(*(rule.pseudo_classes for rule in rules))
            found = self._found.setdefault(rules, {})
            pseudo_classes, of_app = tuple(sorted(mentioned - OF_APP)), tuple(sorted(mentioned & OF_APP))
            candidates = Candidates(pseudo_classes, of_app, mentioned.isdisjoint(SIBLINGS), found)
            self._candidates[key] = candidates
        return candidates


def _has(rules: RulesMap, wanted: RulesMap) -> bool:
    """Whether a node with `rules` has the `wanted` rules. Each node has its own layout object, so layouts are compared
    by name.
    """
    own, layout = rules.get("layout"), wanted.get("layout")
    if own is None or layout is None or own.name != layout.name:
        return rules == wanted
    return {**rules, "layout": layout} == wanted


def _as_set(rules: RulesMap) -> RulesMap:
    """Return rules in the form a node stores them. Setting a rule parses some values and drops None."""
    styles = Styles()
    for name, value in rules.items():
        setattr(styles, name, value)
    return styles._rules


def _path(node: DOMNode, mentioned: tuple[str, ...], of_app: tuple[str, ...]) -> tuple[Step, ...]:
    path: list[Step] = []
    step: MessagePump | None = node
    while isinstance(step, DOMNode):
        asked = mentioned if step._parent is not None else (*mentioned, *of_app)
        kind = step.__class__
        path.append((kind, step._id, step.classes, *[holds(step) for holds in _tests(kind, asked)]))
        step = step._parent
    return tuple(path)


@lru_cache(maxsize=4_096)
def _tests(kind: type[DOMNode], asked: tuple[str, ...]) -> tuple[Callable[[Any], bool], ...]:
    """Functions that find for a node of a class which of the pseudo-classes hold.

    A widget is disabled if one above it is, so that of each node of a path only its own state is needed.
    """
    known = cast(Mapping[str, Callable[[Any], bool]], kind._PSEUDO_CLASSES)
    own = {"disabled": _is_disabled_itself, "enabled": _is_disabled_itself} if issubclass(kind, Widget) else {}
    return tuple(own.get(name, known.get(name, _never)) for name in asked)


def _is_disabled_itself(widget: Widget) -> bool:
    return widget.disabled


def _never(_node: DOMNode) -> bool:
    return False
