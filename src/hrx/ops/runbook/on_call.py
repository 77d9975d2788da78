"""`runbook/respond/on-call.yaml`: rotations, places, and what each severity does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final

from hrx.kit.errors import Language, NotFound, Text
from hrx.ops.runbook.contacts import Contacts, Reach, read_day, read_language, read_reach, read_zone
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.schedules.rotation import EscalationStep, Hours, Layer, Policy, Rotation, Target
from hrx.ops.signal import Severity

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The policy of incidents that are about security, whatever their severity.
SECURITY: Final = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere that messages go and nobody owns: a channel, a service."""

    name: str
    reach: Reach
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallContent:
    """Who is on call by rule, and what each severity does."""

    rotations: tuple[Rotation, ...]
    places: tuple[Place, ...]
    policies: dict[str, Policy]

    def get_rotation(self, rotation_id: str) -> Rotation:
        """The rotation of this id. Raises NotFound naming those there are."""
        for one in self.rotations:
            if one.id == rotation_id:
                return one
        names = " ".join(one.id for one in self.rotations)
        raise NotFound(
            Text(ja=f"当番表 {rotation_id} はありません", en=f"There is no rotation {rotation_id}"),
            hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
            code="on_call.rotation_not_found",
        )

    def find_place(self, name: str) -> Place | None:
        return next((one for one in self.places if one.name == name), None)

    def policy_for(self, severity: Severity, *, is_security: bool) -> Policy:
        """Security has its own people for whatever pages anybody."""
        is_paged = severity is not Severity.TRIVIAL
        return self.policies[SECURITY if is_security and is_paged else severity.label]


def load_on_call(folder: Path, contacts: Contacts) -> OnCallContent:
    """The file, checked against the people there are. Raises ContentWrong."""
    node = as_node(read_yaml(folder / "respond" / "on-call.yaml"), place="on-call.yaml")
    rotations = tuple(_rotation(one, contacts) for one in node.nodes("rotations"))
    places = tuple(
        Place(name=one.string("name"), reach=read_reach(one), language=read_language(one))
        for one in node.nodes("places")
    )
    reader = _PolicyReader(contacts, {one.id for one in rotations}, {one.name for one in places})
    policies = {
        Severity(int(one.values.get("severity", 0))).label: reader.policy(
            one, name=f"SEV{one.values['severity']}"
        )
        for one in node.nodes("policies")
    }
    if set(policies) != {severity.label for severity in Severity}:
        raise wrong(f"{node.place}.policies", "needs each severity 1 to 4 once")
    policies[SECURITY] = reader.policy(node.node(SECURITY), name=SECURITY)
    return OnCallContent(rotations=rotations, places=places, policies=policies)


@dataclass(frozen=True, slots=True)
class _PolicyReader:
    contacts: Contacts
    rotations: set[str]
    places: set[str]

    def policy(self, node: Node, *, name: str) -> Policy:
        places = node.strings("places")
        for missing in sorted(set(places) - self.places):
            raise wrong(f"{node.place}.places", f"names an unknown place {missing}")
        rounds = node.values.get("rounds")
        if not isinstance(rounds, int) or rounds < 1:
            raise wrong(f"{node.place}.rounds", "must be a number from 1")
        steps = tuple(
            EscalationStep(
                targets=tuple(self.target(said, place=one.place) for said in one.strings("to")),
                delay_s=one.seconds("delay_s"),
            )
            for one in node.nodes("steps")
        )
        return Policy(
            name=name,
            steps=steps,
            places=places,
            rounds=rounds,
            in_business_hours=node.flag("in_business_hours"),
        )

    def target(self, said: str, *, place: str) -> Target:
        kind, _, name = said.partition(":")
        if kind == "rotation" and name in self.rotations:
            return Target(rotation=name)
        if kind == "role" and name in self.contacts.response_team:
            return Target(person=self.contacts.response_team[name])
        if kind == "person" and self.contacts.find(name) is not None:
            return Target(person=name)
        raise wrong(f"{place}.to", f"names nobody: {said}")


def _rotation(node: Node, contacts: Contacts) -> Rotation:
    return Rotation(
        id=node.string("id"),
        title=node.text("title"),
        time_zone=read_zone(node, "time_zone"),
        layers=tuple(_layer(one, contacts) for one in node.nodes("layers")),
    )


def _layer(node: Node, contacts: Contacts) -> Layer:
    people = node.strings("people")
    for missing in [one for one in people if contacts.find(one) is None]:
        raise wrong(f"{node.place}.people", f"names an unknown person {missing}")
    days = node.values.get("shift_days")
    if not people or not isinstance(days, int) or days < 1:
        raise wrong(node.place, "needs people and shift_days from 1")
    return Layer(
        people=people,
        starts_on=read_day(node, "starts_on"),
        hand_off=_clock_time(node, "hand_off"),
        shift_days=days,
        hours=tuple(_hours(one) for one in node.nodes("hours")),
    )


def _hours(node: Node) -> Hours:
    days = node.strings("days")
    if not days or not set(days) <= set(_DAYS):
        raise wrong(f"{node.place}.days", f"must be of {' '.join(_DAYS)}")
    return Hours(
        days=frozenset(_DAYS.index(day) for day in days),
        start=_clock_time(node, "from"),
        end=_clock_time(node, "to"),
    )


def _clock_time(node: Node, key: str) -> time:
    said = node.string(key)
    try:
        return time.fromisoformat(said)
    except ValueError as error:
        raise wrong(f"{node.place}.{key}", 'must be a quoted time such as "09:00"') from error
