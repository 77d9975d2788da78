"""The help of `hrx maintenance` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Planned work: announced in time, never forgotten.": "計画した作業。期限までに予告し、忘れない。",
    "The window's number, as in MNT-7.": "作業の番号(MNT-7 の 7)。",
    "Drafts, announced windows and past ones, the newest first.": "計画した作業。新しい順。",
    "A part that the work is on.": "作業の対象の部品。",
    "Beginning, such as 2026-12-10T02:00+09:00.": "開始(例: 2026-12-10T02:00+09:00)。",
    "End, such as 2026-12-10T03:00+09:00.": "終了(例: 2026-12-10T03:00+09:00)。",
    "Its purpose in Japanese, for customers.": "顧客が読む目的(日本語)。",
    "Its purpose in English, for customers.": "顧客が読む目的(英語)。",
    "Draft the announcement; nothing is published yet.": "予告の下書きを作る。まだ公開しない。",
    "Why it cannot wait, when it is announced late.": "予告が遅いとき、急ぐ理由。",
    "Publish the announcement. Refuses one that comes too late without a reason (exit code 4).": (
        "予告を公開する。理由なく遅い予告は断る(終了コード 4)。"
    ),
    "It is done: the window closes now, and what is still wrong pages at once.": (
        "終わったので時間を閉じる。まだ続く異常はすぐ呼び出す。"
    ),
    "The new end, such as 2026-12-10T04:00+09:00.": "新しい終わり(例: 2026-12-10T04:00+09:00)。",
    "It takes longer; readers are told.": "延長する。読者に知らせる。",
    "It will not take place; readers are told where they read of it.": "中止し、読者に知らせる。",
}
