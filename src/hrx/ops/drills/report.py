"""What drills say together, beside what is promised: at least 90 % right, at most 3 % wrong blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from hrx.kit.errors import Text
from hrx.ops.drills.experiments import Experiment
from hrx.ops.drills.journal import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts and shares over outcomes; shares are of all drills."""

    drills: int
    noticed: int
    paged_promised: int
    paged_in_time: int
    right_ratio: float
    wrong_ratio: float
    evidence_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds over several runs of one drill. `seen` of them gave a figure; None when none did."""

    seen: int
    median: float | None
    worst: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One drill over its newest runs. `promise_s` is to the page; `evidence_seq` of the newest run."""

    drill: str
    sop: str
    title: Text
    runs: int
    detect: Spread
    page: Spread
    cause: Spread
    recover: Spread
    promise_s: float | None
    right: int
    wrong: int
    wrongly_blamed: tuple[str, ...]
    evidence_seq: int | None
    #: What a drill waits for that has not been run because its part does not stand.
    waits_for: Text | None = None


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    count = len(outcomes) or 1
    return Summary(
        drills=len(outcomes),
        noticed=sum(one.detect_s is not None for one in outcomes),
        paged_promised=sum(one.is_page_in_time is not None for one in outcomes),
        paged_in_time=sum(one.is_page_in_time is True for one in outcomes),
        right_ratio=sum(one.is_right for one in outcomes) / count,
        wrong_ratio=sum(one.wrong_blame for one in outcomes) / count,
        evidence_ratio=sum(one.evidence_complete for one in outcomes) / count,
    )


def newest_runs(
    experiments: Sequence[Experiment], outcomes: Sequence[Outcome], *, runs: int
) -> dict[str, list[Outcome]]:
    """At most so many of the newest outcomes of each drill there is, the newest first."""
    return {one.id: [found for found in outcomes if found.drill == one.id][:runs] for one in experiments}


def tell(experiments: Sequence[Experiment], by_drill: dict[str, list[Outcome]]) -> list[Line]:
    """One line for each drill, in the order of the SOPs."""
    ordered = sorted(experiments, key=lambda one: (one.expects.sop, one.id))
    return [_line(one, by_drill.get(one.id, [])) for one in ordered]


def to_markdown(lines: Sequence[Line], summary: Summary, *, say: Callable[[Text], str]) -> str:
    """The same as a table of Markdown: seconds are the median and, where runs differ, the worst."""
    head = (
        Text(ja="節", en="SOP"),
        Text(ja="訓練", en="Drill"),
        Text(ja="回数", en="Runs"),
        Text(ja="検知", en="Noticed"),
        Text(ja="呼び出し (約束)", en="Paged (promise)"),
        Text(ja="正しい原因", en="Right first cause"),
        Text(ja="復旧", en="Recovered"),
        Text(ja="正答", en="Right"),
        Text(ja="誤った原因", en="Wrong blame"),
        Text(ja="証拠", en="Evidence"),
    )
    rows = [[say(one) for one in head], ["---"] * len(head)]
    rows += [_cells(line, say=say) for line in lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{say(say_summary(summary))}\n"


def say_summary(found: Summary) -> Text:
    """All of it in one sentence."""
    paged = f"{found.paged_in_time} / {found.paged_promised}"
    return Text(
        ja=f"{found.drills} 回実施、{found.noticed} 回検知、約束の時間内の呼び出し {paged}、"
        f"原因の正答 {found.right_ratio:.1%}、誤った原因 {found.wrong_ratio:.1%}、"
        f"証拠がそろった {found.evidence_ratio:.1%}。",
        en=f"{found.drills} runs, {found.noticed} noticed, paged in the promised time {paged}, "
        f"right first cause {found.right_ratio:.1%}, wrong blame {found.wrong_ratio:.1%}, "
        f"evidence complete {found.evidence_ratio:.1%}.",
    )


def _line(experiment: Experiment, runs: Sequence[Outcome]) -> Line:
    return Line(
        drill=experiment.id,
        sop=experiment.expects.sop,
        title=experiment.title,
        runs=len(runs),
        detect=_spread([one.detect_s for one in runs]),
        page=_spread([one.page_s for one in runs]),
        cause=_spread([one.cause_s for one in runs]),
        recover=_spread([one.recover_s for one in runs]),
        promise_s=experiment.expects.page_within_s,
        right=sum(one.is_right for one in runs),
        wrong=sum(one.wrong_blame for one in runs),
        wrongly_blamed=tuple(sorted({cause for one in runs for cause in one.wrongly_blamed})),
        evidence_seq=runs[0].evidence_seq if runs else None,
        waits_for=experiment.waits_for,
    )


def _spread(values: Sequence[float | None]) -> Spread:
    seen = [value for value in values if value is not None]
    return Spread(
        seen=len(seen), median=round(median(seen), 2) if seen else None, worst=max(seen, default=None)
    )


def _cells(line: Line, *, say: Callable[[Text], str]) -> list[str]:
    if not line.runs:
        why = line.waits_for or Text(ja="未実施", en="not run yet")
        return [line.sop, line.drill, "0", *["–"] * 6, say(why)]
    promise = "" if line.promise_s is None else f" (≤ {line.promise_s:g})"
    blamed = f" ({', '.join(line.wrongly_blamed)})" if line.wrongly_blamed else ""
    return [
        line.sop,
        line.drill,
        str(line.runs),
        say_spread(line.detect, runs=line.runs),
        say_spread(line.page, runs=line.runs) + promise,
        say_spread(line.cause, runs=line.runs),
        say_spread(line.recover, runs=line.runs),
        f"{line.right}/{line.runs}",
        f"{line.wrong}/{line.runs}{blamed}",
        "–" if line.evidence_seq is None else f"#{line.evidence_seq}",
    ]


def say_spread(found: Spread, *, runs: int) -> str:
    """`3.4 s`, or `3.4 … 5.1 s` (median … worst); how often it was seen when that was not every time."""
    if found.median is None or found.worst is None:
        return "–"
    worst = "" if found.worst - found.median < 0.05 else f" … {found.worst:.1f}"
    missing = "" if found.seen == runs else f" ({found.seen}/{runs})"
    return f"{found.median:.1f}{worst} s{missing}"
