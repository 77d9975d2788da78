"""Alertmanager's configuration from the routes: everything to the operations plane, at once.

Below that stand the routes to people for a plane that does not answer. On one machine their receivers are
empty, for the plane's own watchers take over; the production profile fills them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrx.ops.observe.rules.rule_files import HEAD, to_yaml
from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.routes import Hiding, Place, Routes

_PLANE = "operations"


def render_alertmanager(routes: Routes) -> str:
    """monitoring/alertmanager.yml; `@ops@` and `@token_file@` are filled in by the machine."""
    return HEAD + to_yaml(
        {
            "route": _tree(routes),
            "inhibit_rules": [_hide(hiding) for hiding in routes.hidings],
            "receivers": _receivers(routes),
        }
    )


# `Any` below: documents of Alertmanager.
def _tree(routes: Routes) -> dict[str, Any]:
    return {
        "receiver": _PLANE,
        "group_by": list(routes.group_by),
        "group_wait": "0s",
        "group_interval": to_promql(routes.group_interval_s),
        "repeat_interval": to_promql(routes.repeat_s),
        "routes": [
            # The dead man's switch must arrive often, or its absence means nothing. Alertmanager repeats at a
            # turn of the group only: with turns as long as the repetition it skips every other one.
            {
                "receiver": _PLANE,
                "matchers": ['alertname="Watchdog"'],
                "group_interval": "1s",
                "repeat_interval": to_promql(routes.watchdog_every_s),
            },
            {"receiver": _PLANE, "continue": True},
            *(_to_people(place) for place in routes.places),
        ],
    }


def _to_people(place: Place) -> dict[str, Any]:
    return {
        "receiver": f"people-{place.name}",
        "matchers": list(place.matchers),
        "repeat_interval": to_promql(place.repeat_s),
    }


def _hide(hiding: Hiding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "source_matchers": list(hiding.cause),
        "target_matchers": list(hiding.hides),
    }
    return made | ({"equal": list(hiding.equal)} if hiding.equal else {})


def _receivers(routes: Routes) -> Sequence[dict[str, Any]]:
    plane = {
        "name": _PLANE,
        "webhook_configs": [
            {
                "url": "http://127.0.0.1:@ops@/hooks/alertmanager",
                "send_resolved": True,
                "max_alerts": 200,
                "http_config": {
                    "authorization": {"type": "Bearer", "credentials_file": "@token_file@"},
                },
            }
        ],
    }
    return [plane, *({"name": f"people-{place.name}"} for place in routes.places)]
