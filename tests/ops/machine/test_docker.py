"""The container files, as far as they can be tried without Docker: no image is built here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
import yaml

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.postgres import PostgresCluster, wheel_install_dir
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import free_port

DOCKER = checkout() / "deploy" / "docker"


def make_secrets(folder: Path) -> dict[str, str]:
    """Run make-secrets on a copy; gives what it wrote."""
    shutil.copy(DOCKER / "make-secrets", folder)
    subprocess.run(["sh", str(folder / "make-secrets")], check=True, capture_output=True, timeout=10)
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_secrets_for_containers_are_made_once_and_cover_what_compose_asks_for(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert make_secrets(tmp_path) == made
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert len(set(made.values())) == len(made)
    assert min(len(value) for value in made.values()) >= 48
    texts = [(DOCKER / name).read_text() for name in ("compose.yaml", "compose.watch.yaml")]
    asked = set(re.findall(r"\$\{(\w+):\?", "".join(texts)))
    assert asked == set(made)


def test_containers_run_unprivileged_with_a_health_check_and_pinned_images() -> None:
    for name in ("python.Dockerfile", "web.Dockerfile"):
        text = (DOCKER / name).read_text()
        last_stage = text.rpartition("FROM ")[2]
        assert re.search(r"^USER (?!root)\w+", last_stage, re.M)
        assert "HEALTHCHECK" in last_stage
        assert all(":" in image and "latest" not in image for image in re.findall(r"^FROM (\S+)", text, re.M))
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    published = [name for name, service in services.items() if "ports" in service]
    assert published == ["edge"]
    for name in ("api", "worker", "scoring", "web", "migrate"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
    assert "hrx_owner" not in str(services["api"]["environment"])
    # Whoever asks and whoever scores meet at one socket, and who scores holds no secret.
    socket = services["scoring"]["environment"]["HRX_SCORING_SOCKET"]
    assert services["api"]["environment"]["HRX_SCORING_SOCKET"] == socket
    assert all("sockets:/run/hrx" in services[name]["volumes"] for name in ("api", "scoring"))
    assert not re.search("PASSWORD|SESSION|SEAL|DATABASE|REDIS", str(services["scoring"]["environment"]))


def test_the_edge_of_containers_is_the_same_configuration_and_haproxy_accepts_it(
    folder: Path, tools: Toolchain
) -> None:
    tool = tools.found["haproxy"]
    (folder / "haproxy").write_text(
        f'#!/bin/sh\ncase "$1" in -db) exit 0;; esac\n'
        f'LD_LIBRARY_PATH={tool.library_dir or ""} exec {tool.path} "$@"\n'
    )
    (folder / "haproxy").chmod(0o755)
    done = subprocess.run(
        ["sh", str(DOCKER / "edge.sh")],
        env={
            "PATH": f"{folder}:/usr/bin:/bin",
            "HRX_EDGE_SOURCE": str(checkout() / "deploy" / "edge"),
            "HRX_EDGE_RUN": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rendered = (folder / "haproxy.cfg").read_text()
    assert not re.search(r"@\w+@", re.sub(r"#.*", "", rendered))
    assert "server api-blue api:8101" in rendered
    assert f"src -f {folder}/blocked.acl" in rendered
    assert (folder / "blocked.acl").read_text() == ""


def test_the_roles_of_containers_are_those_of_a_machine(folder: Path) -> None:
    user = users.choose_service_user() if os.geteuid() == 0 else None
    users.give_to(folder, user=user, mode=0o711)
    cluster = PostgresCluster(data_dir=folder / "data", port=free_port(), socket_dir=folder, run_as=user)
    cluster.init("admin")
    cluster.start()
    try:
        subprocess.run(
            ["bash", str(DOCKER / "roles.sh")],
            env={
                "PATH": f"{wheel_install_dir() / 'bin'}:/usr/bin:/bin",
                "PGHOST": "127.0.0.1",
                "PGPORT": str(cluster.port),
                "PGPASSWORD": "admin",
                "POSTGRES_USER": "hrx_admin",
                "HRX_POSTGRES_OWNER_PASSWORD": "o'wner",
                "HRX_POSTGRES_APP_PASSWORD": "app",
                "HRX_POSTGRES_OPS_PASSWORD": "ops",
                "HRX_POSTGRES_REPAIR_PASSWORD": "repair",
                "HRX_POSTGRES_BACKUP_PASSWORD": "backup",
                "HRX_POSTGRES_RESTORE_PASSWORD": "restore",
            },
            check=True,
            capture_output=True,
            timeout=30,
        )
        with psycopg.connect(cluster.url("hrx_owner", "o'wner", "hrx")) as owner:
            found = owner.execute(
                "SELECT rolname, rolcanlogin FROM pg_roles"
                " WHERE rolname LIKE 'hrx_%' AND NOT rolsuper AND NOT rolbypassrls ORDER BY 1"
            ).fetchall()
            lent = owner.execute(
                "SELECT roleid::regrole::text FROM pg_auth_members"
                " WHERE member = 'hrx_repair'::regrole ORDER BY 1"
            ).fetchall()
            owner.execute("SET ROLE hrx_policy")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(cluster.url("hrx_app", "ops", "hrx"))
    finally:
        cluster.stop(mode="immediate")
    # What a machine lends (roles.create_roles_and_database).
    assert [name for (name,) in lent] == [
        "pg_read_all_stats",
        "pg_signal_backend",
        "pg_use_reserved_connections",
    ]
    assert found == [
        ("hrx_app", True),
        ("hrx_backup", True),
        ("hrx_ops", True),
        ("hrx_owner", True),
        ("hrx_policy", False),
        ("hrx_repair", True),
    ]


def test_prometheus_and_alertmanager_accept_what_they_are_given_in_containers(
    folder: Path, tools: Toolchain
) -> None:
    told = (DOCKER / "watch" / "prometheus.yml").read_text()
    rules = checkout() / "monitoring" / "rules"
    (folder / "prometheus.yml").write_text(told.replace("/etc/prometheus/rules", str(rules)))
    for name, arguments in (
        ("promtool", ["check", "config", str(folder / "prometheus.yml")]),
        ("amtool", ["check-config", str(DOCKER / "watch" / "alertmanager.yml")]),
    ):
        done = subprocess.run(
            [str(tools.found[name].path), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
