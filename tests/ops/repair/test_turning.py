"""A key of a vendor or a caller is replaced by two runs; killed anywhere, the next one goes on from there."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.cli import settings_turning
from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Refused
from hrx.kit.secrets import list_accepted
from hrx.ops.drills.rotating.programs import ScratchMachine
from hrx.ops.plan import Action
from hrx.ops.release.environments.candidates import find_candidate, keep_candidate
from hrx.ops.run.acting.turning import KeyNotAccepted, OverlapNotOver, open_keeper
from hrx.ops.run.actions import perform
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.run.turnings import Stage, find_turning
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.target import PartState
from tests.ops.conftest import SmallMachine
from tests.servers.issuers import IssuersServer
from tests.servers.vendor import running

pytestmark = pytest.mark.req("R3.6-1")
OPENAI = "HRX_OPENAI_API_KEY"
HOOK = "HRX_OPS_HOOK_TOKEN"
SLACK = "HRX_SLACK_SIGNING_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turntable:
    """A machine whose programs hold keys, and the issuer of one of them."""

    plane: Plane
    machine: ScratchMachine
    issuer: IssuersServer
    old: str
    new: str

    @property
    def env_file(self) -> Path:
        return self.machine.env_file

    def give_candidate(self, value: str | None = None) -> None:
        keep_candidate(self.plane.settings.var_dir, OPENAI, value or self.new)

    def steps(self, procedure: str, name: str = OPENAI) -> list[Action]:
        return [step.action for step in make_plan(self.plane, procedure, params={"name": name}).steps]

    def do(self, *actions: Action) -> None:
        for action in actions:
            perform(self.plane, action, timeout_s=20)

    def prove(self, name: str = OPENAI) -> None:
        self.do(Action(id="turning.prove_in_use", params={"name": name}))

    def kept(self, name: str = OPENAI) -> tuple[str, ...]:
        return list_accepted(open_keeper(self.plane).read_one(name).value)

    def held(self, part: str, name: str = OPENAI) -> tuple[str, ...]:
        return list_accepted(self.machine.held_by(part)[name])

    def stage(self, name: str = OPENAI) -> Stage:
        return find_turning(self.plane, name).stage


@pytest.fixture
def table(settings: OpsSettings, machine: SmallMachine, tmp_path: Path) -> Iterator[Turntable]:
    issuer, old, new = IssuersServer(), secrets.token_hex(20), secrets.token_hex(20)
    layout = replace(machine.layout, root=tmp_path, var=tmp_path / "var")
    (layout.run / "env").mkdir(parents=True)
    (layout.var / "alertmanager").mkdir()
    (layout.var / "alertmanager" / "hook-token").write_text("first-hook-token")
    with running(issuer):
        issuer.valid["openai"] = {old, new}
        app = {OPENAI: old, "HRX_OPENAI_URL": f"{issuer.url}/openai/v1"}
        ops = {HOOK: "first-hook-token", SLACK: "first-slack-secret"}
        for name, variables in {"api-blue": app, "api-green": app, "worker": app, "ops": ops}.items():
            path = layout.run / "env" / f"{name}.env"
            path.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in variables.items()))
        for path, known in (
            (layout.secrets_file, {HOOK: ops[HOOK]}),
            (layout.root / ".env", {**app, SLACK: ops[SLACK]}),
        ):
            path.touch(mode=0o600)
            path.write_text("# by hand\n" + "".join(f"{key}={value}\n" for key, value in known.items()))
        target = ScratchMachine(layout, doors={})
        seeing = settings.model_copy(
            update={
                "var_dir": layout.var,
                "environment": "development",
                "api_blue_url": settings.worker_url,
                "api_green_url": settings.worker_url,
            }
        )
        with opened_plane(seeing, target=target) as plane:
            for part in ("api-blue", "worker", "ops"):
                target.start_part(part, timeout_s=5)
            yield Turntable(plane=plane, machine=target, issuer=issuer, old=old, new=new)


def test_a_new_key_goes_first_and_the_former_counts_until_it_is_retired(table: Turntable) -> None:
    assert table.stage() is Stage.ALONE
    table.give_candidate()
    assert table.stage() is Stage.UNDER_WAY
    table.do(*table.steps("rotate-key"))
    assert table.kept() == table.held("api-blue") == table.held("worker") == (table.new, table.old)
    assert table.env_file.read_text().startswith("# by hand\n"), "other lines stay"
    assert table.stage() is Stage.BOTH
    with pytest.raises(OverlapNotOver):
        table.do(table.steps("retire-key")[0])
    assert table.kept() == (table.new, table.old)
    with clock.shifted(timedelta(seconds=table.plane.settings.rotation_overlap_s)):
        assert table.stage() is Stage.DUE
        table.do(*table.steps("retire-key"))
        table.prove()
    assert table.kept() == table.held("api-blue") == table.held("worker") == (table.new,)
    assert table.machine.list_live("api") == ("api-blue",)
    told = json.dumps([dict(entry.body) for entry in table.plane.ledger.list_entries(limit=500)])
    assert table.new not in told
    assert table.old not in told


@pytest.mark.parametrize("died_after", range(1, 5))
def test_a_rotation_that_died_is_begun_again_and_ends_the_same(table: Turntable, died_after: int) -> None:
    table.give_candidate()
    steps = table.steps("rotate-key")
    table.do(*steps[:died_after])
    table.do(*steps)
    table.prove()
    assert table.kept() == table.held("api-blue") == table.held("worker") == (table.new, table.old)
    assert table.machine.list_live("api") == ("api-blue",)
    restarts = table.machine.restarts
    table.do(*steps)
    assert table.machine.restarts == restarts, "done again it changes nothing"


def test_a_death_between_where_keys_are_kept_and_the_programs_is_found_and_gone_on_from(
    table: Turntable,
) -> None:
    keeper = open_keeper(table.plane)
    table.give_candidate()
    # Half success: it is kept, and no program was told.
    keeper.replace(OPENAI, f"{table.new},{table.old}", held=keeper.read_one(OPENAI))
    assert table.stage() is Stage.UNDER_WAY
    table.do(*table.steps("rotate-key"))
    table.prove()
    assert table.held("worker") == table.kept() == (table.new, table.old)
    assert find_candidate(table.plane.settings.var_dir, OPENAI) is None
    with clock.shifted(timedelta(days=2)):
        # The same at the other end: dropped where it is kept, and no program was told.
        keeper.replace(OPENAI, table.new, held=keeper.read_one(OPENAI))
        table.do(*table.steps("retire-key"))
        assert table.held("worker") == table.held("api-blue") == (table.new,)


def test_taken_back_it_is_as_it_was(table: Turntable) -> None:
    table.give_candidate()
    plan = make_plan(table.plane, "rotate-key", params={"name": OPENAI})
    table.do(*(step.action for step in plan.steps[:3]))
    assert plan.steps[0].undo is not None
    table.do(plan.steps[0].undo, plan.steps[0].undo)
    assert table.kept() == (table.old,)
    table.do(*table.steps("retire-key")[1:])
    assert table.held(table.machine.list_live("api")[0]) == table.held("worker") == (table.old,)


def test_a_key_that_its_issuer_refuses_or_cannot_be_asked_about_changes_nothing(table: Turntable) -> None:
    place = table.steps("rotate-key")[0]
    table.issuer.valid["openai"] = {table.old}
    table.give_candidate()
    with pytest.raises(KeyNotAccepted, match="refuses") as refused:
        table.do(place)
    assert "hrx settings prove" in refused.value.hint.en  # type: ignore[union-attr]
    assert (table.stage(), table.kept()) == (Stage.ALONE, (table.old,)), "another key is asked for"
    # Nobody listens on port 9 of the loopback.
    nobody = (table.issuer.url, "http://127.0.0.1:9")
    env_files = (table.env_file.parent / "var" / "run" / "env").glob("*.env")
    for path in (table.env_file, *env_files):
        path.write_text(path.read_text().replace(*nobody))
    silent = table.env_file.read_bytes()
    table.give_candidate()
    with pytest.raises(KeyNotAccepted, match="cannot be asked"):
        table.do(place)
    assert table.env_file.read_bytes() == silent
    assert table.stage() is Stage.UNDER_WAY, "it is tried again"
    assert table.held("worker") == (table.old,)


def test_the_former_key_stays_while_the_new_one_is_refused_or_a_program_has_the_former_alone(
    table: Turntable,
) -> None:
    table.give_candidate()
    table.do(*table.steps("rotate-key")[:1])
    drop = table.steps("retire-key")[0]
    with clock.shifted(timedelta(days=2)):
        with pytest.raises(Conflict, match="former key alone"):
            table.do(drop)
        table.do(*table.steps("rotate-key")[1:])
        table.issuer.valid["openai"] = {table.old}
        with pytest.raises(KeyNotAccepted):
            table.do(drop)
    assert table.kept() == (table.new, table.old)


def test_a_third_key_waits_until_the_rotation_before_it_is_over(table: Turntable) -> None:
    table.give_candidate()
    table.do(*table.steps("rotate-key"))
    table.give_candidate("third-" + table.new)
    with pytest.raises(Conflict) as told:
        table.do(table.steps("rotate-key")[0])
    assert told.value.stable_code == "rotation.not_over"
    assert table.kept() == (table.new, table.old)


def test_a_third_key_that_waits_does_not_keep_the_former_one_from_being_retired(table: Turntable) -> None:
    table.give_candidate()
    table.do(*table.steps("rotate-key"))
    third = "third-" + table.new
    table.issuer.valid["openai"].add(third)
    table.give_candidate(third)
    assert (table.stage(), find_turning(table.plane, OPENAI).has_third) == (Stage.BOTH, True)
    with clock.shifted(timedelta(seconds=table.plane.settings.rotation_overlap_s)):
        assert table.stage() is Stage.DUE, "retiring makes the room that it waits for"
        table.do(*table.steps("retire-key"))
        assert (table.stage(), table.kept()) == (Stage.UNDER_WAY, (table.new,))
        table.do(*table.steps("rotate-key"))
        table.prove()
    assert table.kept() == table.held("worker") == (third, table.new)


def test_a_key_that_waits_can_be_thrown_away_until_it_is_in_its_place(
    table: Turntable, capsys: pytest.CaptureFixture[str]
) -> None:
    def drop(*, dry_run: bool = False) -> dict[str, object]:
        settings_turning.drop(
            table.plane, OPENAI, operator=None, code="", dry_run=dry_run, yes=True, as_json=True
        )
        return dict(json.loads(capsys.readouterr().out))

    assert drop()["dropped"] is False
    table.give_candidate()
    assert (drop(dry_run=True)["dropped"], table.stage()) == (False, Stage.UNDER_WAY)
    assert (drop()["dropped"], table.stage()) == (True, Stage.ALONE)
    [entry] = [
        one
        for one in table.plane.ledger.list_entries(limit=500)
        if one.body.get("change") == "key_candidate_dropped"
    ]
    assert (entry.body["name"], table.new in json.dumps(dict(entry.body))) == (OPENAI, False)
    table.give_candidate()
    keeper = open_keeper(table.plane)
    keeper.replace(OPENAI, f"{table.new},{table.old}", held=keeper.read_one(OPENAI))
    with pytest.raises(Conflict) as told:
        drop()
    assert (told.value.stable_code, table.stage()) == ("rotation.in_its_place", Stage.UNDER_WAY)


@pytest.mark.parametrize(
    ("stands", "said"),
    [("waiting", "rotation.another_waits"), ("both", "rotation.key_not_taken"), ("same", None)],
)
def test_a_key_that_is_piped_and_has_no_place_is_not_passed_over_in_silence(
    table: Turntable, monkeypatch: pytest.MonkeyPatch, stands: str, said: str | None
) -> None:
    if stands == "both":
        table.give_candidate()
        table.do(*table.steps("rotate-key"))
    else:
        table.give_candidate()
    given = table.new if stands == "same" else "other-" + table.new
    before = table.kept(), find_candidate(table.plane.settings.var_dir, OPENAI)
    reading, writing = os.pipe()
    os.write(writing, f"{given}\n".encode())
    os.close(writing)
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        if said is None:
            turn_once(table)
            assert table.kept() == (table.new, table.old), "it is the one that waited"
            return
        with pytest.raises(Conflict) as told:
            turn_once(table)
    assert told.value.stable_code == said
    assert (table.kept(), find_candidate(table.plane.settings.var_dir, OPENAI)) == before
    assert given not in f"{told.value} {told.value.hint}"


def turn_once(table: Turntable) -> None:
    settings_turning.turn(
        table.plane, OPENAI, operator=None, code="", reason="a test", yes=True, as_json=True
    )


def test_the_token_of_alerts_is_made_here_and_its_sender_changes_after_its_checker(table: Turntable) -> None:
    token = table.machine.env_file.parent / "var" / "alertmanager" / "hook-token"
    steps = table.steps("rotate-key", HOOK)
    table.do(steps[0])
    assert token.read_text() == "first-hook-token", "nobody checks the new one yet"
    table.do(*steps[1:])
    made, former = table.held("ops", HOOK)
    assert (token.read_text(), former) == (made, "first-hook-token")
    table.do(*steps)
    assert table.held("ops", HOOK) == (made, former), "another run makes no third"
    with clock.shifted(timedelta(days=2)):
        table.do(*table.steps("retire-key", HOOK))
    assert table.held("ops", HOOK) == (made,)


def test_a_death_in_the_middle_of_a_restart_leaves_nothing_standing_still(table: Turntable) -> None:
    steps = table.steps("rotate-key", HOOK)
    table.do(steps[0])
    table.machine.stop_part("ops", timeout_s=5)
    table.machine.stop_part("worker", timeout_s=5)
    table.do(*steps)
    states = {part.name: part.state for part in table.machine.list_parts()}
    assert states["ops"] is states["worker"] is PartState.RUNNING
    assert states["api-green"] is PartState.STOPPED, "what may rest rests"
    assert len(table.held("ops", HOOK)) == 2


def test_what_is_no_key_is_not_set_or_can_be_read_by_others_is_refused(table: Turntable) -> None:
    for wrong in ("two,keys-in-one", "with a space", "short", "line\nbreak-in-it"):
        with pytest.raises(Invalid):
            table.give_candidate(wrong)
    place = table.steps("rotate-key")[0]
    with pytest.raises(NotFound) as told:
        table.do(place)
    assert told.value.stable_code == "rotation.no_candidate"
    with pytest.raises(NotFound) as told:
        table.do(table.steps("rotate-key", "HRX_LLM_API_KEY")[0])
    assert told.value.stable_code == "rotation.not_set"
    table.env_file.chmod(0o644)
    table.give_candidate()
    with pytest.raises(Refused) as closed:
        table.do(place)
    assert closed.value.stable_code == "secrets.readable_by_others"
