"""A comparison in words and rows: the command line and the console say the same. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.gating.counting import Side, find_percentile
from hrx.ops.release.gating.judging import Judgement, Reason, Verdict
from hrx.ops.release.gating.observing import Observations
from hrx.ops.release.gating.policy import Policy

VERDICTS: Final[dict[Verdict | None, Text]] = {
    Verdict.PROMOTE: Text(ja="進めてよい", en="promote"),
    Verdict.ROLL_BACK: Text(ja="戻す", en="roll back"),
    Verdict.ASK: Text(ja="人に確認", en="ask a person"),
    None: Text(ja="比較中", en="comparing"),
}
REASONS: Final[dict[Reason, Text]] = {
    Reason.WAITING_FOR_READINESS: Text(
        ja="新しい版の準備ができるのを待っています", en="waiting until the new version is ready"
    ),
    Reason.WATCHING: Text(ja="まだ差があるともないとも言えません", en="nothing can be said for certain yet"),
    Reason.NEVER_READY: Text(
        ja="新しい版は時間内に準備ができませんでした", en="the new version did not become ready in time"
    ),
    Reason.NO_LONGER_READY: Text(
        ja="新しい版が応答しなくなりました", en="the new version is no longer ready"
    ),
    Reason.MACHINE_STARVED: Text(
        ja="機械が混みすぎて元の版も応答が間に合わず、どちらが悪いとも言えません。負荷を下げてから判断してください",
        en="the machine is too busy for either version to answer in time: ease its load, then decide",
    ),
    Reason.MORE_ERRORS: Text(
        ja="新しい版のエラーは元の版より多いと確認されました",
        en="the new version is shown to fail more often than the old one",
    ),
    Reason.SLOWER: Text(
        ja="新しい版の応答は元の版より遅いと確認されました",
        en="the new version is shown to answer more slowly than the old one",
    ),
    Reason.HARM_BUDGET_SPENT: Text(
        ja="許容されるエラー数に達しましたが、新しい版が原因とは確認できていません",
        en="as many requests have failed as may, though the new version is not proven to be the cause",
    ),
    Reason.TOO_LITTLE_TRAFFIC: Text(
        ja="要求が少なく、時間内に判断できませんでした", en="there were too few requests to decide in time"
    ),
    Reason.NOT_CLEAR: Text(
        ja="時間内に、良いとも悪いとも確認できませんでした",
        en="the new version was shown neither good nor bad in time",
    ),
    Reason.AS_GOOD_AS_BEFORE: Text(
        ja="新しい版は元の版と同等です", en="the new version is as good as the old one"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRow:
    """One version in the table. `weight_percent` is its part of new requests; `p95_ms` is the lower end of
    the bucket of the 95th percentile, None while nothing was answered."""

    slot: str
    role: Text
    weight_percent: int
    requests: int
    errors: int
    p95_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """A comparison as shown: two rows, and how it stands."""

    service: str
    rows: tuple[SlotRow, SlotRow]
    harm: Text
    verdict: Text
    reason: Text
    evidence: Text


HEADINGS: Final = (
    Text(ja="スロット", en="Slot"),
    Text(ja="割合", en="Share"),
    Text(ja="要求", en="Requests"),
    Text(ja="エラー", en="Errors"),
    Text(ja="p95", en="p95"),
)


def show_comparison(
    service: str,
    seen: Observations,
    judgement: Judgement,
    policy: Policy,
    *,
    old_slot: str,
    new_slot: str,
    percent: int,
) -> ComparisonView:
    """The table of a running comparison in which the new slot gets `percent` of new requests."""
    return ComparisonView(
        service=service,
        rows=(
            _row(old_slot, Text(ja="元の版", en="old"), 100 - percent, seen.old),
            _row(new_slot, Text(ja="新しい版", en="new"), percent, seen.new),
        ),
        harm=Text(
            ja=f"許容 {policy.harm_budget} 件のうち {judgement.harm:.1f} 件",
            en=f"{judgement.harm:.1f} of at most {policy.harm_budget} bad answers",
        ),
        verdict=VERDICTS[judgement.verdict],
        reason=REASONS[judgement.reason],
        evidence=_say_evidence(judgement),
    )


def row_cells(row: SlotRow) -> tuple[Text, ...]:
    """The cells of a row, under HEADINGS."""
    p95 = "–" if row.p95_ms is None else "< 1 ms" if row.p95_ms == 0 else f"{row.p95_ms} ms"
    plain = (f"{row.weight_percent} %", f"{row.requests:,}", f"{row.errors:,}", p95)
    return (
        Text(ja=f"{row.slot}({row.role.ja})", en=f"{row.slot} ({row.role.en})"),
        *(Text(ja=cell, en=cell) for cell in plain),
    )


def say_verdict(judgement: Judgement) -> Text:
    """Verdict and reason in one line."""
    verdict, reason = VERDICTS[judgement.verdict], REASONS[judgement.reason]
    return Text(ja=f"{verdict.ja}: {reason.ja}", en=f"{verdict.en}: {reason.en}")


def _row(slot: str, role: Text, percent: int, side: Side) -> SlotRow:
    return SlotRow(
        slot=slot,
        role=role,
        weight_percent=percent,
        requests=side.requests,
        errors=side.bad,
        p95_ms=find_percentile(side.total.took, 0.95),
    )


def _say_evidence(judgement: Judgement) -> Text:
    found = judgement.evidence
    return Text(
        ja=f"「悪い」の確からしさ: エラー {_times(found.errors)} 倍、遅さ {_times(found.latency)} 倍"
        f"({_times(found.needed)} 倍で戻す)。新しい版のエラーは多くても {found.errors_at_most:.1%}"
        f"(進めるには {found.errors_allowed:.1%} 以下)",
        en=f"“worse” is likelier by: errors × {_times(found.errors)}, latency × {_times(found.latency)} "
        f"(rolled back at × {_times(found.needed)}); errors of the new version at most "
        f"{found.errors_at_most:.1%} (to go on: {found.errors_allowed:.1%})",
    )


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
