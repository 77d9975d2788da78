"""Every route of the console with the permission it asks for; read from the application itself."""

from __future__ import annotations

import re

from fastapi.routing import APIRoute

from hrx.ops.console.app import PAGES
from hrx.ops.operators.roles import Permission, Role

PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/version"),
    ("GET", "/metrics"),
    # Ages only; the outside probe reads it.
    ("GET", "/heartbeat"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/language/{chosen}"),
    ("GET", "/theme/{chosen}"),
    # Has a token of its own; see test_alerts.py.
    ("POST", "/hooks/alertmanager"),
    # The same token; see test_probe_and_plane.py.
    ("POST", "/hooks/signals"),
    ("POST", "/hooks/slack"),
    # Its address carries a token of one operator; see test_on_call_page.py.
    ("GET", "/on-call.ics"),
}
#: Reads its form by hand, so its permission is not in a dependency.
BY_HAND = {("POST", "/procedures/{procedure_id}/plans"): Permission.PLAN_AND_RUN}
LEAST = {
    Permission.LOOK: Role.VIEWER,
    Permission.PLAN_AND_RUN: Role.RESPONDER,
    Permission.APPROVE: Role.APPROVER,
    Permission.MANAGE_OPERATORS: Role.ADMIN,
}
EXAMPLES = {
    "name": "worker",
    "number": "5",
    "procedure_id": "restart-part",
    "sop_id": "5.2.3",
    "seq": "99999",
    "run_id": "nothing",
    "chosen": "ja",
    "incident_id": "99999",
    "verb": "acknowledge",
    "notice_id": "99999",
    "action_id": "99999",
    "contact_id": "nobody",
    "file_name": "index.ja.html",
    "dashboard_id": "golden-signals",
    "panel_id": "errors",
}


def all_routes() -> list[tuple[str, str, Permission | None]]:
    """Method, path and permission of every route; None when the route asks for none."""
    found = []
    for page in PAGES:
        for route in page.router.routes:
            assert isinstance(route, APIRoute)
            calls = [dependency.call for dependency in route.dependant.dependencies]
            permissions = [call.permission for call in calls if call and hasattr(call, "permission")]
            for method in sorted((route.methods or set()) - {"HEAD"}):
                by_hand = BY_HAND.get((method, route.path))
                found.append((method, route.path, permissions[0] if permissions else by_hand))
    return found


def concrete(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: EXAMPLES[match.group(1)], path)
