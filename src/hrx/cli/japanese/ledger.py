"""The help of `hrx ledger` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "The append-only record of operations.": "追記しかできない運用の記録(台帳)。",
    "The newest entries, newest first.": "最近の記録を新しい順に示す。",
    "Only entries of this kind.": "この種類の記録だけ。",
    "Only entries by this actor.": "この人の記録だけ。",
    "Only entries about this, such as part:worker.": "この対象の記録だけ(例: part:worker)。",
    "Only entries whose content has this text.": "内容にこの文字列を含む記録だけ。",
    "One entry with all it holds.": "記録 1 件の中身をすべて示す。",
    "The entry's number.": "記録の番号。",
    "Walk the whole chain. Exit code 1 when an entry was changed, removed or reordered.": (
        "鎖をすべてたどって検証する。書き換え・削除・並べ替えがあれば終了コード 1。"
    ),
    "A head hash noted earlier; it must still be there.": (
        "以前に控えた先頭のハッシュ。今も存在することを確かめる。"
    ),
    "Every entry as JSON lines, exactly as stored; enough to verify the chain elsewhere.": (
        "すべての記録を保存されたままの JSON 行で出力する。別の場所で鎖を検証できる。"
    ),
    "A new file; standard output if unset.": "新しいファイル。省略すると標準出力。",
}
