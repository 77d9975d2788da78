"""The help of `hrx logs` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "What the parts wrote last; secrets masked.": "部品が最後に書いたログ。秘密は伏せる。",
    "One part, such as api-blue; all when left out.": "部品の名前(例: api-blue)。省略するとすべて。",
    "How many lines.": "行数。",
    "What the parts wrote; secrets and personal data masked.": ("部品が書いたログ。秘密と個人情報は伏せる。"),
    "Search what was written, the archive included; newest first. Exit code 1 when nothing is found.": (
        "保管庫も含めてログを検索する。新しい順。見つからなければ終了コード 1。"
    ),
    "Found in message or fields, whatever its case.": (
        "内容または項目に含む文字列。大文字と小文字は区別しない。"
    ),
    "Only lines of this correlation id.": "この相関 ID の行だけ。",
    "Only this part or service; may be repeated.": "この部品またはサービスだけ。繰り返して指定できる。",
    "At least this: debug, info, warning, error, critical.": (
        "この重さ以上。debug、info、warning、error、critical のいずれか。"
    ),
    "From then on: 15m, 2h, 7d, or a moment such as 2026-11-26T09:00.": (
        "いつから。15m、2h、7d(前)か、2026-11-26T09:00 のような時刻。"
    ),
    "Before then; the same forms.": "いつまで。書き方は同じ。",
    "Go on where the page before ended.": "前のページの続きから。",
    "One SELECT over the view logs.": "ビュー logs に対する SELECT 1 つ。",
    "Ask in SQL, over everything that was written; reads nothing but the logs. Recorded in the ledger.": (
        "書かれたすべての行に SQL で問い合わせる。ログのほかは読めない。台帳に記録する。"
    ),
}
