"""The help of `hrx evidence` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Evidence: what is kept, held, and for how long.": "証拠のフォルダ。何を、いつまで残すか。",
    "Every folder of evidence, and why it stays.": "証拠のフォルダと、残す理由。",
    "Keep a folder until somebody releases it, such as for a dispute.": (
        "係争などのため、解くまで消さないようにする。"
    ),
    "End a hold: the folder goes when it is old enough. Takes an approver.": (
        "保留を解く。期限が過ぎれば消える。承認者が行う。"
    ),
    "Remove now what may go; done by itself once an hour while operations runs.": (
        "消してよいものを今消す。運用コンソールは 1 時間ごとに自動で行う。"
    ),
    "The folder's name, as `hrx evidence list` shows it.": "フォルダの名前(`hrx evidence list` で分かる)。",
}
