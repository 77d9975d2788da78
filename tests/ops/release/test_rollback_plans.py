"""What the planner says about situations that operators know (R3.7-1)."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from hrx.ops.plan import ApprovalRule, Effect
from hrx.ops.release.contracts import find_missing, list_operations
from hrx.ops.release.graph import Migration, ReleaseGraph, find_demand, judge_drop
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.release.rollback.losing import Block, Blocked, Loss, LossKind, list_ways_down, may_break
from hrx.ops.release.rollback.planning import plan_rollback
from hrx.ops.release.rollback.plans import Fate, RollbackPlan, RollbackRefused, StepKind
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shapes import ColumnShape
from hrx.ops.release.wording import show_plan, show_refusal
from tests.ops.release.shop import R1, R2, R3, R4

pytestmark = pytest.mark.req("R3.7-1")
LINE = (
    Migration(revision="0008", down_revision=None),
    Migration(revision="0009", down_revision="0008", is_proven=True),
    Migration(revision="0010", down_revision="0009", is_proven=True),
)
FACTS = RollbackFacts(
    serving=frozenset({"r4"}),
    warm=frozenset({"r4"}),
    workers=frozenset({"r4"}),
    kept=frozenset({"r1", "r2", "r3", "r4"}),
    queued={},
    has_fresh_backup=True,
)
ALL_COLUMNS = frozenset({"app.person.kana", "app.person.nickname"})


def graph(*releases: Release, line: tuple[Migration, ...] = LINE) -> ReleaseGraph:
    chosen = releases or (R1, R2, R3, R4)
    return ReleaseGraph(
        releases={one.id: one for one in chosen}, history=[one.id for one in chosen], line=line
    )


def plan(
    to: Release,
    *,
    live: Release = R4,
    revision: str = "0010",
    facts: RollbackFacts = FACTS,
    within: ReleaseGraph | None = None,
    only: frozenset[Component] = frozenset(Component),
    may_lose: frozenset[str] = frozenset(),
    may_stop: bool = False,
) -> RollbackPlan:
    return plan_rollback(
        within or graph(),
        live,
        to,
        SchemaState(revision=revision),
        facts,
        only=only,
        may_lose=may_lose,
        may_stop=may_stop,
    )


def kinds(found: RollbackPlan) -> list[StepKind]:
    return [one.kind for one in found.steps]


def fate(found: RollbackPlan, component: Component) -> Fate:
    return next(one.fate for one in found.parts if one.component is component)


def test_across_an_additive_migration_the_schema_stays_and_nothing_is_lost() -> None:
    live = replace(FACTS, serving=frozenset({"r3"}), workers=frozenset({"r3"}), warm=frozenset({"r2", "r3"}))
    found = plan(R2, live=R3, revision="0009", facts=live)
    assert kinds(found) == [
        StepKind.SWITCH_WEB,
        StepKind.SWITCH_API,
        StepKind.STOP_API,
        StepKind.OBSERVE,
    ], "the older slot is warm, so nothing has to be started"
    assert fate(found, Component.SCHEMA) is Fate.STAYS
    assert found.loss == ()
    assert [one.subject for one in found.hidden] == ["app.person.nickname"]
    assert found.approval is ApprovalRule.OWN


def test_across_a_dropped_column_it_refuses_and_names_the_release_that_is_safe() -> None:
    with pytest.raises(RollbackRefused) as refused:
        plan(R1)
    said = [one.en for one in refused.value.reasons]
    assert said[0] == "r1 uses app.person.kana, which is gone"
    commands = [one.command for one in refused.value.alternatives]
    assert "hrx release plan --rollback --to r2" in commands
    assert refused.value.hint is not None
    assert "hrx release plan" in refused.value.hint.en
    assert show_refusal(refused.value).reasons == refused.value.reasons


def test_a_version_that_serves_and_is_not_on_record_is_never_taken_for_safe() -> None:
    unknown = replace(FACTS, serving=frozenset({"r3", "r9"}), workers=frozenset({"r3"}))
    known = replace(unknown, serving=frozenset({"r3"}))

    def ask(facts: RollbackFacts, *, may_stop: bool = False) -> RollbackPlan:
        return plan(R2, live=R3, revision="0009", facts=facts, may_stop=may_stop)

    assert kinds(ask(known))[0] is StepKind.SWITCH_WEB
    with pytest.raises(RollbackRefused) as refused:
        ask(unknown)
    assert "r9 runs and is not on record" in " ".join(one.en for one in refused.value.reasons)
    commands = [one.command for one in refused.value.alternatives]
    assert not [one for one in commands if "--only web" in one], "it would answer the older pages"
    # Stopped before anything moves it is in nobody's way.
    assert commands[0] == "hrx release plan --rollback --to r2 --may-stop"
    assert kinds(ask(unknown, may_stop=True))[0] is StepKind.CLOSE


def test_who_is_not_on_record_may_write_what_was_counted_as_nothing() -> None:
    counted = replace(
        FACTS, serving=frozenset({"r3"}), workers=frozenset({"r3"}), rows={"app.person.nickname": 0}
    )
    quiet = graph(R1, R2, replace(R3, use=replace(R3.known_use, writes=frozenset(), inserts={})))

    def ask(facts: RollbackFacts) -> list[Blocked]:
        [way] = list_ways_down(
            quiet, SchemaState(revision="0009"), to="0008", facts=facts, may_lose=frozenset()
        )
        return list(way.blocked)

    assert ask(counted) == []
    lost = ask(replace(counted, workers=frozenset({"r3", "r9"})))
    assert [(one.block, one.subject) for one in lost] == [(Block.LOSES_UNDECLARED, "app.person.nickname")]
    demand = find_demand(R1.shape or pytest.fail("r1 has tables"), "app.person.name")
    assert may_break(quiet, {"r9"}, demand=demand, columns=frozenset({"app.person.name"}))


def test_what_it_suggests_can_be_typed_as_it_stands_with_the_options_that_were_given() -> None:
    lost = frozenset({"app.person.nick name"})
    with pytest.raises(RollbackRefused) as refused:
        plan(R1, may_lose=lost, may_stop=True)
    commands = [shlex.split(one.command) for one in refused.value.alternatives if one.command]
    assert len(commands) > 1
    for words in commands:
        assert words[:5] == ["hrx", "release", "plan", "--rollback", "--to"]
        assert "--may-stop" in words
        assert words[words.index("app.person.nick name") - 1] == "--lose"


def test_where_neither_version_runs_on_the_others_tables_it_goes_down_behind_the_maintenance_page() -> None:
    assert R4.shape is not None
    assert R4.use is not None
    code = "app.person.code"
    live = replace(
        R4,
        shape=replace(R4.shape, columns={**R4.shape.columns, code: ColumnShape(type="text")}),
        use=replace(R4.use, reads=R4.use.reads | {code}),
    )
    within, lost = graph(R1, R2, R3, live), frozenset({code, "app.person.kana"})
    with pytest.raises(RollbackRefused) as refused:
        plan(R1, live=live, within=within, may_lose=lost)
    assert "--may-stop" in refused.value.alternatives[0].command
    found = plan(R1, live=live, within=within, may_lose=lost, may_stop=True)
    order = kinds(found)
    assert order.index(StepKind.CLOSE) < order.index(StepKind.DOWNGRADE_SCHEMA) < order.index(StepKind.OPEN)
    step = found.steps[order.index(StepKind.DOWNGRADE_SCHEMA)]
    assert step.effect is Effect.IRREVERSIBLE
    assert step.undo is None
    assert found.has_downtime
    assert found.approval is ApprovalRule.OTHER
    assert found.cannot_undo
    assert Loss(subject="app.person.kana", kind=LossKind.EMPTIED, rows=None) in found.loss
    assert "nobody counted" in show_plan(found).loss[0].en


def test_one_revision_is_enough_when_the_older_code_runs_there() -> None:
    """r1 reads the kana and does not mind the nickname: 0009 has both, so the nickname is kept."""
    found = plan(R1, may_lose=frozenset({"app.person.kana"}))
    step = next(one for one in found.steps if one.kind is StepKind.DOWNGRADE_SCHEMA)
    assert step.params["to"] == "0009"
    assert [one.subject for one in found.loss] == ["app.person.kana"]
    assert not found.has_downtime


@pytest.mark.parametrize(
    ("migration", "says"),
    [
        (Migration(revision="0010", down_revision="0009", has_way_down=False), "has no downgrade"),
        (Migration(revision="0010", down_revision="0009", is_proven=False), "was never tried"),
    ],
)
def test_a_way_down_that_is_missing_or_was_never_tried_is_none(migration: Migration, says: str) -> None:
    with pytest.raises(RollbackRefused) as refused:
        plan(R1, within=graph(line=(*LINE[:2], migration)), may_lose=ALL_COLUMNS, may_stop=True)
    assert any(says in one.en for one in refused.value.reasons)


def test_without_a_fresh_backup_nothing_is_lost_on_purpose() -> None:
    with pytest.raises(RollbackRefused) as refused:
        plan(R1, facts=replace(FACTS, has_fresh_backup=False), may_lose=ALL_COLUMNS)
    assert any("backup" in one.en for one in refused.value.reasons)
    assert any("verified" in one.says.en for one in refused.value.alternatives)


def test_open_pages_of_the_newer_version_and_its_jobs_are_told_and_drained() -> None:
    facts = replace(FACTS, queued={"greet": 12, "import_people": 3}, scheduled={"greet": 2})
    found = plan(R2, facts=facts)
    assert any("GET /nicknames" in one.en for one in found.breaks)
    assert any("greet 2" in one.en for one in found.breaks)
    drain = next(one for one in found.steps if one.kind is StepKind.DRAIN_JOBS)
    assert drain.params["kinds"] == "greet"
    order = kinds(found)
    assert (
        order.index(StepKind.SWITCH_API) < order.index(StepKind.DRAIN_JOBS) < order.index(StepKind.STOP_API)
    )
    uncounted = plan(R2, facts=replace(FACTS, queued=None))
    assert StepKind.DRAIN_JOBS in kinds(uncounted), "what nobody counted may be waiting"
    assert StepKind.DRAIN_JOBS not in kinds(plan(R2))


def test_pages_that_need_the_newer_api_and_the_reverse_move_as_one_slot() -> None:
    old = replace(
        R2,
        components={
            **R2.components,
            Component.WEB: Build(version="web-2", needs=frozenset({"api:GET /old()"})),
            Component.API: Build(version="api-2", needs=frozenset(), offers=frozenset({"api:GET /old()"})),
        },
    )
    found = plan(old, within=graph(R1, old, R3, R4))
    assert StepKind.SWITCH_BOTH in kinds(found)


def test_an_index_goes_back_with_the_model_that_made_it() -> None:
    def with_ai(release: Release, n: int) -> Release:
        model = Build(version=f"m{n}", needs=frozenset(), offers=frozenset({f"model:e{n}"}))
        index = Build(version=f"i{n}", needs=frozenset({f"model:e{n}"}), offers=frozenset({"index:f1"}))
        api = replace(release.components[Component.API], needs=frozenset({"index:f1"}))
        return replace(
            release,
            components={
                **release.components,
                Component.API: api,
                Component.MODEL: model,
                Component.INDEX: index,
            },
        )

    old, new = with_ai(R3, 3), with_ai(R4, 4)
    found = plan(old, live=new, within=graph(R1, R2, old, new), facts=replace(FACTS, documents_since=40))
    switch = next(one for one in found.steps if one.kind is StepKind.SWITCH_POINTERS)
    assert dict(switch.params) == {"model": "m3", "index": "i3"}, "one without the other finds nothing"
    order = kinds(found)
    assert order.index(StepKind.CATCH_UP_INDEX) < order.index(StepKind.SWITCH_POINTERS)
    # Where the two cannot change in one moment, there is a moment in which nothing is found.
    with pytest.raises(RollbackRefused):
        plan(old, live=new, within=graph(R1, R2, old, new), facts=replace(FACTS, at_once=frozenset()))


def test_prompts_that_are_files_of_the_code_move_with_it_and_never_alone() -> None:
    def with_prompts(release: Release, n: int) -> Release:
        prompt = Build(version=f"p{n}", needs=frozenset(), offers=frozenset({"prompt:hello(who)"}))
        return replace(release, components={**release.components, Component.PROMPT: prompt})

    old, new = with_prompts(R3, 3), with_prompts(R4, 4)
    facts, within = replace(FACTS, in_code=frozenset({Component.PROMPT})), graph(R1, R2, old, new)
    found = plan(old, live=new, within=within, facts=facts)
    assert StepKind.SWITCH_POINTERS not in kinds(found)
    assert fate(found, Component.PROMPT) is Fate.GOES_BACK
    with pytest.raises(RollbackRefused, match="no safe way") as refused:
        plan(old, live=new, within=within, facts=facts, only=frozenset({Component.PROMPT}))
    assert "files of the API's code" in refused.value.reasons[0].en


def test_one_component_alone_goes_back_when_the_others_allow_it() -> None:
    found = plan(R2, only=frozenset({Component.WEB}))
    assert kinds(found) == [StepKind.SWITCH_WEB, StepKind.OBSERVE]
    assert fate(found, Component.API) is Fate.STAYS


def test_what_is_gone_withdrawn_or_the_same_is_refused() -> None:
    for facts, within, to, says in (
        (replace(FACTS, kept=frozenset({"r4"})), graph(), R3, "no longer here"),
        (FACTS, replace(graph(), withdrawn=frozenset({"r3"})), R3, "withdrawn"),
        (FACTS, graph(), R4, "nothing differs"),
    ):
        with pytest.raises(RollbackRefused) as refused:
            plan(to, facts=facts, within=within)
        assert any(says in one.en for one in refused.value.reasons)


def test_what_nobody_recorded_counts_as_used() -> None:
    unwatched = replace(R2, use=None)
    with pytest.raises(RollbackRefused):
        plan(unwatched, within=graph(R1, unwatched, R3, R4))
    unknown = replace(R2, use=None, shape=None)
    with pytest.raises(RollbackRefused) as refused:
        plan(unknown, revision="0010", within=graph(unknown, R3, R4))
    assert any("nobody recorded" in one.en for one in refused.value.reasons)


def test_a_plan_has_one_hash_until_something_that_decides_it_changes() -> None:
    found = plan(R2)
    assert plan(R2).plan_hash == found.plan_hash
    others = (
        plan(R3),
        plan(R2, facts=replace(FACTS, queued={"greet": 1})),
        plan(R2, facts=replace(FACTS, serving=frozenset({"r3", "r4"}))),
        plan(R2, may_stop=True),
        plan(replace(R2, commit="f00d"), within=graph(R1, replace(R2, commit="f00d"), R3, R4)),
    )
    assert len({found.plan_hash, *(one.plan_hash for one in others)}) == 6


def test_a_column_may_go_when_no_release_that_could_come_back_uses_it() -> None:
    kana, live = frozenset({"app.person.kana"}), frozenset({"r4"})
    verdict = judge_drop(graph(), kana, live=live)
    assert verdict.readers == {"r1": kana}
    assert not verdict.is_allowed
    assert judge_drop(replace(graph(), keep=2), kana, live=live).is_allowed, "r1 is out of reach by then"
    assert judge_drop(replace(graph(), withdrawn=frozenset({"r1"})), kana, live=live).is_allowed
    table = judge_drop(graph(), frozenset({"app.person"}), live=live)
    assert set(table.readers) == {"r1", "r2", "r3", "r4"}
    unwatched = replace(R1, use=None, shape=None)
    assert judge_drop(graph(unwatched, R2), kana, live=frozenset({"r2"})).unknown == {"r1"}


def test_an_api_that_asks_for_more_does_not_serve_older_pages() -> None:
    document = {
        "paths": {
            "/people": {
                "post": {
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}
                    },
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"properties": {"id": {}}}}}}
                    },
                }
            }
        },
        "components": {"schemas": {"New": {"required": ["name", "grade"]}}},
    }
    offers = list_operations(document)
    assert offers == {"api:POST /people(grade,name)", "api:POST /people>id"}
    for needs, missing in (
        ({"api:POST /people(grade,name)"}, ()),
        ({"api:POST /people(extra,grade,name)"}, ()),
        ({"api:POST /people(name)"}, ("api:POST /people(name)",)),
        ({"api:POST /people>code"}, ("api:POST /people>code",)),
        ({"model:x"}, ()),
    ):
        assert find_missing(frozenset(needs), offers, of=Component.API) == missing
