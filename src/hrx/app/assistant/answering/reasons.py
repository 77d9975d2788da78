"""Why an answer is as it is, told openly to whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import HrxError, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`code` is stable and is what is kept."""

    code: str
    text: Text


NO_MODEL: Final = Reason(
    code="gateway.not_configured",
    text=Text(
        ja="言語モデルが設定されていないため、文書の該当箇所をそのまま引用しています。",
        en="No language model is set up, so the documents are quoted as they stand.",
    ),
)
UNSUPPORTED: Final = Reason(
    code="answer.unsupported",
    text=Text(
        ja="モデルの回答を文書で裏付けられなかったため、文書の該当箇所をそのまま引用しています。",
        en="What the model wrote is not held by the documents, so they are quoted as they stand.",
    ),
)
SOURCES_GONE: Final = Reason(
    code="answer.sources_gone",
    text=Text(
        ja="回答中に、根拠の文書が削除または非公開になりました。",
        en="While the answer was written, a document it rests on was deleted or is no longer yours to see.",
    ),
)
_FAILED: Final = {
    "gateway.budget_spent": Text(
        ja="今月の AI 利用予算を使い切ったため、文書の該当箇所をそのまま引用しています。",
        en="This month's budget for language models is spent, so the documents are quoted as they stand.",
    ),
    "gateway.answer_interrupted": Text(
        ja="モデルの回答が途中で途切れたため、文書の該当箇所をそのまま引用しています。",
        en="The model's answer broke off, so the documents are quoted as they stand.",
    ),
}


def of_failure(error: HrxError) -> Reason:
    """What kept the model from answering, with that the documents are quoted instead."""
    told = _FAILED.get(error.stable_code) or Text(
        ja=f"{error.message.ja}代わりに、文書の該当箇所をそのまま引用しています。",
        en=f"{error.message.en} The documents are quoted as they stand instead.",
    )
    return Reason(code=error.stable_code, text=told)


def not_found(searched_documents: int) -> Text:
    """The answer when there is none: an ordinary one, with how far it was looked."""
    count = searched_documents
    return Text(
        ja=f"閲覧できる文書 {count:,} 件を調べましたが、答えは見つかりませんでした。",
        en=f"I looked through the {count:,} documents that you may see and found no answer.",
    )
