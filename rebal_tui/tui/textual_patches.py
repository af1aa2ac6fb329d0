"""Patches of Textual.

They fix a cache that keeps removed widgets in memory and handlers whose errors end the app,
and make the dispatch of messages faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType, MethodType
from typing import Any, Protocol, runtime_checkable

from textual import _callback
from textual._styles_cache import StylesCache
from textual.app import App
from textual.color import Color
from textual.message import Message
from textual.message_pump import MessagePump
from textual.reactive import Reactive
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

from rebal_tui.tui.widgets.table import BookTable


@lru_cache(maxsize=1_024)
def _border_styles(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def _inner_and_outer(_of: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
    """Return the styles inside and outside a widget's border."""
    return _border_styles(base, background)


def patch_styles_cache() -> None:
    """Replace `StylesCache.get_inner_outer` with a cache keyed by colors only.

    The key of Textual's own cache contains the `StylesCache` of the widget. That keeps the rendered lines of the last
    thousand widgets in memory, including those of closed dialogs.
    """
    StylesCache.get_inner_outer = _inner_and_outer  # type: ignore[assignment, method-assign]  # replaces it


def clear_line_cache(screen: Screen[Any]) -> None:
    """Free the rendered lines of a hidden screen (about 2 kB a line); they are rendered again when it is shown."""
    for widget in screen.walk_children(Widget, with_self=True):
        widget._styles_cache.clear()
        if isinstance(widget, BookTable):
            widget.clear_line_cache()


@runtime_checkable
class SurvivesFaults(Protocol):
    """An app that continues after an error in a message handler."""

    def survive(self, what: str, error: Exception) -> bool:
        """Report an error; returns False when it must end the app."""


_dispatch = MessagePump._dispatch_message
_counted_by_signature = _callback._count_parameters


async def _dispatch_and_survive(self: MessagePump, message: Message) -> None:
    """Dispatch a message; an error of a handler is reported to the app instead of ending the widget and the app."""
    try:
        await _dispatch(self, message)
    except Exception as error:
        app = self.app
        if not isinstance(app, SurvivesFaults) or not app.survive(type(message).__name__, error):
            raise


def patch_dispatch() -> None:
    """Let the app survive errors of message handlers: replace `MessagePump._dispatch_message`, which calls all of them.

    `App._handle_exception` is called too late: the message loop of the widget has ended by then.
    """
    MessagePump._dispatch_message = _dispatch_and_survive  # type: ignore[method-assign]  # replaces it


def _count_parameters(func: Callable[..., Any]) -> int:
    """Return the number of parameters of a callable, without `self` of a bound method."""
    plain = func.__func__ if isinstance(func, MethodType) else func
    if isinstance(plain, FunctionType) and plain.__dict__.keys().isdisjoint(("__wrapped__", "__signature__")):
        code, bound = plain.__code__, plain is not func
        if code.co_argcount >= bound:
            rest = (code.co_flags & CO_VARARGS > 0) + (code.co_flags & CO_VARKEYWORDS > 0)
            return code.co_argcount + code.co_kwonlyargcount + rest - bound
    return _counted_by_signature(func)


def patch_counting() -> None:
    """Replace Textual's `_count_parameters`, which inspects the signature of every callback, by a faster function.

    Textual does not cache the result for callbacks of `call_later` or of a timer, and computing it takes as long as
    handling a message.
    """
    _callback._count_parameters = _count_parameters


_searched_handlers = MessagePump._get_dispatch_methods


_Handlers = tuple[tuple[type, Callable[..., Any]], ...]
_known: dict[tuple[type, type, str], _Handlers | None] = {}
"""Results of `_handlers_by_name`, as many as there are pairs of classes."""


def _handlers_by_name(pump: type, message: type, name: str) -> _Handlers | None:
    """The handlers of a class of messages that the classes of `pump` define under the method name `name`, each with its
    class.

    None when a class has a handler made by the decorator `on`, because its use may depend on the sender.
    """
    kinds = [one for one in message.__mro__ if issubclass(one, Message)]
    found: list[tuple[type, Callable[..., Any]]] = []
    for cls in pump.__mro__:
        decorated = cls.__dict__.get("_decorated_handlers")
        if decorated and any(kind in decorated for kind in kinds):
            return None
        method = cls.__dict__.get(f"_{name}") or cls.__dict__.get(name)
        if method is not None and not getattr(method, "_textual_on", None):
            found.append((cls, method))
    return tuple(found)


def _handlers(self: MessagePump, method_name: str, message: Message) -> Iterator[tuple[type, Callable[..., Any]]]:
    key = (type(self), type(message), method_name)
    if key not in _known:
        _known[key] = _handlers_by_name(*key)
    known = _known[key]
    if known is None:
        yield from _searched_handlers(self, method_name, message)
        return
    for cls, method in known:
        if message._no_default_action:
            break
        yield cls, method.__get__(self, cls)


def patch_handlers() -> None:
    """Cache the result of `MessagePump._get_dispatch_methods`, which looks through all classes of a widget at every
    message.
    """
    MessagePump._get_dispatch_methods = _handlers  # type: ignore[method-assign]  # replaces it


_get = Reactive.__get__
_MISSING = object()


def _get_stored(self: Reactive[Any], node: Any, kind: type[Any]) -> Any:
    """Return the stored value of a reactive attribute, unless it has none yet or its class computes it."""
    if node is None:
        return self
    value = node.__dict__.get(self.internal_name, _MISSING)
    return _get(self, node, kind) if value is _MISSING or self.name in kind._computes else value


def patch_reactive_reads() -> None:
    """Make reads of reactive attributes faster: `Reactive.__get__` looks for four attributes; a layout reads thousands
    of values.
    """
    Reactive.__get__ = _get_stored  # type: ignore[assignment, method-assign]  # replaces it


def draw_all(app: App[Any]) -> None:
    """Draw the visible screens in full, even cells that the app believes to be unchanged on the terminal."""
    screen = app.screen
    app._display(screen, screen._compositor.render_update(full=True, screen_stack=app._background_screens))
