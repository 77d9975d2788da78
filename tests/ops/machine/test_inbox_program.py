"""Where pages of a stack go: in development to its own inbox, elsewhere only where the operator says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from hrx.kit.settings import load
from hrx.ops.channels.opening import list_configured
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine import environment
from hrx.ops.targets.machine.environment import Endpoints
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.secrets import GENERATED

pytestmark = pytest.mark.req("R4.3-2")
SECRET = "a-secret-of-the-tests"
PORTS = Ports(edge=1, ops=2, inner=INNER_DEFAULTS)


@pytest.fixture(autouse=True)
def _nobody_chose_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HRX_")]:
        monkeypatch.delenv(name)


def told_to_console(
    layout: Layout, *, backup_conninfo: str | None = None, backup_passfile: Path | None = None
) -> dict[str, str]:
    return environment.ops_environment(
        layout,
        ports=PORTS,
        endpoints=Endpoints(
            app_database="",
            owner_database=None,
            ops_database="postgresql://ops",
            redis="redis://",
            backup_conninfo=backup_conninfo,
            backup_passfile=backup_passfile,
        ),
        secrets=dict.fromkeys(GENERATED, SECRET),
        commit="c",
    )


def channels_of(known: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The channels that a process with these variables would open."""
    for name, value in known.items():
        if name.startswith("HRX_"):
            monkeypatch.setenv(name, value)
    return {kind.value for kind in list_configured(load(OpsSettings))}


def test_in_development_console_and_probe_reach_the_inbox_by_every_channel(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = told_to_console(layout)
    inbox = f"http://127.0.0.1:{PORTS['inbox']}"
    assert known["HRX_SLACK_API_URL"] == f"{inbox}/slack/api/"
    assert known["HRX_PAGERDUTY_EVENTS_URL"] == f"{inbox}/pagerduty"
    assert known["HRX_SMTP_PORT"] == str(PORTS["inbox_smtp"])
    probe = environment.probe_environment(known, ports=PORTS)
    assert channels_of(probe, monkeypatch) == {"slack", "email", "pagerduty", "webhook"}
    assert "HRX_SLACK_SIGNING_SECRET" not in probe, "nobody calls the probe back"


def test_the_inbox_knows_the_keys_of_the_stand_ins_and_nothing_else_of_the_plane(layout: Layout) -> None:
    told = environment.inbox_environment(told_to_console(layout))
    secrets = {name for name in told if name.endswith(("_SECRET", "_TOKEN", "_KEY", "_PASSWORD"))}
    assert secrets == {"HRX_SLACK_BOT_TOKEN", "HRX_SLACK_SIGNING_SECRET", "HRX_WEBHOOK_SECRET"}
    assert not {"HRX_OPS_DATABASE_URL", "HRX_REDIS_URL", "HRX_OPS_HOOK_TOKEN"} & told.keys()


def test_who_looks_from_outside_knows_no_way_to_copy_the_database(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_OFFSITE_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("HRX_OFFSITE_SECRET_ACCESS_KEY", "secret")
    known = told_to_console(
        layout, backup_conninfo="user=hrx_backup", backup_passfile=layout.run / "backup.pgpass"
    )
    ways = {
        "HRX_BACKUP_CONNINFO", "HRX_BACKUP_PASSFILE",
        "HRX_OFFSITE_ACCESS_KEY_ID", "HRX_OFFSITE_SECRET_ACCESS_KEY",
    }  # fmt: skip
    assert ways <= known.keys()
    keeper = environment.backup_environment(known)
    assert ways <= keeper.keys()
    assert not {"HRX_SLACK_BOT_TOKEN", "HRX_OPS_HOOK_TOKEN", "HRX_REDIS_URL"} & keeper.keys()
    for others in (
        environment.probe_environment(known, ports=PORTS),
        environment.inbox_environment(known),
        environment.status_environment(known),
    ):
        assert not ways & others.keys()


def test_every_stand_in_has_a_key_of_its_own_and_none_is_the_secret(layout: Layout) -> None:
    known = told_to_console(layout)
    keys = [
        known[f"HRX_{name}"]
        for name in (
            "SLACK_BOT_TOKEN",
            "SLACK_SIGNING_SECRET",
            "PAGERDUTY_ROUTING_KEY",
            "WEBHOOK_SECRET",
        )
    ]
    assert len(set(keys)) == 4
    assert not any(SECRET in key for key in keys)


def test_a_channel_that_the_user_named_is_the_users_alone(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_SLACK_BOT_TOKEN", "xoxb-of-the-user")
    known = told_to_console(layout)
    assert known["HRX_SLACK_BOT_TOKEN"] == "xoxb-of-the-user"
    assert "HRX_SLACK_API_URL" not in known, "a real token never goes to a stand-in"
    assert "HRX_SLACK_SIGNING_SECRET" not in known
    assert known["HRX_PAGERDUTY_EVENTS_URL"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("name", ["staging", "production"])
def test_outside_development_there_is_no_inbox_and_no_channel_that_nobody_chose(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HRX_ENVIRONMENT", name)
    assert not environment.has_inbox()
    known = told_to_console(layout)
    assert "HRX_INBOX_URL" not in known
    assert channels_of(known, monkeypatch) == set()
