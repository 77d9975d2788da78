"""The living database, for looking: every table of every tenant, changed by nothing here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.recovery.copies import DATABASE
from hrx.ops.recovery.site import Site
from hrx.ops.seams.sessions import Session, SessionLost, opened_session
from hrx.ops.targets.machine.homes import find_writer_port
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.postgres import SUPERUSER
from hrx.ops.targets.machine.secrets import read_secrets

_TIMEOUT_S: Final = 3600.0


@contextmanager
def opened_living(site: Site, *, is_read_only: bool = True) -> Iterator[Session]:
    """A session past row-level security. Raises SessionLost when it does not answer, Unavailable when the
    database is not this machine's."""
    layout = site.layout
    port = find_writer_port(
        layout.postgres_data, layout.standby_data, ports=read_remembered(layout.ports_file)
    )
    password = read_secrets(layout.secrets_file).get("HRX_POSTGRES_ADMIN_PASSWORD")
    if port is None or password is None:
        raise Unavailable(
            Text(
                ja="この機械にデータベースの管理者の鍵がありません",
                en="This machine has no administrator's key to the database",
            ),
            hint=Text(ja="`make up` で用意します。", en="`make up` makes one."),
            code="recovery.no_living",
        )
    url = site.cluster_at(layout.postgres_data, port=port).url(SUPERUSER, password, DATABASE)
    with opened_session(url, timeout_s=_TIMEOUT_S, is_read_only=is_read_only) as session:
        yield session


def is_alive(site: Site) -> bool:
    """Whether it answers now."""
    try:
        with opened_living(site) as session:
            return session.row("SELECT 1") is not None
    except (SessionLost, Unavailable):
        return False
