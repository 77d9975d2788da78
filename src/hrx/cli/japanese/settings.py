"""The help of `hrx settings` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Settings and secrets: the reference, each environment, leaks, age.": (
        "設定と秘密。一覧、環境ごとの状態、漏れ、古さ。"
    ),
    "Look for secrets in the tree, history, web build, logs and ledger. Exit code 1 when one is found.": (
        "ソース、履歴、Web のビルド、ログ、台帳に秘密がないかを調べる。見つかれば終了コード 1。"
    ),
    "tree, history, build, log, ledger; all of them when none is named.": (
        "tree、history、build、log、ledger。省略するとすべて。"
    ),
    "Settings by environment, and what is wrong with them. Exit code 1 when something is serious.": (
        "環境ごとの設定と問題点を表にする。重大な問題があれば終了コード 1。"
    ),
    "How two environments differ, by keyed fingerprints. Exit code 1 when something should not be so.": (
        "二つの環境の違いを、鍵付きフィンガープリントで比べる。直すべき違いがあれば終了コード 1。"
    ),
    "An environment, or a file that `export` wrote.": "環境の名前、または `export` で書き出したファイル。",
    "The other one.": "比べる相手。",
    "What is as it should be, too.": "問題のないものも表示する。",
    "Write an environment's fingerprints to a file that may be sent elsewhere; no value is in it.": (
        "環境のフィンガープリントをファイルに書き出す。値は含まれず、他の環境へ渡してよい。"
    ),
    "development, staging or production.": "development、staging、production のいずれか。",
    "File to write.": "書き出すファイル。",
    "Keep another environment's fingerprints here, for the matrix and the scan for leaks.": (
        "他の環境のフィンガープリントを取り込み、一覧と漏れの調査に使う。"
    ),
    "A file that `export` wrote elsewhere.": "他の環境で `export` が書き出したファイル。",
    "How old each secret is and when it is due. Exit code 1 when one is overdue.": (
        "秘密ごとの経過日数と交換の期限。期限を過ぎたものがあれば終了コード 1。"
    ),
    "Replace a secret with two valid at once, from wherever it stands; a new key is asked for or piped.": (
        "新旧二つを同時に有効にしたまま秘密を交換する。途中ならその続きから。新しい鍵は入力を求めるか、"
        "パイプから読む。"
    ),
    "Throw away the new key that waits for its place.": "置かれるのを待っている新しい鍵を捨てる。",
    "Rotate everything on a scratch ground while it is used. Exit code 1 when somebody was turned away.": (
        "仮の環境で、使われている最中にすべての秘密を交換する。断られた人がいれば終了コード 1。"
    ),
    "A role or a setting; several times for several.": "役割か設定の名前。繰り返して複数指定できる。",
    "The secret's name; without one, all that can be rotated.": (
        "秘密の名前。省略すると交換できるものの一覧。"
    ),
    "Ask each issuer whether our keys are let in, old and new. Exit code 1 when one is refused.": (
        "鍵が今も有効かを発行者ごとに確かめる(交換中は新旧とも)。断られた鍵があれば終了コード 1。"
    ),
    "The key's setting; without one, every issuer.": "鍵の設定の名前。省略するとすべての発行者。",
    "Whose settings; this one's by default.": "どの環境の設定か。省略するとこの環境。",
    "Prove a key that is not in place yet: asked, or read from a pipe.": (
        "まだ設定していない鍵を確かめる。鍵は入力を求めるか、パイプから読む。"
    ),
    "History of these refs, such as HEAD.": "調べる履歴の参照(HEAD など)。",
    "The web build; web/.next by default.": "Web のビルド。省略すると web/.next。",
    "Write .env.example and docs/settings.md from the code.": (
        "プログラムから .env.example と docs/settings.md を作り直す。"
    ),
    "Say whether the written reference still matches the code.": (
        "書かれた一覧が今のプログラムと一致するかを確かめる。"
    ),
}
