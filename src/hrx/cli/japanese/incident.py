"""The help of `hrx incident` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Some of its conditions are another matter: they become an incident of their own, diagnosed anew.": (
        "条件の一部は別の障害だとして分け、あらためて診断する。"
    ),
    "Conditions that are another matter, as `show` names them.": "別の障害とみる条件(`show` が示すキー)。",
    "Incidents: what is wrong, who has it, until when.": "障害: 何が起きていて、誰が、いつまでに。",
    "The incidents in which somebody still has something to do, the newest first.": (
        "対応中の障害の一覧。新しい順。"
    ),
    "One incident with its clocks and its time line.": "障害 1 件の時計と経過。",
    "Say that something is wrong; it opens an incident or joins the one it belongs to.": (
        "異常を報告する。新しい障害になるか、属する障害に加わる。"
    ),
    "What is wrong, in a sentence.": "何が起きているか(一文)。",
    "1 is worst.": "1 が最も重い。",
    "The part, if known.": "部品(分かれば)。",
    'Say "I have it": calling people ends, the response clock stops.': (
        "対応を始める。呼び出しは終わり、対応開始の時計が止まる。"
    ),
    "Also when somebody else has it.": "ほかの人が対応中でも引き継ぐ。",
    "Set the severity anew; both clocks are counted again from the opening.": (
        "重大度を変える。2 つの時計は発生時点から数え直す。"
    ),
    "Stop the recovery clock for a while, when we wait for what we cannot hasten.": (
        "こちらで早められない理由があるとき、復旧の時計をしばらく止める。"
    ),
    "For this long at most.": "止める時間(分)の上限。",
    "Let the recovery clock go on.": "復旧の時計を再開する。",
    "The symptom has gone: the recovery clock stops.": "症状は解消した。復旧の時計が止まる。",
    "It is over and will stay over.": "解決とする。",
    "It is not over after all: people are called again.": "まだ終わっていない。もう一度呼び出す。",
    "Everything about it is done, the post-mortem too.": "振り返りまで終えて完了とする。",
    "Two incidents are one: everything of this one goes to the other.": (
        "2 つの障害を 1 つにする。この障害の内容はすべて相手に移る。"
    ),
    "The incident it is part of.": "統合先の障害。",
    "Put a note into its time line.": "経過にメモを残す。",
    "What is worth remembering.": "残しておくこと。",
    "Give somebody a role in it.": "役割を割り当てる。",
    "manager, scribe or liaison.": "manager(指揮)、scribe(記録)、liaison(連絡)。",
    "Contact or operator; empty takes the role away.": "連絡先または運用者。空なら外す。",
}
