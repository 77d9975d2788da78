"""The chain from an alert to a recovery has no broken link: every name in every SOP answers to something."""

from __future__ import annotations

import ast
import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from hrx.ops.runbook.content import Content, load_content
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.triage.naming import list_wrong_names
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R5.2-1", "R5.2-2")


@cache
def served() -> frozenset[str]:
    """The paths of the API's own document, and of the portal's own routes."""
    document = json.loads((ROOT / "web" / "openapi.json").read_text())
    portal = ROOT / "web" / "src" / "app"
    routes = {f"/{path.parent.relative_to(portal)}" for path in portal.glob("web/*/route.ts")}
    return frozenset(document["paths"]) | routes


@cache
def written() -> frozenset[str]:
    """Fields of log lines: of the edge's format, of our JSON lines, and of what programs put into them."""
    config = (ROOT / "deploy" / "edge" / "haproxy.cfg").read_text()
    format_line = next(line for line in config.splitlines() if line.strip().startswith("log-format"))
    found = set(re.findall(r'"(\w+)":', format_line))
    for path in [ROOT / "src/hrx/kit/log.py", *(ROOT / "src/hrx/app").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            found |= fields_of(node)
    return frozenset(found)


def fields_of(node: ast.AST) -> set[str]:
    """Keys of `line = {...}`, `line["…"] = …`, `write_access_line({...})` and `extra={"fields": {...}}`."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id == "line":
            return keys_of(node.value)
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            is_line = isinstance(target.value, ast.Name) and target.value.id == "line"
            return {str(target.slice.value)} if is_line else set()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "write_access_line":
            return keys_of(node.args[0])
        for keyword in node.keywords:
            if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
                return set().union(*(keys_of(value) for value in keyword.value.values))
    return set()


def keys_of(node: ast.AST | None) -> set[str]:
    if not isinstance(node, ast.Dict):
        return set()
    return {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}


def wrong_names(content: Content) -> list[str]:
    return list_wrong_names(content, endpoints=served(), log_fields=written())


def test_every_name_of_every_sop_exists() -> None:
    content = load_content(ROOT / "runbook")
    assert len(content.sops) == 6
    assert wrong_names(content) == []


def test_there_are_names_to_compare_with() -> None:
    assert {"/livez", "/readyz", "/web/readyz", "/api/v1/auth/login"} <= served()
    assert {"event", "route", "status", "duration_ms", "exception", "backend", "ended"} <= written()
    assert "no_such_field" not in written()


def test_every_cause_either_proposes_something_or_says_what_people_do() -> None:
    content = load_content(ROOT / "runbook")
    proposed = {item.procedure for sop in content.sops for cause in sop.causes for item in cause.proposals}
    assert proposed >= {
        "restart-part", "resume-part", "switch-slot", "end-blocking-session", "cancel-statement",
        "recreate-index", "reset-database-password", "keep-evidence", "block-source", "lock-account",
        "revoke-sessions",
    }  # fmt: skip
    for sop in content.sops:
        for cause in sop.causes:
            assert cause.advice.ja, cause.id
            assert cause.advice.en, cause.id


STARTED = 'started: "{locks.root_started}"'
BLOCK = 'procedure: block-source, params: {source: "{failures.top_source}", minutes: "60"}'
EVIDENCE = "procedure: keep-evidence, params: {label: security}"
BLOCKED = 'minutes: "60"}, '
#: Where something is misspelt, how, and what is said of it.
MISSPELT = (
    ("5.2.3.yaml", "check: postgres.locks", "check: postgres.lock", "no check postgres.lock"),
    ("5.2.3.yaml", "fact: root_waiters", "fact: root_waiter", "locks gives no fact root_waiter"),
    ("5.2.3.yaml", "{locks.root_pid}", "{locks.pid}", "locks gives no fact pid"),
    ("5.2.3.yaml", STARTED, STARTED.replace("started:", "begun:"), "no parameter begun"),
    ("5.2.3.yaml", f", {STARTED}", "", "parameter started is not given"),
    ("5.2.3.yaml", "needs: process.is_suspended", "needs: process.is_asleep", "is_asleep, which no probe"),
    ("5.2.3.yaml", "params: {part: redis}", "params: {}", "cache_process: part.process takes ['part']"),
    ("5.2.3.yaml", "pg_locks_count, ", "pg_lock_count, ", "no metric pg_lock_count"),
    ("5.2.3.yaml", "pg_locks_count, ", "", "text: no metric pg_locks_count"),
    ("5.2.3.yaml", "endpoints: [/readyz,", "endpoints: [/ready,", "nothing is served at /ready"),
    ("5.2.2.yaml", "duration_ms, correlation_id", "took_ms, correlation_id", "nobody writes took_ms"),
    ("5.2.3.yaml", "procedure: recreate-index", "procedure: cancel-statement", "no parameter index"),
    ("5.2.3.yaml", "procedure: recreate-index", "procedure: no-such", "unknown procedure no-such"),
    ("5.2.3.yaml", "explains: [slow-query]", "explains: [slow-ones]", "explains no cause slow-ones"),
    ("5.2.3.yaml", "about: [disk-low]", "about: [disk-lower]", "is about disk-lower, which nothing tells"),
    ("5.2.6.yaml", BLOCK, EVIDENCE, "proposes keep-evidence twice"),
    ("5.2.6.yaml", "label: security", "label: ../x", "label=../x"),
    ("5.2.6.yaml", BLOCKED, f"{BLOCKED}auto: true, ", "is auto, but needs"),
    ("5.2.3.*.md", "procedure:cancel-statement", "procedure:stop-it", "text: no procedure stop-it"),
    (
        "5.2.3.*.md",
        "procedure:end-blocking-session",
        "procedure:restart-part",
        "is proposed and not explained",
    ),
    ("5.2.3.*.md", "check:postgres.locks", "check:web.page", "web.page is no probe of its triage"),
    ("5.2.3.*.md", "log:duration_ms", "log:length", "text: no log length"),
    ("5.2.3.*.md", "endpoint:/readyz", "endpoint:/web/livez", "text: no endpoint /web/livez"),
    ("5.2.3.en.md", "check:postgres.locks", "check:postgres.door", "in one language only"),
)


@pytest.mark.parametrize(("name", "old", "new", "said"), MISSPELT)
def test_a_name_that_nothing_answers_to_is_found(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "runbook"
    shutil.copytree(ROOT / "runbook", folder)
    changed = 0
    for path in (folder / "sops").glob(name):
        text = path.read_text()
        changed += text.count(old)
        path.write_text(text.replace(old, new))
    assert changed
    try:
        found = wrong_names(load_content(folder))
    except ContentWrong as error:
        found = [error.message.en]
    assert any(said in one for one in found), found
