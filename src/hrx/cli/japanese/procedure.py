"""The help of `hrx procedure` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "The incident that it is for.": "どの障害のためか(障害の番号)。",
    "Why, for the record (when planning at once).": "理由。台帳に残る(計画から続けて実行するとき)。",
    "Procedures: look, plan, approve, run, record.": "手順: 見る、計画する、承認する、実行する、記録する。",
    "Every procedure with its last proof.": "手順の一覧。最後に確かめた日時つき。",
    "What a procedure is for, what it needs and its steps.": "手順の目的、必要なもの、中身。",
    "The procedure's id.": "手順の ID。",
    "Make a plan and put it on record; nothing is executed. With --dry-run it is only shown.": (
        "計画を作って記録する。何も実行しない。--dry-run なら記録もせず示すだけ。"
    ),
    "The newest plans.": "最近の計画。",
    "Give your word on a plan, after reading it. An irreversible one takes another operator's.": (
        "計画を読んだうえで承認する。取り消せない計画は、作成者以外の承認者が承認する。"
    ),
    "The plan's number.": "計画の番号。",
    "Run a plan and wait for its end. Exit 0 when seen from outside to have worked, 1 when not.": (
        "計画を実行し、終わりまで待つ。外から成功を確かめられれば終了コード 0、そうでなければ 1。"
    ),
    "A plan's number, or a procedure's id to plan and run at once.": (
        "計画の番号。手順の ID なら、計画から続けて実行する。"
    ),
    "The newest runs, with those that died.": "最近の実行。途中で止まったものも示す。",
    "How far a run is, or how it ended.": "実行の進み具合、または結果。",
    "The run's id.": "実行の ID。",
    "Go on with a run that died, from its first unfinished step.": (
        "途中で止まった実行を、終わっていない最初の手順から続ける。"
    ),
    "End a run that died, taking back what it did.": "途中で止まった実行を、行ったことを取り消して打ち切る。",
}
