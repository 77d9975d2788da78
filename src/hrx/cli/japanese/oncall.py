"""The help of `hrx oncall` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "On-call: who is called, when, and whether somebody always is.": (
        "当番: 誰をいつ呼び出すか、いつでも誰かに連絡できるか。"
    ),
    "Whom an incident of each severity would page now, step by step.": (
        "重大度ごとに、今なら誰をどの順で呼び出すか。"
    ),
    "Every shift of the coming days.": "これからの当番。",
    "Overrides and leave that are in force or still to come.": "有効な、またはこれからの交代と休暇。",
    "Somebody takes a rotation for a while; times are of the rotation's zone.": (
        "一時的に当番を代わる。時刻は当番表のタイムゾーン。"
    ),
    "Somebody is away, from every rotation; times are of the person's own zone.": (
        "休暇。すべての当番表から外れる。時刻は本人のタイムゾーン。"
    ),
    "Take an override or leave back from now on.": "交代や休暇を取り消す。",
    "Prove that somebody can be reached at every moment of every severity. Exit code 1 at a gap.": (
        "どの重大度でも、いつでも誰かに連絡できることを証明する。できなければ終了コード 1。"
    ),
    "Write the shifts as a calendar file: two weeks back and four months ahead.": (
        "当番をカレンダー(iCalendar)に書き出す。2 週間前から 4 か月先まで。"
    ),
    "How many days ahead.": "何日先まで。",
    "One rotation, such as first.": "当番表を 1 つだけ(例: first)。",
    "One person of chapter 9, such as sato.": "第 9 章の 1 人だけ(例: sato)。",
    "A person of chapter 9, such as sato.": "第 9 章の人(例: sato)。",
    "Where to write the calendar (.ics).": "カレンダー(.ics)の書き込み先。",
    "The rotation that is taken over.": "代わる当番表。",
    "When it begins, such as 2026-12-01 09:00.": "始まり(例: 2026-12-01 09:00)。",
    "When it ends.": "終わり。",
    "The number of the change.": "変更の番号。",
}
