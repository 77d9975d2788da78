"""The help of `hrx drill` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Drills: faults on purpose, measured.": "障害訓練。わざと故障を起こして測る。",
    "Every drill, and when it was last run.": "すべての訓練と、最後に実施した日時。",
    "Run drills one after the other, each taken back and verified before the next.": (
        "訓練を順に実施する。取り消して正常に戻ったことを確かめてから次へ進む。"
    ),
    "Put one fault in and leave the repair to people; it only watches, and tells what was when.": (
        "故障を 1 件起こして復旧は人に任せ、いつ何があったかを測る。"
    ),
    "The drill; without one, any fast one, unnamed.": "訓練の名前。省くと、短い訓練から伏せて選ぶ。",
    "Take the fault back after so many minutes.": "この分数が過ぎたら故障を取り消す。",
    "The newest results of every drill, and what they say together.": "各訓練の最近の結果と、全体のまとめ。",
    "The newest so many runs of each drill.": "各訓練の最近何回分を見るか。",
    "A table of Markdown.": "Markdown の表で示す。",
    "Wait in the end at most so many seconds until alerts fall silent.": (
        "最後にアラートが静まるまで待つ秒数の上限。"
    ),
    "Stop two of those who watch, and the API: is somebody told within 30 s?": (
        "監視の部品を二つと API を止めて、30 秒以内に誰かに届くかを確かめる。"
    ),
    "Demo people at work, signed in, until the time is over or Ctrl-C; then what they got.": (
        "デモ会社の利用者として操作を続け、時間が過ぎるか Ctrl-C で終わり、結果を示す。"
    ),
    "Requests a second.": "1 秒あたりの要求数。",
    "Stop after so many seconds.": "この秒数で終わる。",
    "Take back what a killed drill left in.": "途中で終わった訓練が残した故障を取り消す。",
    "Drills to run; without any, the suite.": "実施する訓練。省略すると組の全部。",
    "fast, slow (rules with minutes of duration) or all.": "fast、slow(数分待つ規則を含む)、all のいずれか。",
    "Wait at most so many seconds for page and cause.": "呼び出しと原因を待つ秒数の上限。",
}
