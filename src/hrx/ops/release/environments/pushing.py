"""What a deploy platform has to be given: names, for which service, and which of them are secrets.

Values are no part of it: a target reads them from the environment's source at the moment it pushes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.ops.release.environments.schema import KnownSetting, Plane, list_known
from hrx.ops.release.releases import Environment


class Service(StrEnum):
    """What runs apart on a platform."""

    API = "api"
    WORKER = "worker"
    WEB = "web"
    OPERATIONS = "operations"
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushable:
    """One name for one platform. A secret goes where the platform never shows it again."""

    name: str
    is_secret: bool
    is_required: bool
    services: tuple[Service, ...]


_BY_PLANE: Final = {
    Plane.APPLICATION: (Service.API, Service.WORKER),
    Plane.WEB: (Service.WEB,),
    Plane.OPERATIONS: (Service.OPERATIONS,),
}
#: Said by whoever starts the process, never kept: which slot it is, its commit, where it listens.
GIVEN_AT_START: Final = frozenset(
    {"HRX_SLOT", "HRX_COMMIT", "HRX_API_BIND", "HRX_API_PORT", "HRX_WEB_PORT", "HRX_WEB_HOST"}
)
#: Faults on purpose and the inbox that stands in for channels.
DEVELOPMENT_ONLY: Final = frozenset(
    {
        "HRX_FAULTS_FILE",
        "HRX_INBOX_URL",
        "HRX_INBOX_PORT",
        "HRX_INBOX_SMTP_PORT",
        "HRX_INBOX_SECRET",
        "HRX_DEMO_PASSWORD",
    }
)
#: The owner of the schema signs in to migrate, and for nothing else.
_MIGRATION: Final = frozenset({"HRX_OWNER_DATABASE_URL"})


def list_pushable(environment: Environment, *, service: Service | None = None) -> tuple[Pushable, ...]:
    """Names that a platform is given for this environment (and this service), sorted; no values.

    A setting of the machine alone is not among them. Raises Unavailable when the product is silent."""
    found = (_judge(known, environment) for known in list_known())
    return tuple(one for one in found if one is not None and (service is None or service in one.services))


def _judge(known: KnownSetting, environment: Environment) -> Pushable | None:
    if known.name in GIVEN_AT_START:
        return None
    if environment is not Environment.DEVELOPMENT and known.name in DEVELOPMENT_ONLY:
        return None
    services = tuple(
        service for plane, services in _BY_PLANE.items() if plane in known.planes for service in services
    )
    if known.name in _MIGRATION:
        services = (Service.MIGRATION,)
    if not services:
        return None
    return Pushable(
        name=known.name,
        is_secret=known.is_secret,
        is_required=known.is_required or known.name in _MIGRATION,
        services=services,
    )
