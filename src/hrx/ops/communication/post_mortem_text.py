"""A post-mortem as Markdown: what was measured, what was written, what will be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hrx.kit.errors import Language, Text
from hrx.ops import words
from hrx.ops.communication.drafting import say_duration
from hrx.ops.communication.post_mortems import SECTIONS
from hrx.ops.communication.retrospect import Retrospect
from hrx.ops.ledger.post_mortems import ActionItem, PostMortem


def to_markdown(
    found: PostMortem,
    past: Retrospect,
    actions: Sequence[ActionItem],
    *,
    language: Language,
    zone: ZoneInfo,
) -> str:
    """The whole document in one language; what people wrote stays as they wrote it."""

    def tr(ja: str, en: str) -> str:
        return ja if language == "ja" else en

    def say(text: Text) -> str:
        return _plain(text.in_language(language))

    incident = past.incident
    state = words.find("post_mortem", found.state.value).in_language(language)
    lines = [
        f"# {tr('事後検証', 'Post-mortem')} INC-{incident.id}: {say(incident.title)}",
        "",
        f"- {tr('重大度', 'Severity')}: SEV{int(past.worst)}",
        f"- {tr('期間', 'When')}: {_moment(incident.opened_at, zone)} – "
        f"{_moment(incident.mitigated_at or incident.resolved_at, zone)}",
        f"- {tr('状態', 'State')}: {state}"
        + (f" ({found.approved_by}, {_moment(found.approved_at, zone)})" if found.approved_at else ""),
        "",
    ]
    for name, title in SECTIONS.items():
        said = found.sections.get(name, "").strip()
        if said or name not in ("no_actions", "went_badly"):
            lines += [f"## {say(title)}", "", said or tr("(まだ書かれていません)", "(not written yet)"), ""]
    lines += [f"## {tr('測った時間', 'Measured times')}", ""]
    lines += [
        f"| {tr('区間', 'Span')} | {tr('実績', 'Took')} | {tr('約束', 'Promised')} | {tr('判定', 'Met')} |",
        "|---|---|---|---|",
    ]
    for one in past.measures:
        met = {None: "–", True: tr("守った", "yes"), False: tr("超過", "no")}[one.is_met]
        lines.append(
            f"| {say(one.name)} | {_length(one.took, language)} | {_length(one.limit, language)} | {met} |"
        )
    lines += ["", f"## {tr('証拠が示した原因', 'Causes that the evidence decided')}", ""]
    if past.cause is not None:
        lines.append(f"- **{say(past.cause.says)}** ({say(past.cause.basis)})")
    for cause in past.causes:
        if cause.verdict == "supported":
            mark = words.find("verdict", cause.verdict).in_language(language)
            lines.append(f"- {mark}: {say(cause.title)}")
            lines += [f"  - {say(item)}" for item in cause.evidence]
    ruled_out = [say(cause.title) for cause in past.causes if cause.verdict != "supported"]
    if ruled_out:
        mark = words.find("verdict", "refuted").in_language(language)
        lines.append(f"- {mark}: {tr('、', '; ').join(ruled_out)}")
    if past.cause is None and not past.causes:
        lines.append(tr("診断は何も裏付けていません。", "Triage supported nothing."))
    lines += ["", f"## {tr('再発防止策', 'Actions')}", ""]
    if actions:
        columns = (("番号", "#"), ("内容", "What"), ("担当", "Owner"), ("期限", "Due"), ("状態", "State"))
        lines += ["| " + " | ".join(tr(*one) for one in columns) + " |", "|---|---|---|---|---|"]
        for item in actions:
            stands = words.find("action_item", item.state.value).in_language(language)
            lines.append(f"| {item.id} | {_plain(item.title)} | {item.owner} | {item.due_on} | {stands} |")
    else:
        lines.append(tr("ありません。", "None."))
    lines += ["", f"## {tr('経過', 'Time line')}", ""]
    for moment in past.moments:
        offset = _offset(moment.since_open)
        who = f" — {moment.actor}" if moment.actor else ""
        lines.append(f"- {_moment(moment.at, zone, seconds=True)} ({offset}) {say(moment.text)}{who}")
    return "\n".join(lines).rstrip() + "\n"


def _plain(said: str) -> str:
    """One line that no table or list of Markdown breaks on."""
    return " ".join(said.split()).replace("|", "\\|")


def _moment(at: datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    if at is None:
        return "–"
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M %Z")


def _length(took: timedelta | None, language: Language) -> str:
    if took is None:
        return "–"
    if took < timedelta(minutes=1):
        unit = "秒" if language == "ja" else "s"
        return f"{max(0, round(took.total_seconds()))} {unit}"
    return say_duration(took, language=language)


def _offset(since: timedelta) -> str:
    seconds = round(abs(since.total_seconds()))
    sign = "-" if since < timedelta(0) else "+"
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
