"""Service modules at run time are those that the type checker sees."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from rebal_tui.tui import book_services
from rebal_tui.tui.book_services import ServiceModule, desk_queries


def typed_modules() -> dict[str, str]:
    """Return module paths by name, from the imports for the type checker."""
    tree = ast.parse(Path(book_services.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}


def test_every_service_is_the_type_checked_module() -> None:
    modules = {name: value for name, value in vars(book_services).items() if isinstance(value, ServiceModule)}
    assert {name: module.anything.module for name, module in modules.items()} == typed_modules()
    assert sorted(modules) == book_services.__all__
    for path in typed_modules().values():
        importlib.import_module(path)


def test_a_service_function_is_a_stable_key() -> None:
    keys: list[object] = [desk_queries.account_view, desk_queries.account_view, desk_queries.preview]
    assert len(set(keys)) == 2
