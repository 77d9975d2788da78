"""Where a rollout stands, in sentences. Pure."""

from __future__ import annotations

from typing import Final, assert_never

from hrx.kit.errors import Text
from hrx.ops.release.gating.judging import Reason, judge
from hrx.ops.release.gating.wording import REASONS, ComparisonView, show_comparison
from hrx.ops.release.strategies.progress import Progress, Stand, Why
from hrx.ops.release.strategies.rollout import Step, StepKind, Strategy, plan_steps, stage_policy

STRATEGIES: Final[dict[Strategy, Text]] = {
    Strategy.ROLLING: Text(ja="ローリング(サービスごとに順に)", en="rolling (service after service)"),
    Strategy.BLUE_GREEN: Text(ja="ブルー/グリーン(一度に切り替え)", en="blue/green (all at once)"),
    Strategy.CANARY: Text(ja="カナリア(一部の要求から)", en="canary (a share of requests first)"),
}
WHYS: Final[dict[Why, Text]] = {
    Why.ASKED_FOR: Text(ja="指示により", en="as somebody asked"),
    Why.NOT_STARTED: Text(ja="新しい版を起動できませんでした", en="the new version could not be started"),
    Why.STATE_NOT_SAVED: Text(ja="記録を書けませんでした", en="the record could not be written"),
    Why.OLD_NOT_READY: Text(
        ja="元の版が起動しないため、戻せません",
        en="the old version does not start, so there is no way back yet",
    ),
}


def say_step(step: Step) -> Text:
    """What a step does."""
    names = " ".join(step.services)
    match step.kind:
        case StepKind.WAKE:
            return Text(ja=f"{names} を起動し、準備を確認", en=f"start {names} and wait until ready")
        case StepKind.SHARE:
            return Text(
                ja=f"{names} の要求の {step.percent} % で比較",
                en=f"compare under {step.percent} % of the requests of {names}",
            )
        case StepKind.SWITCH:
            return Text(ja=f"{names} の要求をすべて切り替え", en=f"send all requests of {names} over")
        case StepKind.WATCH:
            return Text(ja=f"切り替え後の {names} を観察", en=f"watch {names} after the switch")
        case StepKind.DRAIN:
            return Text(
                ja=f"元の {names} の処理中の要求が終わるのを待つ",
                en=f"let requests of the old {names} come to their end",
            )
        case _:
            assert_never(step.kind)


def say_reason(reason: Reason | Why | None) -> Text:
    if reason is None:
        return Text(ja="", en="")
    return WHYS[reason] if isinstance(reason, Why) else REASONS[reason]


def say_progress(progress: Progress) -> Text:
    """Where it stands and what to type next: one or two sentences."""
    release, why = progress.rollout.release_id, say_reason(progress.reason)
    count = len(plan_steps(progress.rollout))
    step = progress.current
    does = say_step(step) if step is not None else Text(ja="完了", en="done")
    at = Text(
        ja=f"手順 {progress.step + 1}/{count}({does.ja})",
        en=f"step {progress.step + 1} of {count} ({does.en})",
    )
    match progress.stand:
        case Stand.RUNNING:
            return Text(
                ja=f"リリース {release} は{at.ja}の途中です。`hrx release deploy` で続き、"
                "`hrx release rollback` で戻ります。",
                en=f"Release {release} is at {at.en}. `hrx release deploy` goes on, "
                "`hrx release rollback` goes back.",
            )
        case Stand.ASKING:
            return Text(
                ja=f"リリース {release} は{at.ja}で確認を待っています: {why.ja}。"
                "`hrx release promote` で進め、`hrx release rollback` で戻してください。",
                en=f"Release {release} waits at {at.en} for a decision: {why.en}. "
                "`hrx release promote` goes on, `hrx release rollback` goes back.",
            )
        case Stand.UNDOING:
            return Text(
                ja=f"リリース {release} を戻しています: {why.ja}。"
                "中断したときは `hrx release rollback` で続きます。",
                en=f"Release {release} is being rolled back: {why.en}. "
                "`hrx release rollback` goes on if it was interrupted.",
            )
        case Stand.PROMOTED:
            return Text(
                ja=f"リリース {release} がすべての要求を受けています。",
                en=f"Release {release} takes all requests.",
            )
        case Stand.ROLLED_BACK:
            return Text(
                ja=f"リリース {release} を戻しました: {why.ja}。エラーは {progress.harm:.1f} 件でした。",
                en=f"Release {release} was rolled back: {why.en}. Bad answers: {progress.harm:.1f}.",
            )
        case _:
            assert_never(progress.stand)


def show_comparisons(progress: Progress) -> tuple[ComparisonView, ...]:
    """The tables of the comparisons under way; empty between them."""
    step, policy = progress.current, stage_policy(progress.rollout)
    if step is None:
        return ()
    percent = step.percent if step.kind is StepKind.SHARE else 100
    return tuple(
        show_comparison(
            service,
            seen,
            judge(seen, policy),
            policy,
            old_slot=progress.rollout.old.value,
            new_slot=progress.rollout.new.value,
            percent=0 if progress.is_withdrawn else percent,
        )
        for service, seen in progress.seen.items()
    )
