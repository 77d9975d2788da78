"""An incident's time line in words: each ledger entry as one sentence in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from hrx.kit.errors import Text
from hrx.ops import words
from hrx.ops.incidents.repairs import list_repairs
from hrx.ops.incidents.retelling import retell
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.run.plane import Plane

#: Changes that signals cause by themselves.
_OF_SIGNALS: Final = ("cause_moved", "absorbed", "quiet", "stayed_quiet", "relapsed", "severity_raised")
# `Any`: the bodies of entries are JSON.
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the time line."""

    entry: Entry
    text: Text
    topic: str


def list_story(
    plane: Plane, incident_id: int, *, topic: str = "", before_seq: int | None = None, limit: int = 100
) -> list[Told]:
    """What happened to an incident, newest first; `topic` keeps one of signals, people, clocks, others."""
    wanted = EntryFilter(subject=f"incident:{incident_id}", before_seq=before_seq)
    zone, people = plane.content.respond.calendar.zone, plane.content.contacts.names
    own = [
        Told(entry=entry, text=tell(entry, zone=zone, people=people), topic=topic_of(entry))
        for entry in plane.ledger.list_entries(wanted, limit=limit)
    ]
    # A repair is about a part and not about the incident, so it is found by the plan that names it.
    repairs = [
        Told(entry=entry, text=text, topic="people")
        for entry, text in list_repairs(plane, incident_id)
        if before_seq is None or entry.seq < before_seq
    ]
    found = sorted((*own, *repairs), key=lambda told: told.entry.seq, reverse=True)[:limit]
    return [told for told in found if not topic or told.topic == topic]


def topic_of(entry: Entry) -> str:
    """Which filter of the time line shows this entry."""
    change = str(entry.body.get("change", ""))
    if entry.kind is Kind.SIGNALS or change in _OF_SIGNALS:
        return "signals"
    if change in ("breached", "forecast", "paused", "continued"):
        return "clocks"
    return "people" if entry.kind in (Kind.INCIDENT_OPENED, Kind.INCIDENT_CHANGED) else "others"


def tell(entry: Entry, *, zone: ZoneInfo, people: Mapping[str, Text] = MappingProxyType({})) -> Text:
    """The entry as a sentence; of a room that we do not know, what it says of itself.

    `people` are the names of contacts by their id; who is not among them is called by the id."""
    body = {**entry.body, "zone": zone, "names": people}
    if entry.kind is Kind.INCIDENT_OPENED:
        return _opened(body)
    if entry.kind in (Kind.SIGNALS, Kind.INCIDENT_CHANGED):
        teller = _TELLERS.get(str(body.get("change", "")))
        if teller is not None:
            return teller(body)
    retold = retell(entry.kind, body)
    if retold is not None:
        return retold
    for key in ("message", "summary", "title"):
        found = body.get(key)
        if isinstance(found, Mapping) and "ja" in found and "en" in found:
            return Text(ja=str(found["ja"]), en=str(found["en"]))
    return words.find("kind", entry.kind.value)


def _opened(body: Body) -> Text:
    title = body.get("title", {})
    title = {language: str(said).rstrip("。.") for language, said in title.items()}
    since = f"SEV{body.get('severity', '?')}"
    more_ja = f"(障害 {body['follows']} の再発)" if body.get("follows") else ""
    more_en = f" It follows incident {body['follows']}." if body.get("follows") else ""
    if body.get("split_from"):
        why_ja, why_en = _why(body)
        more_ja = f"(障害 {body['split_from']} から分離{why_ja})"
        more_en = f" It was split off from incident {body['split_from']}{why_en}."
    return Text(
        ja=f"{since} として発生: {title.get('ja', '')}{more_ja}",
        en=f"Opened as {since}: {title.get('en', '')}.{more_en}",
    )


def _signals(body: Body) -> Text:
    received, holding = body.get("received", 0), body.get("holding", 0)
    said = body.get("summaries", [])
    first = said[0] if said else {"ja": "", "en": ""}
    over = first.get("state") == "resolved"
    # One of those who watch sees it no more, and another still does.
    is_seen_by_others = not over and body.get("firing") == 0
    reasons = [_WHY[why] for why in body.get("why", []) if why in _WHY]
    ja, en = "・".join(reason.ja for reason in reasons), ", ".join(reason.en for reason in reasons)
    more = len(said) - 1
    over_ja, over_en = ("解消 – ", "over – ") if over else ("", "")
    if is_seen_by_others:
        over_ja, over_en = "ほかの監視ではまだ続いています – ", "no more seen here, others still see – "
    more_ja, more_en = (f" ほか {more} 件", f" and {more} more") if more > 0 else ("", "")
    why_ja, why_en = (f"({ja})", f" ({en})") if reasons else ("", "")
    first_ja, first_en = first["ja"].rstrip("。"), first["en"].rstrip(".")
    return Text(
        ja=f"シグナル {received} 件: {over_ja}{first_ja}{more_ja}{why_ja}。続いている条件 {holding}",
        en=f"{received} signal{'s' if received != 1 else ''}: {over_en}{first_en}{more_en}{why_en}. "
        f"Conditions still holding: {holding}",
    )


_WHY: Final = {
    "same_part": Text(ja="同じ部品", en="same part"),
    "same_name": Text(ja="同じ種類", en="same kind"),
    "symptom": Text(ja="原因の症状", en="symptom of the cause"),
    "cause": Text(ja="原因が判明", en="the cause"),
    "storm": Text(ja="アラートの嵐", en="part of a storm"),
    "budget": Text(ja="この障害が使う誤り予算", en="the error budget it burns"),
}


def _cause_moved(body: Body) -> Text:
    before, after = body.get("from_title", {}), body.get("title", {})
    return Text(
        ja=f"原因を {body.get('from_part') or '–'} から {body.get('to_part') or '–'} に移しました: "
        f"「{before.get('ja', '')}」は「{after.get('ja', '')}」の症状",
        en=f"The cause moved from {body.get('from_part') or '–'} to {body.get('to_part') or '–'}: "
        f"“{before.get('en', '')}” is a symptom of “{after.get('en', '')}”",
    )


def _severity(body: Body) -> Text:
    why = f": {body['reason']}" if body.get("reason") else ""
    return Text(
        ja=f"重大度を SEV{body['from']} から SEV{body['to']} に変えました{why}",
        en=f"Severity from SEV{body['from']} to SEV{body['to']}{why}",
    )


def _breached(body: Body) -> Text:
    name, at = _CLOCKS[body["clock"]], _at(body, "due_at")
    return Text(ja=f"{name.ja}の期限({at})を過ぎました", en=f"The {name.en} clock ran out at {at}")


def _forecast(body: Body) -> Text:
    name, left = _CLOCKS[body["clock"]], body.get("minutes_left")
    return Text(
        ja=f"このままでは {left} 分後に{name.ja}の期限を過ぎます。早めに次へ連絡しました",
        en=f"The {name.en} clock will run out in {left} min; escalated early",
    )


_CLOCKS: Final = {
    "respond": Text(ja="対応開始", en="response"),
    "recover": Text(ja="復旧", en="recovery"),
}


def _paused(body: Body) -> Text:
    at = _at(body, "until")
    return Text(
        ja=f"復旧の時計を {at} まで止めました: {body.get('reason', '')}",
        en=f"Recovery clock paused until {at}: {body.get('reason', '')}",
    )


def _role(body: Body) -> Text:
    role, person = words.find("incident_role", str(body.get("role"))), body.get("person")
    if not person:
        return Text(ja=f"{role.ja}の担当を外しました", en=f"Nobody is {role.en.lower()} any more")
    return Text(ja=f"{role.ja}: {person}", en=f"{role.en}: {person}")


def _note(body: Body) -> Text:
    return Text(ja=str(body.get("note", "")), en=str(body.get("note", "")))


def _with_reason(ja: str, en: str) -> Callable[[Body], Text]:
    def say(body: Body) -> Text:
        why = body.get("reason")
        return Text(ja=f"{ja}: {why}" if why else ja, en=f"{en}: {why}" if why else en)

    return say


def _merged(body: Body) -> Text:
    return Text(ja=f"障害 {body.get('into')} に統合しました", en=f"Merged into incident {body.get('into')}")


def _absorbed(body: Body) -> Text:
    count = body.get("conditions", 0)
    return Text(
        ja=f"障害 {body.get('from')} を取り込みました(条件 {count} 件)",
        en=f"Took in incident {body.get('from')} with {count} condition{'s' if count != 1 else ''}",
    )


def _split(body: Body) -> Text:
    count = body.get("conditions", 0)
    why_ja, why_en = _why(body)
    return Text(
        ja=f"条件 {count} 件を障害 {body.get('into')} に分けました{why_ja}",
        en=f"Split {count} condition{'s' if count != 1 else ''} off into incident {body.get('into')}{why_en}",
    )


def _why(body: Body) -> tuple[str, str]:
    """The reason that a person gave, as the end of a sentence in ja and en."""
    reason = body.get("reason")
    return (f": {reason}", f": {reason}") if reason else ("", "")


_TELLERS: Final[Mapping[str, Callable[[Body], Text]]] = {
    "signals": _signals,
    "cause_moved": _cause_moved,
    "severity_set": _severity,
    "severity_raised": _severity,
    "acknowledged": _with_reason("対応を始めました", "Acknowledged"),
    "taken_over": _with_reason("対応を引き継ぎました", "Taken over"),
    "paused": _paused,
    "continued": _with_reason("復旧の時計を再開しました", "Recovery clock goes on"),
    "mitigated": _with_reason("症状は解消しました", "The symptom has gone"),
    "quiet": _with_reason("症状が続けて観測されなくなりました", "It has been quiet: the symptom has gone"),
    "stayed_quiet": _with_reason("再発がないので解決としました", "It stayed quiet: resolved"),
    "resolved": _with_reason("解決しました", "Resolved"),
    "reopened": _with_reason("再び発生しました", "It came back: opened again"),
    "relapsed": _with_reason("症状が戻りました", "The symptom is back"),
    "closed": _with_reason("完了しました", "Closed"),
    "merged": _merged,
    "absorbed": _absorbed,
    "split": _split,
    "note": _note,
    "role": _role,
    "breached": _breached,
    "forecast": _forecast,
}


def _at(body: Body, key: str) -> str:
    found = datetime.fromisoformat(str(body[key]))
    return f"{found.astimezone(body['zone']):%m-%d %H:%M %Z}"
