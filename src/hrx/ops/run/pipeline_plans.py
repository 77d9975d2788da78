"""What a pipeline is about to do to production, as a plan: what the second person reads, and what their word
is bound to. Anything in it that changes makes another plan, for which nobody has spoken yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.plan import Action, ApprovalRule, Effect, Plan, Risk, Step
from hrx.ops.release.building.building import CODE
from hrx.ops.release.gathering import ask_git
from hrx.ops.release.migrations.linting import RevisionLint, lint_folder
from hrx.ops.release.migrations.revisions import list_between
from hrx.ops.release.pipeline.engine import lock_name
from hrx.ops.release.pipeline.stages import Reads, Records, Run, Stage, Where
from hrx.ops.release.releases import Component, Environment, Release
from hrx.ops.release.shape_reading import read_revision
from hrx.ops.release.store import ReleaseStore
from hrx.ops.run.plane import Plane
from hrx.ops.seams.postgres import DatabaseRefused

PROCEDURE: Final = "release.pipeline"
UNKNOWN: Final = "unknown"
NONE: Final = "none"
_DEFAULT_STRATEGY: Final = "canary"
_MAIL: Final = re.compile(r"[^\s<>]+@[^\s<>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where plans are made: the releases, and the checkout whose history names the authors."""

    plane: Plane
    store: ReleaseStore
    root: Path

    def find_live(self) -> str | None:
        """The release that people are on; None where the checkout's code serves them."""
        return self.store.look(Environment(self.plane.settings.environment)).live


def plan_production(ground: Ground, run: Run, records: Records) -> Plan:
    """The steps into production with the facts that decide whether one may. Raises ReleaseNotFound,
    ReleaseUnreadable."""
    release = ground.store.get(run.release_id)
    migrations = tell_migrations(ground, release)
    facts = {
        "pipeline.run": run.id,
        "pipeline.attempt": str(_attempt(run, records)),
        "release.id": release.id,
        "release.commit": release.commit,
        "release.content": release.content_hash,
        "release.replaces": ground.find_live() or "checkout",
        "release.migrations": migrations.says,
        "release.checks": _say_checks(run, records),
        "release.strategy": _strategy(run),
    }
    return Plan(
        procedure=PROCEDURE,
        title=Text(
            ja=f"リリース {release.id}({release.version})を {run.environment} へ",
            en=f"Release {release.id} ({release.version}) to {run.environment}",
        ),
        params={"run": run.id, "release": release.id},
        facts=facts,
        lock=lock_name(run.environment),
        risk=Risk.HIGH if migrations.loses else Risk.MEDIUM,
        impact=Text(
            ja=f"{facts['release.replaces']} に代わって {release.id} が要求を受けます。",
            en=f"{release.id} takes the requests of {facts['release.replaces']}.",
        ),
        steps=tuple(_step(one, migrations.loses) for one in run.stages if _is_step(one)),
        proofs=(),
        approval=ApprovalRule.OTHER,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """What the release does to the schema. `loses` names tables and columns that go for good."""

    says: str
    loses: tuple[str, ...] = ()


def tell_migrations(ground: Ground, release: Release) -> Migrations:
    """Each pending revision with its danger. What cannot be known is said to be unknown, never none."""
    folder = ground.store.folder / release.id / CODE / "migrations"
    current = _find_current(ground)
    if current is None or not folder.is_dir():
        return Migrations(says=UNKNOWN)
    try:
        report = lint_folder(folder)
        target = release.find_version(Component.SCHEMA) or "head"
        pending = list_between(tuple(one.revision for one in report.revisions), after=current, until=target)
    except HrxError as error:
        return Migrations(says=f"{UNKNOWN} ({error.stable_code})")
    found = [one for revision in pending if (one := report.of(revision.id)) is not None]
    return Migrations(
        says=", ".join(_say_revision(one) for one in found) or NONE,
        loses=tuple(name for one in found for name in one.destroys),
    )


def find_authors(ground: Ground, run: Run, *, known: Mapping[str, str]) -> frozenset[str]:
    """Operators whose word does not count: who began the run, and everybody who wrote what it brings.

    Commits since the live release's count, or the one commit where that is not known. Raises Unavailable
    when git cannot tell: nobody's word counts then."""
    live = ground.find_live()
    release = ground.store.find(live) if live is not None else None
    asked = ("log", "--format=%ae%n%(trailers:key=Co-authored-by,valueonly)")
    try:
        span = f"{release.commit}..{run.commit}" if release is not None else f"-1 {run.commit}"
        said = ask_git(ground.root, *asked, *span.split())
    except HrxError:
        said = ""
    # A commit brings at least its own author: also when the live release is the same commit, or elsewhere.
    said += "\n" + ask_git(ground.root, *asked, "-1", run.commit)
    names = {known.get(mail.lower(), mail.lower().partition("@")[0]) for mail in _MAIL.findall(said)}
    return frozenset(names | {run.began_by, run.began_by.removeprefix("machine:")})


def _find_current(ground: Ground) -> str | None:
    """The schema's revision, from the database; else what the live release was built for."""
    url = ground.plane.settings.ops_database_url
    if url is not None:
        try:
            return read_revision(url.get_secret_value())
        except DatabaseRefused:
            return None
    live = ground.find_live()
    release = ground.store.find(live) if live is not None else None
    return release.find_version(Component.SCHEMA) if release is not None else None


def _say_revision(one: RevisionLint) -> str:
    accepted = sum(not found.is_open for found in one.findings)
    opened = sum(found.is_open for found in one.findings)
    dangers = [
        *([f"destroys {' '.join(one.destroys)}"] if one.destroys else []),
        *([f"{opened} open findings"] if opened else []),
        *([f"{accepted} accepted findings"] if accepted else []),
    ]
    return f"{one.revision.id} ({'; '.join(dangers) or 'no finding'})"


def _say_checks(run: Run, records: Records) -> str:
    """Every stage before production by its own word: what was not checked stands there as such."""
    before = [one for one in run.stages if one.where is Where.ANY and one.reads is not Reads.RELEASE]
    return ", ".join(f"{one.id}={records[one.id].stand.value}" for one in before)


def _is_step(stage: Stage) -> bool:
    return stage.where is Where.PRODUCTION and not stage.is_approval


def _attempt(run: Run, records: Records) -> int:
    """Which try at production this would be: a word is good for one."""
    return max((records[one.id].attempt for one in run.stages if _enters(run, one)), default=0) + 1


def _enters(run: Run, stage: Stage) -> bool:
    return any(run.get_stage(name).is_approval for name in stage.needs)


def _strategy(run: Run) -> str:
    for stage in run.stages:
        if "--strategy" in stage.command[:-1]:
            return stage.command[stage.command.index("--strategy") + 1]
    return _DEFAULT_STRATEGY


def _step(stage: Stage, loses: tuple[str, ...]) -> Step:
    effect = Effect.UNDOABLE if stage.changes is not None else Effect.READS
    is_deploy = bool(loses) and "deploy" in stage.command
    names = ", ".join(loses)
    return Step(
        key=stage.id,
        name=stage.title,
        reason=stage.why,
        action=Action(id="pipeline.stage", params={"command": " ".join(stage.command)}),
        timeout_s=stage.timeout_s,
        effect=Effect.IRREVERSIBLE if is_deploy else effect,
        loses=Text(ja=f"失われるもの: {names}", en=f"Lost for good: {names}") if is_deploy else None,
    )
