"""What drills measured, as tables of the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from hrx.cli import output
from hrx.kit.errors import Text
from hrx.ops.drills.journal import Outcome
from hrx.ops.drills.report import Line, Summary, say_spread, summarise

LINE_COLUMNS: Final = (
    Text(ja="訓練", en="Drill"),
    Text(ja="節", en="SOP"),
    Text(ja="回数", en="Runs"),
    Text(ja="検知", en="Noticed"),
    Text(ja="呼出", en="Paged"),
    Text(ja="原因", en="Cause"),
    Text(ja="復旧", en="Recovered"),
    Text(ja="正答", en="Right"),
    Text(ja="誤り", en="Wrong"),
    Text(ja="証拠", en="Evidence"),
)


def line_row(one: Line) -> list[str]:
    if not one.runs:
        why = output.say(one.waits_for or Text(ja="未実施", en="not run yet"))
        return [one.drill, one.sop, "0", *["–"] * 6, why]
    spreads = [say_spread(found, runs=one.runs) for found in (one.detect, one.page, one.cause, one.recover)]
    evidence = "–" if one.evidence_seq is None else f"#{one.evidence_seq}"
    shares = [f"{one.right}/{one.runs}", f"{one.wrong}/{one.runs}"]
    return [one.drill, one.sop, str(one.runs), *spreads, *shares, evidence]


def show_outcomes(
    outcomes: list[Outcome], *, as_json: bool, not_run: Sequence[Mapping[str, str]] = ()
) -> None:
    summary = summarise(outcomes)
    if as_json:
        items = [asdict(one) for one in outcomes]
        output.show_json({"items": items, "not_run": list(not_run), "summary": asdict(summary)})
        return
    columns = (
        Text(ja="訓練", en="Drill"),
        Text(ja="節", en="SOP"),
        Text(ja="検知", en="Noticed"),
        Text(ja="呼出", en="Paged"),
        Text(ja="原因", en="Cause"),
        Text(ja="復旧", en="Recovered"),
        Text(ja="最初の原因", en="First cause"),
        Text(ja="復旧方法", en="Repaired by"),
        Text(ja="問題", en="Problem"),
    )
    output.show_table(columns, [_row(one) for one in outcomes])
    if not_run:
        what, why = Text(ja="実施しなかった訓練", en="Not run"), Text(ja="理由", en="Why")
        output.show_table((what, why), [[one["drill"], one["says"]] for one in not_run])
    show_summary(summary)


def _row(one: Outcome) -> list[str]:
    mark = "✓" if one.is_right else "✗" if one.wrong_blame else "–"
    also = f" (✗ {', '.join(one.wrongly_blamed)})" if one.wrong_blame else ""
    cause = f"{mark} {one.first_cause or 'unknown'}{also}"
    seconds = [seconds_of(value) for value in (one.detect_s, one.page_s, one.cause_s, one.recover_s)]
    return [one.drill, one.sop, *seconds, cause, one.repaired_by, one.problem or ""]


def seconds_of(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def show_summary(found: Summary) -> None:
    output.show_facts(
        [
            (Text(ja="実施", en="Drills"), str(found.drills)),
            (Text(ja="検知した", en="Noticed"), f"{found.noticed}"),
            (
                Text(ja="約束の時間内に呼び出した", en="Paged in the promised time"),
                f"{found.paged_in_time} / {found.paged_promised}",
            ),
            (Text(ja="原因が正しい", en="Right first cause"), f"{found.right_ratio:.0%}"),
            (Text(ja="誤った原因", en="Wrong blame"), f"{found.wrong_ratio:.0%}"),
            (Text(ja="証拠がそろった", en="Evidence complete"), f"{found.evidence_ratio:.0%}"),
        ]
    )
