"""Finding the route of a page without asking every route.

FastAPI asks each included router in turn, twice, and each of its routes by a regular expression: with
seventy routes that is 150 µs of CPU for the last of them (measured: more than half of a page that does
nothing). Pages (GET) are therefore looked up by their length and their first word after the prefix; only
candidates are compared, in the order they were declared. Whatever is not found here takes FastAPI's own way,
and so does everything if a future FastAPI no longer says what this module asks it for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from re import Pattern
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

#: Under this key the template of the route is left for metrics and access lines.
TEMPLATE_SCOPE_KEY: Final = "hrx.route"
#: The word that tells pages apart: /api/v1/<word>/…
_WORD: Final = 3

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Page:
    """One GET route, ready to run. `Any`: convertors are Starlette's own."""

    template: str
    pattern: Pattern[str]
    convertors: dict[str, Any]
    route: APIRoute
    app: ASGIApp


@dataclass(slots=True)
class RouteIndex:
    """Stands in front of the application's router."""

    app: FastAPI
    otherwise: ASGIApp
    _pages: dict[Key, list[Page]] = field(default_factory=dict)
    _indexed_routes: int = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            if len(self.app.routes) != self._indexed_routes:
                self.rebuild()
            page = self._find(scope["path"], scope)
            if page is not None:
                await page.app(scope, receive, send)
                return
        await self.otherwise(scope, receive, send)

    def rebuild(self) -> None:
        """Read the application's routes again; happens when one was added."""
        self._indexed_routes = len(self.app.routes)
        self._pages = index_pages(self.app)

    def _find(self, path: str, scope: Scope) -> Page | None:
        parts = path.split("/", _WORD + 1)
        if len(parts) <= _WORD:
            return None
        for page in self._pages.get((path.count("/"), parts[_WORD]), ()):
            match = page.pattern.match(path)
            if match is not None:
                given = match.groupdict()
                scope["path_params"] = {
                    name: page.convertors[name].convert(value) for name, value in given.items()
                }
                scope["route"] = page.route
                scope["endpoint"] = page.route.endpoint
                scope["router"] = self.app.router
                scope[TEMPLATE_SCOPE_KEY] = page.template
                return page
        return None


def install(app: FastAPI) -> None:
    """Put an index in front of the router of `app`."""
    app.router.middleware_stack = RouteIndex(app, app.router.middleware_stack)


def index_pages(app: FastAPI) -> dict[Key, list[Page]]:
    """Every GET route with a literal word after the prefix and no parameter that spans slashes."""
    pages: dict[Key, list[Page]] = defaultdict(list)
    for context in iter_route_contexts(app.routes):
        page = _page_of(context)
        if page is None:
            continue
        parts = page.template.split("/")
        if len(parts) > _WORD and not parts[_WORD].startswith("{"):
            pages[(len(parts) - 1, parts[_WORD])].append(page)
    return dict(pages)


def _page_of(context: Any) -> Page | None:
    """None when the route is no page, or FastAPI is not as expected.

    `Any` and `getattr` because FastAPI keeps the merged route to itself."""
    route = getattr(context, "original_route", None)
    merged = getattr(context, "_effective_route", None)
    app = getattr(merged, "app", None)
    template = getattr(merged, "path_format", None)
    pattern = getattr(merged, "path_regex", None)
    convertors = getattr(merged, "param_convertors", None)
    methods = getattr(merged, "methods", None) or set()
    if not isinstance(route, APIRoute) or not callable(app) or "GET" not in methods:
        return None
    if not isinstance(template, str) or not isinstance(pattern, Pattern) or convertors is None:
        return None
    if any(type(convertor).__name__ == "PathConvertor" for convertor in convertors.values()):
        return None
    return Page(template, pattern, convertors, route, app)
