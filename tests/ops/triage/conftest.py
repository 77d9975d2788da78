"""A plane beside a real database: the small machine's parts, PostgreSQL with the product's schema."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import Machine
from tests.conftest import PostgresServer
from tests.ops.conftest import SmallMachine


@pytest.fixture
def plane_with_database(
    settings: OpsSettings, machine: SmallMachine, postgres: PostgresServer
) -> Iterator[Plane]:
    """The plane, seeing the tests' PostgreSQL as role hrx_ops."""
    seeing = settings.model_copy(
        update={"ops_database_url": SecretStr(postgres.ops_url), "look_timeout_s": 1.5}
    )
    with opened_plane(seeing, target=Machine(machine.layout)) as opened:
        yield opened


@pytest.fixture
def app_session(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A session as the application has them."""
    with psycopg.connect(postgres.app_url, application_name="hrx 1234567890abcdef") as opened:
        yield opened


@pytest.fixture
def owner(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A session of the schema's owner."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as opened:
        yield opened
