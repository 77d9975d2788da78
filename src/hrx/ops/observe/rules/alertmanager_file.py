"""Alertmanager's configuration from the routes: everything to the operations plane, at once.

On one machine the routes to people below that are empty, for the plane and its probe call them. In production
the places that page have receivers of their own: a second way, which needs nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hrx.ops.observe.rules.rule_files import HEAD, to_yaml
from hrx.ops.runbook.watch.durations import to_promql
from hrx.ops.runbook.watch.routes import Hiding, Place, Routes

_PLANE: Final = "operations"
_SLACK: Final = "https://slack.com/api/chat.postMessage"
#: Each alert in both languages, for whoever is woken by it; the plane is where more is known.
_TITLE: Final = (
    "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}"
    "{{ if .CommonLabels.part }} ({{ .CommonLabels.part }}){{ end }}"
)
_TEXT: Final = (
    "{{ range .Alerts }}{{ .Annotations.summary_ja }}\n{{ .Annotations.summary_en }}\n"
    "SOP {{ .Labels.sop }}\n{{ end }}"
)


_SEVERITY: Final = "{{ or .CommonLabels.severity `critical` }}"


def render_alertmanager(routes: Routes) -> str:
    """monitoring/alertmanager.yml; `@ops@` and `@token_file@` are filled in by the machine."""
    receivers = [_plane("http://127.0.0.1:@ops@/hooks/alertmanager"), *map(_nobody, routes.places)]
    return _render(routes, receivers)


def render_production(routes: Routes) -> str:
    """monitoring/alertmanager-production.yml. `@ops_url@` is the plane's address, `@secrets@` a folder with
    `slack-bot-token` and `pagerduty-routing-key`: no secret stands in the file itself."""
    receivers = [_plane("@ops_url@/hooks/alertmanager"), *map(_people, routes.places)]
    return _render(routes, receivers, direct_after=to_promql(routes.direct_after_s))


# `Any` below: documents of Alertmanager.
def _render(routes: Routes, receivers: Sequence[dict[str, Any]], *, direct_after: str | None = None) -> str:
    return HEAD + to_yaml(
        {
            "route": _tree(routes, direct_after=direct_after),
            "inhibit_rules": [_hide(hiding) for hiding in routes.hidings],
            "receivers": list(receivers),
        }
    )


def _tree(routes: Routes, *, direct_after: str | None) -> dict[str, Any]:
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
            *(_to_people(place, wait=direct_after) for place in routes.places),
        ],
    }


def _to_people(place: Place, *, wait: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"receiver": _name(place), "matchers": list(place.matchers)}
    if wait is not None:
        made["group_wait"] = wait
    return made | {"repeat_interval": to_promql(place.repeat_s)}


def _name(place: Place) -> str:
    return f"people-{place.name}"


def _hide(hiding: Hiding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "source_matchers": list(hiding.cause),
        "target_matchers": list(hiding.hides),
    }
    return made | ({"equal": list(hiding.equal)} if hiding.equal else {})


def _plane(url: str) -> dict[str, Any]:
    return {
        "name": _PLANE,
        "webhook_configs": [
            {
                "url": url,
                "send_resolved": True,
                "max_alerts": 200,
                "http_config": {
                    "authorization": {"type": "Bearer", "credentials_file": "@token_file@"},
                },
            }
        ],
    }


def _nobody(place: Place) -> dict[str, Any]:
    return {"name": _name(place)}


def _people(place: Place) -> dict[str, Any]:
    """Of a place that pages: Slack and PagerDuty directly. A warning can wait for the plane."""
    if not place.pagerduty:
        return _nobody(place)
    return {
        "name": _name(place),
        "slack_configs": [
            {
                "api_url": _SLACK,
                "http_config": {
                    "authorization": {"type": "Bearer", "credentials_file": "@secrets@/slack-bot-token"}
                },
                "channel": place.channel,
                "send_resolved": True,
                "title": _TITLE,
                "text": _TEXT,
            }
        ],
        "pagerduty_configs": [
            {
                "routing_key_file": "@secrets@/pagerduty-routing-key",
                "send_resolved": True,
                "client": "HRX-AI Alertmanager",
                "severity": _SEVERITY,
                "component": "{{ .CommonLabels.part }}",
                "description": _TITLE + ": {{ .CommonAnnotations.summary_en }}",
            }
        ],
    }
