"""Companies made up from a seed, told to the planner as the pipeline would tell it, and its plans tried."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hrx.ops.release.fits import Fault
from hrx.ops.release.graph import Migration, ReleaseGraph
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.release.rollback.answering import No, Question, answer, list_moving
from hrx.ops.release.rollback.planning import plan_rollback
from hrx.ops.release.rollback.plans import RollbackPlan, RollbackRefused, StepKind
from hrx.ops.release.rollback.searching import Case, judge_end
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shapes import ColumnShape, RuleKind, RuleShape, SchemaShape, SchemaUse
from tests.ops.release.making import Company
from tests.ops.release.oracle import POINTERS, Situation, Step, find_safe_way, try_steps
from tests.ops.release.world import Broken, Code, Insert, Rename, Select, Site, Tables, meet

_BUILT_AT = datetime(2026, 11, 1, tzinfo=UTC)


def shape_of(db: Tables) -> SchemaShape:
    """The tables as PostgreSQL's catalogue would describe them."""
    columns, rules = {}, {}
    for table_name, table in db.tables.items():
        for name, col in table.cols.items():
            default = None if col.default is None else repr(col.default)
            columns[f"app.{table_name}.{name}"] = ColumnShape(
                type=col.type, not_null=col.not_null, default=default
            )
        for name in table.uniques:
            rules[f"app.{table_name}.{name}_key"] = _rule(
                RuleKind.UNIQUE, table_name, name, f"UNIQUE ({name})"
            )
        for name, allowed in table.checks.items():
            key = hashlib.sha256(repr(sorted(map(str, allowed))).encode()).hexdigest()[:6]
            values = ", ".join(f"'{value}'::text" for value in sorted(map(str, allowed)))
            rules[f"app.{table_name}.{name}_check_{key}"] = _rule(
                RuleKind.CHECK, table_name, name, f"CHECK (({name} = ANY (ARRAY[{values}])))"
            )
    return SchemaShape(columns=columns, rules=rules)


def _rule(kind: RuleKind, table: str, column: str, definition: str) -> RuleShape:
    return RuleShape(
        kind=kind,
        table=f"app.{table}",
        columns=frozenset({f"app.{table}.{column}"}),
        definition=definition,
    )


def use_of(code: Code) -> SchemaUse:
    """What a recorder would have seen while its tests ran."""
    reads: set[str] = set()
    writes: set[str] = set()
    inserts: dict[str, frozenset[str]] = {}
    for one in code.statements:
        if isinstance(one, Select):
            reads |= {f"app.{one.table}.{name}" for name in one.columns}
        elif isinstance(one, Insert):
            given = frozenset(f"app.{one.table}.{name}" for name, _ in one.values)
            writes |= given
            key = f"app.{one.table}"
            inserts[key] = inserts[key] & given if key in inserts else given
        else:
            writes.add(f"app.{one.table}.{one.column}")
    return SchemaUse(reads=frozenset(reads), writes=frozenset(writes), inserts=inserts)


def release_of(company: Company, code: Code, number: int, *, is_watched: bool) -> Release:
    versions = code.versions
    needs: dict[str, frozenset[str]] = {
        "web": frozenset(
            name
            for call, sends, wants in code.calls
            for name in (f"api:{call}({','.join(sorted(sends))})", *(f"api:{call}>{want}" for want in wants))
        ),
        "api": frozenset(
            f"{used}:{company.formats[(code.name, user, used)]}" for user, used in code.copes if user == "api"
        ),
    }
    offers: dict[str, frozenset[str]] = {
        "api": frozenset(
            name
            for call, asks, answers in code.serves
            for name in (f"api:{call}({','.join(sorted(asks))})", *(f"api:{call}>{one}" for one in answers))
        )
    }
    for name in POINTERS:
        offers[name] = frozenset(f"{name}:{one}" for one in company.offers[(name, versions[name])])
        needs[name] = frozenset()
    return Release(
        id=code.name,
        version=f"1.{number}",
        commit=f"{number:07x}",
        built_at=_BUILT_AT + timedelta(days=number),
        components={
            **{
                Component(name): Build(
                    version=versions[name],
                    needs=needs.get(name) if is_watched else None,
                    offers=offers.get(name) if is_watched else None,
                )
                for name in ("web", "api", *POINTERS)
            },
            Component.SCHEMA: Build(version=str(code.revision)),
        },
        use=use_of(code) if is_watched else None,
        shape=shape_of(company.empty_at(code.revision)),
    )


def graph_of(company: Company, *, is_watched: bool = True, with_proofs: bool = True) -> ReleaseGraph:
    """What the store would hold: manifests, migrations tried both ways, older code tested on newer tables."""
    releases = {
        code.name: release_of(company, code, number, is_watched=is_watched)
        for number, code in enumerate(company.codes)
    }
    line = [Migration(revision="0", down_revision=None)]
    for number, op in enumerate(company.ops):
        line.append(
            Migration(
                revision=str(number + 1),
                down_revision=str(number),
                is_proven=True,
                keeps=frozenset({f"app.{op.table}.{op.old}", f"app.{op.table}.{op.new}"})
                if isinstance(op, Rename)
                else frozenset(),
            )
        )
    proofs = {
        (code.name, str(revision)): _passes(company, code, revision)
        for code in company.codes
        for revision in range(len(company.ops) + 1)
        if with_proofs and revision != code.revision
    }
    return ReleaseGraph(
        releases=releases, history=[code.name for code in company.codes], line=line, proofs=proofs, keep=20
    )


def _passes(company: Company, code: Code, revision: int) -> bool:
    """Its own tests, twice on fresh tables of that revision: they bring their own rows."""
    db = company.empty_at(revision)
    try:
        for _ in range(2):
            for statement in code.statements:
                statement.run(db)
    except Broken:
        return False
    return True


def facts_of(company: Company, site: Site, live: Code) -> RollbackFacts:
    """Counted on the very rows."""
    rows = {
        f"app.{name}.{column}": sum(row[column] is not None for row in table.rows)
        for name, table in site.db.tables.items()
        for column in table.cols
    }
    for code in company.codes:
        for name in shape_of(company.empty_at(code.revision)).columns:
            if name not in rows:
                rows[name] = int(name in site.db.gone)
    return RollbackFacts(
        serving=frozenset(one.name for one in site.apis),
        warm=frozenset(one.name for one in site.apis),
        workers=frozenset(one.name for one in site.apis),
        tabs=frozenset({live.name}),
        kept=frozenset(one.name for one in company.codes),
        rows=rows,
        breaking=_count_breaking(company, site.db),
        documents_since=0,
        has_fresh_backup=True,
    )


def _count_breaking(company: Company, db: Tables) -> dict[str, int]:
    found: dict[str, int] = {}
    for revision in range(len(company.ops) + 1):
        other = company.empty_at(revision)
        for table_name, table in other.tables.items():
            here = db.tables.get(table_name)
            if here is None:
                continue
            for name, col in table.cols.items():
                values = [row[name] for row in here.rows] if name in here.cols else [None] * len(here.rows)
                if col.not_null:
                    found[f"app.{table_name}.{name}"] = sum(value is None for value in values)
        for rule, shape in shape_of(other).rules.items():
            table_name, name = rule.split(".")[1], next(iter(shape.columns)).split(".")[2]
            here = db.tables.get(table_name)
            if here is None or name not in here.cols:
                continue
            values = [row[name] for row in here.rows if row[name] is not None]
            if shape.kind is RuleKind.UNIQUE:
                found[rule] = len(values) - len(set(values))
            else:
                found[rule] = sum(value not in other.tables[table_name].checks[name] for value in values)
    return found


def steps_of(plan: RollbackPlan) -> list[Step]:
    """The plan's steps as the oracle does them."""
    steps: list[Step] = []
    for one in plan.steps:
        match one.kind:
            case StepKind.SWITCH_API:
                steps.append(("api",))
            case StepKind.SWITCH_WEB:
                steps.append(("web",))
            case StepKind.SWITCH_BOTH:
                steps.append(("web", "api"))
            case StepKind.SWITCH_POINTERS:
                steps.append(tuple(name for name in POINTERS if name in one.params))
            case StepKind.DOWNGRADE_SCHEMA:
                steps.append(("schema", one.params["to"]))
            case StepKind.CLOSE:
                steps.append(("close",))
            case StepKind.OPEN:
                steps.append(("open",))
            case _:
                pass
    return steps


@dataclass(slots=True)
class Tally:
    """What the planner said against what trying showed."""

    asked: int = 0
    safe: int = 0
    planned: int = 0
    #: Safe ones that were refused.
    refused: int = 0
    #: Why: how many of them by what the planner does not know.
    classes: Counter[str] = field(default_factory=Counter)
    #: Plans that broke something, lost something undeclared, or broke a page without saying so.
    wrong: list[str] = field(default_factory=list)

    @property
    def refused_ratio(self) -> float:
        return self.refused / self.safe if self.safe else 0.0


def try_company(
    company: Company,
    tally: Tally,
    *,
    is_watched: bool = True,
    with_proofs: bool = True,
    graph: ReleaseGraph | None = None,
) -> None:
    """Ask the planner every question about this company, and try every answer."""
    graph = graph or graph_of(company, is_watched=is_watched, with_proofs=with_proofs)
    for situation, facts in list_situations(company):
        for may_lose, may_stop in ((False, False), (True, False), (True, True)):
            _ask(company, graph, situation, facts, tally, may_lose=may_lose, may_stop=may_stop)


def _ask(
    company: Company,
    graph: ReleaseGraph,
    situation: Situation,
    facts: RollbackFacts,
    tally: Tally,
    *,
    may_lose: bool,
    may_stop: bool,
) -> None:
    live, to, site = situation.live, situation.to, situation.site
    asked = Question(
        graph=graph,
        live=graph.releases[live.name],
        to=graph.releases[to.name],
        schema=SchemaState(revision=str(site.revision)),
        facts=facts,
        only=frozenset(Component),
        may_lose=frozenset(facts.rows) if may_lose else frozenset(),
        may_stop=may_stop,
    )
    tally.asked += 1
    try:
        plan = plan_rollback(
            asked.graph,
            asked.live,
            asked.to,
            asked.schema,
            facts,
            may_lose=asked.may_lose,
            may_stop=may_stop,
        )
    except RollbackRefused as refused:
        if not (refused.reasons and refused.alternatives and refused.hint):
            tally.wrong.append(f"{company.name}: {live.name} → {to.name}: refused without a word")
        way = find_safe_way(situation, may_lose=may_lose, may_stop=may_stop)
        if way is not None:
            tally.safe += 1
            tally.refused += 1
            tally.classes[_classify(asked, way)] += 1
        return
    tally.safe += 1
    tally.planned += 1
    name = f"{company.name}: {live.name} → {to.name} on {site.revision}"
    trial = try_steps(situation, steps_of(plan))
    tally.wrong += [f"{name}: {what}" for what in trial.broke]
    if undeclared := trial.lost - {one.subject for one in plan.loss}:
        tally.wrong.append(f"{name}: lost {sorted(undeclared)}")
    misses = set(meet(live, to)) - set(meet(live, live)) if live.versions["api"] != to.versions["api"] else ()
    if misses and not plan.breaks:
        tally.wrong.append(f"{name}: open pages miss {sorted(misses)}")


def _classify(asked: Question, way: tuple[Step, ...]) -> str:
    """What the planner lacked for the way that the oracle found."""
    down = next((step[1] for step in way if step[0] == "schema"), None)
    if down is not None:
        no = answer(asked)
        shut = next((one for one in no.shut if one.revision == down), None) if isinstance(no, No) else None
        blocks = sorted({one.block.value for one in shut.blocked}) if shut is not None else []
        return f"schema down, {' and '.join(blocks) or 'open but somebody seems to break on the way'}"
    case = Case(
        graph=asked.graph,
        live=asked.live,
        to=asked.to,
        schema=asked.schema,
        facts=asked.facts,
        moving=list_moving(asked),
        is_closing=asked.may_stop,
    )
    found = judge_end(case)
    empty = [one for one in found if one.fault is Fault.NULL_POSSIBLE]
    if found and len(empty) == len(found):
        are_there = any(asked.facts.breaking.get(one.subject) for one in empty)
        return "rows hold NULL, older code copes" if are_there else "newer code might write NULL"
    return ", ".join(sorted({one.fault.value for one in found})) or "an order that was not found"


def list_situations(company: Company) -> Iterator[tuple[Situation, RollbackFacts]]:
    """Every release as the live one, on its own schema and on every newer one, back to every older one."""
    for number, live in enumerate(company.codes):
        for revision in range(live.revision, len(company.ops) + 1):
            site = company.site_at(live, revision)
            if site is None:
                continue
            if number % 3 == 2:
                # A canary: the release before still serves beside it.
                site.apis = [company.codes[number - 1], live]
            facts = facts_of(company, site, live)
            for to in company.codes[:number]:
                yield Situation(ops=company.ops, site=site, live=live, to=to), facts
