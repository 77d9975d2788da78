"""Who is told, and which alert hides which: `runbook/watch/routes.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml
from hrx.ops.runbook.watch.durations import read_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place where people are told when the operations plane is silent: a Slack channel, PagerDuty, or both.

    `matchers` are Alertmanager's; the first place that matches takes the alert."""

    name: str
    says: Text
    matchers: tuple[str, ...]
    channel: str
    pagerduty: bool
    repeat_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hiding:
    """While an alert that matches `cause` fires, those that match `hides` with equal labels are not told."""

    why: Text
    cause: tuple[str, ...]
    hides: tuple[str, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Everything goes to the operations plane first; the places are for when it does not answer.

    `watchdog_every_s` is how often the dead man's switch is told; without it for `missing_after_s` it counts
    as missing. In production, places that page are told directly too, `direct_after_s` later."""

    group_by: tuple[str, ...]
    group_interval_s: int
    repeat_s: int
    watchdog_every_s: int
    missing_after_s: int
    direct_after_s: int
    places: tuple[Place, ...]
    hidings: tuple[Hiding, ...]


def load_routes(folder: Path) -> Routes:
    """The routes. Raises ContentWrong."""
    node = as_node(read_yaml(folder / "routes.yaml"), place="routes.yaml")
    return Routes(
        group_by=node.strings("group_by"),
        group_interval_s=read_duration(node, "group_interval"),
        repeat_s=read_duration(node, "repeat"),
        watchdog_every_s=read_duration(node, "watchdog_every"),
        missing_after_s=read_duration(node, "watchdog_missing_after"),
        direct_after_s=read_duration(node, "direct_after"),
        places=tuple(_read_place(item) for item in node.nodes("places")),
        hidings=tuple(_read_hiding(item) for item in node.nodes("hide")),
    )


def _read_place(node: Node) -> Place:
    return Place(
        name=node.string("name"),
        says=node.text("says"),
        matchers=node.strings("matchers"),
        channel=node.string("channel"),
        pagerduty=node.flag("pagerduty"),
        repeat_s=read_duration(node, "repeat"),
    )


def _read_hiding(node: Node) -> Hiding:
    return Hiding(
        why=node.text("why"),
        cause=node.strings("cause"),
        hides=node.strings("hides"),
        equal=node.strings("equal"),
    )
