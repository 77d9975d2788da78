"""What the help of more than one noun says, in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "HRX-AI: start, look, plan, run, record.": "HRX-AI: 起動する、見る、計画する、実行する、記録する。",
    "Show this message and exit.": "この説明を表示して終わる。",
    "One JSON document.": "JSON 文書 1 つで出力する。",
    "At most this many.": "最大件数。",
    "Why, for the record.": "理由。台帳に残る。",
    "Act as this operator (asks for the password).": "この運用者として行う(パスワードを尋ねる)。",
    "The operator's second factor, when one is set.": "二要素認証を設定した運用者の確認コード。",
    "Say what would be done, and do nothing.": "行う内容を示すだけで、何も変えない。",
    "Do not ask.": "確認を求めない。",
    "Those that are over too.": "終わったものも示す。",
    "The incident's number.": "障害の番号。",
    "name=value, such as part=worker.": "名前=値(例: part=worker)。",
}
