"""SQL as the server's own grammar reads it, statement by statement, each with its transaction.

Blocks (`DO`) are opened: what stands in them locks as much as what stands outside. Text put together at run
time is read as far as its constants go; what stays dark is handed on as unreadable, never as harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import postgast
from google.protobuf.json_format import MessageToDict

#: A node of the parser's tree: nested mappings and lists of plain values. `Any`: its shape is the grammar's.
Node = Mapping[str, Any]
UNREADABLE: Final = "unreadable"
#: Stands for a name that only the run knows.
UNKNOWN_NAME: Final = "hrx_unknown"
_MAX_EXPANDED: Final = 64
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")
_HOLE: Final = re.compile(r"%(?:(\d+)\$)?([IsL%])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. `transaction` numbers the transactions of a script; None is outside of any.

    `is_batched` is in a block outside of any that commits as it goes."""

    text: str
    kind: str
    node: Node
    transaction: int | None
    is_nested: bool = False
    is_batched: bool = False

    @property
    def is_readable(self) -> bool:
        return self.kind != UNREADABLE


def read_statements(script: str) -> tuple[Statement, ...]:
    """The statements of a script in order, without BEGIN and COMMIT, blocks opened.

    A script starts outside of a transaction, as `psql -f` runs it."""
    found: list[Statement] = []
    transaction: int | None = None
    started = 0
    for text, kind, node in split_script(script):
        if kind == "transaction_stmt":
            is_begin = node.get("kind") in ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
            started += is_begin
            transaction = started if is_begin else None
        elif kind == "do_stmt":
            found += _open_block(text, node, transaction)
        else:
            found.append(Statement(text=text, kind=kind, node=node, transaction=transaction))
    return tuple(found)


def read_body(definition: Node) -> tuple[Statement, ...]:
    """The static statements of a function as CREATE FUNCTION defines it; empty in other languages."""
    options = {item["def_elem"].get("defname"): item["def_elem"] for item in definition.get("options", [])}
    language = options.get("language", {}).get("arg", {}).get("string", {}).get("sval", "")
    items = options.get("as", {}).get("arg", {}).get("list", {}).get("items", [])
    source = words_of(items)[0] if items else ""
    if language == "sql":
        return read_statements(source)
    if language != "plpgsql":
        return ()
    mark = "$hrx_body$"
    head = "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE plpgsql AS"
    try:
        tree: object = postgast.parse_plpgsql(f"{head} {mark}{source}{mark}")
    except (postgast.PgQueryError, ValueError):
        return ()
    texts = [text for name, text in _expressions(tree) if name == "static"]
    return tuple(
        Statement(text=said, kind=kind, node=node, transaction=1, is_nested=True)
        for text in texts
        for said, kind, node in split_script(text)
    )


def find_nodes(node: object, kind: str) -> Iterator[Node]:
    """Every node of a kind below `node`, in the order of the text."""
    if isinstance(node, Mapping):
        for name, below in node.items():
            if name == kind and isinstance(below, Mapping):
                yield below
            yield from find_nodes(below, kind)
    elif isinstance(node, list):
        for below in node:
            yield from find_nodes(below, kind)


def words_of(items: Sequence[Node]) -> list[str]:
    """The strings of a list of names: `app.person` gives ["app", "person"]."""
    return [str(item["string"].get("sval", "")) for item in items if "string" in item]


def constant_of(node: Node) -> str | None:
    """The value of a constant as text, also behind a cast; None when it is no constant."""
    if "type_cast" in node:
        return constant_of(node["type_cast"].get("arg", {}))
    constant = node.get("a_const")
    if constant is None:
        return None
    for kind in ("sval", "ival", "fval", "boolval"):
        if kind in constant:
            value = constant[kind].get(kind, "" if kind == "sval" else 0)
            return str(value)
    return None


def is_constant(node: Node) -> bool:
    """Whether a value stands in the text itself: a constant, a cast or an array of constants."""
    if "a_array_expr" in node:
        return all(is_constant(item) for item in node["a_array_expr"].get("elements", []))
    if "type_cast" in node:
        return is_constant(node["type_cast"].get("arg", {}))
    return "a_const" in node


def split_script(script: str) -> Iterator[tuple[str, str, Node]]:
    """(text, kind, node) of each statement; a statement that the grammar refuses is UNREADABLE."""
    try:
        tree = MessageToDict(postgast.parse(script), preserving_proto_field_name=True)
    except postgast.PgQueryError as error:
        yield from _split_around(script, said=str(error))
        return
    raw = script.encode()
    for item in tree.get("stmts", []):
        start = int(item.get("stmt_location", 0))
        length = int(item.get("stmt_len", 0))
        text = raw[start : start + length if length else None].decode().strip()
        for kind, node in item["stmt"].items():
            yield text, kind, node


def _split_around(script: str, *, said: str) -> Iterator[tuple[str, str, Node]]:
    """The statements beside one that the grammar refuses; the scanner still finds where each ends."""
    try:
        pieces = [piece for piece in postgast.split(script, method="scanner") if piece.strip()]
    except postgast.PgQueryError:
        pieces = [script]
    if len(pieces) == 1:
        yield script.strip(), UNREADABLE, {"said": said}
        return
    for piece in pieces:
        yield from split_script(piece)


def _open_block(text: str, node: Node, transaction: int | None) -> Iterator[Statement]:
    body = next((d["arg"]["string"].get("sval", "") for d in find_nodes(node, "def_elem")
                 if d.get("defname") == "as"), "")  # fmt: skip
    try:
        tree: object = postgast.parse_plpgsql(text)
    except (postgast.PgQueryError, ValueError) as error:
        yield _dark(text, transaction, said=str(error))
        return
    candidates = _names_in_arrays(str(body))
    is_batched = transaction is None and any(True for _ in find_nodes(tree, "PLpgSQL_stmt_commit"))
    for name, expression in _expressions(tree):
        if name == "dynamic":
            pieces = _compose(expression, candidates)
            if not pieces:
                yield _dark(f"EXECUTE {expression}", transaction, said="dynamic SQL")
        else:
            pieces = [expression]
        for piece in pieces:
            for said, kind, inner in split_script(piece):
                yield Statement(
                    text=said,
                    kind=kind,
                    node=inner,
                    transaction=transaction,
                    is_nested=True,
                    is_batched=is_batched,
                )


def _dark(text: str, transaction: int | None, *, said: str) -> Statement:
    return Statement(text=text, kind=UNREADABLE, node={"said": said}, transaction=transaction, is_nested=True)


def _expressions(tree: object) -> Iterator[tuple[str, str]]:
    """("static" or "dynamic", SQL) of what a block runs, in the order of its text."""
    if isinstance(tree, list):
        for below in tree:
            yield from _expressions(below)
    elif isinstance(tree, Mapping):
        for name, below in tree.items():
            if name == "PLpgSQL_stmt_dynexecute":
                yield "dynamic", str(below["query"]["PLpgSQL_expr"]["query"])
            elif name in ("PLpgSQL_stmt_execsql", "PLpgSQL_stmt_perform"):
                expression = below.get("sqlstmt") or below.get("expr") or {}
                yield "static", str(expression["PLpgSQL_expr"]["query"])
            else:
                yield from _expressions(below)


def _names_in_arrays(body: str) -> list[str]:
    """Names that a block walks through: the string constants of its ARRAY[…]."""
    found: list[str] = []
    for array in re.findall(r"ARRAY\s*\[([^\]]*)\]", body, flags=re.IGNORECASE):
        found += [word for word in re.findall(r"'([^']*)'", array) if _NAME.match(word)]
    return found[:_MAX_EXPANDED]


def _compose(expression: str, candidates: Sequence[str]) -> list[str]:
    """The texts that an EXECUTE may run: one for each candidate where a name is open; empty when dark."""
    try:
        tree = MessageToDict(postgast.parse(f"SELECT {expression}"), preserving_proto_field_name=True)
    except postgast.PgQueryError:
        return []
    targets = tree["stmts"][0]["stmt"]["select_stmt"].get("target_list", [])
    value = targets[0]["res_target"].get("val", {}) if targets else {}
    texts = [_fill(value, name) for name in (candidates or [UNKNOWN_NAME])]
    return list(dict.fromkeys(text for text in texts if text is not None))


def _fill(value: Node, name: str) -> str | None:
    """A text of constants with `name` in its holes; None when not even its beginning is constant."""
    constant = constant_of(value)
    if constant is not None:
        return constant
    if "func_call" in value and words_of(value["func_call"].get("funcname", []))[-1:] == ["format"]:
        given = value["func_call"].get("args", [])
        pattern = constant_of(given[0]) if given else None
        return None if pattern is None else _format(pattern, given[1:], name)
    if "a_expr" in value and words_of(value["a_expr"].get("name", [])) == ["||"]:
        left = _fill(value["a_expr"].get("lexpr", {}), name)
        right = _fill(value["a_expr"].get("rexpr", {}), name)
        return None if left is None else left + (name if right is None else right)
    return None


def _format(pattern: str, given: Sequence[Node], name: str) -> str:
    """What `format` gives, with `name` for every argument that is no constant."""
    position = iter(range(len(given)))

    def put(hole: re.Match[str]) -> str:
        if hole[2] == "%":
            return "%"
        index = int(hole[1]) - 1 if hole[1] else next(position, -1)
        value = constant_of(given[index]) if 0 <= index < len(given) else None
        text = name if value is None else value
        return f"'{text}'" if hole[2] == "L" else text

    return _HOLE.sub(put, pattern)
