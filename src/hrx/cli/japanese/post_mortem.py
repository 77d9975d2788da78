"""The help of `hrx post-mortem` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Post-mortems: what was learned, and what will be done.": "事後検証。学んだことと、これから行うこと。",
    "The post-mortems with their next due moment. Exit code 1 when one is overdue.": (
        "事後検証と次の期限。期限を過ぎたものがあれば終了コード 1。"
    ),
    "One post-mortem as Markdown: measured times, causes with evidence, actions, time line.": (
        "事後検証 1 つを Markdown で示す。測った時間、証拠のある原因、再発防止策、経過。"
    ),
    "Begin one; severities 1 and 2 begin by themselves when they are resolved.": (
        "事後検証を始める。重大度 1 と 2 は解決すると自動で始まる。"
    ),
    "A section, as name=text.": "節。名前=文 の形。",
    "Write sections: summary, impact, cause, factors, went_well, went_badly, no_actions.": (
        "節を書く: summary, impact, cause, factors, went_well, went_badly, no_actions。"
    ),
    "Hand it in for approval. Refuses one that is incomplete or blames somebody (exit code 4).": (
        "提出する。足りない節や人を責める言葉があれば断る(終了コード 4)。"
    ),
    "Approve it, as somebody else than its author.": "書いた人とは別の人として承認する。",
    "Send it back to be written on.": "差し戻す。",
    "What is missing.": "足りないもの。",
    "The actions that are open, the soonest due first. Exit code 1 when one is overdue.": (
        "終わっていない再発防止策。期限の近い順。遅れがあれば終了コード 1。"
    ),
    "The action's number.": "再発防止策の番号。",
    "What came of it, or why not.": "結果、またはしない理由。",
    "What will be done.": "何をするか。",
    "Whose it is: a contact or an operator.": "担当。連絡先か運用者の名前。",
    "The last day for it.": "期限の日。",
    "Promise something that keeps it from happening again; its owner is told and reminded.": (
        "再発防止策を約束する。担当者に知らせ、期限の前に思い出させる。"
    ),
    "It is done; say what there is now.": "完了とし、何ができたかを残す。",
    "It will not be done; say why.": "見送りとし、理由を残す。",
}
