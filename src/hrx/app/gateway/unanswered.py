"""How a call ends when nobody answers: what is said to whoever asked, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from hrx.app.gateway.call import Call
from hrx.app.gateway.failures import VendorFailure
from hrx.kit.errors import Invalid, Text, Unavailable


class VendorsUnavailable(Unavailable):
    """No target answered."""

    code = "gateway.vendors_unavailable"


class AnswerInterrupted(Unavailable):
    """The answer broke off and nobody could begin it anew: what was shown is not an answer."""

    code = "gateway.answer_interrupted"


class QuestionRefused(Invalid):
    """The vendor does not take the question as it is; no other would."""

    code = "gateway.question_refused"


class AnswerTooExpensive(Unavailable):
    """A first attempt spent what was reserved, and the budget has no room for another."""

    code = "gateway.budget_spent_on_the_way"


def no_answer(call: Call) -> VendorsUnavailable:
    kinds: Mapping[str, None] = dict.fromkeys(one.outcome for one in call.attempts)
    why = ", ".join(kinds) or "resting"
    if call.operation == "embeddings":
        return _no_vectors(call, why)
    return VendorsUnavailable(
        Text(
            ja=f"どの言語モデルも応答しませんでした({why})。",
            en=f"No language model answered ({why}).",
        ),
        hint=Text(
            ja="しばらくしてからもう一度お試しください。運用者は SOP 5.2.4 を参照してください。",
            en="Try again in a while. Operators: hrx sop show 5.2.4.",
        ),
    )


def _no_vectors(call: Call, why: str) -> VendorsUnavailable:
    [target] = call.route.targets
    details: Mapping[str, None] = dict.fromkeys(one.detail for one in call.attempts if one.detail)
    told = f"{why}: {', '.join(details)}" if details else why
    return VendorsUnavailable(
        Text(
            ja=f"{target.name} からベクトルを得られませんでした({told})。",
            en=f"{target.name} gave no vectors ({told}).",
        ),
        hint=Text(
            ja="あとでもう一度試します。次元が違う場合は encoder.yaml を直してください。",
            en="It is tried again later. Where the number of dimensions differs, mend encoder.yaml.",
        ),
    )


def question_refused(failure: VendorFailure) -> QuestionRefused:
    return QuestionRefused(
        Text(
            ja=f"言語モデルが質問を受け付けませんでした({failure.detail})。",
            en=f"The language model does not take the question ({failure.detail}).",
        ),
        hint=Text(
            ja="質問を短くするか、書き換えてください。", en="Make the question shorter, or put it otherwise."
        ),
    )


def too_expensive() -> AnswerTooExpensive:
    return AnswerTooExpensive(
        Text(
            ja="最初の試みで予算を使い、別のモデルに聞く余裕がありません。",
            en="The first attempt used the budget; there is no room to ask another model.",
        ),
        hint=Text(
            ja="予算を増やすか、来月までお待ちください。", en="Raise the budget, or wait for next month."
        ),
    )


def interrupted() -> AnswerInterrupted:
    return AnswerInterrupted(
        Text(
            ja="回答が途中で途切れました。表示された文は回答ではありません。",
            en="The answer broke off. What was shown is not an answer.",
        ),
        hint=Text(ja="もう一度質問してください。", en="Ask again."),
    )
