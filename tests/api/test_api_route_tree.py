"""The tree of routes selects the same route as trying them in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.routing import Match

from rebal_tui import bootstrap
from rebal_tui.api.app import Options, create_app
from rebal_tui.api.route_tree import RouteTree
from rebal_tui.services.wire.keyring import Keyring


class _NoBook:
    async def ask(self, work: object) -> object:
        raise AssertionError("no request is sent")


@pytest.fixture(scope="module")
def tree() -> RouteTree:
    options = Options(lambda: 0.0, lambda: 0.0, lambda: 0.0, lambda: False, bootstrap.new_api_key, with_sandbox=True)
    app = create_app(_NoBook(), Keyring(), options)  # type: ignore[arg-type]  # never asked
    (found,) = (route for route in app.routes if isinstance(route, RouteTree))
    return found


def paths(tree: RouteTree) -> Iterator[str]:
    """A path of every route, with ids and names that are segments of other routes too, and paths of none."""
    for route in tree.routes:
        for value in ("activities", "1"):
            path = route.path_format
            for name in route.param_convertors:
                path = path.replace(f"{{{name}}}", value)
            yield path
        yield from (f"{route.path_format}/", f"{route.path_format}/more", route.path_format.rpartition("/")[0])
    yield from ("", "/", "//", "/v1", "/v1/api_keys/a/b/c", "/v1/api_keys/a/b/rotate", "/v1/api_keys//rotate")


@pytest.mark.slow
def test_each_path_and_method_gets_the_first_route_that_matches(tree: RouteTree) -> None:
    seen = 0
    for path in dict.fromkeys(paths(tree)):
        scope = {"type": "http", "path": path, "root_path": "", "method": ""}
        routes = [route for route in tree.routes if route.matches(scope)[0] is not Match.NONE]
        for method in ("GET", "POST", "DELETE", "BREW"):
            scope["method"] = method
            tried = [route.matches(scope) for route in routes]
            first = next((one for one in tried if one[0] is Match.FULL), None) or next(iter(tried), (Match.NONE, {}))
            assert tree.matches(scope) == first, (method, path)
            seen += first[0] is Match.FULL
    assert seen > 100


def test_few_routes_are_tried(tree: RouteTree) -> None:
    for path in ("/v1/clock", "/v1/trading/accounts/1/account", "/v1/rebalancing/runs", "/v1/beta/calendar"):
        assert len(tree._candidates(path)) <= 2, path
