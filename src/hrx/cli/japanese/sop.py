"""The help of `hrx sop` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "A check, such as part.process; without it, all.": "確認の名前。例: part.process。省くとすべて。",
    "Seconds.": "秒数。",
    "Ask one check by itself; reads only. Exit code 1 when it gets no answer.": (
        "確認を一つだけ行う。読むだけ。答えがないときの終了コードは 1。"
    ),
    "The SOPs: what to do about which failure.": "SOP。どの障害に何をするか。",
    "The SOPs, with how many checks and causes each has.": "SOP の一覧。確認と原因の数も示す。",
    "The SOP's number, such as 5.2.3.": "SOP の番号(例: 5.2.3)。",
    "One SOP as people read it.": "SOP 1 つの本文。",
    "Keep the result with it.": "結果をその障害に残す。",
    "Ask every check at once and judge the causes; reads only. Exit code 1 when none has its evidence.": (
        "すべての確認を同時に行い、原因を見極める。読むだけ。裏付けのある原因がなければ終了コード 1。"
    ),
}
