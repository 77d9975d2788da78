"""The help of `hrx faq` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Questions and answers for the middle of the night. Exit code 1 when nothing is found.": (
        "よくある質問と答え。見つからないときの終了コードは 1。"
    ),
    "Words to search for; without any, all.": "探す言葉。省くとすべて。",
}
