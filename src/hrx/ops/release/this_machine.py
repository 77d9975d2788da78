"""This machine behind the protocol of every target, over the same rollouts as `hrx release deploy`.

A build is the folder of a release that was built here; the gate, the records and the locks are the rollout's
own, so whoever dies in between is gone on from by the same call, by the other commands or by the operations
plane. Settings are not pushed: the programs read them where they lie."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Invalid, NotFound, Refused, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.ledger.entries import Ledger
from hrx.ops.release.asking import Counted, plan_way_back, read_ground
from hrx.ops.release.building.building import CODE, PORTAL, is_built
from hrx.ops.release.deploying import SERVICES, Place, alone, fill_first, migrate, settle
from hrx.ops.release.deployments import find_named, list_deployments_here, name_run
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.releases import Component, Release, Slot
from hrx.ops.release.returning import check_steps
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.noting import note_rollout
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy
from hrx.ops.release.strategies.running import begin, roll_back, run
from hrx.ops.release.strategies.storing import RolloutBusy, RolloutStore, rollout_folder
from hrx.ops.release.strategies.wording import say_progress
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.releasing import (
    Build,
    Deployment,
    DeploymentState,
    Prepared,
    SettingValue,
    Traffic,
    cannot_go_back,
    refuse_live,
    require_folder,
    require_key,
    require_names,
    unhealthy,
)

#: As `hrx release targets` calls it.
NAME: Final = "machine"
#: A worker ends its jobs and starts anew.
_SETTLES_WITHIN_S: Final = 120.0
_POLL_S: Final = 0.25
#: Longer lines are rare; a log is read from its end.
_LINE_BYTES: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How a version is judged before it has everybody's requests."""

    policy: Policy = field(default_factory=Policy)
    drain_within_s: float = 30.0


class ThisMachine:
    """Implements `targets.releasing.ReleaseTarget`.

    `owner_url`: the database as its schema's owner; None where that is not known here, and then no migration
    is run. `tables_url`: where the planner looks at the tables; None for those on record. `follow` lets
    models and indexes follow the requests to where a rollout ended."""

    def __init__(
        self,
        place: Place,
        hands: Hands,
        *,
        ledger: Ledger,
        by: str,
        owner_url: str | None,
        tables_url: str | None,
        follow: Callable[[Progress], object],
        gate: Gate | None = None,
    ) -> None:
        self._place, self._hands, self._ledger, self._by = place, hands, ledger, by
        self._owner_url, self._tables_url = owner_url, tables_url
        self._follow, self._gate = follow, gate or Gate()
        self._rollouts = RolloutStore(rollout_folder(place.settings.var_dir))

    @property
    def name(self) -> str:
        return NAME

    @property
    def traffic(self) -> Traffic:
        return Traffic.AFTER_HEALTH

    def prepare(self, build: Build) -> Prepared:
        self._get_release(build)
        return Prepared(build=build)

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        """Refused unless there is nothing to push: nothing is kept twice here."""
        require_names(values)
        if values:
            raise Refused(
                Text(
                    ja="このマシンは設定を受け取りません。プログラムは設定のある場所から読みます。",
                    en="This machine takes no settings: its programs read them where they lie.",
                ),
                hint=Text(ja="`hrx settings check` で確かめられます。", en="See `hrx settings check`."),
                code="target.reads_its_own_settings",
            )
        return ()

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        """The schema first, then the slot that rests; nobody is moved yet. Raises as `migrate` does, too."""
        require_key(key)
        release = self._get_release(prepared.build)
        if version != release.version:
            raise Invalid(
                Text(
                    ja=f"{release.id} の版は {release.version} で、{version} ではありません。",
                    en=f"{release.id} is version {release.version}, not {version}.",
                ),
                code="target.other_version",
            )
        named = find_named(self._place, self._rollouts, key)
        if named is None and not self._is_live(release.id):
            self._begin(release, key, needs_schema=True)
        elif (current := self._find_current()) is not None and current.rollout.release_id == named:
            self._fill()
        return self._get(named or release.id)

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        """Raises Refused while the rollout asks a person, too."""
        self._get(deployment_id)
        progress = self._rollouts.find()
        if progress is not None and progress.rollout.release_id == deployment_id:
            if not progress.stand.is_over:
                self._fill()
                progress = self._run(until_s=clock.monotonic_s() + timeout_s)
            self._end(progress, timeout_s=timeout_s)
        return self._require_live(deployment_id)

    def list_deployments(self) -> tuple[Deployment, ...]:
        return list_deployments_here(self._place, self._rollouts, self._hands)

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        """Refused, too, where the planner's way back has more steps than moving requests."""
        require_key(key)
        one, progress = self._get(to), self._rollouts.find()
        is_over = progress is None or progress.stand.is_over
        if is_over and one.is_live:
            return self.wait_until_healthy(to, timeout_s=timeout_s)
        if progress is not None and not is_over and progress.rollout.release_id == to:
            return self.wait_until_healthy(to, timeout_s=timeout_s)
        is_left = progress is not None and self._place.find_held(progress.rollout.old) == to
        if progress is not None and is_left and progress.stand is not Stand.ROLLED_BACK:
            if is_over:
                self._require_safe(one)
            self._end(roll_back(self._rollouts, self._hands), timeout_s=timeout_s)
            return self._require_live(to)
        self._require_safe(one)
        release = self._place.store.get(to)
        if not is_built(self._place.store, release):
            why = Text(ja="その版のプログラムがここにありません", en="its programs do not lie here")
            raise cannot_go_back(NAME, to, why=why)
        self._begin(release, key, needs_schema=False)
        return self.wait_until_healthy(to, timeout_s=timeout_s)

    def delete_deployment(self, deployment_id: str) -> None:
        """Its programs go, and its slot is empty; its manifest stays, for the history. Refused, too, while a
        rollout goes on."""
        found = next((one for one in self.list_deployments() if one.id == deployment_id), None)
        if found is None or found.state is DeploymentState.REMOVED:
            return
        if found.is_live:
            raise refuse_live(found, target=NAME)
        with self._alone(deployment_id):
            current = self._find_current()
            if current is not None:
                raise Refused(say_progress(current), code="target.under_way")
            store = self._place.store
            for slot in self._list_slots(deployment_id):
                for service in SERVICES:
                    self._hands.edge.rest(service, slot)
                    self._hands.stop(service, slot)
                store.place(
                    self._place.environment, slot, None, weight=0, by=self._by, expected=deployment_id
                )
            for part in (CODE, PORTAL):
                shutil.rmtree(store.folder / deployment_id / part, ignore_errors=True)

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        """Of the API in the slot that holds it; none when no slot does. Former versions of the slot wrote to
        the same file."""
        self._get(deployment_id)
        found: list[str] = []
        for slot in self._list_slots(deployment_id):
            said = Machine(self._place.layout).tail_log(f"api-{slot}", size_bytes=lines * _LINE_BYTES)
            found += mask_text(said).splitlines()
        return tuple(found[-lines:])

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, release: Release, key: str, *, needs_schema: bool) -> None:
        hands = self._hands
        new = Slot.GREEN if hands.edge.kept(SERVICES[0]) == Slot.BLUE else Slot.BLUE
        rollout = Rollout(
            id=name_run(release.id, key),
            release_id=release.id,
            strategy=Strategy.BLUE_GREEN,
            new=new,
            policy=self._gate.policy,
            drain_within_s=self._gate.drain_within_s,
            fills=True,
        )
        with self._alone(release.id):
            if needs_schema:
                self._bring_schema(release)
            begun = begin(self._rollouts, hands, rollout)
        note_rollout(self._ledger, begun, actor=self._by)
        self._fill()

    def _bring_schema(self, release: Release) -> None:
        if self._owner_url is not None:
            # Without a backup: a migration that destroys is refused here.
            migrate(self._place, release, owner_url=self._owner_url, backup=None, tell=lambda _said: None)
            return
        standing = self._place.store.look(self._place.environment).live
        live = self._place.store.find(standing) if standing is not None else None
        if live is not None and live.find_version(Component.SCHEMA) != release.find_version(Component.SCHEMA):
            raise Refused(
                Text(
                    ja=f"{release.id} には別のスキーマが必要ですが、ここにデータベースがありません。",
                    en=f"{release.id} needs another schema, and no database stands here.",
                ),
                code="target.other_schema",
            )

    def _fill(self) -> None:
        with self._alone(self._rollouts.get().rollout.release_id, wait_s=_SETTLES_WITHIN_S):
            fill_first(self._place, self._rollouts.get(), by=self._by)

    def _run(self, *, until_s: float) -> Progress:
        """Whoever else is at the rollout (the operations plane) is waited for."""
        while True:
            try:
                return run(self._rollouts, self._hands, until_s=until_s)
            except RolloutBusy:
                if clock.monotonic_s() >= until_s:
                    return self._rollouts.get()
                time.sleep(_POLL_S)

    def _end(self, progress: Progress, *, timeout_s: float) -> None:
        """What follows a rollout that is over. Raises Refused for one that asks, Unavailable for one that
        goes on."""
        if progress.stand is Stand.ASKING:
            raise Refused(
                say_progress(progress),
                hint=Text(
                    ja="`hrx release promote` で進めるか、`hrx release rollback` で戻してください。",
                    en="Go on with `hrx release promote`, or back with `hrx release rollback`.",
                ),
                code="target.asks",
            )
        if not progress.stand.is_over:
            raise Unavailable(
                Text(
                    ja=f"{timeout_s:.0f} 秒たっても切り替えが終わりません。同じ命令で続けられます。",
                    en=f"The rollout goes on after {timeout_s:.0f} s; the same command waits for it again.",
                ),
                hint=Text(ja="`hrx release status` で見られます。", en="See `hrx release status`."),
                code="target.still_waiting",
            )
        with self._alone(progress.rollout.release_id, wait_s=_SETTLES_WITHIN_S):
            settle(self._place, progress, by=self._by)
        note_rollout(self._ledger, progress, actor=self._by)
        self._follow(progress)

    def _require_safe(self, one: Deployment) -> None:
        """Raises what `cannot_go_back` gives where moving requests is not enough."""
        if not one.may_roll_back:
            raise cannot_go_back(
                NAME,
                one.id,
                why=Text(ja="公開されたことがないか、削除済みです", en="it never served, or was deleted"),
            )
        place = self._place
        try:
            ground = read_ground(
                place.store,
                place.environment,
                migrations=place.layout.root / "migrations",
                database_url=self._tables_url,
            )
            plan = plan_way_back(ground, place.store.get(one.id), Counted())
        except (Refused, NotFound, Conflict) as error:
            raise cannot_go_back(NAME, one.id, why=error.message) from error
        if (why := check_steps(plan)) is not None:
            raise cannot_go_back(NAME, one.id, why=why)

    def _require_live(self, deployment_id: str) -> Deployment:
        one = self._get(deployment_id)
        if not one.is_live:
            progress = self._rollouts.find()
            why = Text(ja="公開されていません", en="it is not live")
            if progress is not None and progress.rollout.release_id == deployment_id:
                why = say_progress(progress)
            raise unhealthy(NAME, deployment_id, why=why)
        return one

    def _get(self, deployment_id: str) -> Deployment:
        for one in self.list_deployments():
            if one.id == deployment_id:
                return one
        raise NotFound(
            Text(
                ja=f"{NAME}: {deployment_id} はここに置かれたことがありません。",
                en=f"{NAME}: {deployment_id} was never put here.",
            ),
            hint=Text(
                ja=f"`hrx release deployments {NAME}` で一覧できます。",
                en=f"`hrx release deployments {NAME}` lists them.",
            ),
            code="target.not_found",
        )

    def _get_release(self, build: Build) -> Release:
        """The release whose folder that is. Raises Invalid."""
        path = require_folder(build, target=NAME).path.resolve()
        store = self._place.store
        try:
            release = store.find(path.name) if path.parent == store.folder.resolve() else None
        except HrxError as error:
            raise _no_release(str(path)) from error
        if release is None or not is_built(store, release):
            raise _no_release(str(path))
        return release

    def _find_current(self) -> Progress | None:
        progress = self._rollouts.find()
        return progress if progress is not None and not progress.stand.is_over else None

    def _is_live(self, release_id: str) -> bool:
        return any(one.is_live and one.id == release_id for one in self.list_deployments())

    def _list_slots(self, release_id: str) -> tuple[Slot, ...]:
        return tuple(slot for slot in Slot if self._place.find_held(slot) == release_id)

    def _alone(self, reason: str, *, wait_s: float = 0.0) -> AbstractContextManager[None]:
        return alone(self._ledger, by=self._by, reason=reason, wait_s=wait_s)


def _no_release(path: str) -> Invalid:
    return Invalid(
        Text(
            ja=f"{path} は、ここで作ったリリースのフォルダーではありません。",
            en=f"{path} is not the folder of a release that was built here.",
        ),
        hint=Text(ja="`hrx release build` で作れます。", en="`hrx release build` makes one."),
        code="target.no_release",
    )
