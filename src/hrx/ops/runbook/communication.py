"""Chapter 5.3 as data: who is told how often, and what customers call the things they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hrx.kit.errors import Text
from hrx.ops.runbook.messages import LeakRules, MessageTemplate, load_leaks, load_messages
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.signal import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How soon the first word is due, and how often the next ones."""

    first: timedelta
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """The rhythms of one severity."""

    internal: Rhythm
    customers: Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Something customers use. `stops_with` and `slows_with` name services of parts.yaml."""

    id: str
    title: Text
    stops_with: tuple[str, ...]
    slows_with: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRules:
    """How early planned work is announced, and how long before its beginning it is said again."""

    notice_business_days: int
    remind_before: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortemRules:
    """Which severities need one, until when, and how many days before an action is due its owner is told."""

    severities: frozenset[Severity]
    written_business_days: int
    approved_business_days: int
    remind_action_days: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunicationRules:
    """`runbook/respond/communication.yaml` with the templates and what may not be said beside it.

    Severities that `cadence` does not name are told to nobody by rule."""

    cadence: Mapping[Severity, Cadence]
    remind_ahead: timedelta
    remind_again: timedelta
    maintenance: MaintenanceRules
    post_mortem: PostMortemRules
    templates: Mapping[str, MessageTemplate]
    leaks: LeakRules
    stakeholders: tuple[str, ...]
    place: str
    zone: ZoneInfo
    features: tuple[Feature, ...]


def load_communication(folder: Path, *, services: frozenset[str]) -> CommunicationRules:
    """Raises ContentWrong when the file is wrong or names a service that does not exist."""
    path = folder / "respond" / "communication.yaml"
    node = as_node(read_yaml(path), place=path.name)
    features = tuple(_feature(one, services) for one in node.nodes("features"))
    if len({one.id for one in features}) != len(features):
        raise wrong(path.name, "names a feature twice")
    try:
        zone = ZoneInfo(node.string("time_zone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise wrong(f"{path.name}.time_zone", "is no time zone") from error
    return CommunicationRules(
        cadence={_severity(one): _cadence(one) for one in node.nodes("cadence")},
        remind_ahead=_minutes(node, "remind_ahead_min"),
        remind_again=_minutes(node, "remind_again_min"),
        maintenance=_maintenance(node.node("maintenance")),
        post_mortem=_post_mortem(node.node("post_mortem")),
        templates=load_messages(folder),
        leaks=load_leaks(folder),
        stakeholders=node.strings("stakeholders"),
        place=node.string("place"),
        zone=zone,
        features=features,
    )


def _maintenance(node: Node) -> MaintenanceRules:
    return MaintenanceRules(
        notice_business_days=int(node.seconds("notice_business_days")),
        remind_before=tuple(timedelta(hours=float(one)) for one in node.strings("remind_before_h")),
    )


def _post_mortem(node: Node) -> PostMortemRules:
    return PostMortemRules(
        severities=frozenset(Severity(int(one)) for one in node.strings("severities")),
        written_business_days=int(node.seconds("written_business_days")),
        approved_business_days=int(node.seconds("approved_business_days")),
        remind_action_days=tuple(int(one) for one in node.strings("remind_action_days")),
    )


def _feature(node: Node, services: frozenset[str]) -> Feature:
    found = Feature(
        id=node.string("id"),
        title=node.text("title"),
        stops_with=node.strings("stops_with"),
        slows_with=node.strings("slows_with"),
    )
    for missing in sorted({*found.stops_with, *found.slows_with} - services):
        raise wrong(f"{node.place} ({found.id})", f"names an unknown service {missing}")
    return found


def _severity(node: Node) -> Severity:
    try:
        return Severity(int(node.values["severity"]))
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(f"{node.place}.severity", "must be 1 to 4") from error


def _cadence(node: Node) -> Cadence:
    return Cadence(internal=_rhythm(node.node("internal")), customers=_rhythm(node.node("customers")))


def _rhythm(node: Node) -> Rhythm:
    return Rhythm(first=_minutes(node, "first_min"), every=_minutes(node, "every_min"))


def _minutes(node: Node, key: str) -> timedelta:
    return timedelta(minutes=node.seconds(key))
