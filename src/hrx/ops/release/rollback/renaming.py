"""Whether two rules are one and the same but for a column's name, as the server's own grammar reads them."""

from __future__ import annotations

from typing import Any, Final

from hrx.ops.release.migrations.statements import read_statements

#: Where something stands in the text says nothing of what it means.
_PLACES: Final = frozenset({"location", "list_start", "list_end"})
#: Lists of the rule's own columns; those that a reference points to are another table's.
_OWN_COLUMNS: Final = frozenset({"keys", "fk_attrs", "including"})


def says_the_same(before: str, after: str, *, was: str, now: str) -> bool:
    """Whether `before` is `after` once its column `was` is called `now` (names without their table).

    A value, a type or a function that happens to be called so is no column. False for what cannot be read,
    unless nothing had to be renamed."""
    if before == after:
        return was == now or not _find_names(before, was)
    one, other = _read(before), _read(after)
    return one is not None and other is not None and _rename(one, was, now) == _rename(other, now, now)


def _find_names(definition: str, name: str) -> bool:
    """Whether this column may be named there; what cannot be read may name any."""
    tree = _read(definition)
    return tree is None or _rename(tree, name, "") != _rename(tree, name, name)


# `Any`: a node of the parser's tree (see `statements`).
def _read(definition: str) -> Any:
    is_whole = definition.upper().startswith("CREATE ")
    found = read_statements(definition if is_whole else f"ALTER TABLE t ADD {definition}")
    return found[0].node if len(found) == 1 and found[0].is_readable else None


def _rename(node: Any, was: str, now: str) -> Any:
    """The tree without places, and with the column's other name wherever a column is named."""
    if isinstance(node, list):
        return [_rename(one, was, now) for one in node]
    if not isinstance(node, dict):
        return node
    renamed: dict[str, Any] = {}
    for key, value in node.items():
        if key in _PLACES:
            continue
        if key == "column_ref":
            *before, last = value.get("fields", [{}])
            renamed[key] = [*before, _call(last, was, now)]
        elif key in _OWN_COLUMNS and isinstance(value, list):
            renamed[key] = [_call(one, was, now) for one in value]
        elif key == "index_elem":
            name = value.get("name")
            rest = _rename({one: it for one, it in value.items() if one != "name"}, was, now)
            renamed[key] = {**rest, "name": now if name == was else name}
        else:
            renamed[key] = _rename(value, was, now)
    return renamed


def _call(field: Any, was: str, now: str) -> Any:
    return {"string": {"sval": now}} if field == {"string": {"sval": was}} else field
