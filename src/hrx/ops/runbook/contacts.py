"""Chapter 9 as data: people and how each is reached, the response team, vendors, departments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hrx.kit.errors import Language, NotFound, Text
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

#: The roles of the response team, as chapter 9 lists them.
ROLES: Final = {
    "leader": Text(ja="リーダー", en="Leader"),
    "infra": Text(ja="技術担当(インフラ)", en="Engineer, infrastructure"),
    "app": Text(ja="技術担当(アプリ)", en="Engineer, application"),
    "security": Text(ja="セキュリティ担当", en="Security"),
    "pr": Text(ja="広報・法務担当", en="Public relations and legal"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One way to reach somebody."""

    kind: ChannelKind
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person. `channels` in the order in which they are tried; `operator` is the name in the console."""

    id: str
    name: Text
    role: Text
    language: Language
    time_zone: str
    channels: tuple[Reach, ...]
    checked_on: date
    operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A company whose service we stand on. `plan` is the support we pay for, `hours` when it answers."""

    id: str
    name: str
    used_for: Text
    support_url: str
    status_url: str
    contract: Text
    plan: Text
    hours: Text
    checked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """Somebody inside who must be asked or told."""

    id: str
    title: Text
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Everybody. `is_example` says that nobody here exists yet; an entry counts as fresh for `…_every`."""

    is_example: bool
    people_every: timedelta
    vendors_every: timedelta
    people: tuple[Contact, ...]
    response_team: dict[str, str]
    vendors: tuple[Vendor, ...]
    departments: tuple[Department, ...]

    @property
    def names(self) -> Mapping[str, Text]:
        """The names of people by their id."""
        return {one.id: one.name for one in self.people}

    def find(self, contact_id: str) -> Contact | None:
        return next((one for one in self.people if one.id == contact_id), None)

    def get(self, contact_id: str) -> Contact:
        """The person of this id. Raises NotFound naming those there are."""
        found = self.find(contact_id)
        if found is None:
            names = " ".join(one.id for one in self.people)
            raise NotFound(
                Text(ja=f"連絡先 {contact_id} はありません", en=f"There is no contact {contact_id}"),
                hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
                code="contact.not_found",
            )
        return found

    def find_by_address(self, kind: ChannelKind, address: str) -> Contact | None:
        """Whose address this is, such as the Slack user who pressed a button."""
        wanted = Reach(kind=kind, address=address)
        return next((one for one in self.people if wanted in one.channels), None)


def load_contacts(folder: Path) -> Contacts:
    """`runbook/respond/contacts.yaml`. Raises ContentWrong."""
    path = folder / "respond" / "contacts.yaml"
    node = as_node(read_yaml(path), place="contacts.yaml")
    people = tuple(_person(one) for one in node.nodes("people"))
    known = {one.id for one in people}
    if len(known) != len(people):
        raise wrong(str(path), "names a person twice")
    team = node.node("response_team")
    if set(team.values) != set(ROLES):
        raise wrong(team.place, f"needs exactly the roles {' '.join(ROLES)}")
    contacts = Contacts(
        is_example=node.flag("is_example"),
        people_every=timedelta(days=node.seconds("people_confirmed_every_days")),
        vendors_every=timedelta(days=node.seconds("vendors_confirmed_every_days")),
        people=people,
        response_team={role: team.string(role) for role in ROLES},
        vendors=tuple(_vendor(one) for one in node.nodes("vendors")),
        departments=tuple(_department(one) for one in node.nodes("departments")),
    )
    named = {*contacts.response_team.values(), *(one.person for one in contacts.departments)}
    for missing in sorted(named - known):
        raise wrong(str(path), f"names an unknown person {missing}")
    return contacts


def read_day(node: Node, key: str) -> date:
    found = node.values.get(key)
    if not isinstance(found, date):
        raise wrong(f"{node.place}.{key}", "must be a day such as 2026-11-02")
    return found


def read_zone(node: Node, key: str) -> str:
    """An IANA zone that this machine knows."""
    name = node.string(key)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise wrong(f"{node.place}.{key}", f"names an unknown time zone {name}") from error
    return name


def read_reach(node: Node) -> Reach:
    kind = node.string("kind")
    if kind not in {one.value for one in ChannelKind}:
        raise wrong(f"{node.place}.kind", f"is no channel: {kind}")
    return Reach(kind=ChannelKind(kind), address=node.string("address"))


def read_language(node: Node) -> Language:
    found = node.string("language")
    if found not in ("ja", "en"):
        raise wrong(f"{node.place}.language", "must be ja or en")
    return "ja" if found == "ja" else "en"


def _person(node: Node) -> Contact:
    channels = tuple(read_reach(one) for one in node.nodes("channels"))
    if not channels:
        raise wrong(f"{node.place}.channels", "needs at least one way to be reached")
    return Contact(
        id=node.string("id"),
        name=node.text("name"),
        role=node.text("role"),
        language=read_language(node),
        time_zone=read_zone(node, "time_zone"),
        channels=channels,
        checked_on=read_day(node, "checked_on"),
        operator=node.find_string("operator"),
    )


def _vendor(node: Node) -> Vendor:
    return Vendor(
        id=node.string("id"),
        name=node.string("name"),
        used_for=node.text("for"),
        support_url=node.string("support"),
        status_url=node.string("status"),
        contract=node.text("contract"),
        plan=node.text("plan"),
        hours=node.text("hours"),
        checked_on=read_day(node, "checked_on"),
    )


def _department(node: Node) -> Department:
    return Department(id=node.string("id"), title=node.text("title"), person=node.string("person"))
