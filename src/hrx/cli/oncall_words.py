"""How commands say the roster: periods, proofs, changes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from hrx.cli import output
from hrx.kit.errors import Text
from hrx.ops.paging.roster_words import name_policy, say_gaps, say_moment, say_weak
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.proving import Gap, PolicyProof, Proof
from hrx.ops.schedules.rotation import OnCallChange

_SHOWN = 20


def zone_of(plane: Plane) -> str:
    """The office's time zone."""
    return plane.content.respond.calendar.zone.key


def say_period(start: datetime, end: datetime, *, zone: str) -> str:
    return f"{say_moment(start, zone=zone)} – {say_moment(end, zone=zone)}"


def show_proof(plane: Plane, proof: Proof, *, took_s: float) -> None:
    """One line a severity, then each gap and weak spot."""
    zone = zone_of(plane)
    for one in proof.policies:
        mark = "✓" if one.is_covered else "✗"
        print(f"{mark} {output.say(name_policy(one.policy))}  {output.say(_sum_up(one))}")
        spots = [("✗", spot) for spot in say_gaps(plane.content, one.gaps, zone=zone)]
        spots += [("!", spot) for spot in say_weak(plane.content, one, zone=zone)]
        for sign, (when, why) in spots[:_SHOWN]:
            print(f"    {sign} {when}  {output.say(why)}")
        rest = len(spots) - _SHOWN
        if rest > 0:
            print(output.say(Text(ja=f"    … ほか {rest} 件", en=f"    … and {rest} more")))
    ended = say_moment(proof.end, zone=zone)
    print(
        output.say(
            Text(
                ja=f"{ended} ({zone}) まで調べました({took_s:.2f} 秒)。",
                en=f"Looked until {ended} ({zone}) in {took_s:.2f} s.",
            )
        )
    )


def _sum_up(one: PolicyProof) -> Text:
    if not one.needed:
        return Text(ja="人は呼び出さない", en="pages nobody")
    if one.is_covered:
        return Text(ja="いつでも誰かに連絡できる", en="somebody can be reached at every moment")
    missing = sum(((gap.span.end - gap.span.start).total_seconds() for gap in one.gaps), 0.0) / 3600
    return Text(
        ja=f"誰にも連絡できない時間が {len(one.gaps)} か所、計 {missing:.1f} 時間ある",
        en=f"{len(one.gaps)} gaps, {missing:.1f} hours in which nobody can be reached",
    )


def gap_to_document(policy: str, gap: Gap) -> dict[str, object]:
    return {
        "policy": policy,
        "step": gap.step,
        "start": gap.span.start,
        "end": gap.span.end,
        "reasons": [{**asdict(one), "why": one.why.value} for one in gap.reasons],
    }


def change_to_document(one: OnCallChange) -> dict[str, object]:
    return {**asdict(one), "kind": one.kind.value}
