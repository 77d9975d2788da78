"""Chapter 5.3 as data: who is told how often, and what customers call the things they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hrx.kit.errors import Text
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
class CommunicationRules:
    """`runbook/respond/communication.yaml`. Severities that it does not name are told to nobody by rule."""

    cadence: Mapping[Severity, Cadence]
    remind_again: timedelta
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
        remind_again=_minutes(node, "remind_again_min"),
        stakeholders=node.strings("stakeholders"),
        place=node.string("place"),
        zone=zone,
        features=features,
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
