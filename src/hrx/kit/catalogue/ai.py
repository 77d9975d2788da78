"""Models: calls to language models, retrieval, our own models.

Announced by API and worker from now on; the assistant fills them."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import AI_BUCKETS_S, bounded, chosen, counter, gauge, histogram
from hrx.kit.figures import Source

_CALLERS: Final = (Source.API, Source.WORKER)
_OPERATION: Final = chosen("gen_ai_operation_name", "chat", "embeddings", "rerank", "retrieval")
_PROVIDER: Final = bounded("gen_ai_provider_name", "providers in the settings", at_most=8)
_MODEL: Final = bounded("gen_ai_request_model", "models in the settings", at_most=32)
_ERROR: Final = chosen(
    "error_type",
    "",
    "timeout",
    "connection",
    "rate_limited",
    "server_error",
    "authentication",
    "invalid_request",
    "invalid_response",
)
_OWN: Final = (
    bounded("model", "our own models", at_most=16),
    bounded("version", "versions of a model in use", at_most=16),
)

GEN_AI_DURATION: Final = histogram(
    "gen_ai_client_operation_duration_seconds",
    *_CALLERS,
    unit="s",
    ja="言語モデルの呼び出しの所要時間。error_type が空でないものが誤り。",
    en="Duration of calls to language models; those with an error_type failed.",
    labels=(_OPERATION, _PROVIDER, _MODEL, _ERROR),
    buckets=AI_BUCKETS_S,
)
GEN_AI_FIRST_CHUNK: Final = histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    *_CALLERS,
    unit="s",
    ja="最初の言葉が届くまでの時間。",
    en="Time until the first words arrived.",
    labels=(_OPERATION, _PROVIDER, _MODEL),
    buckets=AI_BUCKETS_S,
)
GEN_AI_TOKENS: Final = histogram(
    "gen_ai_client_token_usage",
    *_CALLERS,
    unit="tokens",
    ja="課金されるトークンの数。",
    en="Tokens that are billed.",
    labels=(_OPERATION, _PROVIDER, _MODEL, chosen("gen_ai_token_type", "input", "output")),
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576),
)
GEN_AI_COST: Final = counter(
    "hrx_gen_ai_cost_usd_total",
    *_CALLERS,
    unit="USD",
    ja="言語モデルの費用(日付のある価格表による)。",
    en="Cost of language models, by a dated price list.",
    labels=(_PROVIDER, _MODEL),
)
GEN_AI_ESTIMATED: Final = counter(
    "hrx_gen_ai_usage_estimated_total",
    *_CALLERS,
    unit="requests",
    ja="使用量を自分で見積もった要求。事業者が示さないか、あり得ない値を示したもの。",
    en="Requests whose usage is our estimate: the vendor gave none, or one that cannot be.",
    labels=(_PROVIDER, _MODEL),
)
GEN_AI_FALLBACKS: Final = counter(
    "hrx_gen_ai_fallbacks_total",
    *_CALLERS,
    unit="calls",
    ja="第一候補のモデルの代わりに別のモデルが答えた呼び出し。事業者とモデルは第一候補のもの。",
    en="Calls that another model answered; provider and model are the first choice's.",
    labels=(
        _PROVIDER,
        _MODEL,
        chosen("reason", *(value for value in _ERROR.values if value), "resting", "slow"),
    ),
)
GEN_AI_BREAKER: Final = gauge(
    "hrx_gen_ai_breaker_open",
    *_CALLERS,
    unit="state",
    ja="モデルを休ませているか(0 呼び出す、0.5 試している、1 休ませている)。",
    en="Whether a model is left alone: 0 asked, 0.5 being tried, 1 resting.",
    labels=(_PROVIDER, _MODEL),
)
GEN_AI_REFUSED: Final = counter(
    "hrx_gen_ai_refused_total",
    *_CALLERS,
    unit="calls",
    ja="予算(budget)か頻度(pace)の上限で、モデルに尋ねる前に断った呼び出し。",
    en="Calls refused before any model was asked: no budget, or too many a minute (pace).",
    labels=(chosen("reason", "budget", "pace"),),
)
GEN_AI_BUDGET_LEFT: Final = gauge(
    "hrx_gen_ai_budget_left_ratio",
    *_CALLERS,
    unit="ratio",
    ja="今月の予算の残りの割合。この一時間に呼び出した顧客のうち最も少ないもの。",
    en="Share of the month's budget that is left, of the customer with least among those who asked in the "
    "last hour.",
)
MODEL_DURATION: Final = histogram(
    "hrx_model_inference_duration_seconds",
    *_CALLERS,
    unit="s",
    ja="自前のモデルの推論の所要時間。",
    en="Duration of inferences by our own models.",
    labels=(_OWN[0], chosen("outcome", "ok", "failed")),
    buckets=AI_BUCKETS_S,
)
MODEL_ACCURACY: Final = gauge(
    "hrx_model_accuracy_ratio",
    Source.WORKER,
    unit="ratio",
    ja="人の判断と一致した割合(過去 30 日、判断 20 件から)。",
    en="Share of people's decisions that agree with the model (30 days, from 20 decisions on).",
    labels=_OWN,
)
MODEL_DRIFT: Final = gauge(
    "hrx_model_drift_psi",
    Source.WORKER,
    unit="PSI",
    ja="点数の分布の、学習時からのずれ(過去 30 日。0.2 を超えると要調査)。",
    en="Drift of the scores' distribution from training (30 days, stability index; above 0.2 look into it).",
    labels=_OWN,
)
RAG_RETRIEVALS: Final = counter(
    "hrx_rag_retrievals_total",
    *_CALLERS,
    unit="retrievals",
    ja="文書検索を結果ごとに数えたもの。",
    en="Retrievals by outcome.",
    labels=(chosen("outcome", "hit", "empty", "failed"),),
)
RAG_RELEVANCE: Final = histogram(
    "hrx_rag_relevance",
    *_CALLERS,
    unit="score",
    ja="検索で一位になった文書の関連度(0〜1)。",
    en="Relevance of the first document found, 0 to 1.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
ANSWERS: Final = counter(
    "hrx_assistant_answers_total",
    Source.API,
    unit="answers",
    ja="アシスタントの回答を、誰の言葉かで数えたもの。model はモデル、quotes は文書の引用、people は"
    "人事データ、not_found は該当なし。",
    en="Answers of the assistant by whose words they are: a model's, quotes of documents, counts of people, "
    "or nothing found.",
    labels=(chosen("mode", "model", "quotes", "people", "not_found"),),
)
ANSWER_FALLBACKS: Final = counter(
    "hrx_assistant_fallbacks_total",
    Source.API,
    unit="answers",
    ja="モデルが設定されているのに引用で答えた回答。",
    en="Answers that quote although a model is set up.",
)
FIRST_CITATION: Final = histogram(
    "hrx_assistant_first_citation_seconds",
    Source.API,
    unit="s",
    ja="質問から最初の出典を送るまでの時間。",
    en="From a question until its first citation was sent.",
    buckets=(0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0),
)
ANSWER_SENTENCES: Final = counter(
    "hrx_assistant_sentences_total",
    Source.API,
    unit="sentences",
    ja="モデルが書いた文を、出典に裏付けられたかどうかで数えたもの。",
    en="Sentences that models wrote, by whether they stand on what they cite.",
    labels=(chosen("support", "supported", "unsupported"),),
)
ANSWER_FEEDBACK: Final = counter(
    "hrx_assistant_feedback_total",
    Source.API,
    unit="verdicts",
    ja="回答への評価。",
    en="What people thought of answers.",
    labels=(chosen("verdict", "up", "down"),),
)
_MEASURE: Final = chosen("measure", "hit", "mrr", "first", "supported", "not_found")
_LANGUAGE: Final = chosen("language", "ja", "en")
_RELEASE: Final = bounded("release", "releases whose code answered last", at_most=8)
EVALUATION_VALUE: Final = gauge(
    "hrx_assistant_evaluation_ratio",
    Source.WORKER,
    unit="ratio",
    ja="顧客の質問集による最後の評価(0〜1)。hit は期待した段落が見つかった割合、mrr は順位の逆数の平均、"
    "first は一位の割合、supported は出典に裏付けられた文の割合、not_found は答えがない質問に"
    "「ない」と答えた割合。",
    en="The last evaluation on customers' own questions, 0 to 1: expected passage found, mean of 1 / its "
    "place, in place one, sentences that their citation supports, and questions without an answer of which "
    "that is said.",
    labels=(_MEASURE, _LANGUAGE, _RELEASE),
)
EVALUATION_COUNTED: Final = gauge(
    "hrx_assistant_evaluation_counted",
    Source.WORKER,
    unit="questions",
    ja="最後の評価で数えた質問(supported は文)の数。",
    en="Questions that were counted in the last evaluation; sentences for supported.",
    labels=(_MEASURE, _LANGUAGE, _RELEASE),
)
EVALUATION_LOST: Final = gauge(
    "hrx_assistant_evaluation_lost_ratio",
    Source.WORKER,
    unit="ratio",
    ja="同じ質問が、それまでの評価の平均よりどれだけ下がったか。最も下がった顧客のもの。",
    en="How far the same questions are below the evaluations before, of the customer who lost most.",
    labels=(_MEASURE, _LANGUAGE, _RELEASE),
)
EVALUATION_OLDEST: Final = gauge(
    "hrx_assistant_evaluation_timestamp_seconds",
    Source.WORKER,
    unit="s",
    ja="質問のある顧客のうち、評価が最も古い顧客の最後の評価の時刻。",
    en="When the customer with questions who was evaluated longest ago was evaluated last.",
)
ASSISTANT: Final = (ANSWERS, ANSWER_FALLBACKS, FIRST_CITATION, ANSWER_SENTENCES, ANSWER_FEEDBACK)
CALLS: Final = (
    GEN_AI_DURATION,
    GEN_AI_FIRST_CHUNK,
    GEN_AI_TOKENS,
    GEN_AI_COST,
    GEN_AI_ESTIMATED,
    GEN_AI_FALLBACKS,
    GEN_AI_BREAKER,
    GEN_AI_REFUSED,
    GEN_AI_BUDGET_LEFT,
    MODEL_DURATION,
    RAG_RETRIEVALS,
    RAG_RELEVANCE,
)
_SERVED: Final = _OWN[0]
SCORING_REQUESTS: Final = counter(
    "hrx_scoring_requests_total",
    Source.SCORING,
    unit="requests",
    ja="採点の依頼を結果ごとに数えたもの。busy は混雑で、late は時間切れで断ったもの。",
    en="Requests to score by outcome; busy and late were told so instead of being answered.",
    labels=(chosen("outcome", "ok", "busy", "late", "refused", "failed"),),
)
SCORING_BATCH_ROWS: Final = histogram(
    "hrx_scoring_batch_rows",
    Source.SCORING,
    unit="rows",
    ja="一度にまとめて採点した行の数。",
    en="Rows that were scored together in one run.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
SCORING_RUN: Final = histogram(
    "hrx_scoring_run_seconds",
    Source.SCORING,
    unit="s",
    ja="モデルの一回の実行の所要時間。",
    en="Duration of one run of a model.",
    labels=(_SERVED,),
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0),
)
SCORING_WAITING: Final = gauge(
    "hrx_scoring_waiting_rows",
    Source.SCORING,
    unit="rows",
    ja="採点を待っている行の数。",
    en="Rows that wait to be scored.",
    labels=(_SERVED,),
)
SCORING_SWITCHES: Final = counter(
    "hrx_scoring_switches_total",
    Source.SCORING,
    unit="switches",
    ja="使用中の版が替わった回数。",
    en="How often another version became the live one.",
    labels=(_SERVED,),
)
SCORING_PROBLEMS: Final = gauge(
    "hrx_scoring_problem",
    Source.SCORING,
    unit="bool",
    ja="別名の指す版を読み込めないか(壊れている、署名が合わないなど)。前の版が答え続ける。",
    en="Whether the version that an alias names cannot be loaded (damaged, not trusted); the one before goes "
    "on answering.",
    labels=(_SERVED, chosen("alias", "live", "shadow", "previous")),
)
SCORING: Final = (
    SCORING_REQUESTS,
    SCORING_BATCH_ROWS,
    SCORING_RUN,
    SCORING_WAITING,
    SCORING_SWITCHES,
    SCORING_PROBLEMS,
)
EVALUATION: Final = (
    MODEL_ACCURACY,
    MODEL_DRIFT,
    EVALUATION_VALUE,
    EVALUATION_COUNTED,
    EVALUATION_LOST,
    EVALUATION_OLDEST,
)
AI: Final = (*CALLS, *ASSISTANT, *SCORING, *EVALUATION)
