"""From an order of moves to steps that people read and a runner runs: each with its reason and its undo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.plan import Effect
from hrx.ops.release.releases import Component
from hrx.ops.release.rollback.losing import WayDown
from hrx.ops.release.rollback.plans import RollbackStep, StepKind
from hrx.ops.release.rollback.searching import Case, Move, MoveKind, list_count_again
from hrx.ops.release.rollback.words import name_components, name_jobs

_POINTERS: Final = frozenset({Component.MODEL, Component.PROMPT, Component.INDEX})


def list_steps(
    case: Case, moves: tuple[Move, ...], *, drains: Mapping[str, int | None]
) -> tuple[RollbackStep, ...]:
    """Every step in its order. `drains`: kinds of waiting jobs that only the newer worker knows."""
    steps: list[RollbackStep] = []
    is_closed = False
    for move in moves:
        if move.kind is MoveKind.STOP:
            steps += _close(case, drains)
            is_closed = True
        elif move.kind is MoveKind.START:
            steps += _open(case)
            is_closed = False
        elif Component.API in move.components:
            steps += _switch_api(case, with_web=Component.WEB in move.components, drains=drains)
        elif Component.WEB in move.components:
            steps.append(_switch_web(case, is_closed=is_closed))
        elif move.components <= _POINTERS:
            steps += _switch_pointers(case, move.components)
        elif Component.SETTINGS in move.components:
            steps.append(_apply_settings(case))
        elif case.way is not None:
            steps.append(_downgrade(case, case.way))
    return (*steps, _observe(case))


def _switch_api(case: Case, *, with_web: bool, drains: Mapping[str, int | None]) -> Iterator[RollbackStep]:
    live, to = case.live.id, case.to.id
    if to not in case.facts.warm | case.facts.serving:
        yield _start(case)
    if with_web:
        yield RollbackStep(
            kind=StepKind.SWITCH_BOTH,
            name=Text(ja=f"画面と API を同時に {to} へ", en=f"Send pages and API to {to} at once"),
            reason=Text(
                ja="画面と API は片方だけでは動かないため、スロットごと切り替えます",
                en="neither works with the other's older or newer half, so the whole slot is switched",
            ),
            effect=Effect.UNDOABLE,
            params={"to": to},
            undo=Text(ja=f"{live} のスロットへ戻す", en=f"switch back to the slot of {live}"),
        )
    else:
        yield RollbackStep(
            kind=StepKind.SWITCH_API,
            name=Text(ja=f"API のリクエストを {to} へ", en=f"Send requests of the API to {to}"),
            reason=Text(
                ja="HAProxy への 1 命令で切り替わり、処理中のリクエストは最後まで続きます",
                en="one command to HAProxy; requests in progress are finished where they are",
            ),
            effect=Effect.UNDOABLE,
            params={"to": to},
            undo=Text(ja=f"リクエストを {live} へ戻す", en=f"send requests back to {live}"),
        )
    if drains:
        yield _drain(case, drains)
    yield RollbackStep(
        kind=StepKind.STOP_API,
        name=Text(ja=f"{to} 以外のワーカーを止める", en=f"Stop the workers of all but {to}"),
        reason=Text(
            ja=f"同じジョブを 2 つの版が実行しないように。{live} の API はすぐ戻れるよう待機させます",
            en=f"no job is run by two versions; the API of {live} stays warm, for the way forward",
        ),
        effect=Effect.UNDOABLE,
        params={"keep": to},
        undo=Text(ja=f"{live} のワーカーを起動する", en=f"start the worker of {live}"),
    )


def _start(case: Case) -> RollbackStep:
    to = case.to.id
    return RollbackStep(
        kind=StepKind.START_API,
        name=Text(ja=f"{to} を空いているスロットで起動", en=f"Start {to} in the free slot"),
        reason=Text(
            ja="準備ができるまで、リクエストは今の版が受けます",
            en="until it is ready, requests stay with the present version",
        ),
        effect=Effect.UNDOABLE,
        params={"release": to},
        undo=Text(ja=f"{to} を止める", en=f"stop {to}"),
    )


def _drain(case: Case, drains: Mapping[str, int | None]) -> RollbackStep:
    kinds = name_jobs(drains)
    return RollbackStep(
        kind=StepKind.DRAIN_JOBS,
        name=Text(
            ja=f"{case.live.id} のワーカーで残りのジョブを終える({kinds.ja})",
            en=f"Let the worker of {case.live.id} finish its own jobs ({kinds.en})",
        ),
        reason=Text(
            ja=f"{case.to.id} のワーカーはこの種類のジョブを知りません",
            en=f"the worker of {case.to.id} does not know this kind of job",
        ),
        effect=Effect.PASSING,
        params={"worker": case.live.id, "kinds": ",".join(sorted(drains))},
    )


def _switch_web(case: Case, *, is_closed: bool) -> RollbackStep:
    live, to = case.live.id, case.to.id
    because_closed = Text(ja="閉じている間に切り替えます", en="done while nobody is let in")
    because_open = Text(
        ja="新しく開く画面から順に戻します。開いている画面の部品は残します",
        en="pages opened from now on are the older ones; files of open pages stay available",
    )
    return RollbackStep(
        kind=StepKind.SWITCH_WEB,
        name=Text(ja=f"画面を {to} へ", en=f"Serve the pages of {to}"),
        reason=because_closed if is_closed else because_open,
        effect=Effect.UNDOABLE,
        params={"to": to},
        undo=Text(ja=f"画面を {live} へ戻す", en=f"serve the pages of {live} again"),
    )


def _switch_pointers(case: Case, components: frozenset[Component]) -> Iterator[RollbackStep]:
    if Component.INDEX in components and case.facts.documents_since != 0:
        count = case.facts.documents_since
        count_ja = "件数は不明" if count is None else f"{count:,} 件"
        count_en = "nobody counted them" if count is None else f"{count:,}"
        yield RollbackStep(
            kind=StepKind.CATCH_UP_INDEX,
            name=Text(
                ja=f"以前の検索インデックスに不足している文書を加える({count_ja})",
                en=f"Add to the older search index what it lacks (documents: {count_en})",
            ),
            reason=Text(
                ja="切り替わった後に登録された文書が検索に出ないことを防ぎます",
                en="or documents that came since would not be found",
            ),
            effect=Effect.PASSING,
            params={"index": case.to.find_version(Component.INDEX) or ""},
        )
    named = name_components(components)
    versions = {one.value: case.to.find_version(one) or "" for one in components}
    back = ", ".join(case.live.find_version(one) or "" for one in sorted(components))
    yield RollbackStep(
        kind=StepKind.SWITCH_POINTERS,
        name=Text(
            ja=f"{named.ja}を {', '.join(versions.values())} へ",
            en=f"Use {named.en} {', '.join(versions.values())}",
        ),
        reason=Text(
            ja="一緒に試された組み合わせにそろえます"
            if len(components) == 1
            else "同時に切り替えないと組み合わせが合いません",
            en="so that what runs together was tested together"
            if len(components) == 1
            else "one without the other would not work, so both change in one transaction",
        ),
        effect=Effect.UNDOABLE,
        params=versions,
        undo=Text(ja=f"{back} へ戻す", en=f"use {back} again"),
    )


def _apply_settings(case: Case) -> RollbackStep:
    return RollbackStep(
        kind=StepKind.APPLY_SETTINGS,
        name=Text(ja=f"設定を {case.to.id} のものにする", en=f"Apply the settings of {case.to.id}"),
        reason=Text(
            ja="再起動したプロセスが、この版に必要な設定を読めるように",
            en="a process that starts again must find what this version needs",
        ),
        effect=Effect.UNDOABLE,
        params={"release": case.to.id},
        undo=Text(ja=f"設定を {case.live.id} のものに戻す", en=f"apply the settings of {case.live.id} again"),
    )


def _downgrade(case: Case, way: WayDown) -> RollbackStep:
    is_lossy = bool(way.losses)
    names = ", ".join(way.migrations)
    return RollbackStep(
        kind=StepKind.DOWNGRADE_SCHEMA,
        name=Text(
            ja=f"スキーマを {case.schema.revision} から {way.revision} へ戻す",
            en=f"Take the schema from {case.schema.revision} down to {way.revision}",
        ),
        reason=Text(
            ja=f"{case.to.id} は今のスキーマでは動きません(戻すマイグレーション: {names})",
            en=f"{case.to.id} does not run on the present schema (taken back: {names})",
        ),
        effect=Effect.IRREVERSIBLE if is_lossy else Effect.UNDOABLE,
        params={"from": case.schema.revision, "to": way.revision},
        undo=None
        if is_lossy
        else Text(
            ja=f"スキーマを {case.schema.revision} へ上げ直す",
            en=f"take the schema up to {case.schema.revision} again",
        ),
    )


def _close(case: Case, drains: Mapping[str, int | None]) -> Iterator[RollbackStep]:
    yield RollbackStep(
        kind=StepKind.CLOSE,
        name=Text(
            ja="メンテナンス画面に切り替え、API を止める", en="Show the maintenance page and stop the API"
        ),
        reason=Text(
            ja="この先のスキーマでは、どちらの版も同時には動けません",
            en="on the way no version runs on what the other needs",
        ),
        effect=Effect.UNDOABLE,
        params={},
        undo=Text(ja=f"{case.live.id} を起動して開く", en=f"start {case.live.id} and open again"),
    )
    if drains:
        yield _drain(case, drains)
    yield RollbackStep(
        kind=StepKind.STOP_API,
        name=Text(ja="ワーカーを止める", en="Stop the worker"),
        reason=Text(ja="この先はどの版も動かしません", en="from here on no version runs"),
        effect=Effect.UNDOABLE,
        params={"keep": ""},
        undo=Text(ja=f"{case.live.id} のワーカーを起動する", en=f"start the worker of {case.live.id}"),
    )
    subjects = list_count_again(case)
    if subjects:
        yield _count_again(case, subjects)


def _count_again(case: Case, subjects: tuple[str, ...]) -> RollbackStep:
    named = ", ".join(subjects)
    return RollbackStep(
        kind=StepKind.COUNT_ROWS,
        name=Text(ja=f"もう一度数える({named})", en=f"Count once more ({named})"),
        reason=Text(
            ja=f"止めるまでに書かれたかもしれません。1 行でもあれば {case.live.id} で開き直します",
            en=f"until the stop somebody may have written one; a single row, and {case.live.id} opens again",
        ),
        effect=Effect.READS,
        params={"subjects": ",".join(subjects)},
    )


def _open(case: Case) -> Iterator[RollbackStep]:
    yield _start(case)
    yield RollbackStep(
        kind=StepKind.OPEN,
        name=Text(ja=f"{case.to.id} で再開する", en=f"Open again with {case.to.id}"),
        reason=Text(ja="準備完了を確かめてから開きます", en="once it says that it is ready"),
        effect=Effect.UNDOABLE,
        params={"to": case.to.id},
        undo=Text(ja="もう一度メンテナンス画面に切り替える", en="show the maintenance page again"),
    )


def _observe(case: Case) -> RollbackStep:
    return RollbackStep(
        kind=StepKind.OBSERVE,
        name=Text(ja="外から確かめる", en="Look from outside"),
        reason=Text(
            ja="版、準備状態、エラー率が戻ったことを見てから、完了とします",
            en="done means that version, readiness and errors were seen to be back",
        ),
        effect=Effect.READS,
        params={"release": case.to.id},
    )
