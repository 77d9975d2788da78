"""The pipeline's gate on the living plane: a second person's word on exactly this plan, and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Refused, Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.plan import Plan, describe_drift, plan_from_json, plan_to_json
from hrx.ops.release.pipeline.calendar import decide, load_rules
from hrx.ops.release.pipeline.definition import load_definition
from hrx.ops.release.pipeline.engine import Bench
from hrx.ops.release.pipeline.gates import Hold, Word
from hrx.ops.release.pipeline.stages import Records, Run, Stand
from hrx.ops.release.pipeline.starting import Keepers
from hrx.ops.release.pipeline.storing import Despite, RunStore, pipeline_folder
from hrx.ops.release.store import ReleaseStore
from hrx.ops.run.approvals import (
    Approval,
    AuthorMayNotApprove,
    find_approval,
    list_approvals,
    note_approval,
)
from hrx.ops.run.pipeline_facts import look_up_facts
from hrx.ops.run.pipeline_plans import Ground, find_authors, plan_production
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings


class NothingToApprove(Conflict):
    """The run does not ask for anybody's word now."""

    code = "pipeline.nothing_to_approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be approved now. `barred` are those whose word does not count."""

    record: PlanRecord
    barred: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlaneGate:
    """Asks the ledger, the calendar, the repository and the database."""

    ground: Ground

    def ask_word(self, run: Run, records: Records) -> Word:
        """See `Gate`. The plan as it is now is put on record once, for whoever approves it."""
        try:
            asked = self.prepare(run, records)
        except HrxError as error:
            return Word(by="", says=error.message)
        given = find_approval(self.ground.plane, asked.record, barred=asked.barred)
        if given is not None:
            says = Text(
                ja=f"{given.approver} が承認(台帳 {given.seq})",
                en=f"approved by {given.approver} (ledger {given.seq})",
            )
            return Word(by=given.approver, says=says)
        return Word(by="", says=self._say_missing(run, asked))

    def find_hold(self, run: Run) -> Hold | None:
        """See `Gate`. Going on despite a reason is put on record here, when it happens."""
        hold = self.look_at_hold()
        if hold is None:
            return None
        word = self.runs.find_despite(run.id)
        if word is None or not hold.ids <= {*word.covers}:
            return hold
        body = {
            "act": "despite",
            "reason": word.reason,
            "held_by": {"ja": hold.reason.ja, "en": hold.reason.en},
        }
        self.ground.plane.ledger.append(Kind.PIPELINE, actor=word.by, subject=f"pipeline:{run.id}", body=body)
        return None

    def look_at_hold(self) -> Hold | None:
        """What holds production now, whatever anybody said about it. Raises ContentWrong."""
        plane = self.ground.plane
        rules = load_rules(plane.settings.runbook_dir)
        office = plane.content.respond.calendar
        return decide(rules, look_up_facts(plane), office=office, at=clock.now())

    def prepare(self, run: Run, records: Records) -> Asked:
        """The plan as it is now, on record. Raises as `plan_production` and `find_authors`."""
        plane = self.ground.plane
        plan = plan_production(self.ground, run, records)
        known = load_definition(plane.settings.runbook_dir).authors
        barred = find_authors(self.ground, run, known=known)
        entry = self._find_planned(run, plan.plan_hash)
        if entry is None:
            body = {"act": "planned", "plan_hash": plan.plan_hash, "plan": plan_to_json(plan)}
            entry = plane.ledger.append(
                Kind.PIPELINE, actor=run.began_by, subject=f"pipeline:{run.id}", body=body
            )
        return Asked(record=_record(entry, plan, run), barred=barred)

    @property
    def runs(self) -> RunStore:
        return RunStore(pipeline_folder(self.ground.plane.settings.var_dir))

    def _find_planned(self, run: Run, plan_hash: str) -> Entry | None:
        planned = self._list_planned(run)
        return next((one for one in planned if one.body["plan_hash"] == plan_hash), None)

    def _list_planned(self, run: Run) -> list[Entry]:
        """Plans of this run, newest first."""
        wanted = EntryFilter(kinds=(Kind.PIPELINE,), subject=f"pipeline:{run.id}", text='"act":"planned"')
        return list(self.ground.plane.ledger.list_entries(wanted, limit=100))

    def _say_missing(self, run: Run, asked: Asked) -> Text:
        plane = self.ground.plane
        needed = Text(
            ja=f"計画 {asked.record.plan.plan_hash[:12]} に、作成者以外の承認者の承認が必要です",
            en=f"plan {asked.record.plan.plan_hash[:12]} needs the word of an approver who is no author",
        )
        for entry in self._list_planned(run):
            if given := list_approvals(plane, entry.seq):
                why = self._say_void(entry, given[0], asked)
                return Text(ja=f"{why.ja}。{needed.ja}", en=f"{why.en}; {needed.en}")
        return needed

    def _say_void(self, entry: Entry, given: Approval, asked: Asked) -> Text:
        if entry.seq == asked.record.seq:
            return Text(
                ja=f"{given.approver} の承認は期限切れか、承認者の資格がなくなりました",
                en=f"the word of {given.approver} is too old, or may not be given any more",
            )
        drift = describe_drift(plan_from_json(entry.body["plan"]), asked.record.plan)
        return Text(
            ja=f"{given.approver} の承認は無効になりました({drift.ja})",
            en=f"the word of {given.approver} is void ({drift.en})",
        )


def find_gate(plane: Plane, *, root: Path | None = None) -> PlaneGate:
    """The gate of this machine."""
    store = ReleaseStore(plane.settings.var_dir / "releases")
    return PlaneGate(Ground(plane=plane, store=store, root=root or find_layout(load(MachineSettings)).root))


def open_bench(plane: Plane, *, root: Path | None = None) -> Bench:
    """Where this machine's runs are driven. `root`: the checkout; commands are run there."""
    gate = find_gate(plane, root=root)
    return Bench(
        store=gate.runs,
        releases=gate.ground.store,
        ledger=plane.ledger,
        gate=gate,
        keepers=Keepers(gate.ground.root),
    )


def find_asked(gate: PlaneGate, run: Run, records: Records) -> Asked | None:
    """What this run asks to be approved; None while it does not ask. Raises as `PlaneGate.prepare`."""
    is_asking = any(records[one.id].stand is Stand.ASKING for one in run.stages)
    return gate.prepare(run, records) if is_asking else None


def approve_run(gate: PlaneGate, run: Run, *, actor: Actor, plan_hash: str) -> Approval:
    """Give the actor's word on exactly this plan; `plan_hash` is what they saw.

    Raises NothingToApprove, Conflict when the plan is another by now, AuthorMayNotApprove, Forbidden."""
    require(actor, Permission.APPROVE)
    asked = find_asked(gate, run, gate.runs.records(run))
    if asked is None:
        raise NothingToApprove(
            Text(
                ja=f"パイプライン {run.id} は今、承認を待っていません",
                en=f"Pipeline {run.id} does not wait for approval now",
            ),
            hint=_see(run),
        )
    if plan_hash != asked.record.plan.plan_hash:
        raise Conflict(
            Text(
                ja="表示されていた計画から状況が変わりました",
                en="The plan is not the one that was shown: things changed",
            ),
            hint=Text(ja="計画を読み直してください。", en="Read the plan again."),
            code="plan.other_hash",
        )
    refuse_author(actor, asked.barred)
    return note_approval(gate.ground.plane, asked.record, actor=actor)


def refuse_author(actor: Actor, barred: frozenset[str]) -> None:
    """Raises AuthorMayNotApprove for authors, and for whoever is not signed in as a person."""
    if actor.is_operator and actor.name not in barred:
        return
    raise AuthorMayNotApprove(
        Text(
            ja="作成者(コミットした人と始めた人)以外の承認者が必要です",
            en="It takes an approver who neither wrote nor began it",
        ),
        hint=Text(
            ja="別の承認者が `hrx release pipeline approve --operator NAME`、またはコンソールで承認します。"
            "いなければ `hrx operator create NAME --role approver` で作成します。",
            en="Another approver: `hrx release pipeline approve --operator NAME`, or the console. "
            "To make one: `hrx operator create NAME --role approver`.",
        ),
    )


def give_despite(gate: PlaneGate, run: Run, *, actor: Actor, reason: str) -> Hold | None:
    """An approver lets this run go on despite what holds it now; what comes up later still holds it.

    Gives what was held, None when nothing was. Raises Forbidden, NotAPerson, OSError."""
    require(actor, Permission.APPROVE)
    if not actor.is_operator:
        raise NotAPerson(
            Text(
                ja="日程に反して進めるには、承認者のサインインが必要です",
                en="Going on despite the calendar takes an approver who signs in",
            ),
            hint=Text(ja="`--operator NAME` を付けてください。", en="Add `--operator NAME`, an approver's."),
        )
    hold = gate.look_at_hold()
    # `Any`: a body's values differ in type.
    body: dict[str, Any] = {"act": "despite_given", "reason": reason, "covers": []}
    if hold is not None:
        body |= {"covers": sorted(hold.ids), "held_by": {"ja": hold.reason.ja, "en": hold.reason.en}}
    gate.ground.plane.ledger.append(Kind.PIPELINE, actor=actor.name, subject=f"pipeline:{run.id}", body=body)
    if hold is not None:
        word = Despite(by=actor.name, reason=reason, at=clock.now(), covers=tuple(sorted(hold.ids)))
        gate.runs.keep_despite(run.id, word)
    return hold


class NotAPerson(Refused):
    """Only a signed-in operator can answer for this."""

    code = "pipeline.not_a_person"


def _record(entry: Entry, plan: Plan, run: Run) -> PlanRecord:
    return PlanRecord(seq=entry.seq, plan=plan, author=run.began_by, reason="", made_at=entry.at)


def _see(run: Run) -> Text:
    return Text(
        ja=f"`hrx release pipeline status {run.id}` で確かめてください。",
        en=f"See `hrx release pipeline status {run.id}`.",
    )
