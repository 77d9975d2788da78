"""What components use of each other, as names: `api:GET /people`, `settings:HRX_X`, `model:embedding=e5-2`.

An operation of the API carries what a request must give, in brackets: `api:POST /people(birthday,name)`. A
page that sends more than is asked for is served; one that sends less is not. What an answer holds is a name
of its own: `api:GET /people>items.name`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hrx.ops.release.releases import Component

#: Who uses whom. The schema is not here: it is judged column by column (`fits`).
USES: Final[Mapping[Component, tuple[Component, ...]]] = {
    Component.WEB: (Component.API,),
    Component.API: (Component.MODEL, Component.PROMPT, Component.INDEX, Component.SETTINGS),
    Component.PROMPT: (Component.MODEL,),
    Component.INDEX: (Component.MODEL,),
}
_OPERATION: Final = re.compile(r"(?P<name>[^(]+)\((?P<asked>[^)]*)\)")
_METHODS: Final = ("get", "put", "post", "delete", "patch")
#: Deeper answers are trees of people's own making (a chart, a page of JSON), not a contract.
_DEPTH: Final = 5


def find_missing(needs: frozenset[str], offers: frozenset[str], *, of: Component) -> tuple[str, ...]:
    """The needs of this kind that nothing among `offers` serves, in order."""
    asked = _by_name(offers)
    return tuple(
        need for need in sorted(needs) if need.startswith(f"{of.value}:") and not _is_offered(need, asked)
    )


def _is_offered(need: str, offered: Mapping[str, frozenset[str]]) -> bool:
    name, given = _take_apart(need)
    return name in offered and offered[name] <= given


def _by_name(offers: frozenset[str]) -> dict[str, frozenset[str]]:
    return dict(_take_apart(offer) for offer in offers)


def _take_apart(name: str) -> tuple[str, frozenset[str]]:
    found = _OPERATION.fullmatch(name)
    if found is None:
        return name, frozenset()
    return found["name"], frozenset(part for part in found["asked"].split(",") if part)


def list_operations(document: Mapping[str, Any]) -> frozenset[str]:
    """Every operation of an OpenAPI document and every field of its answers. `Any`: it is a document."""
    names: set[str] = set()
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            base = f"{Component.API.value}:{method.upper()} {path}"
            names.add(f"{base}({','.join(sorted(_asked_of(operation, document)))})")
            names.update(f"{base}>{field}" for field in _answered_by(operation, document))
    return frozenset(names)


def _asked_of(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        # A path's own parameters are part of its name, and cookies are the browser's affair.
        if one.get("required") and one.get("in") in {"query", "header"}:
            yield str(one["name"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from map(str, _resolve(content.get("schema", {}), document).get("required", ()))


def _answered_by(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            for content in answer.get("content", {}).values():
                yield from _list_fields(content.get("schema", {}), document, depth=_DEPTH)


def _list_fields(schema: Mapping[str, Any], document: Mapping[str, Any], *, depth: int) -> Iterator[str]:
    found = _resolve(schema, document)
    if depth == 0:
        return
    for part in (*found.get("anyOf", ()), *found.get("oneOf", ()), *found.get("allOf", ())):
        yield from _list_fields(part, document, depth=depth - 1)
    if "items" in found:
        yield from _list_fields(found["items"], document, depth=depth - 1)
    for name, inner in found.get("properties", {}).items():
        yield str(name)
        yield from (f"{name}.{rest}" for rest in _list_fields(inner, document, depth=depth - 1))


def _resolve(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = document
    for part in str(reference).removeprefix("#/").split("/"):
        found = found.get(part, {})
    return dict(found)
