"""Databases of their own for migrations, and folders of revisions to run in them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hrx.ops.seams.migrating import MigratingSession, migrating_session
from tests.conftest import ROOT, PostgresServer

MakeFolder = Callable[..., Path]

_REVISION = '''"""{title}"""
from alembic import op
revision = "{id}"
down_revision = {below!r}
branch_labels = None
depends_on = None
{extra}
def upgrade() -> None:
{up}
def downgrade() -> None:
{down}
'''


def database_url(server: PostgresServer, name: str) -> str:
    """The administrator's URL of another database of the cluster."""
    return f"{server.admin_url.rpartition('/')[0]}/{name}"


@pytest.fixture
def scratch(postgres: PostgresServer) -> Iterator[str]:
    """URL of an empty database; gone afterwards."""
    name = f"m_{secrets.token_hex(6)}"
    with session_of(postgres.admin_url) as session:
        session.rows(f"CREATE DATABASE {name}")
    try:
        yield database_url(postgres, name)
    finally:
        with session_of(postgres.admin_url) as session:
            session.rows(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def session_of(url: str) -> Iterator[MigratingSession]:
    with migrating_session(url, application="hrx-test") as session:
        yield session


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Makes a release's folder with alembic.ini and the product's env.py; gives its `migrations`.

    Each revision is (SQL up, SQL down) or (up, down, lines of the module); "@" before an up is code."""

    def make(*revisions: tuple[str, ...]) -> Path:
        home = tmp_path / f"release-{secrets.token_hex(4)}"
        versions = home / "migrations" / "versions"
        versions.mkdir(parents=True)
        shutil.copy(ROOT / "alembic.ini", home)
        shutil.copy(ROOT / "migrations" / "env.py", home / "migrations")
        for number, revision in enumerate(revisions, start=1):
            up, down, extra = (*revision, "")[:3]
            (versions / f"{number:04}_test.py").write_text(
                _REVISION.format(
                    title=f"Change {number}.",
                    id=f"{number:04}",
                    below=f"{number - 1:04}" if number > 1 else None,
                    extra=extra,
                    up=_code(up),
                    down=_code(down),
                )
            )
        return home / "migrations"

    return make


def _code(step: str) -> str:
    if step.startswith("@"):
        return "\n".join(f"    {line}" for line in step[1:].splitlines())
    return f"    op.execute({step!r})" if step else "    pass"
