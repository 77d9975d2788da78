"""Slots switched on a real HAProxy, and keys renewed where programs have them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.secrets import GENERATED, ensure_secrets, read_secrets
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.ops.machine.edges import make_edge, serving

pytestmark = pytest.mark.req("R5.2-2", "R5.2-3")


class Restartable:
    """An edge that can be killed and started again from what is on disk."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.edge.argv(),
            env={**os.environ, **self.edge.tool.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self.who_answers() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)

    def who_answers(self) -> str | None:
        """The name of the server behind the edge; None when nobody answers well."""
        connection = http.client.HTTPConnection("127.0.0.1", self.edge.ports.edge, timeout=5)
        try:
            with closing(connection):
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                found = json.loads(answer.read()) if answer.status == 200 else {}
                return found.get("server")
        except OSError:
            return None


@pytest.fixture
def restartable(layout: Layout, ports: Ports, tools: Toolchain) -> Iterator[Restartable]:
    edge = make_edge(layout, ports, tools)
    edge.prepare()
    with ExitStack() as servers:
        servers.enter_context(serving("api-blue", ports["api_blue"]))
        made = Restartable(edge)
        made.start()
        yield made
        made.stop()


def test_requests_move_to_the_other_slot_without_one_being_lost_and_stay_after_a_restart(
    restartable: Restartable, layout: Layout, ports: Ports
) -> None:
    machine = Machine(layout)
    assert machine.list_live("api") == ("api-blue",)
    with serving("api-green", ports["api_green"]):
        answers = [restartable.who_answers()]
        machine.switch_to("api-green", timeout_s=10)
        answers += [restartable.who_answers() for _ in range(20)]
        assert None not in answers
        assert set(answers[1:]) == {"api-green"}
        assert machine.list_live("api") == ("api-green",)
        # Again: nothing to do, nothing lost.
        machine.switch_to("api-green", timeout_s=10)
        assert restartable.who_answers() == "api-green"
        restartable.stop()
        restartable.start()
        assert restartable.who_answers() == "api-green"
        # The next `make up` writes the configuration anew and keeps the choice; the portal's was never made.
        restartable.edge.prepare()
        written = restartable.edge.config.read_text()
        assert f"server api-blue 127.0.0.1:{ports['api_blue']} check disabled" in written
        assert f"server web-green 127.0.0.1:{ports['web_green']} check disabled" in written
    machine.switch_to("api-blue", timeout_s=10)
    assert restartable.who_answers() == "api-blue"


def test_a_slot_that_is_not_there_gets_no_requests(restartable: Restartable, layout: Layout) -> None:
    machine = Machine(layout)
    with pytest.raises(Unavailable) as refused:
        machine.switch_to("api-green", timeout_s=1.5)
    assert refused.value.stable_code == "machine.slot_not_up"
    assert machine.list_live("api") == ("api-blue",)
    assert restartable.who_answers() == "api-blue"


def test_a_renewed_secret_replaces_the_old_one_everywhere_and_nothing_else(layout: Layout) -> None:
    before = ensure_secrets(layout.secrets_file)
    folder = layout.run / "env"
    folder.mkdir(parents=True, exist_ok=True)
    for program in ("api-blue", "worker"):
        (folder / f"{program}.env").write_text(
            f"HRX_LOG_LEVEL=INFO\nHRX_SESSION_KEYS='{before['HRX_SESSION_KEYS']}'\n"
        )
    (folder / "ops.env").write_text("HRX_LOG_LEVEL=INFO\n")
    changed = Machine(layout).renew_secret("HRX_SESSION_KEYS")
    after = read_secrets(layout.secrets_file)
    assert changed == ("api-blue", "worker")
    assert after["HRX_SESSION_KEYS"] != before["HRX_SESSION_KEYS"]
    assert {name: after[name] for name in GENERATED if name != "HRX_SESSION_KEYS"} == {
        name: before[name] for name in GENERATED if name != "HRX_SESSION_KEYS"
    }
    assert layout.secrets_file.stat().st_mode & 0o777 == 0o600
    for program in changed:
        text = (folder / f"{program}.env").read_text()
        assert after["HRX_SESSION_KEYS"] in text
        assert before["HRX_SESSION_KEYS"] not in text
        assert "HRX_LOG_LEVEL=INFO" in text


def test_this_machine_tells_when_it_has_no_keys_to_the_database(layout: Layout) -> None:
    with pytest.raises(Unavailable) as refused:
        Machine(layout).database_url("hrx_repair")
    assert refused.value.stable_code == "machine.no_database_key"
    with pytest.raises(Unavailable):
        Machine(layout).database_url("hrx_admin")


def test_a_database_of_our_own_is_entered_with_what_is_on_file(layout: Layout) -> None:
    known = ensure_secrets(layout.secrets_file)
    layout.postgres_data.mkdir(parents=True, exist_ok=True)
    (layout.postgres_data / "PG_VERSION").write_text("18")
    layout.ports_file.write_text('{"postgres": 8432}')
    url = Machine(layout).database_url("hrx_repair")
    assert url == f"postgresql://hrx_repair:{known['HRX_POSTGRES_REPAIR_PASSWORD']}@127.0.0.1:8432/hrx"
    with pytest.raises(Unavailable):
        Machine(layout).database_url("hrx_admin")
