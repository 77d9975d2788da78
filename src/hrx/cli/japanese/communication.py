"""The help of `hrx communication` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Communication: who waits for a word, and what is said.": "連絡。誰が知らせを待ち、何を知らせるか。",
    "Who waits for a word, and until when; the soonest first. Exit code 1 when one is late.": (
        "誰がいつまでに知らせを待っているか。早い順。遅れがあれば終了コード 1。"
    ),
    "What was said and what is being written, the newest first.": "知らせたことと下書き。新しい順。",
    "Only those about it.": "その障害のものだけ。",
    "Discarded drafts too.": "捨てた下書きも示す。",
    "One notice in both languages, with what the linter says of it.": "お知らせ 1 つの文と指摘。",
    "The notice's number.": "お知らせの番号。",
    "What must not be said in these words, where, and what to write instead. Exit code 1 on errors.": (
        "言ってはならないこと、その場所、代わりの書き方。直すべきものがあれば終了コード 1。"
    ),
    "The public status page as files, for any static host.": "公開の状況ページをファイルとして書き出す。",
    "Where to write the page's files.": "書き出すフォルダ。",
    "Words from the facts of the ledger and from what you type; nothing is said yet.": (
        "台帳の事実と入力した言葉から文を作る。まだ誰にも知らせない。"
    ),
    "Who reads it.": "読者。",
    "What is due now, when left out.": "種類。省略すると今求められているもの。",
    "In Japanese.": "日本語の文。",
    "In English.": "英語の文。",
    "Expected recovery, such as 2026-11-26T18:30+09:00.": "復旧の見込み(例: 2026-11-26T18:30+09:00)。",
    "What that estimate rests on.": "その見込みの根拠。",
    "Your own words instead; what is left out stays as it is.": "書き換える。省略した欄は変えない。",
    "Publish a draft. Refuses words that the linter finds an error in (exit code 4).": (
        "下書きを公開する。直すべき指摘があれば断る(終了コード 4)。"
    ),
    "Why to publish in spite of the findings.": "指摘を承知で公開する理由。",
    "Discard a draft.": "下書きを捨てる。",
    "Stand by a cause, in words that customers may read; only then may it be stated.": (
        "顧客が読める言葉で原因を確認する。確認してはじめて書けるようになる。"
    ),
    "What it rests on; not shown to readers.": "根拠。読者には見せない。",
    "How many readers get the news by mail; nobody's address is shown.": "メールの購読者の数。",
    "Delete a reader who asks for it. Exit code 1 when there is none of this address.": (
        "申し出のあった購読者を消す。いなければ終了コード 1。"
    ),
    "The reader's mail address.": "購読者のメールアドレス。",
}
