"""What a restore writes into a server's settings is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.ops.recovery.copy_server import end_recovery_at_once, forget_restore, open_read_only
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine.postgres import PostgresCluster

pytestmark = pytest.mark.req("R6.2-1")


def test_the_settings_of_a_copy_are_replaced_and_never_cut_short_on_the_way(tmp_path: Path) -> None:
    cluster = PostgresCluster(
        data_dir=tmp_path / "data", port=9, socket_dir=tmp_path, run_as=None, install_dir=None
    )
    settings = cluster.data_dir / "postgresql.auto.conf"
    settings.parent.mkdir()
    settings.write_text("port = 5432\n")
    end_recovery_at_once(cluster)
    restored = settings.read_text()
    # A server that reads them from before until after sees one whole state, the former.
    with settings.open() as reader:
        # Nobody listens there: what comes after the settings fails.
        with pytest.raises(SessionLost):
            open_read_only(cluster)
        assert reader.read() == restored
    opened = settings.read_text()
    assert "default_transaction_read_only = on" in opened
    with settings.open() as reader:
        forget_restore(cluster.data_dir)
        assert reader.read() == opened
    assert settings.read_text() == "port = 5432\n"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.parent.iterdir() if "auto.conf" in path.name] == [settings.name]
