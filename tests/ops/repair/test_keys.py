"""New signing keys without a gap: somebody always answers, and in the end nobody holds the old ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import list_accepted
from hrx.ops.run.actions import get_action
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.secrets import (
    drop_former,
    ensure_secrets,
    read_secrets,
    renew_secret,
    take_back,
)
from hrx.ops.targets.target import PartState, PartStatus
from tests.conftest import ROOT
from tests.ops.conftest import SmallMachine

pytestmark = pytest.mark.req("R5.2-3", "R3.1-3")
ALL = ("api-blue", "api-green", "worker")


class MachineWithKeys(Machine):
    """Processes that hold the key they began with, and an edge that passes to one slot."""

    def __init__(self, machine: SmallMachine) -> None:
        super().__init__(machine.layout)
        self.live = "api-blue"
        self.key = "old"
        self.running: dict[str, tuple[str, datetime]] = {
            name: ("old", clock.now() - timedelta(hours=1)) for name in ("api-blue", "worker")
        }
        self.done: list[str] = []
        self.broken: set[str] = set()

    def renew_secret(self, name: str, *, keeps_former: bool = False) -> tuple[str, ...]:
        assert name == "HRX_SESSION_KEYS"
        self.key = "new"
        return ALL

    def list_live(self, service: str) -> tuple[str, ...]:
        return (self.live,)

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        assert part in self.running
        self._do(f"switch {part}")
        self.live = part

    def list_parts(self) -> list[PartStatus]:
        return [
            PartStatus(
                name=name,
                state=PartState.RUNNING if name in self.running else PartState.STOPPED,
                uptime_s=(clock.now() - self.running[name][1]).total_seconds()
                if name in self.running
                else None,
            )
            for name in ALL
        ]

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        if name in self.broken:
            raise Unavailable(Text(ja="起動しません", en="It does not start"), code="machine.not_started")
        if name not in self.running:
            self._do(f"start {name}")
            self.running[name] = (self.key, clock.now())
        return PartStatus(name=name, state=PartState.RUNNING)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        assert name != self.live, "people are using it"
        self._do(f"stop {name}")
        self.running.pop(name, None)
        return PartStatus(name=name, state=PartState.STOPPED)

    def restart_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self.stop_part(name, timeout_s=timeout_s)
        return self.start_part(name, timeout_s=timeout_s)

    def _do(self, what: str) -> None:
        self.done.append(what)

    @property
    def old(self) -> list[str]:
        return [name for name, (key, _) in self.running.items() if key == "old"]


@pytest.fixture
def keyed(settings: OpsSettings, machine: SmallMachine) -> Iterator[tuple[Plane, MachineWithKeys]]:
    target = MachineWithKeys(machine)
    # Somebody who answers as both slots would.
    seeing = settings.model_copy(
        update={"api_blue_url": settings.worker_url, "api_green_url": settings.worker_url}
    )
    with opened_plane(seeing, target=target) as opened:
        yield opened, target


def rotate(plane: Plane, *, from_step: int = 0) -> None:
    for name in ("keys.renew", "keys.move_over", "keys.retire", "keys.move_back")[from_step:]:
        get_action(name).perform(plane, {}, 10)


def test_requests_move_to_a_slot_with_the_new_keys_and_back(keyed: tuple[Plane, MachineWithKeys]) -> None:
    plane, target = keyed
    rotate(plane)
    assert target.done == [
        "start api-green",
        "switch api-green",
        "stop api-blue",
        "start api-blue",
        "stop worker",
        "start worker",
        "switch api-blue",
        "stop api-green",
    ]
    assert target.old == []
    assert get_action("keys.prove_fresh").perform(plane, {}, 5)["with_old_keys"] == []
    # Done again it changes nothing: every step may run twice.
    rotate(plane, from_step=1)
    assert len(target.done) == 8


def test_a_run_that_died_after_the_move_is_taken_up_where_it_was(
    keyed: tuple[Plane, MachineWithKeys],
) -> None:
    plane, target = keyed
    for name in ("keys.renew", "keys.move_over"):
        get_action(name).perform(plane, {}, 10)
    rotate(plane, from_step=1)
    assert target.done.count("switch api-green") == 1
    assert (target.live, target.old) == ("api-blue", [])


def test_when_the_other_slot_does_not_start_people_notice_nothing(
    keyed: tuple[Plane, MachineWithKeys],
) -> None:
    plane, target = keyed
    target.broken = {"api-green"}
    get_action("keys.renew").perform(plane, {}, 10)
    with pytest.raises(Unavailable):
        get_action("keys.move_over").perform(plane, {}, 10)
    assert (target.done, target.live, "api-blue" in target.running) == ([], "api-blue", True)


def test_a_slot_that_ran_before_goes_on_with_new_keys_too(keyed: tuple[Plane, MachineWithKeys]) -> None:
    plane, target = keyed
    target.running["api-green"] = ("old", clock.now() - timedelta(hours=1))
    rotate(plane)
    assert target.done[:3] == ["stop api-green", "start api-green", "switch api-green"]
    assert target.done[-1] == "switch api-blue"
    assert (target.live, target.old, set(target.running)) == ("api-blue", [], set(ALL))


def test_a_process_of_the_very_second_of_the_renewal_is_told_old_or_new(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "renew_secret", lambda _self, _name, **_how: ("worker",))

    def do(action: str) -> dict[str, object]:
        return dict(get_action(action).perform(plane, {}, 20))

    plane.target.restart_part("worker", timeout_s=20)
    do("keys.renew")
    assert do("keys.retire")["restarted"] == ["worker"], "it began a moment before"
    assert do("keys.retire")["restarted"] == [], "and now a moment after"
    assert do("keys.prove_fresh")["with_old_keys"] == []


def test_a_key_that_is_added_keeps_the_one_before_until_that_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    first = ensure_secrets(path)["HRX_SESSION_KEYS"]
    both = renew_secret(path, "HRX_SESSION_KEYS", keeps_former=True)
    assert list_accepted(both)[1:] == (first,)
    # A run that died here is gone on with: everybody who runs still signs with the first.
    again = renew_secret(path, "HRX_SESSION_KEYS", keeps_former=True)
    assert list_accepted(again)[1:] == list_accepted(both)
    assert take_back(path, "HRX_SESSION_KEYS") == both
    assert take_back(path, "HRX_SESSION_KEYS") == first
    assert take_back(path, "HRX_SESSION_KEYS") == first, "an undo may run twice"
    for _ in range(4):
        last = renew_secret(path, "HRX_SESSION_KEYS", keeps_former=True)
    assert len(list_accepted(last)) == 3, "what the first signed has long run out"
    alone = drop_former(path, "HRX_SESSION_KEYS")
    assert read_secrets(path)["HRX_SESSION_KEYS"] == alone
    assert list_accepted(alone) == (alone,)
    assert drop_former(path, "HRX_SESSION_KEYS") == alone
    with pytest.raises(KeyError):
        drop_former(path, "HRX_NOBODY")


def test_a_renewal_that_is_undone_leaves_the_key_that_everybody_signs_with(
    settings: OpsSettings, tmp_path: Path
) -> None:
    layout = Layout(root=ROOT, var=tmp_path, tools=tmp_path / "tools", user=None)
    first = ensure_secrets(layout.secrets_file)["HRX_SESSION_KEYS"]
    with opened_plane(settings, target=Machine(layout)) as plane:
        adding = make_plan(plane, "renew-session-keys", params={}).steps[0]
        assert adding.undo is not None
        for action in (adding.action, adding.undo):
            get_action(action.id).perform(plane, {}, 10)
    assert read_secrets(layout.secrets_file)["HRX_SESSION_KEYS"] == first


def test_the_two_halves_of_a_rotation_change_over_without_a_gap(
    keyed: tuple[Plane, MachineWithKeys], monkeypatch: pytest.MonkeyPatch
) -> None:
    plane, target = keyed
    added: list[bool] = []

    def renew(_name: str, *, keeps_former: bool = False) -> tuple[str, ...]:
        added.append(keeps_former)
        target.key = "new"
        return ALL

    monkeypatch.setattr(target, "renew_secret", renew)
    for step in make_plan(plane, "renew-session-keys", params={}).steps:
        get_action(step.action.id).perform(plane, {}, 10)
    assert (added, target.live, target.old) == ([True], "api-blue", [])
    for name, (_, began_at) in target.running.items():
        target.running[name] = ("old", began_at)
    monkeypatch.setattr(target, "drop_former_secret", lambda _name: ALL)
    plan = make_plan(plane, "drop-former-session-keys", params={})
    assert plan.is_irreversible
    for step in plan.steps:
        get_action(step.action.id).perform(plane, {}, 10)
    assert (target.live, target.old) == ("api-blue", [])
