"""The help of `hrx runbook` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "The runbook, chapter by chapter.": "ランブックを章ごとに読む。",
    "The chapters and how much of each is built.": "章の一覧と、どこまで作られているか。",
    "One chapter, each procedure with its last proof.": "1 つの章。手順には最後に確かめた日時がつく。",
    "The chapter's number, 1 to 10.": "章の番号(1〜10)。",
}
