"""What other rooms wrote into an incident's ledger, as sentences of its time line: paging and triage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from hrx.kit.errors import Text
from hrx.ops import words
from hrx.ops.ledger.entries import Kind

# `Any`: the bodies of entries are JSON.
Body = Mapping[str, Any]


def retell(kind: Kind, body: Body) -> Text | None:
    """The entry as a sentence; None when its room is not one of these, or says what we do not know."""
    found = _TELLERS.get((kind, str(body.get("outcome", ""))))
    return found(body) if found is not None else None


def _paged(body: Body) -> Text:
    who = _name(body)
    step, turn = body.get("step", "?"), body.get("round", 1)
    again_ja, again_en = (f"・{turn} 巡目", f", round {turn}") if turn != 1 else ("", "")
    skipped = ", ".join(str(one) for one in body.get("skipped", ()))
    over_ja = f"。連絡できない段を飛ばしました: {skipped}" if skipped else ""
    over_en = f"; skipped, nobody to reach: {skipped}" if skipped else ""
    loud_ja, loud_en = ("。すべての手段で", "; by every channel") if body.get("all_channels") else ("", "")
    return Text(
        ja=f"呼び出し(第 {step} 段{again_ja}): {who.ja}{loud_ja}{over_ja}",
        en=f"Paged {who.en} (step {step}{again_en}){loud_en}{over_en}",
    )


def _manager_told(body: Body) -> Text:
    who = _name(body)
    return Text(
        ja=f"インシデントマネージャーに知らせました: {who.ja}", en=f"Told the incident manager: {who.en}"
    )


def _name(body: Body) -> Text:
    """Those who were paged, by name as far as the contacts know them."""
    names: Mapping[str, Text] = body.get("names", {})
    found = [names.get(str(one), Text(ja=str(one), en=str(one))) for one in body.get("people", ())]
    return Text(ja="、".join(one.ja for one in found) or "–", en=", ".join(one.en for one in found) or "–")


def _nobody(_: Body) -> Text:
    return Text(
        ja="連絡できる人が誰もいません。1 分後にもう一度探します",
        en="Nobody can be reached; looking again within a minute",
    )


def _exhausted(body: Body) -> Text:
    return Text(
        ja=f"全員を {body.get('round', '?')} 巡呼び出しましたが、誰も応じていません",
        en=f"Everybody was paged {body.get('round', '?')} times and nobody answered",
    )


def _waits(body: Body) -> Text:
    until = datetime.fromisoformat(str(body["until"]))
    return Text(
        ja=f"営業時間外です。{until:%m-%d %H:%M} (UTC) に呼び出します",
        en=f"The office is closed; people are paged at {until:%m-%d %H:%M} UTC",
    )


def _undeliverable(body: Body) -> Text:
    channel = words.find("channel", str(body.get("channel", "–")))
    whom = str(body.get("recipient", "–")).removeprefix("place:")
    says = str(body.get("says", ""))
    return Text(
        ja=f"{whom} へ {channel.ja} で届けられませんでした: {says}",
        en=f"Could not reach {whom} by {channel.en}: {says}",
    )


def _triage(body: Body) -> Text:
    causes = body.get("causes", [])
    first = next((one for one in causes if one.get("id") == body.get("first_cause")), None)
    seconds = round(float(body.get("took_ms", 0)) / 1000, 1)
    asked = len(body.get("evidence", []))
    if first is None:
        return Text(
            ja=f"自動診断: 原因はまだ分かりません(確認 {asked} 件、{seconds} 秒)",
            en=f"Triage: the cause is not known yet ({asked} checks, {seconds} s)",
        )
    others = sum(1 for one in causes if one.get("verdict") == "supported") - 1
    more_ja, more_en = (
        (f"、ほかに {others} 件が成り立つ", f"; {others} more hold") if others > 0 else ("", "")
    )
    return Text(
        ja=f"自動診断: {first['title']['ja']}(確認 {asked} 件、{seconds} 秒{more_ja})",
        en=f"Triage: {first['title']['en']} ({asked} checks, {seconds} s{more_en})",
    )


_TELLERS: Final[Mapping[tuple[Kind, str], Callable[[Body], Text]]] = {
    (Kind.ESCALATION, "paged"): _paged,
    (Kind.ESCALATION, "manager_told"): _manager_told,
    (Kind.ESCALATION, "nobody_reachable"): _nobody,
    (Kind.ESCALATION, "exhausted"): _exhausted,
    (Kind.ESCALATION, "waits_for_opening"): _waits,
    (Kind.NOTIFICATION, "undeliverable"): _undeliverable,
    (Kind.TRIAGE, ""): _triage,
}
